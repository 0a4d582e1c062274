package realsound

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/chortle-audio/chortle/internal/testkit"
	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/audio"
	"github.com/chortle-audio/chortle/orchestrator/modelhost"
)

func TestMain(m *testing.M) {
	code := m.Run()
	stopModel()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// model is the one process that all tests share: it takes one recording at a time.
var model struct {
	sync.Mutex
	process orchestrator.Process
	dir     string
}

// stopModel ends the process, if one was started, and removes the program.
func stopModel() {
	if model.process != nil {
		model.process.Stop()
	}
	if model.dir != "" {
		os.RemoveAll(model.dir)
	}
}

// startModel builds inferd and starts it with the real model, once.
func startModel(t testing.TB) error {
	t.Helper()
	if model.process != nil {
		return nil
	}
	env := []string{"CHORTLE_WEIGHTS=" + testkit.Model(t), "CHORTLE_TFLITE_LIBRARY=" + testkit.TFLite(t)}
	dir, err := os.MkdirTemp("", "hear")
	if err != nil {
		return err
	}
	model.dir = dir
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "inferd"), "./cmd/inferd")
	build.Dir = testkit.Root()
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build inferd: %w\n%s", err, out)
	}
	// The process outlives the test that happens to be first.
	model.process, err = modelhost.New(modelhost.Config{Command: []string{filepath.Join(dir, "inferd")}, Env: env, SocketDir: dir}).Spawn(context.Background())
	return err
}

func sound(t testing.TB) *audio.Audio { return soundAbove(t, 0) }

// soundAbove takes what stays below a peak for silence.
func soundAbove(t testing.TB, silence float64) *audio.Audio {
	t.Helper()
	a, err := audio.New(audio.Options{FFmpeg: testkit.FFmpeg(t), OpusLibrary: testkit.Opus(t), Silence: silence})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// hear scores a file as a run does.
func hear(t testing.TB, path string) orchestrator.Scores { return hearBy(t, sound(t), path) }

func hearBy(t testing.TB, a *audio.Audio, path string) orchestrator.Scores {
	t.Helper()
	model.Lock()
	defer model.Unlock()
	if err := startModel(t); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	scores := orchestrator.NewScores(model.process.Model())
	length := int64(0)
	chunks := func(yield func(orchestrator.Chunk, error) bool) {
		for chunk, err := range a.Decode(t.Context(), orchestrator.Recording{Path: path, Name: filepath.Base(path), Size: info.Size(), ModTime: info.ModTime()}) {
			length = chunk.Offset + int64(len(chunk.Samples))
			if !yield(chunk, err) || err != nil {
				return
			}
		}
	}
	for frame, err := range model.process.Classify(t.Context(), chunks) {
		if err == nil {
			err = scores.Add(frame)
		}
		if err != nil {
			t.Fatalf("hear %s: %v", filepath.Base(path), err)
		}
	}
	scores.Close(length)
	return scores
}

// quieter writes a copy of a file as 16-bit WAV, so many dB down.
func quieter(t testing.TB, path string, decibels int) string {
	t.Helper()
	return convert(t, path, filepath.Join(t.TempDir(), "quiet.wav"), "-af", fmt.Sprintf("volume=-%ddB", decibels), "-c:a", "pcm_s16le")
}

// convert has ffmpeg write a copy of a file.
func convert(t testing.TB, path, to string, arguments ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), testkit.FFmpeg(t), append(append([]string{"-v", "error", "-nostdin", "-i", path}, arguments...), to)...)
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("convert %s: %v\n%s", filepath.Base(path), err, out)
	}
	return to
}
