package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chortle-audio/chortle/orchestrator"
)

// apiToken makes a token of an account of the world.
func (w *world) apiToken(t *testing.T, account string, scopes ...orchestrator.Scope) string {
	t.Helper()
	ctx := t.Context()
	of, err := w.signIns(t).Account(ctx, account)
	if err != nil {
		t.Fatal(err)
	}
	users := []orchestrator.User{w.users["alice"]}
	if account == "stranger" {
		users = []orchestrator.User{w.users["mallory"]}
	}
	token := orchestrator.APIToken{Name: "test", Scopes: scopes}
	if scopes[0] == orchestrator.ScopeHook || scopes[0] == orchestrator.ScopeFeed {
		token.UserID = users[0].ID
	}
	secret, _, err := w.signIns(t).AddToken(ctx, of, users, token)
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

// api asks the API with a token; without one, as nobody. Cookies of a signed-in admin go with everything, and count for nothing.
func (w *world) api(token, method, path, body string, headers ...string) *http.Response {
	if token != "" {
		headers = append(headers, "Authorization", "Bearer "+token)
	}
	if !slices.Contains(headers, "Content-Type") {
		headers = append(headers, "Content-Type", "application/json")
	}
	return ask(w.Server, w.tokens["admin"], method, "/api/v1"+path, body, headers...)
}

// description is the OpenAPI document as it is served.
type description struct {
	Paths map[string]map[string]struct {
		Description string
		Security    *[]any
		Parameters  []struct{ Name, In string }
		Responses   map[string]struct {
			Content map[string]struct {
				Schema map[string]any
			}
		}
	}
	Components struct{ Schemas map[string]map[string]any }
}

// check holds a value to a schema of the description, both ways: every field is described, and every field that is required is there.
func (d *description) check(t *testing.T, where string, schema map[string]any, value any) {
	t.Helper()
	if reference, ok := schema["$ref"].(string); ok {
		schema = d.Components.Schemas[strings.TrimPrefix(reference, "#/components/schemas/")]
	}
	kinds := fmt.Sprint(schema["type"])
	switch value := value.(type) {
	case map[string]any:
		properties, _ := schema["properties"].(map[string]any)
		if properties == nil {
			if schema["additionalProperties"] == nil {
				t.Errorf("%s: an object that is not described", where)
			}
			return
		}
		for name, field := range value {
			of, _ := properties[name].(map[string]any)
			if of == nil {
				t.Errorf("%s.%s is not described", where, name)
				continue
			}
			d.check(t, where+"."+name, of, field)
		}
		required, _ := schema["required"].([]any)
		for _, name := range required {
			if _, ok := value[name.(string)]; !ok {
				t.Errorf("%s.%s is missing", where, name)
			}
		}
	case []any:
		items, _ := schema["items"].(map[string]any)
		for _, item := range value {
			d.check(t, where+"[]", items, item)
		}
	case nil:
		if !strings.Contains(kinds, "null") {
			t.Errorf("%s is null, and %s is described", where, kinds)
		}
	case string:
		if !strings.Contains(kinds, "string") {
			t.Errorf("%s is a string, and %s is described", where, kinds)
		}
	case bool:
		if kinds != "boolean" {
			t.Errorf("%s is a boolean, and %s is described", where, kinds)
		}
	case float64:
		if kinds != "number" && kinds != "integer" {
			t.Errorf("%s is a number, and %s is described", where, kinds)
		}
	}
}

// TestWalkTheAPI asks every route that the description has as nobody, as a stranger, as a listener, as a member and with a revoked token, and
// holds every answer to the description.
func TestWalkTheAPI(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	all := []orchestrator.Scope{orchestrator.ScopeRead, orchestrator.ScopeWrite, orchestrator.ScopeUpload}
	member, stranger := w.apiToken(t, "member", all...), w.apiToken(t, "stranger", all...)
	listens := w.apiToken(t, "listener", orchestrator.ScopeRead)
	revoked := w.apiToken(t, "member", all...)
	of, err := w.signIns(t).Account(t.Context(), "member")
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := w.signIns(t).Tokens(t.Context(), of.ID)
	if err != nil || len(tokens) != 2 {
		t.Fatal(tokens, err)
	}
	if err := w.signIns(t).RemoveToken(t.Context(), of.ID, tokens[1].ID); err != nil {
		t.Fatal(err)
	}
	// A member who became a listener keeps what tokens there are, for reading.
	demoted := w.account(t, "demoted", orchestrator.RoleMember, w.users["alice"].ID)
	wasMember := w.apiToken(t, "demoted", all...)
	demoted.Role = orchestrator.RoleListener
	if err := w.signIns(t).Update(t.Context(), demoted); err != nil {
		t.Fatal(err)
	}

	var described description
	response := w.api("", "GET", "/openapi.json", "")
	if err := json.NewDecoder(response.Body).Decode(&described); err != nil || response.StatusCode != http.StatusOK || len(described.Paths) < 8 {
		t.Fatalf("description: %d, %v", response.StatusCode, err)
	}
	fill := strings.NewReplacer("{user}", "alice", "{day}", "2026-11-22", "{id}", w.laughs["alice"], "{file}", "2026-11-22_14-30-00.wav", "{secret}", "forged")
	if response := w.api(member, "PUT", fill.Replace("/users/{user}/recordings/{file}"), string(wavOf(t, 1))); response.StatusCode != http.StatusCreated {
		t.Fatalf("upload: %d", response.StatusCode)
	}
	routes := []string{}
	for path, operations := range described.Paths {
		for method := range operations {
			routes = append(routes, path+" "+strings.ToUpper(method))
		}
	}
	slices.SortFunc(routes, func(a, b string) int { // what forgets comes last
		return strings.Compare(strings.TrimPrefix(a, "/laughs/{id} D"), strings.TrimPrefix(b, "/laughs/{id} D"))
	})
	slices.SortStableFunc(routes, func(a, b string) int {
		return boolOrder(strings.HasSuffix(a, "DELETE")) - boolOrder(strings.HasSuffix(b, "DELETE"))
	})
	for _, route := range routes {
		path, method, _ := strings.Cut(route, " ")
		target, operation := fill.Replace(path), described.Paths[path][strings.ToLower(method)]
		if path == "/openapi.json" {
			continue
		}
		body, headers := "", []string{}
		switch method {
		case "PATCH":
			body = `{"star":true}`
		case "PUT", "POST":
			body, headers = string(wavOf(t, 1)), []string{"Content-Type", "application/octet-stream"}
		}
		status := func(token string) int {
			response := w.api(token, method, target, body, headers...)
			if response.Header.Get("Set-Cookie") != "" || response.Header.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%s: %v", route, response.Header)
			}
			kind := response.Header.Get("Content-Type")
			answer, ok := operation.Responses[fmt.Sprint(response.StatusCode)]
			if !ok {
				t.Errorf("%s: %d is not described", route, response.StatusCode)
			}
			if response.StatusCode >= 400 && method != "HEAD" && kind != "application/problem+json" {
				t.Errorf("%s: %d as %q", route, response.StatusCode, kind)
			}
			if method != "HEAD" && strings.Contains(kind, "json") {
				var content any
				if err := json.NewDecoder(response.Body).Decode(&content); err != nil {
					t.Fatalf("%s: %v", route, err)
				}
				described.check(t, route, answer.Content[kind].Schema, content)
			}
			return response.StatusCode
		}
		changes := strings.Contains(operation.Description, "`write`") || strings.Contains(operation.Description, "`upload`")
		if strings.Contains(path, "{secret}") {
			for _, token := range []string{"", member} { // the secret is in the path, and a header is none
				if got := status(token); got != 401 {
					t.Errorf("%s with a forged secret: %d", route, got)
				}
			}
			continue
		}
		for who, token := range map[string]string{"nobody": "", "a forged token": "chortle_forged", "a revoked token": revoked, "a session": w.tokens["admin"], "a long token": "chortle_" + strings.Repeat("x", 5000)} {
			if got := status(token); got != 401 {
				t.Errorf("%s as %s: %d", route, who, got)
			}
			w.clock.add(7e9) // wrong tokens are limited by network
		}
		if strings.Contains(path, "{") {
			if got := status(stranger); got != 404 {
				t.Errorf("%s as a stranger: %d", route, got)
			}
		}
		for who, token := range map[string]string{"a listener": listens, "a member who became a listener": wasMember} {
			if got := status(token); (got == 403) != changes {
				t.Errorf("%s as %s: %d", route, who, got)
			}
		}
		if got := status(member); got >= 400 && path != "/laughs/{id}/clip.wav" { // the world's clips are no sound that could be decoded
			t.Errorf("%s as a member: %d", route, got)
		}
	}
	if _, err := w.program.Laugh(t.Context(), []int64{w.users["mallory"].ID}, w.laughs["mallory"]); err != nil {
		t.Errorf("mallory's laugh: %v", err)
	}
	if log := w.log.String(); strings.Contains(log, member) || strings.Contains(log, revoked) {
		t.Error("a token is in the log")
	}
}

func boolOrder(b bool) int {
	if b {
		return 1
	}
	return 0
}

// wavOf is a WAV file of so many seconds.
func wavOf(t *testing.T, seconds int) []byte {
	t.Helper()
	samples := make([]byte, seconds*32000)
	for i := range samples {
		samples[i] = byte(i * 7)
	}
	le := func(n, bytes int) string {
		out := make([]byte, bytes)
		for i := range out {
			out[i] = byte(n >> (8 * i))
		}
		return string(out)
	}
	return []byte("RIFF" + le(36+len(samples), 4) + "WAVEfmt " + le(16, 4) + le(1, 2) + le(1, 2) + le(16000, 4) + le(32000, 4) + le(2, 2) + le(16, 2) + "data" + le(len(samples), 4) + string(samples))
}

func TestAPILists(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	token := w.apiToken(t, "admin", orchestrator.ScopeRead, orchestrator.ScopeWrite)
	type list struct {
		Laughs []struct{ ID, User, Clip, Local string }
		Next   string
		Code   string
	}
	get := func(query string) (int, list) {
		var answer list
		response := w.api(token, "GET", "/laughs"+query, "")
		if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, answer
	}
	for query, want := range map[string]int{
		"": 1, "?user=alice": 1, "?from=2026-11-22&to=2026-11-22": 1, "?from=2026-11-23": 0, "?tier=sure&mark=none&mark=right": 1, "?mark=wrong": 0, "?starred=true": 0,
		"?with_clip=1&min_score=0.5": 1, "?min_score=0.51": 0, "?since=2026-11-22T12:00:00Z&until=2026-11-22T13:00:00%2B01:00": 0, "?class=Giggle": 0, "?order=least-certain&limit=500": 1,
	} {
		if status, got := get(query); status != 200 || len(got.Laughs) != want || got.Next != "" {
			t.Errorf("%q: %d, %d laughs, next %q", query, status, len(got.Laughs), got.Next)
		}
	}
	for query, want := range map[string]int{
		"?user=mallory": 404, "?user=nobody": 404, "?from=yesterday": 400, "?tier=unsure": 400, "?limit=0": 400, "?limit=501": 400, "?after=x": 400, "?mark=good": 400, "?starred=perhaps": 400,
		"?min_score=NaN": 400, "?order=loudest": 400, "?since=now": 400, "?teir=sure": 400, "?limit=1&limit=2": 400, "?%zz": 400,
	} {
		if status, got := get(query); status != want || got.Code == "" {
			t.Errorf("%q: %d %q, want %d", query, status, got.Code, want)
		}
	}
	if _, got := get(""); got.Laughs[0].Clip != "/api/v1/laughs/"+w.laughs["alice"]+"/clip" || got.Laughs[0].Local != "2026-11-22T12:00:01.000Z" {
		t.Errorf("%+v", got)
	}
	if response := w.api(token, "GET", "/laughs/"+w.laughs["alice"]+"/clip", "", "Range", "bytes=0-3"); response.StatusCode != http.StatusPartialContent || response.Header.Get("Content-Type") != "audio/wav" {
		t.Errorf("a part of a clip: %d %v", response.StatusCode, response.Header)
	}
	for body, want := range map[string]int{
		`{"mark":"right","note":"<b>"}`: 200, `{}`: 200, `{"mark":"none"}`: 200, `{"mark":"maybe"}`: 400, `{"stars":true}`: 400, `{"star":"yes"}`: 400, `[]`: 400, `{} {}`: 400,
		`{"note":"` + strings.Repeat("x", 8001) + `"}`: 400, `{"note":"` + strings.Repeat("x", 70_000) + `"}`: 413,
	} {
		if response := w.api(token, "PATCH", "/laughs/"+w.laughs["alice"], body); response.StatusCode != want {
			t.Errorf("%.40s: %d, want %d", body, response.StatusCode, want)
		}
	}
	if response := w.api(token, "PATCH", "/laughs/"+w.laughs["alice"], "mark=wrong", "Content-Type", "application/x-www-form-urlencoded"); response.StatusCode != http.StatusUnsupportedMediaType {
		t.Errorf("a form: %d", response.StatusCode)
	}
	if laugh, err := w.program.Laugh(t.Context(), []int64{w.users["alice"].ID}, w.laughs["alice"]); err != nil || laugh.Note != "<b>" || laugh.Star {
		t.Errorf("%+v, %v", laugh, err)
	}
	if response := w.api(token, "POST", "/laughs", ""); response.StatusCode != http.StatusMethodNotAllowed || response.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("another method: %d %q", response.StatusCode, response.Header.Get("Allow"))
	}
	if response := ask(w.Server, "", "GET", "/api/v1/token", "", "Host", "evil.example"); response.StatusCode != http.StatusMisdirectedRequest || response.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("another host: %d", response.StatusCode)
	}
	// Wrong tokens are limited by network, right ones are not held up by them for long, and each has its own limit.
	var last *http.Response
	for range 30 {
		last = w.api("chortle_wrong", "GET", "/token", "")
	}
	if last.StatusCode != http.StatusTooManyRequests || last.Header.Get("Retry-After") == "" {
		t.Errorf("many wrong tokens: %d", last.StatusCode)
	}
	w.clock.add(60e9)
	statuses := map[int]int{}
	for range 300 {
		statuses[w.api(token, "GET", "/token", "").StatusCode]++
	}
	if statuses[200] != 200 || statuses[429] != 100 {
		t.Errorf("many requests: %v", statuses)
	}
}

func TestTokensOfAnAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	secret := regexp.MustCompile(`value="(?:http://localhost(/[^"]+)|(chortle_[^"]+))"`)
	made := func(account string, form url.Values) (int, string) {
		status, text := w.as(account, "POST", "/account/tokens", form.Encode())
		found := secret.FindStringSubmatch(text)
		if found == nil {
			return status, ""
		}
		return status, found[1] + found[2]
	}
	status, token := made("member", url.Values{"name": {"<script>phone"}, "kind": {"read"}, "user": {"alice"}})
	if status != 200 || w.api(token, "GET", "/users/alice", "").StatusCode != http.StatusOK || w.api(token, "DELETE", "/laughs/"+w.laughs["alice"], "").StatusCode != http.StatusForbidden {
		t.Errorf("a token for reading: %d %q", status, token)
	}
	for _, c := range []struct {
		account, kind, user, days string
		want                      int
	}{
		{"member", "hook", "", "", 200}, {"member", "feed", "alice", "365", 200}, {"member", "write", "mallory", "", 404}, {"member", "king", "", "", 400}, {"member", "read", "", "7", 400},
		{"listener", "read", "", "30", 200}, {"listener", "feed", "alice", "", 200}, {"listener", "write", "", "", 403}, {"listener", "upload", "", "", 403}, {"listener", "hook", "alice", "", 403},
	} {
		status, token := made(c.account, url.Values{"name": {"x"}, "kind": {c.kind}, "user": {c.user}, "days": {c.days}})
		if status != c.want || (status == 200) != (token != "") {
			t.Errorf("%+v: %d %q", c, status, token)
		}
	}
	status, text := w.as("member", "GET", "/account/tokens", "")
	numbers := regexp.MustCompile(`/account/tokens/(\d+)/revoke`).FindAllStringSubmatch(text, -1)
	if status != 200 || len(numbers) != 3 || strings.Contains(text, token) || strings.Contains(text, "<script>phone") {
		t.Fatalf("%d, %d tokens", status, len(numbers))
	}
	path := "/account/tokens/" + numbers[0][1] + "/revoke"
	if status, _ := w.as("stranger", "POST", path, "x=1"); status != 404 {
		t.Errorf("a stranger revokes: %d", status)
	}
	if status, _ := w.as("member", "POST", path, "x=1"); status != 303 || w.api(token, "GET", "/token", "").StatusCode != http.StatusUnauthorized {
		t.Errorf("revoke: %d", status)
	}
}
