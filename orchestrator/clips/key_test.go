package clips_test

import (
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/clips"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const key = "alice/2026/11/22/143002.120-8f3a91c2-81dd.opus"

func TestKey(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 22, 15, 30, 2, 120_999_999, time.FixedZone("", 3600))
	if got := clips.Key("alice", start, "8f3a91c2d4e5", orchestrator.Model{Name: "yamnet"}, ".opus"); got != key {
		t.Errorf("key: got %s, want %s", got, key)
	}
	if got := clips.Key("bob", start, "", orchestrator.Model{}, ".flac"); got != "bob/2026/11/22/143002.120--96a2.flac" {
		t.Errorf("key without hash: got %s", got)
	}
}

func TestKeysSortByTimeAndCanBeUsed(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		at := rapid.Int64Range(0, 1<<42)
		a, b := time.UnixMilli(at.Draw(rt, "a")), time.UnixMilli(at.Draw(rt, "b"))
		user := rapid.StringMatching(`[a-z0-9][a-z0-9._-]{0,62}`).Draw(rt, "user")
		one, other := clips.Key(user, a, "00000000", orchestrator.Model{}, ".opus"), clips.Key(user, b, "00000000", orchestrator.Model{}, ".opus")
		if a.Compare(b) != strings.Compare(one, other) {
			rt.Fatalf("%v and %v have the keys %s and %s", a, b, one, other)
		}
		if err := clips.Check(one); err != nil {
			rt.Fatal(err)
		}
		if !clips.Made(one) || clips.Made("x/"+one) || clips.Made(one+"/x") || clips.Made(user+"/song.opus") {
			rt.Fatalf("%s is not known again", one)
		}
	})
}
