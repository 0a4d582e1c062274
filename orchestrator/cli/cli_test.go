package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/chortle-audio/chortle/internal/testkit"
	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/audio"
	"github.com/chortle-audio/chortle/orchestrator/cli"
	"github.com/chortle-audio/chortle/orchestrator/source/limitless/limitlesstest"
)

// shared is a folder for what is made once for all tests.
var shared string

func TestMain(m *testing.M) {
	if address := os.Getenv(rotateHelper); address != "" {
		fmt.Print(rotateHalf(context.Background(), address, os.Getenv("OLD"), os.Getenv("NEW"), func() error {
			fmt.Print(halfway)
			_, err := os.Stdin.Read(make([]byte, 1)) // nobody writes: until this process is killed
			return err
		}))
		return
	}
	dir, err := os.MkdirTemp("", "chortle-cli-")
	if err != nil {
		panic(err)
	}
	shared = dir
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		os.RemoveAll(dir)
		os.Exit(code)
	}))
}

// programs builds both programs and returns their folder.
var programs = sync.OnceValues(func() (string, error) {
	dir := filepath.Join(shared, "bin")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", err
	}
	build := exec.Command("go", "build", "-ldflags", "-s -w", "-o", dir+"/", "./cmd/orchestrator", "./cmd/inferd")
	build.Dir, build.Env = testkit.Root(), append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build programs: %w: %s", err, out)
	}
	return dir, nil
})

// sound is 25 s of silence with two seconds of noise, which the fake model takes for laughter, at 5 s.
func sound(yield func([]float32) bool) {
	samples := make([]float32, 25*orchestrator.SampleRateHz)
	for i := 5 * orchestrator.SampleRateHz; i < 7*orchestrator.SampleRateHz; i++ {
		samples[i] = 0.7 * float32(1-i%32/16*2)
	}
	yield(samples)
}

var encode sync.Once

// place is a machine of its own for one test: folders and an environment.
type place struct {
	testing.TB
	dir     string
	environ []string
	// turn is taken by the test and by the server that it talks to, see meet.
	turn *atomic.Int64
}

// meet makes what the test did before visible to its server, and the other way round: the network, and the
// processes between them, are nothing that the race detector knows of.
func (p *place) meet() {
	if p.turn != nil {
		p.turn.Add(1)
	}
}

func newPlace(t testing.TB, environ ...string) *place {
	t.Helper()
	bin, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	p := &place{TB: t, dir: t.TempDir()}
	p.environ = append([]string{"HOME=" + p.dir, "PATH=/usr/bin:/bin", "CHORTLE_DATA_DIR=" + p.dir + "/data", "CHORTLE_WEIGHTS=fake", "CHORTLE_THRESHOLD=0.175", // how loud the fake model wants a laugh to be
		"CHORTLE_MODEL=" + bin + "/inferd",
		"CHORTLE_FFMPEG=" + testkit.FFmpeg(t), "CHORTLE_SETTLE=0s", "CHORTLE_LOG_FORMAT=json",
		// The tests themselves hold memory, much more of it under the race detector.
		"CHORTLE_ALERT_MEMORY_AFTER=10GB", "CHORTLE_ALERT_MEMORY_PEAK=10GB"}, environ...)
	return p
}

func (p *place) path(name string) string { return filepath.Join(p.dir, name) }

// recording puts a recording into a folder, made from sound.
func (p *place) recording(folder, name string) string {
	p.Helper()
	original := filepath.Join(shared, "sound.ogg")
	encode.Do(func() {
		sounds, err := audio.New(audio.Options{FFmpeg: testkit.FFmpeg(p)})
		if err == nil {
			err = sounds.Encode(context.Background(), original, orchestrator.SampleRateHz, iter.Seq[[]float32](sound))
		}
		if err != nil {
			p.Fatal(err)
		}
	})
	return p.file(folder, name, p.content(original, uint32(len(name))<<16|uint32(name[len(name)-5])))
}

// content is that of a recording with another serial number of its stream: another file, which sounds the same.
func (p *place) content(path string, serial uint32) []byte {
	p.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		p.Fatal(err)
	}
	return limitlesstest.Renumber(content, serial)
}

func (p *place) file(folder, name string, content []byte) string {
	p.Helper()
	path := filepath.Join(p.dir, folder, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		p.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		p.Fatal(err)
	}
	return path
}

type result struct {
	code           int
	stdout, stderr string
}

func (p *place) run(args ...string) result {
	p.Helper()
	return p.runAt(p.Context(), time.Now, "", args...)
}

// runAt runs a command at another time of day, and with something to read from standard input.
func (p *place) runAt(ctx context.Context, now func() time.Time, stdin string, args ...string) result {
	p.Helper()
	p.meet()
	defer p.meet()
	var stdout, stderr bytes.Buffer
	code := cli.RunAt(ctx, now, args, p.environ, strings.NewReader(stdin), &stdout, &stderr)
	return result{code, stdout.String(), stderr.String()}
}

// must runs a command that has to succeed and returns what it printed.
func (p *place) must(args ...string) string {
	p.Helper()
	r := p.run(args...)
	if r.code != 0 {
		p.Fatalf("%s: exit code %d\n%s\n%s", strings.Join(args, " "), r.code, r.stdout, r.stderr)
	}
	return r.stdout
}

// json runs a command and reads the document that it prints.
func (p *place) json(code int, args ...string) map[string]any {
	p.Helper()
	r := p.run(append(args, "--json")...)
	var document map[string]any
	if err := json.Unmarshal([]byte(r.stdout), &document); err != nil || r.code != code {
		p.Fatalf("%s --json: exit code %d, want %d, %v\n%s\n%s", strings.Join(args, " "), r.code, code, err, r.stdout, r.stderr)
	}
	return document
}

// alice adds a user with one recording of 22 November 2026, which holds one laugh.
func (p *place) alice() *place {
	p.Helper()
	p.recording("alice", "2026-11-22T14-30-00Z.ogg")
	p.must("user", "add", "alice", "--timezone", "Europe/London", "--source", "folder:"+p.path("alice"))
	return p
}

// at walks into a document: names, and places in lists.
func at(document any, way ...any) any {
	for _, step := range way {
		switch step := step.(type) {
		case string:
			object, _ := document.(map[string]any)
			document = object[step]
		case int:
			list, _ := document.([]any)
			if step >= len(list) {
				return nil
			}
			document = list[step]
		}
	}
	return document
}

// fieldsOf lists the names of all fields of a document, with dots between levels and [] for lists.
func fieldsOf(prefix string, document any) (names []string) {
	switch document := document.(type) {
	case map[string]any:
		for name, value := range document {
			names = append(names, prefix+name)
			names = append(names, fieldsOf(prefix+name+".", value)...)
		}
	case []any:
		for _, value := range document {
			names = append(names, fieldsOf(strings.TrimSuffix(prefix, ".")+"[].", value)...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
