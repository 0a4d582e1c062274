package modelhost

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chortle-audio/chortle/internal/testkit"
)

// buildInferd builds the real model program once; TestMain removes it.
var buildInferd = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "modelhost-inferd")
	if err != nil {
		return "", err
	}
	builtIn = dir
	path := filepath.Join(dir, "inferd")
	build := exec.Command("go", "build", "-o", path, "./cmd/inferd")
	build.Dir = testkit.Root()
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build inferd: %w\n%s", err, out)
	}
	return path, nil
})

var builtIn string // the folder that buildInferd made

func inferd(t testing.TB, env ...string) Config {
	t.Helper()
	path, err := buildInferd()
	if err != nil {
		t.Fatal(err)
	}
	return Config{Command: []string{path}, Env: env, SocketDir: testkit.SocketDir(t)}
}

func yamnet(t testing.TB) Config {
	t.Helper()
	return inferd(t, "CHORTLE_WEIGHTS="+testkit.Model(t), "CHORTLE_TFLITE_LIBRARY="+testkit.TFLite(t))
}

// TestInferdWithoutModel: what inferd says of a missing file reaches the person.
func TestInferdWithoutModel(t *testing.T) {
	t.Parallel()
	config := inferd(t, "CHORTLE_WEIGHTS=/no/such/yamnet.tflite", "CHORTLE_TFLITE_LIBRARY="+testkit.TFLite(t))
	_, err := New(config).Spawn(t.Context())
	if exit := wantExit(t, err); exit.Code != 1 {
		t.Errorf("exit is %+v; want code 1", exit)
	}
	wantText(t, err, "start model: ", "/no/such/yamnet.tflite")
}

// TestYAMNetModel: the real model hears the laughter of the suite's sound and describes itself.
func TestYAMNetModel(t *testing.T) {
	t.Parallel()
	p := spawn(t, yamnet(t))
	m := p.Model()
	if m.Name != "yamnet" || m.Plugin != "inferd" || m.Window != 15600 || m.Hop != 7680 || len(m.SHA256) != 64 {
		t.Errorf("model is %+v", m)
	}
	want := []string{"Laughter", "Baby laughter", "Giggle", "Snicker", "Belly laugh", "Chuckle, chortle"}
	if !slices.Equal(m.Laughter, want) {
		t.Errorf("laughter is %q; want %q", m.Laughter, want)
	}
	best := float32(0)
	for frame, err := range p.Classify(t.Context(), chunks(30)) {
		if err != nil {
			t.Fatal(err)
		}
		best = max(best, slices.Max(frame.Scores))
	}
	if best < 0.5 {
		t.Errorf("the best score of laughter is %v; want it heard", best)
	}
	exit := p.Stop()
	if !exit.Gone || exit.Signal != "killed" || strings.Contains(strings.Join(exit.Stderr, "\n"), "error") {
		t.Errorf("exit is %+v", exit)
	}
	t.Logf("memory %+v, max RSS %d", exit.Memory, exit.MaxRSS)
}

// BenchmarkInferdRound is what every user costs: start inferd with YAMNet, check it, kill it.
func BenchmarkInferdRound(b *testing.B) { benchmarkRound(b, yamnet(b)) }
