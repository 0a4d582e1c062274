package cli_test

import (
	"os"
	"strings"
	"testing"
)

// TestReceived: what devices sent is read beside the own source, counts for its day, and goes once it is read.
func TestReceived(t *testing.T) {
	t.Parallel()
	p := newPlace(t).alice()
	sent := p.recording("data/users/1/received/uploads", "2026-11-22_10-00-00.ogg")
	p.file("data/users/1/received/.incoming", "0123-500.part", []byte("half of something"))
	p.file("data/users/1/received/uploads", "2026-11-22T11-00-00Z.ogg", []byte("damaged"))
	run := p.json(3, "run", "--date", "2026-11-22")
	if at(run, "users", 0, "recordings", "processed") != 2.0 || at(run, "users", 0, "recordings", "failed") != 1.0 || at(run, "users", 0, "laughs", "new") != 2.0 {
		t.Errorf("run: %v", run)
	}
	list := p.json(0, "laughs", "list")
	if at(list, "laughs", 0, "recording") != "uploads/2026-11-22_10-00-00.ogg" || !strings.HasPrefix(at(list, "laughs", 0, "start").(string), "2026-11-22T10:00:0") {
		t.Errorf("laughs: %v", list)
	}
	if left := p.tree("data/users/1/received"); len(left) != 2 {
		t.Errorf("left: %v", left)
	}
	p.must("user", "set", "alice", "--keep-originals")
	kept := p.recording("data/users/1/received/uploads", "2026-11-21T10-00-00+00:00.ogg")
	p.must("run", "--date", "2026-11-21")
	if _, err := os.Stat(kept); err != nil {
		t.Errorf("an original that is kept: %v", err)
	}

	// A user whose devices send is all there is; a user whose own source is gone.
	p.must("user", "add", "bob", "--timezone", "Europe/London", "--source", "upload")
	p.recording("data/users/2/received/uploads", "2026-11-22T12-00-00Z.ogg")
	if run := p.json(0, "run", "--user", "bob", "--date", "2026-11-22"); at(run, "users", 0, "laughs", "new") != 1.0 {
		t.Errorf("bob: %v", run)
	}
	if err := os.RemoveAll(p.path("alice")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(strings.Replace(sent, "_10-00-00", "_16-00-00", 1), p.content(kept, 77), 0o600); err != nil {
		t.Fatal(err)
	}
	if run := p.json(3, "run", "--user", "alice", "--date", "2026-11-22"); at(run, "users", 0, "status") != "failed" || at(run, "users", 0, "recordings", "processed") != 1.0 {
		t.Errorf("without her own folder: %v", run)
	}
	p.must("user", "purge", "alice", "--yes")
	if left := p.tree("data/users"); len(left) > 0 {
		t.Errorf("left of alice: %v", left)
	}
}
