package giggles

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/store"
)

// model is what the old system heard with. Its weights are not known here.
var model = orchestrator.Model{Name: "giggles", Version: "yamnet/1", Plugin: "giggles-cli", Window: 15360, Hop: 7680,
	Laughter: []string{"Laughter", "Baby laughter", "Giggle", "Belly laugh", "Chuckle, chortle"}}

// classes names the old class ids as this system does.
var classes = map[int]string{13: "Laughter", 14: "Baby laughter", 15: "Giggle", 16: "Snicker", 17: "Belly laugh", 18: "Chuckle, chortle"}

// Importer brings everything over. All fields but Names are required.
type Importer struct {
	From  *Source
	Clips *Folder // nil leaves the sound away
	Keys  Keys
	Store *store.Store
	// Kept is where clips are kept here.
	Kept orchestrator.Clips
	// ClipKey names a clip, as the Runner's does.
	ClipKey func(user string, start time.Time, recordingSHA256 string, model orchestrator.Model, extension string) string
	// HasKey tells whether a user has an API key here, and Keep stores one.
	HasKey func(ctx context.Context, user orchestrator.User) (bool, error)
	Keep   func(ctx context.Context, user orchestrator.User, key string) error
	// Source and Priority of users who are new here.
	Source   string
	Priority int
	// Names of users here by their e-mail there; the others are named after their e-mail.
	Names map[string]string
	// DryRun only counts.
	DryRun bool
}

// Count is how many there are of something in the old system, and how many of them are new here.
type Count struct {
	Found int `json:"found"`
	New   int `json:"new"`
}

// Report tells what became of a user.
type Report struct {
	User  string `json:"user"`
	Email string `json:"email"`
	// Status is "new", "known", "purged" or "failed".
	Status     string `json:"status"`
	Recordings Count  `json:"recordings"`
	Laughs     Count  `json:"laughs"`
	Runs       Count  `json:"runs"`
	Clips      Count  `json:"clips"`
	// ClipsMissing counts laughs whose sound is not in the folder.
	ClipsMissing int `json:"clips_missing"`
	// Key is "new", "known", "none" or "failed".
	Key string `json:"key"`
	// Problems are what a person should look at.
	Problems []string `json:"problems"`
}

// Run brings over every user. A user that fails costs only itself; the error is one that ended everything.
func (i *Importer) Run(ctx context.Context) ([]Report, error) {
	users, err := i.From.users(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the old users: %w", err)
	}
	var reports []Report
	for _, old := range users {
		report := Report{Email: old.Email, Key: "none", Problems: []string{}}
		err := i.user(ctx, old, &report)
		if ctx.Err() != nil {
			return reports, ctx.Err()
		}
		if errors.Is(err, orchestrator.ErrStoreUnavailable) {
			return reports, err
		}
		if err != nil {
			report.Status = "failed"
			report.Problems = append(report.Problems, err.Error())
		}
		reports = append(reports, report)
	}
	return reports, nil
}

func (i *Importer) user(ctx context.Context, old oldUser, report *Report) error {
	user, status, err := i.adopt(ctx, old, report)
	report.User, report.Status = user.Name, status
	if err != nil || status == "purged" {
		return err
	}
	if err := i.key(ctx, old, user, report); err != nil {
		report.Key = "failed"
		report.Problems = append(report.Problems, err.Error())
	}
	if err := i.recordings(ctx, old, user, report); err != nil {
		return err
	}
	return i.runs(ctx, old, user, report)
}

// recordings brings over segments and their laughs, one segment at a time.
func (i *Importer) recordings(ctx context.Context, old oldUser, user orchestrator.User, report *Report) error {
	segments, err := i.From.segments(ctx, old.ID)
	if err != nil {
		return fmt.Errorf("read the old segments: %w", err)
	}
	next := 0
	var laughs []oldDetection
	flush := func(until string) error { // segments without a laugh too, up to the one named
		for ; next < len(segments); next++ {
			segment := segments[next]
			if segment.ID == until {
				return nil
			}
			if err := i.recording(ctx, old, user, segment, laughs, report); err != nil {
				return err
			}
			laughs = laughs[:0]
		}
		return nil
	}
	for detection, err := range i.From.detections(ctx, old.ID) {
		if err != nil {
			return fmt.Errorf("read the old laughs: %w", err)
		}
		if err := flush(detection.SegmentID); err != nil {
			return err
		}
		laughs = append(laughs, detection)
	}
	return flush("")
}

func (i *Importer) recording(ctx context.Context, old oldUser, user orchestrator.User, segment oldSegment, detections []oldDetection, report *Report) error {
	report.Recordings.Found++
	report.Laughs.Found += len(detections)
	span := orchestrator.Span{Start: segment.Start.UTC(), End: segment.End.UTC()}
	if span.Duration() <= 0 {
		report.Problems = append(report.Problems, fmt.Sprintf("the segment of %s ends before it begins: left out", span.Start.Format(time.RFC3339)))
		return nil
	}
	identity := sha256.Sum256([]byte("giggles segment\x00" + segment.ID))
	foreign := store.Foreign{Samples: orchestrator.DurationToSamples(span.Duration()), Recording: orchestrator.Recording{
		Name: cmp.Or(baseName(segment.Path), span.Start.Format("20060102_150405.ogg")), Start: span.Start, TimeSource: orchestrator.TimeFromSource,
		ModTime: span.End, SHA256: hex.EncodeToString(identity[:])}}
	if segment.Processed { // else the next run asks for it again
		foreign.Recording.Window = span
	}
	if i.DryRun {
		return i.count(ctx, old, user, foreign, detections, report)
	}
	known, err := i.Store.ForeignLaughs(ctx, user.ID, foreign.Recording.SHA256)
	if err != nil {
		return err
	}
	for _, detection := range detections {
		laugh := laughOf(detection, span.Start)
		if at := slices.IndexFunc(known, func(k orchestrator.Laugh) bool { return k.Onset == laugh.Onset && k.Class == laugh.Class }); at >= 0 {
			i.countKnown(known[at], report)
			continue
		}
		key, err := i.clip(ctx, old, user, foreign.Recording, detection, report)
		if err != nil {
			return err
		}
		laugh.Clip = key
		foreign.Laughs = append(foreign.Laughs, laugh)
	}
	fresh, added, err := i.Store.ImportRecording(ctx, user.ID, model, foreign)
	if err != nil {
		return err
	}
	if fresh {
		report.Recordings.New++
	}
	report.Laughs.New += int(added)
	return nil
}

// countKnown counts the sound of a laugh that was brought over before.
func (i *Importer) countKnown(laugh orchestrator.Laugh, report *Report) {
	switch {
	case i.Clips == nil:
	case laugh.Clip == "":
		report.ClipsMissing++
	default:
		report.Clips.Found++
	}
}

// count tells what a recording would add.
func (i *Importer) count(ctx context.Context, old oldUser, user orchestrator.User, foreign store.Foreign, detections []oldDetection, report *Report) error {
	known := false
	if user.ID != 0 {
		state, err := i.Store.FindRecording(ctx, user.ID, foreign.Recording)
		if err != nil {
			return err
		}
		known = state.Done
	}
	if !known {
		report.Recordings.New++
		report.Laughs.New += len(detections)
	}
	for _, detection := range detections {
		if i.Clips == nil {
			continue
		}
		if _, err := i.Clips.find(old.ID, detection.Clip); err != nil {
			report.ClipsMissing++
			continue
		}
		report.Clips.Found++
		if !known {
			report.Clips.New++
		}
	}
	return nil
}

// baseName is the last part of a path; empty where there is none.
func baseName(p string) string {
	if name := path.Base(p); name != "." && name != "/" {
		return name
	}
	return ""
}

// shown is a text of the old database without what would control a terminal, a page or a log.
func shown(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, text)
}

func laughOf(detection oldDetection, start time.Time) store.ForeignLaugh {
	class := detection.ClassName
	if detection.ClassID != nil {
		class = cmp.Or(classes[*detection.ClassID], class)
	}
	onset := max(0, orchestrator.DurationToSamples(detection.At.Sub(start)))
	return store.ForeignLaugh{Note: detection.Note, Laugh: orchestrator.Laugh{Onset: onset, Offset: onset + model.Window, Peak: onset,
		Score: min(max(detection.Probability, 0), 1), Class: cmp.Or(shown(class), "Laughter")}}
}

// clip copies the sound of a laugh and returns its key; an empty one where there is no sound.
func (i *Importer) clip(ctx context.Context, old oldUser, user orchestrator.User, rec orchestrator.Recording, detection oldDetection, report *Report) (string, error) {
	if i.Clips == nil {
		return "", nil
	}
	file, err := i.Clips.find(old.ID, detection.Clip)
	if err != nil {
		report.ClipsMissing++
		return "", nil
	}
	data, err := i.Clips.read(file)
	if err != nil {
		report.ClipsMissing++
		report.Problems = append(report.Problems, fmt.Sprintf("read clip %s: %v", file, err))
		return "", nil
	}
	report.Clips.Found++
	// The same moment in two classes has a file of each, which sound the same: the first one is kept.
	key := i.ClipKey(user.Name, detection.At.UTC(), rec.SHA256, model, strings.ToLower(path.Ext(file)))
	fresh, err := i.put(ctx, key, data)
	if fresh {
		report.Clips.New++
	}
	return key, err
}

// put stores a clip, unless it is there already.
func (i *Importer) put(ctx context.Context, key string, data []byte) (fresh bool, err error) {
	there, _, err := i.Kept.Open(ctx, key)
	if err == nil {
		return false, there.Close()
	}
	if !errors.Is(err, orchestrator.ErrNotFound) {
		return false, err
	}
	return true, i.Kept.Put(ctx, key, data)
}
