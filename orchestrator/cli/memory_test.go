package cli_test

import (
	"encoding/json"
	"os/exec"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/chortle-audio/chortle/internal/pgtest"
	"github.com/chortle-audio/chortle/internal/testkit"
	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/audio"
	"github.com/chortle-audio/chortle/orchestrator/audio/synth"
)

// TestMemoryOfARun holds what docs/memory.md promises, for the programs themselves, the real model with two
// interpreters, and both stores. That length changes nothing is the bench's to show.
func TestMemoryOfARun(t *testing.T) {
	t.Parallel()
	const (
		mostPeak = 64_000_000
		mostKept = 5_000_000
	)
	bin, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	for store, database := range map[string]func(testing.TB) string{
		"sqlite":   func(testing.TB) string { return "" },
		"postgres": func(t testing.TB) string { return pgtest.Start(t).Database(t) },
	} {
		t.Run(store, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, "CHORTLE_WEIGHTS="+testkit.Model(t), "CHORTLE_TFLITE_LIBRARY="+testkit.TFLite(t),
				"CHORTLE_OPUS_LIBRARY="+testkit.Opus(t), "CHORTLE_MODEL_THREADS=2", "CHORTLE_DATABASE_URL="+database(t)).alice()
			sounds, err := audio.New(audio.Options{FFmpeg: testkit.FFmpeg(t)})
			if err != nil {
				t.Fatal(err)
			}
			path := p.file("alice", "2026-11-22T14-30-00Z.ogg", nil)
			if err := sounds.Encode(t.Context(), path, orchestrator.SampleRateHz, synth.New(1, 20*time.Minute).Samples()); err != nil {
				t.Fatal(err)
			}
			command := exec.CommandContext(t.Context(), bin+"/orchestrator", "run", "--date", "2026-11-22", "--json")
			command.Env = p.environ
			out, err := command.Output()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			var document struct {
				Users []struct {
					Laughs struct{ New int }
					Memory struct {
						Before int `json:"before_bytes"`
						Peak   int `json:"peak_bytes"`
						After  int `json:"after_bytes"`
						Model  int `json:"model_peak_bytes"`
					}
				}
			}
			if err := json.Unmarshal(out, &document); err != nil {
				t.Fatal(err)
			}
			if len(document.Users) != 1 || document.Users[0].Laughs.New == 0 {
				t.Fatalf("no user, or no laugh: %s", out)
			}
			memory := document.Users[0].Memory
			t.Logf("%+v", memory)
			if memory.Model == 0 || memory.Peak > mostPeak {
				t.Errorf("peak of %d bytes, want at most %d", memory.Peak, mostPeak)
			}
			if kept := memory.After - memory.Before; kept > mostKept {
				t.Errorf("%d bytes more than before, want at most %d", kept, mostKept)
			}
		})
	}
}

var initialised = regexp.MustCompile(`(?m)^init (\S+) @.* (\d+) bytes, \d+ allocs$`)

// TestStartStartsNoDriver adds up what packages allocate before main: a driver that is linked in does nothing
// until a setting asks for it.
func TestStartStartsNoDriver(t *testing.T) {
	t.Parallel()
	bin, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), bin+"/orchestrator", "version")
	command.Env = []string{"GODEBUG=inittrace=1"}
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	sum := 0
	for _, match := range initialised.FindAllStringSubmatch(string(out), -1) {
		bytes, err := strconv.Atoi(match[2])
		if err != nil {
			t.Fatal(err)
		}
		if sum += bytes; bytes > 512<<10 {
			t.Errorf("%s allocates %d bytes before anybody asked for it", match[1], bytes)
		}
	}
	if sum == 0 || sum > 3<<20 {
		t.Errorf("packages allocate %d bytes before main, want at most 3 MiB", sum)
	}
}
