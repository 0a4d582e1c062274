package cli_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/chortle-audio/chortle/orchestrator"
)

func TestTokens(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	recordings := p.path(".")
	for _, name := range []string{"alice", "bob"} {
		p.must("user", "add", name, "--timezone", "Europe/London", "--source", "folder:"+recordings)
	}
	if r := p.run("token", "add", "phone"); r.code != orchestrator.ExitUsage || !strings.Contains(r.stderr, "account add") {
		t.Errorf("without an account: %+v", r)
	}
	p.must("account", "add", "ann", "--user", "alice")
	made := p.json(0, "token", "add", "Ann's phone") // there is one account
	secret, _ := at(made, "secret").(string)
	if !strings.HasPrefix(secret, "chortle_") || at(made, "scopes", 0) != "read" || at(made, "scopes", 1) != nil || at(made, "users", 0) != "alice" || at(made, "address") != "" {
		t.Errorf("made: %v", made)
	}
	p.must("account", "add", "grandma", "--role", "listener", "--every-user")
	hook := p.json(0, "token", "add", "omi", "--account", "ann", "--hook", "--expires", "24h")
	if address, _ := at(hook, "address").(string); !strings.Contains(address, "/api/v1/hooks/omi/chortle_") || at(hook, "expires_at") == nil {
		t.Errorf("hook: %v", hook)
	}
	for _, wrong := range [][]string{
		{"token", "add", "x"}, {"token", "add", "x", "--account", "nobody"}, {"token", "add", "x", "--account", "grandma", "--write"}, {"token", "add", "x", "--account", "ann", "--user", "bob"},
		{"token", "add", "x", "--account", "grandma", "--feed"}, {"token", "add", "x", "--account", "ann", "--feed", "--upload"}, {"token", "add", "x", "--account", "ann", "--expires", "-1h"},
		{"token", "revoke", "99"}, {"token", "revoke", "phone"},
	} {
		if r := p.run(wrong...); r.code != orchestrator.ExitUsage || r.stdout != "" {
			t.Errorf("%v: %+v", wrong, r)
		}
	}
	list := p.json(0, "token", "list")
	documented := documentedFields(t)["token list"]
	for _, document := range []any{list, made} {
		for _, field := range fieldsOf("", document) {
			if !slices.Contains(documented, field) && !slices.Contains(documented, "tokens[]."+field) {
				t.Errorf("field %q is not documented", field)
			}
		}
	}
	if at(list, "tokens", 1, "name") != "omi" || at(list, "tokens", 2) != nil || len(p.holds("data", secret)) > 0 {
		t.Errorf("list: %v", list)
	}
	p.must("token", "revoke", "1")
	if list := p.json(0, "token", "list", "--account", "ann"); at(list, "tokens", 0, "name") != "omi" || at(list, "tokens", 1) != nil {
		t.Errorf("after revoking: %v", list)
	}
}
