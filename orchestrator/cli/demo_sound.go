package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/audio"
	"github.com/chortle-audio/chortle/orchestrator/audio/synth"
)

// demoDate is the day of the demo: long enough ago to have come everywhere.
var demoDate = orchestrator.Date{Year: 2025, Month: time.November, Day: 22}

// demoDay is one user's day of made sound.
type demoDay struct {
	user, timezone string
	recordings     []synth.Recording
}

func demoDays(length time.Duration) []demoDay {
	return []demoDay{
		{"alice", "Europe/London", synth.Day(1, length, 5)},
		{"bob", "America/Los_Angeles", synth.Day(2, length, 4)},
	}
}

func (d demoDay) folder(dir string) string { return filepath.Join(dir, "recordings", d.user) }

// name is the file's name: its start in the user's zone, as many recorders write it.
func (d demoDay) name(r synth.Recording) string {
	midnight := time.Date(demoDate.Year, demoDate.Month, demoDate.Day, 0, 0, 0, 0, time.UTC)
	return midnight.Add(r.Start).Format("2006-01-02_15-04-05") + ".ogg"
}

// hidden is the number of laughs in the day.
func (d demoDay) hidden() (n int) {
	for _, r := range d.recordings {
		n += len(r.Laughs)
	}
	return n
}

// compare counts the hidden laughs that were found, and the found ones that are none.
func (d demoDay) compare(found iter.Seq2[orchestrator.StoredLaugh, error]) (hits, wrong int, err error) {
	recordings := map[string]synth.Recording{}
	for _, r := range d.recordings {
		recordings[d.name(r)] = r
	}
	type place struct {
		recording string
		laugh     int
	}
	heard := map[place]bool{}
	for laugh, err := range found {
		if err != nil {
			return 0, 0, err
		}
		real := false
		for i, hidden := range recordings[laugh.Recording].Laughs {
			if laugh.Offset < hidden.Start+hidden.Length && hidden.Start < laugh.Offset+laugh.End.Sub(laugh.Start) {
				real, heard[place{laugh.Recording, i}] = true, true
			}
		}
		if !real {
			wrong++
		}
	}
	return len(heard), wrong, nil
}

// truth describes what is hidden where, for people, and for a later demo to know its own sound again.
func truth(days []demoDay) ([]byte, error) {
	type laugh struct {
		Start  float64 `json:"start_s"`
		Length float64 `json:"duration_s"`
		Voice  string  `json:"voice"`
	}
	type file struct {
		User   string  `json:"user"`
		Name   string  `json:"recording"`
		Length float64 `json:"duration_s"`
		Laughs []laugh `json:"laughs"`
	}
	var files []file
	for _, day := range days {
		for _, r := range day.recordings {
			f := file{day.user, day.name(r), r.Length.Seconds(), []laugh{}}
			for _, l := range r.Laughs {
				f.Laughs = append(f.Laughs, laugh{l.Start.Seconds(), l.Length.Seconds(), l.Voice})
			}
			files = append(files, f)
		}
	}
	return json.MarshalIndent(files, "", "  ")
}

// makeSound writes the recordings that are not there yet.
func (a *app) makeSound(ctx context.Context, dir string, days []demoDay) error {
	wanted, err := truth(days)
	if err != nil {
		return err
	}
	path := filepath.Join(dir, "hidden-laughs.json")
	switch there, err := os.ReadFile(path); {
	case errors.Is(err, fs.ErrNotExist):
		if err := writeFile(path, func(w io.Writer) error { _, err := w.Write(wanted); return err }); err != nil {
			return err
		}
	case err != nil:
		return err
	case !bytes.Equal(there, wanted):
		return usage("%s holds a demo of another length or version: remove it, or name another --dir", dir)
	}
	type job struct {
		path      string
		recording synth.Recording
	}
	var jobs []job
	var total time.Duration
	for _, day := range days {
		if err := os.MkdirAll(day.folder(dir), 0o700); err != nil {
			return fmt.Errorf("make demo folder: %w", err)
		}
		for _, r := range day.recordings {
			path := filepath.Join(day.folder(dir), day.name(r))
			if _, err := os.Stat(path); err != nil {
				jobs = append(jobs, job{path, r})
				total += r.Length
			}
		}
	}
	if len(jobs) == 0 {
		return nil
	}
	sound, err := a.openAudio()
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stderr, "Making %s of sound in %s …\n", clock(total), plural(len(jobs), "file"))
	progress := making{app: a, total: orchestrator.DurationToSamples(total), began: a.now()}
	queue := make(chan job)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(jobs)) {
		workers.Go(func() {
			for j := range queue {
				if err := progress.write(ctx, sound, j.path, j.recording); err != nil {
					cancel(err)
				}
			}
		})
	}
	for _, j := range jobs {
		if ctx.Err() == nil {
			queue <- j
		}
	}
	close(queue)
	workers.Wait()
	a.stderr.SetStatus("")
	return context.Cause(ctx)
}

// making shows how much sound is made.
type making struct {
	*app
	total int64
	began time.Time
	done  atomic.Int64
}

func (m *making) write(ctx context.Context, sound *audio.Audio, path string, r synth.Recording) error {
	err := sound.Encode(ctx, path, orchestrator.SampleRateHz, func(yield func([]float32) bool) {
		for block := range r.Samples() {
			if ctx.Err() != nil || !yield(block) {
				return
			}
			done := m.done.Add(int64(len(block)))
			m.stderr.SetStatus(fmt.Sprintf("making sound  %s  %s of %s", bar(done, m.total),
				clock(orchestrator.SamplesToDuration(done)), clock(orchestrator.SamplesToDuration(m.total))))
		}
	})
	if err == nil {
		m.log.WithField(keyFile, path).Info("sound made")
	}
	return err
}
