// Package folder finds recordings in a folder: whatever a recorder, a phone or Syncthing put there, at
// any depth.
//
// A file is a recording when its extension is one of sound or film. Left out are hidden files and
// folders (so also .stversions, .Trash and .git), and what synchronisers and downloads call a file
// that they have not finished: .syncthing.*, ~syncthing~*, *.partial, *.part, *.tmp.
//
// A recording started at the time in its name (see package stamp), else at the time inside it (see package inside) or its
// container's creation time, else at its modification time less its length, if that lies in 1990 or later. The comment of
// an AudioMoth counts for more than its name. A time after the modification time is not believed: a container that knows no time often says 1904,
// 1970 or the time of a copy. A local time that clocks show twice is the one nearer to the modification time less the
// length, else the first for the first file of that time and the second for the next; its recording is marked as uncertain
// by the hour between them. One that they skip is read as if they had not been put forward.
//
// Symbolic links to files within the folder are fine; such a file is one recording however many names
// it has. Links that lead out of the folder are errors and never followed, and folders are entered by
// their own name only.
package folder

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

// DefaultSettle is long enough for a recorder that writes through a buffer, and short enough for a
// person who copied a file and starts a run.
const DefaultSettle = 10 * time.Second

// Options of a Source. Root and Location are required.
type Options struct {
	// Root is the folder.
	Root string
	// Location is the zone of times in names that tell none.
	Location *time.Location
	// Time says what is believed of a recording's time.
	Time TimeChoice
	// Offset is added to what a recorder's clock says: how late it was.
	Offset time.Duration
	// MonthFirst and DayFirst say how dates with the year last are meant whose day and month could be either. Neither:
	// such dates are not read.
	MonthFirst, DayFirst bool
	// Settle is how long a file must not have been modified before it counts as complete.
	// 0 means DefaultSettle, less than 0 that every file is complete.
	Settle time.Duration
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Probe looks into a file: its creation time and its length, each zero where it is not known. It is
	// asked about files that tell no time in their name only. nil knows nothing.
	Probe func(ctx context.Context, path string) (created time.Time, length time.Duration, err error)
}

// Source is a folder of recordings, as it was when it was first asked. Not safe for concurrent use.
type Source struct {
	Options
	listed  bool
	err     error // the folder's own
	files   []file
	byPath  map[string]int // positions in files, once somebody asked
	strays  []stray        // what is wrong with the folder, whatever the day
	copies  []Copy
	passed  map[string]*orchestrator.PassedOver // by ending
	rootDir string                              // Root without symbolic links
}

// stray is an entry that belongs to no day.
type stray struct {
	name string
	err  error
}

var (
	_ orchestrator.Source  = (*Source)(nil)
	_ orchestrator.Dayless = (*Source)(nil)
	_ orchestrator.Lister  = (*Source)(nil)
	_ orchestrator.Opener  = (*Source)(nil)
)

// New returns the source. The folder is looked at when recordings are asked for.
func New(o Options) *Source {
	o.Settle = cmp.Or(o.Settle, DefaultSettle)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Probe == nil {
		o.Probe = func(context.Context, string) (time.Time, time.Duration, error) { return time.Time{}, 0, nil }
	}
	return &Source{Options: o}
}

// Recordings yields the recordings that start within span, by their start, then by name. The folder is
// walked at the first call. What cannot be a recording (a link that leads out) is an error of the day that
// its name tells.
//
// A file that is not settled yields ErrNotSettled with its name; if that tells no time, it belongs to the
// day on which it was last modified. So does a file that Probe cannot read: who decodes it will learn
// what is wrong.
func (s *Source) Recordings(ctx context.Context, span orchestrator.Span) iter.Seq2[orchestrator.Recording, error] {
	return func(yield func(orchestrator.Recording, error) bool) {
		if err := s.list(ctx); err != nil {
			yield(orchestrator.Recording{}, err)
			return
		}
		found, err := s.within(ctx, span)
		if err != nil {
			yield(orchestrator.Recording{}, err)
			return
		}
		for _, f := range found {
			if !yield(f.rec, f.err) {
				return
			}
		}
	}
}

// Strays implements orchestrator.Dayless: folders that cannot be read, links that lead out and have no time in
// their names, recordings from the future.
func (s *Source) Strays(ctx context.Context) iter.Seq2[orchestrator.Recording, error] {
	return func(yield func(orchestrator.Recording, error) bool) {
		if s.list(ctx) != nil {
			return // the day before told it
		}
		for _, stray := range s.strays {
			if !yield(orchestrator.Recording{Name: stray.name}, stray.err) {
				return
			}
		}
	}
}

// found is a recording of the span that was asked for, or what is wrong with it.
type found struct {
	rec orchestrator.Recording
	err error
}

func (s *Source) within(ctx context.Context, span orchestrator.Span) ([]found, error) {
	var all []found
	for i := range s.files {
		f := &s.files[i]
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if f.named() && !s.insideFirst(f) && !span.Contains(f.start) && !span.Contains(f.second) {
			continue
		}
		s.chooseHour(ctx, f)
		if s.insideFirst(f) && (!f.named() || s.Time == TimeMetadata || near(span, f.start)) {
			s.lookInside(f)
		}
		if f.dated() && !span.Contains(f.start) {
			continue
		}
		rec, err := s.place(ctx, f, span)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil || span.Contains(rec.Start) {
			all = append(all, found{rec, err})
		}
	}
	slices.SortFunc(all, func(a, b found) int {
		return cmp.Or(a.rec.Start.Compare(b.rec.Start), cmp.Compare(a.rec.Name, b.rec.Name))
	})
	return all, nil
}

// place finds out when a file's recording started. One with no time in its name that surely does not
// start in span may come back without a start. An error is one of the span.
func (s *Source) place(ctx context.Context, f *file, span orchestrator.Span) (orchestrator.Recording, error) {
	rec := s.recordingOf(f)
	if f.err != nil {
		return rec, f.err
	}
	info, err := os.Lstat(rec.Path)
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is no file any more")
	}
	if err != nil {
		if f.named() {
			return rec, orchestrator.Unreadable(err)
		}
		return orchestrator.Recording{}, nil // it vanished, and nobody knows from which day
	}
	rec.Size, rec.ModTime = info.Size(), info.ModTime()
	f.seen = info
	if age := s.Now().Sub(rec.ModTime).Abs(); age < s.Settle {
		if f.named() || span.Contains(rec.ModTime) {
			return rec, fmt.Errorf("%w: it was modified less than %v ago", orchestrator.ErrNotSettled, s.Settle)
		}
		return orchestrator.Recording{}, nil
	}
	if f.source == "" {
		if rec.ModTime.Before(span.Start) {
			return orchestrator.Recording{}, nil // nothing starts after its end
		}
		s.probe(ctx, f, rec)
	}
	rec.Start, rec.TimeSource, rec.End = f.start, f.source, f.end
	return rec, f.err
}

// Has tells whether a recording is one of the folder's, as it was listed.
func (s *Source) Has(rec orchestrator.Recording) bool { return s.index(rec) >= 0 }

func (s *Source) index(rec orchestrator.Recording) int {
	if len(s.byPath) != len(s.files) {
		s.byPath = make(map[string]int, len(s.files))
		for i := range s.files {
			s.byPath[s.files[i].path(s.rootDir)] = i
		}
	}
	if i, ok := s.byPath[rec.Path]; ok {
		return i
	}
	return -1
}

// OpenRecording implements orchestrator.Opener: it opens the file that was listed, and no other; links that lead out of
// the folder are not followed.
func (s *Source) OpenRecording(rec orchestrator.Recording) (*os.File, error) {
	var seen os.FileInfo
	path := rec.Path
	if i := s.index(rec); i >= 0 {
		seen = s.files[i].seen
	}
	within, err := filepath.Rel(s.rootDir, path)
	if err != nil {
		return nil, orchestrator.Unreadable(err)
	}
	root, err := os.OpenRoot(s.rootDir)
	if err != nil {
		return nil, orchestrator.Unreadable(err)
	}
	defer root.Close()
	file, err := orchestrator.CheckRecording(root.OpenFile(within, os.O_RDONLY|syscall.O_NONBLOCK, 0))
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && seen != nil && !os.SameFile(info, seen) {
		err = bad(orchestrator.CodeRecordingChanged, "another file is where it was listed")
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// recordingOf describes a file as far as it is known.
func (s *Source) recordingOf(f *file) orchestrator.Recording {
	return orchestrator.Recording{Path: f.path(s.rootDir), Name: printable(f.name), Start: f.start, TimeSource: f.source, End: f.end,
		Uncertainty: f.uncertain, Replaces: f.replaces}
}

// probe finds the start of a recording whose name does not tell it: inside, else by its modification time.
func (s *Source) probe(ctx context.Context, f *file, rec orchestrator.Recording) {
	if s.Time != TimeName {
		s.lookInside(f)
	}
	if f.source == "" {
		created, length, err := s.Probe(ctx, rec.Path)
		if ctx.Err() != nil {
			return // not the file's fault: ask again when there is a next time
		}
		if err != nil {
			created, length = time.Time{}, 0
		}
		modified := rec.ModTime.Add(s.Offset).UTC()
		switch {
		case s.Time == TimeStart:
			f.start, f.source = modified, orchestrator.TimeFromModTime
		case s.Time != TimeName && s.Time != TimeEnd && s.credible(created, rec.ModTime):
			f.start, f.source, f.field = created.UTC().Add(s.Offset), orchestrator.TimeFromContainer, "creation time"
		default:
			f.start, f.end, f.source = modified.Add(-length), modified, orchestrator.TimeFromModTime
		}
	}
	switch {
	case f.start.After(s.Now()):
		f.dayless = inFuture(f.start)
	case f.source == orchestrator.TimeFromModTime && f.start.Year() < earliestYear:
		f.dayless = bad(orchestrator.CodeRecordingTimeUnset, "its name tells no time, and it was modified on %s, as by a clock that was never set",
			rec.ModTime.UTC().Format(time.DateOnly))
	}
	if f.dayless != nil {
		s.strays = append(s.strays, stray{rec.Name, f.dayless})
		f.start, f.end = time.Time{}, time.Time{}
	}
}

// earliestYear is the first of which a modification time is believed: clocks that were never set show 1970 and 1980, and
// those of broken file systems 1601 and 1904.
const earliestYear = 1990

// credible tells whether a time inside a file may be when it was made: not before any recorder, and not after it was
// modified. File systems round times, to two seconds on a memory card.
func (s *Source) credible(created, modified time.Time) bool {
	return created.Year() >= 1980 && !created.After(modified.Add(2*time.Second))
}

func inFuture(start time.Time) error {
	return bad(orchestrator.CodeRecordingInFuture,
		"it starts at %s, which is in the future", start.Format(time.RFC3339))
}

// bad is an orchestrator.ErrBadRecording with its code.
func bad(code orchestrator.Code, format string, args ...any) error {
	return orchestrator.WithCode(fmt.Errorf("%w: "+format, append([]any{orchestrator.ErrBadRecording}, args...)...), code)
}

// file is one file of the folder.
type file struct {
	name   string // path below the root, as the system has it
	target string // path of the file itself, where name is a symbolic link to it
	start  time.Time
	second time.Time               // the other start, where clocks showed it twice and nobody chose yet
	source orchestrator.TimeSource // empty until start is known
	err    error                   // why it is no recording; nil where it may be one
	// dayless is why its time is none of any day; nil where it may be one.
	dayless error
	// end is when it ended, where that is known and the start follows from its length.
	end time.Time
	// field is where inside the file its start stands; looked is true once somebody looked.
	field  string
	looked bool
	// uncertain is by how much the start may be off.
	uncertain time.Duration
	// replaces is the name of the file of which this is the better copy.
	replaces string
	// seen is the file as it was listed; nil until then.
	seen os.FileInfo
}

func (f *file) named() bool { return f.source == orchestrator.TimeFromName }

// dated tells whether the start is known, by the name or by what is inside.
func (f *file) dated() bool { return f.named() || f.source == orchestrator.TimeFromContainer }

func (f *file) path(root string) string {
	return cmp.Or(f.target, filepath.Join(root, f.name))
}
