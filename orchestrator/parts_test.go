package orchestrator_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/chortle-audio/chortle/orchestrator"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	now      = time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC)
	alice    = orchestrator.User{ID: 1, Name: "alice", Timezone: "Europe/London", Source: "test:", Priority: 1, Enabled: true}
	bob      = orchestrator.User{ID: 2, Name: "bob", Timezone: "America/Los_Angeles", Source: "test:", Priority: 2, Enabled: true}
	errDeath = &orchestrator.ExitError{Stage: "classify", Exit: orchestrator.Exit{PID: 7, Signal: "killed"}}
)

// source yields what it holds, whatever the span.
type source []orchestrator.Recording

func (s source) Recordings(context.Context, orchestrator.Span) iter.Seq2[orchestrator.Recording, error] {
	return func(yield func(orchestrator.Recording, error) bool) {
		for _, rec := range s {
			if !yield(rec, nil) {
				return
			}
		}
	}
}

// process is a model that hears one laugh in every recording, unless play returns an error.
type process struct {
	pid     int
	play    func(ctx context.Context) error
	stopped bool
}

func (p *process) Model() orchestrator.Model {
	return orchestrator.Model{Name: "test", SHA256: "00", Window: 15600, Hop: 7680, Laughter: []string{"Laughter"}}
}
func (p *process) PID() int { return p.pid }
func (p *process) Stop() orchestrator.Exit {
	p.stopped = true
	return orchestrator.Exit{PID: p.pid, Signal: "killed", Gone: true,
		Memory: orchestrator.Memory{Before: 10, Peak: 30, After: 11, Model: 20}}
}
func (p *process) Classify(ctx context.Context, chunks iter.Seq2[orchestrator.Chunk, error]) iter.Seq2[orchestrator.Frame, error] {
	return func(yield func(orchestrator.Frame, error) bool) {
		if p.play != nil {
			if err := p.play(ctx); err != nil {
				yield(orchestrator.Frame{}, err)
				return
			}
		}
		for _, err := range chunks {
			if err != nil {
				yield(orchestrator.Frame{}, err)
				return
			}
		}
		yield(orchestrator.Frame{Offset: 7680, Scores: []float32{0.9}}, nil)
	}
}

// bench is a Runner over hand-made parts, with everything that a test may want to bend.
type bench struct {
	orchestrator.Runner
	sources   map[string]source
	done      map[string]bool
	attempts  map[string]int
	saved     []orchestrator.Result
	days      []orchestrator.UserDay
	ended     []orchestrator.Run
	clips     map[string]bool
	processes []*process
	decode    func(rec orchestrator.Recording) error
	play      func(ctx context.Context, spawn int) error
	spawn     func() error
	save      func() error
	saveDay   func(day orchestrator.UserDay) error
	lock      func(userID int64) error
	beginRun  error
	put       func(key string) error
	saving    sync.Mutex
}

func newBench(t *testing.T) *bench {
	b := &bench{sources: map[string]source{}, done: map[string]bool{}, attempts: map[string]int{}, clips: map[string]bool{}}
	b.Runner = orchestrator.Runner{
		Store: b, Audio: b, Clips: (*benchClips)(b),
		Source: func(_ context.Context, u orchestrator.User) (orchestrator.Source, error) {
			if _, ok := b.sources[u.Name]; !ok {
				return nil, errors.New("open source: no such folder")
			}
			return b.sources[u.Name], nil
		},
		Spawner: func(orchestrator.User) (orchestrator.Spawner, error) { return b, nil },
		ClipKey: func(user string, start time.Time, sha string, _ orchestrator.Model, ext string) string {
			return fmt.Sprintf("%s/%d-%s%s", user, start.UnixMilli(), sha[:4], ext)
		},
		Detect: func(s orchestrator.Scores, policy orchestrator.Policy) []orchestrator.Laugh {
			return []orchestrator.Laugh{{Onset: 7680, Offset: 9000, Score: 0.9, Class: "Laughter", ClassScores: []float64{0.9}}}
		},
		NewID: func() string { return "run-1" },
		Now:   func() time.Time { return now },
	}
	return b
}

// file makes a recording with content of its own.
func (b *bench) file(t *testing.T, user, name string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(name), 0o600); err != nil {
		t.Fatal(err)
	}
	b.sources[user] = append(b.sources[user], orchestrator.Recording{Path: path, Name: name, Start: now.Add(-12 * time.Hour), Size: int64(len(name))})
}

func (b *bench) Spawn(context.Context) (orchestrator.Process, error) {
	if b.spawn != nil {
		if err := b.spawn(); err != nil {
			return nil, err
		}
	}
	n := len(b.processes)
	p := &process{pid: 100 + n}
	if b.play != nil {
		p.play = func(ctx context.Context) error { return b.play(ctx, n) }
	}
	for _, earlier := range b.processes {
		if !earlier.stopped {
			return nil, errors.New("spawn model: the last one was not stopped")
		}
	}
	b.processes = append(b.processes, p)
	return p, nil
}

func (b *bench) Decode(_ context.Context, rec orchestrator.Recording) iter.Seq2[orchestrator.Chunk, error] {
	return func(yield func(orchestrator.Chunk, error) bool) {
		if b.decode != nil {
			if err := b.decode(rec); err != nil {
				yield(orchestrator.Chunk{}, err)
				return
			}
		}
		yield(orchestrator.Chunk{Samples: make([]float32, 32000)}, nil)
	}
}
func (b *bench) Cut(_ context.Context, _ orchestrator.Recording, spans []orchestrator.SampleSpan) iter.Seq2[orchestrator.Clip, error] {
	return func(yield func(orchestrator.Clip, error) bool) {
		for _, span := range spans {
			if !yield(orchestrator.Clip{Span: span, Data: []byte("clip"), Extension: ".opus"}, nil) {
				return
			}
		}
	}
}
func (b *bench) Length(context.Context, orchestrator.Recording) int64 { return 32000 }

type benchClips bench

func (c *benchClips) Put(_ context.Context, key string, _ []byte) error {
	if c.put != nil {
		if err := c.put(key); err != nil {
			return err
		}
	}
	c.clips[key] = true
	return nil
}
func (c *benchClips) Open(context.Context, string) (io.ReadSeekCloser, orchestrator.ClipInfo, error) {
	panic("a run opens no clips")
}
func (c *benchClips) Keys(context.Context, string) iter.Seq2[string, error] {
	panic("a run lists no clips")
}
func (c *benchClips) Delete(_ context.Context, key string) error { delete(c.clips, key); return nil }

func (b *bench) BeginRun(context.Context, orchestrator.Run) error { return b.beginRun }
func (b *bench) LockUser(_ context.Context, userID int64) (func(), error) {
	if b.lock != nil {
		if err := b.lock(userID); err != nil {
			return nil, err
		}
	}
	return func() {}, nil
}
func (b *bench) FindRecording(_ context.Context, _ int64, rec orchestrator.Recording) (orchestrator.RecordingState, error) {
	if rec.SHA256 == "" || !b.done[rec.SHA256] && b.attempts[rec.SHA256] == 0 {
		return orchestrator.RecordingState{}, nil
	}
	return orchestrator.RecordingState{SHA256: rec.SHA256, Done: b.done[rec.SHA256], Attempts: b.attempts[rec.SHA256]}, nil
}
func (b *bench) SaveRecording(_ context.Context, result orchestrator.Result) (orchestrator.Saved, error) {
	if b.save != nil {
		if err := b.save(); err != nil {
			return orchestrator.Saved{}, err
		}
	}
	for _, laugh := range result.Laughs {
		if !b.clips[laugh.Clip] && (laugh.Clip != "" || result.Lost == "" && result.Policy.Clips.Keep != orchestrator.KeepNothing) {
			return orchestrator.Saved{}, fmt.Errorf("save recording: no clip %q", laugh.Clip)
		}
	}
	b.saved = append(b.saved, result)
	b.done[result.Recording.SHA256] = true
	return orchestrator.Saved{New: len(result.Laughs)}, nil
}
func (b *bench) FailRecording(_ context.Context, _ string, _ int64, rec orchestrator.Recording, _ string) error {
	b.attempts[rec.SHA256]++
	return nil
}
func (b *bench) SaveDay(_ context.Context, _ string, day orchestrator.UserDay) error {
	if b.saveDay != nil {
		if err := b.saveDay(day); err != nil {
			return err
		}
	}
	b.saving.Lock()
	defer b.saving.Unlock()
	b.days = append(b.days, day)
	return nil
}
func (b *bench) EndRun(_ context.Context, run orchestrator.Run) error {
	b.ended = append(b.ended, run)
	return nil
}

func (b *bench) run(t *testing.T, plan orchestrator.Plan) orchestrator.Run {
	t.Helper()
	if plan.Users == nil {
		plan.Users = []orchestrator.User{bob, alice}
	}
	plan.Policy.Threshold = 0.2
	run, err := b.Run(t.Context(), plan)
	if err != nil {
		t.Fatal(err)
	}
	return run
}
