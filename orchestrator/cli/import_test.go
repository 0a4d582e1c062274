package cli_test

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chortle-audio/chortle/internal/pgtest"
	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/source/limitless/limitlesstest"
)

const (
	oldKey   = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
	newKey   = "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"
	oldAlice = "a11ce000-0000-4000-8000-000000000001"
)

// sealedByGiggles encrypts an API key as the old system did.
func sealedByGiggles(t *testing.T, userID, text string) string {
	t.Helper()
	raw, err := hex.DecodeString(oldKey)
	if err != nil {
		t.Fatal(err)
	}
	block, err := aes.NewCipher(raw)
	if err != nil {
		t.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	nonce := []byte("twelve bytes")
	return base64.StdEncoding.EncodeToString(aead.Seal(nonce, nonce, []byte(text), []byte(userID)))
}

// giggles makes the old system's database and clips, and returns the address of the one.
func (p *place) giggles(t *testing.T, server *pgtest.Server) string {
	t.Helper()
	content, err := os.ReadFile("testdata/giggles.sql")
	if err != nil {
		t.Fatal(err)
	}
	address := server.Database(t)
	pgtest.Execute(t, address, strings.NewReplacer("$ALICE_KEY", sealedByGiggles(t, oldAlice, "api-key-of-alice"),
		"$MOVED_KEY", sealedByGiggles(t, oldAlice, "moved to another user")).Replace(string(content)))
	for _, name := range []string{"clips/" + oldAlice + "/one_13.wav", "clips/" + oldAlice + "/one_15.wav", "clips/flat_18.wav"} {
		p.file("uploads", name, []byte("RIFF "+name))
	}
	outside := p.file("", "secret.wav", []byte("RIFF of somebody else"))
	if err := os.Symlink(outside, p.path("uploads/clips/secret.wav")); err != nil {
		t.Fatal(err)
	}
	return address
}

func TestImportGiggles(t *testing.T) {
	t.Parallel()
	p := newPlace(t, "CHORTLE_SECRET_KEY="+newKey, "ENCRYPTION_KEY="+oldKey)
	address := p.giggles(t, pgtest.Start(t))
	args := []string{"import", "giggles", "--database-url", address, "--clips", p.path("uploads")}
	counts := func(document any, user int) string {
		u := at(document, "users", user)
		of := func(what string) string { return fmt.Sprint(at(u, what, "new"), "/", at(u, what, "found")) }
		return fmt.Sprint(at(u, "user"), " ", at(u, "status"), " ", at(u, "key"), " ", of("recordings"), " ", of("laughs"), " ", of("clips"), " ", at(u, "clips_missing"), " ", of("runs"))
	}
	const alice, bob, other = "alice.b new new 3/3 4/4 3/3 1 2/2", "bob new failed 1/1 1/1 0/0 1 0/0", "bob-example.org new none 0/0 0/0 0/0 0 0/0"

	dry := p.json(orchestrator.ExitIncomplete, append(args, "--dry-run")...)
	if got := counts(dry, 0); got != alice {
		t.Errorf("dry: %s", got)
	}
	if users := p.json(0, "user", "list"); at(users, "users", 0) != nil {
		t.Errorf("a dry run made users: %v", users)
	}

	first := p.json(orchestrator.ExitIncomplete, args...)
	documented := documentedFields(t)["import giggles"]
	slices.Sort(documented)
	if diff := cmp.Diff(documented, fieldsOf("", first)); diff != "" {
		t.Errorf("fields are not those of docs/json.md:\n%s", diff)
	}
	for i, want := range []string{strings.Replace(alice, "3/3 1", "2/3 1", 1), bob, other} { // one moment, one clip
		if got := counts(first, i); got != want {
			t.Errorf("user %d: %s, want %s", i, got, want)
		}
	}
	if problems := fmt.Sprint(at(first, "users", 1, "problems")); !strings.Contains(problems, "Mars/Olympus") || !strings.Contains(problems, "ENCRYPTION_KEY does not open it") {
		t.Errorf("bob's problems: %s", problems)
	}
	user := p.json(0, "user", "show", "alice.b")
	if at(user, "timezone") != "America/Los_Angeles" || at(user, "source") != "limitless:" || at(user, "priority") != 100.0 || at(user, "enabled") != true {
		t.Errorf("%v", user)
	}
	laughs := p.json(0, "laughs", "list", "--user", "alice.b")
	if at(laughs, "laughs", 3) == nil || at(laughs, "laughs", 4) != nil {
		t.Fatalf("laughs: %v", laughs)
	}
	one := at(laughs, "laughs", 0)
	for field, want := range map[string]any{"start": "2025-11-05T16:10:00.480Z", "duration_s": 0.96, "offset_s": 600.48, "model": "giggles",
		"recording": "20251105_160000-20251105_163000.ogg"} {
		if at(one, field) != want {
			t.Errorf("%s: %v, want %v", field, at(one, field), want)
		}
	}
	notes, clips := "", map[string]bool{}
	for i := range 4 {
		l := at(laughs, "laughs", i)
		notes += fmt.Sprint(at(l, "note"))
		if clip := fmt.Sprint(at(l, "clip")); clip != "" {
			clips[clip] = true
			content, err := os.ReadFile(filepath.Join(p.path("data/clips"), clip))
			if err != nil || !strings.HasPrefix(string(content), "RIFF clips/") {
				t.Errorf("clip %s: %q, %v", clip, content, err)
			}
		}
	}
	if notes != "the dog again" || len(clips) != 2 {
		t.Errorf("notes %q, clips %v", notes, clips)
	}
	run := p.json(0, "runs", "show", "10600000-0000-4000-8000-000000000001")
	for _, c := range []struct {
		way  []any
		want any
	}{
		{[]any{"trigger"}, "cron"}, {[]any{"status"}, "ok"}, {[]any{"started_at"}, "2025-11-06T09:00:00.000Z"}, {[]any{"users", 0, "date"}, "2025-11-05"},
		{[]any{"users", 0, "laughs", "new"}, 4.0}, {[]any{"users", 0, "laughs", "duplicates"}, 5.0}, {[]any{"users", 0, "source_calls", "by_status", "404"}, 1.0},
		{[]any{"users", 0, "source_calls", "failed"}, 1.0}, {[]any{"users", 0, "seconds"}, 600.0},
	} {
		if got := at(run, c.way...); got != c.want {
			t.Errorf("%v: %v, want %v", c.way, got, c.want)
		}
	}

	// Again, nothing is new; and nothing that a person did here is undone.
	p.must("user", "set", "alice.b", "--name", "alice", "--timezone", "Europe/Paris")
	before := []any{p.json(0, "laughs", "list"), p.json(0, "runs", "list"), p.json(0, "user", "list")}
	second := p.json(orchestrator.ExitIncomplete, args...)
	if got := counts(second, 0); got != "alice known known 0/3 0/4 0/3 1 0/2" {
		t.Errorf("again: %s", got)
	}
	if diff := cmp.Diff(before, []any{p.json(0, "laughs", "list"), p.json(0, "runs", "list"), p.json(0, "user", "list")}); diff != "" {
		t.Errorf("importing again changed something:\n%s", diff)
	}
	// The old system goes on for a while.
	pgtest.Execute(t, address, `INSERT INTO laughter_detections (user_id, audio_segment_id, "timestamp", probability, clip_path, class_id)
		VALUES ('`+oldAlice+`', '5e600000-0000-4000-8000-000000000002', '2025-11-05 16:40:00Z', 0.4, 'clips/none.wav', 16)`)
	third := p.json(orchestrator.ExitIncomplete, args...)
	if got := counts(third, 0); got != "alice known known 0/3 1/5 0/3 2 0/2" {
		t.Errorf("later: %s", got)
	}
	// Who is purged does not come back.
	p.must("user", "purge", "alice", "--yes")
	fourth := p.json(orchestrator.ExitIncomplete, args...)
	if got := fmt.Sprint(at(fourth, "users", 0, "status")); got != "purged" {
		t.Errorf("after a purge: %s", got)
	}
}

func TestImportGigglesUnderNames(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t) // of both systems
	p := newPlace(t, "CHORTLE_SECRET_KEY="+newKey, "CHORTLE_GIGGLES_ENCRYPTION_KEY="+oldKey, "CHORTLE_DATABASE_URL="+server.Database(t)).alice()
	p.environ = append(p.environ, "CHORTLE_GIGGLES_DATABASE_URL="+p.giggles(t, server))
	out := p.run("import", "giggles", "--name", "Alice.B@example.com=alice")
	if out.code != orchestrator.ExitIncomplete || !strings.Contains(out.stdout, "alice") || strings.Contains(out.stdout+out.stderr, "api-key-of-alice") {
		t.Errorf("%+v", out)
	}
	user := p.json(0, "user", "show", "alice")
	if at(user, "timezone") != "Europe/London" { // as it was here
		t.Errorf("%v", user)
	}
	for range 2 { // importing again changes nothing
		if laughs := p.json(0, "laughs", "list", "--user", "alice"); at(laughs, "laughs", 3) == nil || at(laughs, "laughs", 4) != nil {
			t.Errorf("%v", laughs)
		}
		if r := p.json(orchestrator.ExitIncomplete, "import", "giggles"); at(r, "users", 0, "user") != "alice" || at(r, "users", 0, "laughs", "new") != 0.0 {
			t.Errorf("again: %v", at(r, "users", 0))
		}
	}
}

// Who was imported is a user of the API as any other.
func TestImportedUserHasASource(t *testing.T) {
	t.Parallel()
	api := httptest.NewServer(&limitlesstest.Server{Keys: map[string][]limitlesstest.Recording{"api-key-of-alice": nil, "newer": nil}})
	t.Cleanup(api.Close)
	p := newPlace(t, "CHORTLE_SECRET_KEY="+newKey, "ENCRYPTION_KEY="+oldKey, "CHORTLE_LIMITLESS_URL="+api.URL)
	p.json(orchestrator.ExitIncomplete, "import", "giggles", "--database-url", p.giggles(t, pgtest.Start(t)))
	p.must("user", "add", "carol", "--timezone", "UTC", "--source", "limitless")
	imported, added := p.json(0, "user", "show", "alice.b"), p.json(0, "user", "show", "carol")
	for _, field := range []string{"source", "priority", "threshold", "inferd", "keep_originals"} {
		if at(imported, field) != at(added, field) {
			t.Errorf("%s is %v; of a user who is added, %v", field, at(imported, field), at(added, field))
		}
	}
	p.must("user", "key", "test", "alice.b")
	p.must("user", "set", "alice.b", "--api-key-file", p.file("", "newer.key", []byte("newer")))
	p.must("user", "key", "test", "alice.b")
	if archive := p.json(0, "archive", "--user", "alice.b", "--from", "2025-11-05", "--to", "2025-11-05", "--keep-free", "1MB"); at(archive, "empty") != 48.0 {
		t.Errorf("%v", archive)
	}
}

// A run of which an import that was killed left the beginning is brought over as a whole.
func TestImportAfterACrash(t *testing.T) {
	t.Parallel()
	p := newPlace(t, "CHORTLE_SECRET_KEY="+newKey, "ENCRYPTION_KEY="+oldKey)
	args := []string{"import", "giggles", "--database-url", p.giggles(t, pgtest.Start(t))}
	const id = "10600000-0000-4000-8000-000000000001"
	left := orchestrator.Run{ID: id, Trigger: orchestrator.TriggerCron, StartedAt: time.Date(2025, 11, 6, 9, 0, 0, 0, time.UTC)}
	if err := p.openStore().BeginRun(t.Context(), left); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"2/2", "0/2"} {
		document := p.json(orchestrator.ExitIncomplete, args...)
		if got := fmt.Sprint(at(document, "users", 0, "runs", "new"), "/", at(document, "users", 0, "runs", "found")); got != want {
			t.Errorf("import %d: runs %s, want %s", i, got, want)
		}
		run := p.json(0, "runs", "show", id)
		if at(run, "status") != "ok" || at(run, "finished_at") != "2025-11-06T09:10:00.000Z" || at(run, "users", 0, "laughs", "new") != 4.0 || at(run, "users", 1) != nil {
			t.Errorf("import %d: %v", i, run)
		}
	}
}

func TestImportGigglesThatCannotBe(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	const nowhere = "postgres://u:hunter2@127.0.0.1:1/giggles"
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"no address":        {nil, orchestrator.ExitUsage, "--database-url"},
		"no such server":    {[]string{"--database-url", nowhere}, orchestrator.ExitFailed, "can be reached"},
		"no address of one": {[]string{"--database-url", "mysql://x"}, orchestrator.ExitUsage, "postgres://"},
		"no such folder":    {[]string{"--database-url", nowhere, "--clips", "/nowhere/at/all"}, orchestrator.ExitFailed, "--clips"},
		"a bad name":        {[]string{"--database-url", nowhere, "--name", "alice"}, orchestrator.ExitUsage, "EMAIL=NAME"},
	} {
		r := p.run(append([]string{"import", "giggles"}, c.args...)...)
		if r.code != c.code || !strings.Contains(r.stderr, c.want) || strings.Contains(r.stderr, "hunter2") {
			t.Errorf("%s: %+v", name, r)
		}
	}
	p.environ = append(p.environ, "ENCRYPTION_KEY=hunter2")
	if r := p.run("import", "giggles", "--database-url", nowhere); r.code != orchestrator.ExitUsage || strings.Contains(r.stderr, "hunter2") {
		t.Errorf("a bad key: %+v", r)
	}
}
