package sqlite

import (
	"bytes"
	"compress/gzip"
	"flag"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

// update makes testdata/schema7.db.gz anew: go test ./orchestrator/store/sqlite -run OldDatabase -update
var update = flag.Bool("update", false, "make testdata anew")

// oldRows are what a database of schema 7 had, that of c68027c: the last one without public ids, local days and tiers.
var oldRows = []string{
	`INSERT INTO users (id, name, timezone, source, priority, threshold, inferd, enabled, uid) VALUES
		(1, 'alice', 'Europe/London', 'folder:/sound/alice', 100, 0, '', 1, 'a1'), (2, 'bob', 'Asia/Tokyo', 'limitless:', 100, 0.3, '', 0, 'b2')`,
	"INSERT INTO models (id, name, version, sha256, laughter) VALUES (1, 'yamnet', '1', 'abc', '[\"Laughter\",\"Giggle\"]')",
	"INSERT INTO runs VALUES ('run', 'cron', 1782945000000000, 1782945060000000, 'ok', 0, '')",
	`INSERT INTO recordings VALUES (1, 1, 'sha-a', 'a.ogg', 100, 0, 1782945000000000, 'name', 0, 57600000, 'done', 0, '', 'run'),
		(2, 2, 'sha-b', 'b.ogg', 100, 0, 1782945000000000, 'source', 0, 57600000, 'done', 0, '', 'run')`, // 2026-07-01 22:30 UTC
	"INSERT INTO scores VALUES (1, 1, '[\"Laughter\",\"Giggle\"]', 15600, 7680, 57600000, x'789c010000ffff00000001')",
	`INSERT INTO laughs VALUES (1, 1, 1, 1, 1782945010000000, 1782945012500000, 160000, 200000, 0.75, 'Laughter', '{"Laughter":0.75,"Giggle":0.1}', 'alice/one.opus', 'right', 1, 'the best one'),
		(2, 1, 1, 1, 1782947400000000, 1782947401000000, 38400000, 38416000, 0.5, 'Giggle', '{"Laughter":0.2,"Giggle":0.5}', '', '', 0, ''),
		(3, 2, 2, 1, 1782945010000000, 1782945011000000, 160000, 176000, 0.25, 'Laughter', '{"Laughter":0.25,"Giggle":0}', 'bob/one.opus', 'wrong', 0, 'a cough')`,
}

// TestOldDatabase: a database file of the last schema without public ids opens, and everything is found in it.
func TestOldDatabase(t *testing.T) {
	t.Parallel()
	const file = "testdata/schema7.db.gz"
	if *update {
		content, err := os.ReadFile(schemaOf(t, 7, oldRows...))
		if err != nil {
			t.Fatal(err)
		}
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		_, _ = w.Write(content) // a buffer takes everything
		_ = w.Close()
		if err := os.WriteFile(file, packed.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	packed, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	unpacked, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(unpacked)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "chortle.db")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), path, quiet())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
	date := func(day int) orchestrator.Date { return orchestrator.Date{Year: 2026, Month: 7, Day: day} }
	type row struct {
		user, clip, note string
		day              orchestrator.Date
		start            time.Time
		length           time.Duration
		mark             orchestrator.Mark
		star             bool
	}
	begin := time.Date(2026, 7, 1, 22, 30, 0, 0, time.UTC)
	want := map[string]row{ // by id, which follows from the account, the recording, the model and the place
		orchestrator.LaughID("a1", "sha-a", "yamnet", "1", "abc", "160000"):   {"alice", "alice/one.opus", "the best one", date(1), begin.Add(10 * time.Second), 2500 * time.Millisecond, "right", true},
		orchestrator.LaughID("a1", "sha-a", "yamnet", "1", "abc", "38400000"): {"alice", "", "", date(2), begin.Add(40 * time.Minute), time.Second, "", false},
		orchestrator.LaughID("b2", "sha-b", "yamnet", "1", "abc", "160000"):   {"bob", "bob/one.opus", "a cough", date(2), begin.Add(10 * time.Second), time.Second, "wrong", false},
	}
	found := 0
	for l, err := range s.Laughs(t.Context(), orchestrator.LaughFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		got := row{l.User, l.Clip, l.Note, l.Day, l.Start, l.End.Sub(l.Start), l.Mark, l.Star}
		if got != want[l.ID] || l.Tier != orchestrator.TierSure || l.Model != "yamnet" {
			t.Errorf("%s is %+v, want %+v", l.ID, l, want[l.ID])
		}
		found++
	}
	if found != len(want) {
		t.Errorf("%d laughs, want %d", found, len(want))
	}
	days, err := s.Days(t.Context(), 1, orchestrator.Date{}, orchestrator.Date{})
	if err != nil || len(days) != 2 || days[0] != (orchestrator.DayCount{Date: date(1), Sure: 1, Starred: 1}) || days[1] != (orchestrator.DayCount{Date: date(2), Sure: 1, UnmarkedSure: 1}) {
		t.Errorf("days %+v (%v)", days, err)
	}
	for name, enabled := range map[string]bool{"alice": true, "bob": false} {
		if user, err := s.User(t.Context(), name); err != nil || user.Enabled != enabled || user.Policy != "" {
			t.Errorf("%s is %+v (%v)", name, user, err)
		}
	}
	run, err := s.Run(t.Context(), "run")
	if err != nil || run.Status != orchestrator.StatusOK {
		t.Errorf("run %+v (%v)", run, err)
	}
}
