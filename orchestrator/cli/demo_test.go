package cli_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chortle-audio/chortle/internal/testkit"
	"github.com/chortle-audio/chortle/orchestrator"
)

var demoRow = regexp.MustCompile(`(?m)^(alice|bob) +\S+ +(\S+) +(\d+) +(\d+) +(\d+) `)

func TestDemo(t *testing.T) {
	t.Parallel()
	p := newPlace(t, "CHORTLE_WEIGHTS="+testkit.Model(t), "CHORTLE_TFLITE_LIBRARY="+testkit.TFLite(t), "CHORTLE_OPUS_LIBRARY="+testkit.Opus(t), "CHORTLE_SETTLE=1h")
	check := func(out, audio string) {
		t.Helper()
		rows := demoRow.FindAllStringSubmatch(out, -1)
		if len(rows) != 2 {
			t.Fatalf("not two users:\n%s", out)
		}
		for _, row := range rows {
			if row[2] != audio || row[3] == "0" || row[3] != row[4] || row[5] != "0" {
				t.Errorf("%s: read %s, hidden %s, found %s, false %s", row[1], row[2], row[3], row[4], row[5])
			}
		}
	}
	first := p.must("demo", "--minutes", "6")
	check(first, "0:06:00")
	for _, want := range []string{"~/data/demo/clips", "laughs list --data-dir", "America/Los_Angeles"} {
		if !strings.Contains(first, want) {
			t.Errorf("%q is not in:\n%s", want, first)
		}
	}
	if clips, _ := filepath.Glob(p.path("data/demo/clips/*/*/*/*/*")); len(clips) < 2 {
		t.Errorf("clips: %v", clips)
	}
	if _, err := os.Stat(p.path("data/chortle.db")); !os.IsNotExist(err) {
		t.Error("the demo touched the user's own database")
	}

	p.environ = append(p.environ, "CHORTLE_FFMPEG=/nowhere") // nothing is made again
	second := p.must("demo", "--minutes", "6")
	check(second, "0:00:00")
	if !strings.Contains(second, "Everything was already processed") {
		t.Errorf("the second demo:\n%s", second)
	}
	if r := p.run("demo", "--minutes", "7"); r.code != orchestrator.ExitUsage || !strings.Contains(r.stderr, "another --dir") {
		t.Errorf("another length in the same folder: %+v", r)
	}
}

func TestDemoWithoutModelMakesNoSound(t *testing.T) {
	t.Parallel()
	p := newPlace(t, "CHORTLE_WEIGHTS=/nowhere/yamnet.tflite")
	r := p.run("demo", "--dir", p.path("demo"))
	if r.code != orchestrator.ExitFailed || !strings.Contains(r.stderr, "/nowhere/yamnet.tflite") {
		t.Errorf("%+v", r)
	}
	if _, err := os.Stat(p.path("demo/recordings")); !os.IsNotExist(err) {
		t.Error("it made sound all the same")
	}
}

func TestDemoLength(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	if r := p.run("demo", "--minutes", "1"); r.code != orchestrator.ExitUsage || !strings.Contains(r.stderr, "5 to 1440") {
		t.Errorf("%+v", r)
	}
}
