// Package pagetest fills a database and clips with a year of somebody's laughs, the same every time: what the page is tested,
// measured and pictured with. The laughs are made by synthesis; nobody was recorded.
package pagetest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/audio/synth"
	"github.com/chortle-audio/chortle/orchestrator/service"
	"github.com/chortle-audio/chortle/orchestrator/settings"
)

// Now is the morning on which the page is looked at: Saturday 28 November 2026, 07:40 in London.
var Now = time.Date(2026, 11, 28, 7, 40, 0, 0, time.UTC)

// classes of laughter, in the order of the model's scores.
var classes = []string{"Laughter", "Baby laughter", "Giggle", "Snicker", "Belly laugh", "Chuckle, chortle"}

// policy that the laughs are found under.
var policy = orchestrator.Policy{Name: "default", Version: 1, Classes: map[string]orchestrator.Thresholds{orchestrator.AnyClass: {Sure: 0.3, Maybe: 0.14}}, Release: 0.1, LongestPause: 1.5}

// Parts are the programs and libraries that sound is made with. FFmpeg may be empty where Clips is false.
type Parts struct{ Opus, FFmpeg string }

// Options say how much there is.
type Options struct {
	// Days before Now's, the latest included.
	Days int
	// PerDay is how many laughs a day has about.
	PerDay int
	// Clips says that laughs have sound.
	Clips bool
	// Silent is how many of the latest days have none.
	Silent int
	// Failing leaves a gap in the latest day and a recording that could not be read.
	Failing bool
}

// Open makes a service in a folder, with a clock that stands at Now.
func Open(dir string, parts Parts) *service.Service {
	log := logrus.New()
	log.SetOutput(io.Discard)
	return service.New(service.Options{Log: log, Now: func() time.Time { return Now }, Config: settings.Config{
		DataDir: dir, DatabaseURL: "sqlite:" + filepath.Join(dir, "chortle.db"), ClipsURL: "folder:" + filepath.Join(dir, "clips"),
		OpusLibrary: parts.Opus, FFmpeg: parts.FFmpeg, StoreRetry: time.Second,
	}})
}

// AddUser adds a person.
func AddUser(ctx context.Context, s *service.Service, name, zone string) (orchestrator.User, error) {
	opened, err := s.Store(ctx)
	if err != nil {
		return orchestrator.User{}, err
	}
	return opened.AddUser(ctx, orchestrator.User{Name: name, Timezone: zone, Source: "folder:/home/" + name + "/sound", Enabled: true})
}

// Fill stores days of somebody's laughs.
func Fill(ctx context.Context, s *service.Service, user orchestrator.User, o Options) error {
	f := filler{service: s, user: user, options: o, random: rand.New(rand.NewPCG(1, uint64(user.ID)))}
	var err error
	if f.location, err = user.Location(); err != nil {
		return err
	}
	if o.Clips {
		if err := f.makeSound(ctx); err != nil {
			return err
		}
	}
	opened, err := s.Store(ctx)
	if err != nil {
		return err
	}
	runID := "fill-" + user.Name
	started := Now.Add(-3 * time.Hour)
	if err := opened.BeginRun(ctx, orchestrator.Run{ID: runID, Trigger: orchestrator.TriggerCron, StartedAt: started}); err != nil {
		return err
	}
	f.runID = runID
	yesterday := orchestrator.Yesterday(Now, f.location)
	for i := o.Silent; i < o.Days; i++ {
		if err := f.day(ctx, yesterday.Add(-i)); err != nil {
			return err
		}
	}
	if o.Failing {
		if err := f.fail(ctx, yesterday); err != nil {
			return err
		}
	}
	return opened.EndRun(ctx, orchestrator.Run{ID: runID, StartedAt: started, FinishedAt: started.Add(time.Minute), Status: orchestrator.StatusOK})
}

type filler struct {
	service  *service.Service
	user     orchestrator.User
	options  Options
	location *time.Location
	random   *rand.Rand
	runID    string
	// keys of the few clips that all laughs share, and how long the laugh of each is.
	keys    []string
	lengths []time.Duration
	files   int
}

// makeSound cuts a clip of each voice out of a recording, as a run does.
func (f *filler) makeSound(ctx context.Context) error {
	sound, err := f.service.Audio()
	if err != nil {
		return err
	}
	kept, err := f.service.Clips(ctx)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "pagetest")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	const margin = 2 * orchestrator.SampleRateHz
	samples := append([]float32{}, make([]float32, 2*margin)...)
	var spans []orchestrator.SampleSpan
	for i := range 9 {
		for range 1 + i%3 {
			laugh := synth.Voices[i%len(synth.Voices)].Laugh(uint64(i))
			if len(spans) <= i {
				spans = append(spans, orchestrator.SampleSpan{Start: int64(len(samples) - margin)})
			}
			for _, v := range laugh {
				samples = append(samples, v*float32(0.3+0.25*float64(i%3)))
			}
		}
		spans[i].End = int64(len(samples) + margin)
		f.lengths = append(f.lengths, orchestrator.SamplesToDuration(spans[i].End-spans[i].Start-2*margin))
		samples = append(samples, make([]float32, 2*margin+orchestrator.SampleRateHz)...)
	}
	for i := range samples {
		samples[i] += float32(0.004 * f.random.NormFloat64())
	}
	path := filepath.Join(dir, "day.ogg")
	if err := sound.Encode(ctx, path, orchestrator.SampleRateHz, func(yield func([]float32) bool) { yield(samples) }); err != nil {
		return err
	}
	for clip, err := range sound.Cut(ctx, orchestrator.Recording{Path: path, Name: "day.ogg"}, spans) {
		if err != nil {
			return err
		}
		key := fmt.Sprintf("%s/laugh-%d%s", f.user.Name, len(f.keys), clip.Extension)
		f.keys = append(f.keys, key)
		if err := kept.Put(ctx, key, clip.Data); err != nil {
			return err
		}
	}
	return nil
}

// day stores the recordings of a day: a morning, an afternoon, and most evenings.
func (f *filler) day(ctx context.Context, date orchestrator.Date) error {
	r := f.random
	weekday := time.Date(date.Year, date.Month, date.Day, 12, 0, 0, 0, time.UTC).Weekday()
	if r.IntN(23) == 0 || date.Month == time.August && date.Day > 9 && date.Day < 19 {
		return nil // the recorder stayed in the drawer, or at home during the holidays
	}
	share := 0.6
	if weekday == time.Saturday || weekday == time.Sunday || weekday == time.Friday {
		share = 1.5
	}
	midnight := date.Span(f.location).Start
	for _, part := range []struct{ from, hours, laughs float64 }{{7.2, 4.1, 0.2}, {12.1, 5.2, 0.3}, {18.3, 3.8, 0.5}} {
		if r.IntN(8) == 0 {
			continue
		}
		start := midnight.Add(time.Duration((part.from + r.Float64()) * float64(time.Hour)))
		length := time.Duration((part.hours + 0.8*r.Float64()) * float64(time.Hour))
		n := int(part.laughs * share * float64(f.options.PerDay) * (0.4 + 1.2*r.Float64()))
		if err := f.recording(ctx, start, length, n); err != nil {
			return err
		}
	}
	return nil
}

func (f *filler) recording(ctx context.Context, start time.Time, length time.Duration, n int) error {
	f.files++
	hash := sha256.Sum256(fmt.Appendf(nil, "%s %d", f.user.Name, f.files))
	rec := orchestrator.Recording{Name: start.In(f.location).Format("2006-01-02_15-04-05") + ".ogg", Start: start.UTC().Truncate(time.Second), TimeSource: orchestrator.TimeFromName,
		Size: int64(length.Seconds()) * 3000, ModTime: start.Add(length).UTC().Truncate(time.Second), SHA256: hex.EncodeToString(hash[:])}
	result := orchestrator.Result{RunID: f.runID, UserID: f.user.ID, Recording: rec, Policy: policy,
		Model:  orchestrator.Model{Name: "yamnet", Version: "1", SHA256: "10c95ea3eb9a7bb4cb8bddf6feb023250381008177ac162ce169694d05c317de", Window: 15600, Hop: 7680, Laughter: classes},
		Scores: orchestrator.Scores{Classes: classes, Window: 15600, Hop: 7680, Length: orchestrator.DurationToSamples(length)}}
	at := 40 * time.Second
	gap := (length - time.Minute) / time.Duration(n+1)
	for range n {
		at += time.Duration((0.15 + 1.7*f.random.Float64()*f.random.Float64()) * float64(gap))
		if at > length-20*time.Second {
			break
		}
		result.Laughs = append(result.Laughs, f.laugh(result.Policy, at))
		at += 12 * time.Second
	}
	opened, err := f.service.Store(ctx)
	if err != nil {
		return err
	}
	_, err = opened.SaveRecording(ctx, result)
	return err
}

func (f *filler) laugh(policy orchestrator.Policy, at time.Duration) orchestrator.Laugh {
	r := f.random
	class := []int{0, 0, 0, 0, 5, 5, 2, 2, 4, 3, 1}[r.IntN(11)]
	thresholds, _ := policy.Of(classes[class])
	score := thresholds.Maybe + (0.99-thresholds.Maybe)*r.Float64()*(0.4+0.6*r.Float64())
	which := r.IntN(9)
	length := time.Duration((0.7 + 4*r.Float64()*r.Float64()) * float64(time.Second))
	if f.options.Clips {
		length = f.lengths[which]
	}
	l := orchestrator.Laugh{Onset: orchestrator.DurationToSamples(at), Offset: orchestrator.DurationToSamples(at + length), Score: score, Class: classes[class],
		ClassScores: make([]float64, len(classes)), Tier: orchestrator.TierSure}
	if score < thresholds.Sure {
		l.Tier = orchestrator.TierMaybe
	}
	for i := range l.ClassScores {
		l.ClassScores[i] = score * 0.6 * r.Float64()
	}
	l.ClassScores[class] = score
	if !f.options.Clips {
		return l
	}
	l.Clip = f.keys[which]
	return l
}

// fail leaves a gap in the night of a day, and a recording that could not be read.
func (f *filler) fail(ctx context.Context, date orchestrator.Date) error {
	opened, err := f.service.Store(ctx)
	if err != nil {
		return err
	}
	midnight := date.Span(f.location).Start
	gap := orchestrator.Span{Start: midnight.Add(2*time.Hour + 10*time.Minute), End: midnight.Add(5*time.Hour + 30*time.Minute)}
	bad := orchestrator.Recording{Name: "broken.ogg", Start: midnight.Add(23 * time.Hour), Size: 17, ModTime: midnight.Add(23 * time.Hour), SHA256: hex.EncodeToString(make([]byte, 32)), TimeSource: orchestrator.TimeFromName}
	if err := opened.FailRecording(ctx, f.runID, f.user.ID, bad, "no sound in it"); err != nil {
		return err
	}
	return opened.SaveDay(ctx, f.runID, orchestrator.UserDay{UserID: f.user.ID, User: f.user.Name, Date: date, Timezone: f.user.Timezone, Status: orchestrator.StatusIncomplete,
		Spans: []orchestrator.LedgerSpan{{Span: gap, State: orchestrator.SpanFailed, Reason: "503", Attempts: 1, LastTried: Now.Add(-3 * time.Hour)}}})
}
