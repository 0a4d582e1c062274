// Package demo makes days of sound with laughs at known times, so that a person can see the program work, and compares
// what was found with what is hidden.
package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chortle-audio/chortle/internal/atomicfile"
	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/audio"
	"github.com/chortle-audio/chortle/orchestrator/audio/synth"
)

// Date is the day of the demo: long enough ago to have come everywhere.
var Date = orchestrator.Date{Year: 2025, Month: time.November, Day: 22}

// Day is one user's day of made sound.
type Day struct {
	// User and Timezone of who is recorded.
	User, Timezone string
	recordings     []synth.Recording
}

// Days makes the days of the demo, each with recordings of that length together.
func Days(length time.Duration) []Day {
	return []Day{
		{"alice", "Europe/London", synth.Day(1, length, 5)},
		{"bob", "America/Los_Angeles", synth.Day(2, length, 4)},
	}
}

// Folder is where the recordings of the day are, below the folder of the demo.
func (d Day) Folder(dir string) string { return filepath.Join(dir, "recordings", d.User) }

// name is the file's name: its start in the user's zone, as many recorders write it.
func (d Day) name(r synth.Recording) string {
	midnight := time.Date(Date.Year, Date.Month, Date.Day, 0, 0, 0, 0, time.UTC)
	return midnight.Add(r.Start).Format("2006-01-02_15-04-05") + ".ogg"
}

// Files yields the paths of the recordings below the folder of the demo, each with its start after midnight.
func (d Day) Files(dir string) iter.Seq2[string, time.Duration] {
	return func(yield func(string, time.Duration) bool) {
		for _, r := range d.recordings {
			if !yield(filepath.Join(d.Folder(dir), d.name(r)), r.Start) {
				return
			}
		}
	}
}

// Hidden is the number of laughs in the day.
func (d Day) Hidden() (n int) {
	for _, r := range d.recordings {
		n += len(r.Laughs)
	}
	return n
}

// Compare counts the hidden laughs that were found, and the found ones that are none.
func (d Day) Compare(found iter.Seq2[orchestrator.StoredLaugh, error]) (hits, wrong int, err error) {
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
func truth(days []Day) ([]byte, error) {
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
			f := file{day.User, day.name(r), r.Length.Seconds(), []laugh{}}
			for _, l := range r.Laughs {
				f.Laughs = append(f.Laughs, laugh{l.Start.Seconds(), l.Length.Seconds(), l.Voice})
			}
			files = append(files, f)
		}
	}
	return json.MarshalIndent(files, "", "  ")
}

// Progress is told how much sound is made, and of how much, in samples; files is how many are made in all.
type Progress func(done, total int64, files int)

// Make writes the recordings of the days that are not there yet below dir. ErrOther where another demo lies there.
func Make(ctx context.Context, sound *audio.Audio, dir string, days []Day, progress Progress) error {
	wanted, err := truth(days)
	if err != nil {
		return err
	}
	path := filepath.Join(dir, "hidden-laughs.json")
	switch there, err := os.ReadFile(path); {
	case errors.Is(err, fs.ErrNotExist):
		if err := atomicfile.WriteData(path, 0o600, wanted); err != nil {
			return err
		}
	case err != nil:
		return err
	case !bytes.Equal(there, wanted):
		return fmt.Errorf("%s %w", path, ErrOther)
	}
	jobs, total, err := missing(dir, days)
	if err != nil || len(jobs) == 0 {
		return err
	}
	m := making{sound: sound, progress: progress, total: orchestrator.DurationToSamples(total), files: len(jobs)}
	progress(0, m.total, m.files)
	queue := make(chan job)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(jobs)) {
		workers.Go(func() {
			for j := range queue {
				if err := m.write(ctx, j); err != nil {
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
	return context.Cause(ctx)
}

// ErrOther marks a folder that holds another demo.
var ErrOther = orchestrator.WithCode(errors.New("holds a demo of another length or version"), orchestrator.CodeOtherDemo)

// job is a recording that is to be written.
type job struct {
	path      string
	recording synth.Recording
}

// missing lists the recordings that are not there yet, and their length together.
func missing(dir string, days []Day) (jobs []job, total time.Duration, err error) {
	for _, day := range days {
		if err := os.MkdirAll(day.Folder(dir), 0o700); err != nil {
			return nil, 0, fmt.Errorf("make demo folder: %w", err)
		}
		for _, r := range day.recordings {
			path := filepath.Join(day.Folder(dir), day.name(r))
			if _, err := os.Stat(path); err != nil {
				jobs = append(jobs, job{path, r})
				total += r.Length
			}
		}
	}
	return jobs, total, nil
}

// making is sound that is being made.
type making struct {
	sound    *audio.Audio
	progress Progress
	total    int64
	files    int
	done     atomic.Int64
}

func (m *making) write(ctx context.Context, j job) error {
	return m.sound.Encode(ctx, j.path, orchestrator.SampleRateHz, func(yield func([]float32) bool) {
		for block := range j.recording.Samples() {
			if ctx.Err() != nil || !yield(block) {
				return
			}
			m.progress(m.done.Add(int64(len(block))), m.total, m.files)
		}
	})
}
