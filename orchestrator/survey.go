package orchestrator

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path"
	"slices"
	"time"
)

// Lister is a Source that can tell all that it holds without fetching any of it.
type Lister interface {
	// All yields every recording that is complete, whatever its day, without opening it. Start is zero where only a look
	// into the recording tells it. An error ends the sequence; what is wrong with single recordings is told by
	// Recordings and Strays.
	All(ctx context.Context) iter.Seq2[Recording, error]
	// Place returns a recording of All with its start; a zero Start where nobody can tell it.
	Place(ctx context.Context, rec Recording) (Recording, error)
	// PassedOver counts what lies beside the recordings and is read by nobody, by its ending; in order.
	PassedOver(ctx context.Context) ([]PassedOver, error)
}

// PassedOver counts files that are not read.
type PassedOver struct {
	// Ending of their names, in lower case and with its dot; empty for names without one.
	Ending string
	Files  int
	// Example is the name of one of them.
	Example string
}

// Index is what a store knows of a source's files. Safe for concurrent use.
type Index interface {
	// Known tells for each recording what is known of it, by its SHA256 where that is set, else by its name, size and
	// modification time; the zero value where nothing is.
	Known(ctx context.Context, userID int64, recs []Recording) ([]KnownRecording, error)
	// Move gives recordings their new name, size, modification time and start, and moves their laughs along, all at
	// once. Recordings are told by their SHA256.
	Move(ctx context.Context, userID int64, recs []Recording) error
	// Alias notes that a recording, told by its SHA256, has another file, too: Known and FindRecording find it by that.
	Alias(ctx context.Context, userID int64, rec Recording) error
	// ForgetFailed forgets the failed attempts at recordings that are not there any more, and returns how many those were.
	ForgetFailed(ctx context.Context, userID int64, there func(name string) bool) (int64, error)
	// SaveSurvey replaces what was noted of the user's source.
	SaveSurvey(ctx context.Context, userID int64, survey Survey) error
}

// KnownRecording is what a store knows of a recording.
type KnownRecording struct {
	RecordingState
	// Stored is the recording as it is stored: its name, size, modification time, start and how that was found.
	Stored Recording
}

// Survey is what a run saw of a user's source as a whole. JSON, for the store.
type Survey struct {
	// At is when it was made, in UTC.
	At time.Time `json:"at"`
	// Recordings that the source holds.
	Recordings int `json:"recordings"`
	// Moved are recordings whose time turned out to be another one: they and their laughs were moved, without being read
	// again. At most 100 are listed.
	Moved []Moved `json:"moved,omitempty"`
	// MovedCount is how many there are.
	MovedCount int `json:"moved_count"`
	// LateRead is how many recordings of days before the planned ones were read, and LateLeft how many are still to be
	// read, of the days LateFirst to LateLast, LateBytes in all.
	LateRead  int   `json:"late_read"`
	LateLeft  int   `json:"late_left"`
	LateFirst Date  `json:"late_first,omitzero"`
	LateLast  Date  `json:"late_last,omitzero"`
	LateBytes int64 `json:"late_bytes"`
	// PassedOver are files that are not read.
	PassedOver []PassedOver `json:"passed_over,omitempty"`
	// Notes are what a person should know of the recordings' times.
	Notes []string `json:"notes,omitempty"`
}

// Moved is a recording whose time was corrected.
type Moved struct {
	Recording string    `json:"recording"`
	From      time.Time `json:"from"`
	To        time.Time `json:"to"`
}

const mostMoved = 100

// rank orders the ways to find a start, the most trustworthy first.
func (s TimeSource) rank() int {
	return slices.Index([]TimeSource{TimeFromSource, TimeFromName, TimeFromContainer, TimeFromModTime}, s)
}

// surveySource looks at all that a source holds, moves what was stored at another time than the source tells now, before
// anything is compared with it, and finds the days before one that have something to read. nil where the source cannot be
// listed: its days will tell why.
func (r *Runner) surveySource(ctx context.Context, lister Lister, user User, plan Plan, before Date, location *time.Location) (*surveyed, error) {
	s := &surveyed{names: map[string]bool{}, late: map[Date]lateDay{}}
	s.At = r.Now().UTC()
	var moves []Recording
	look := func(batch []Recording) error {
		states, err := r.Index.Known(ctx, user.ID, batch)
		if err != nil {
			return err
		}
		for i, rec := range batch {
			state := states[i]
			switch {
			case state.Done:
				if moved := state.moved(rec, plan.Reprocess); moved != nil {
					moves = append(moves, *moved)
					s.noteMove(state.Stored, *moved)
				}
				continue
			case state.Attempts >= MaxAttempts:
				continue
			case rec.Start.IsZero():
				if rec, err = lister.Place(ctx, rec); err != nil {
					return err
				}
			}
			if date := DateOf(rec.Start.In(location)); !rec.Start.IsZero() && date.Before(before) {
				day := s.late[date]
				s.late[date] = lateDay{day.recordings + 1, day.bytes + rec.Size}
			}
		}
		return nil
	}
	batch := make([]Recording, 0, 500)
	for rec, err := range lister.All(ctx) {
		if err != nil {
			return nil, ctx.Err()
		}
		s.Recordings++
		s.names[rec.Name] = true
		if batch = append(batch, rec); len(batch) == cap(batch) {
			if err := look(batch); err != nil {
				return nil, err
			}
			batch = batch[:0]
		}
	}
	if err := look(batch); err != nil {
		return nil, err
	}
	var err error
	if s.PassedOver, err = lister.PassedOver(ctx); err != nil {
		return nil, err
	}
	if len(moves) > 0 && !plan.DryRun {
		if err := r.Index.Move(ctx, user.ID, moves); err != nil {
			return nil, fmt.Errorf("move recordings: %w", err)
		}
	}
	return s, nil
}

// surveyed is a survey under way.
type surveyed struct {
	Survey
	names   map[string]bool // of all recordings that the source holds
	guesses []guess         // of those that this run read
	late    map[Date]lateDay
}

// lateDay is what a day before the planned ones has to read.
type lateDay struct {
	recordings int
	bytes      int64
}

// days are those that have something to read, the oldest first.
func (s *surveyed) days() []Date {
	var days []Date
	for date := range s.late {
		days = append(days, date)
	}
	slices.SortFunc(days, Date.Compare)
	return days
}

// guess is a recording whose time was only guessed from its modification time.
type guess struct {
	name       string
	start, end time.Time
}

// noteGuesses says once of recordings that one recorder cannot have made that their times are those of a copy.
func (s *surveyed) noteGuesses() {
	slices.SortFunc(s.guesses, func(a, b guess) int { return a.start.Compare(b.start) })
	var most, group []guess
	for _, g := range s.guesses {
		if len(group) > 0 && (!g.start.Before(group[0].end.Add(-time.Second)) || path.Dir(g.name) != path.Dir(group[0].name)) {
			group = nil
		}
		if group = append(group, g); len(group) > len(most) {
			most = slices.Clone(group)
		}
	}
	if len(most) < 3 {
		return
	}
	s.Notes = append(s.Notes, fmt.Sprintf("%d recordings seem to run at the same time, from %s on, such as %s: their modification times are those of a copy. "+
		"Copy them with their times (cp -p, rsync -t), or rename them after the time at which they began, and run again",
		len(most), most[0].start.UTC().Format("2006-01-02 15:04:05Z"), most[0].name))
}

// left counts what is still to be read.
func (s *surveyed) left() {
	s.LateLeft, s.LateBytes, s.LateFirst, s.LateLast = 0, 0, Date{}, Date{}
	for i, date := range s.days() {
		if i == 0 {
			s.LateFirst = date
		}
		s.LateLast = date
		s.LateLeft += s.late[date].recordings
		s.LateBytes += s.late[date].bytes
	}
}

func (s *surveyed) noteMove(before, rec Recording) {
	if s.MovedCount++; len(s.Moved) < mostMoved {
		s.Moved = append(s.Moved, Moved{rec.Name, before.Start, rec.Start})
	}
}

// moved returns the recording as it is to be stored from now on, or nil where nothing changes. A start is given up only
// for one that is told as well or better: not the time in a name for the modification time of a copy, and not a
// modification time for a later one, which a copy has as well.
func (k KnownRecording) moved(rec Recording, anyhow bool) *Recording {
	before := k.Stored
	if rec.Start.IsZero() || before.TimeSource == TimeFromSource {
		return nil
	}
	rec.SHA256 = k.SHA256
	same := rec.Start.Sub(before.Start).Abs() < time.Millisecond
	guess := rec.TimeSource == TimeFromModTime
	switch {
	case same && rec.TimeSource == before.TimeSource:
		return nil
	case guess && before.TimeSource == TimeFromModTime && rec.ModTime.Equal(before.ModTime):
		return nil // it was corrected by the length that was decoded
	case anyhow, rec.TimeSource.rank() < before.TimeSource.rank():
	case rec.TimeSource.rank() > before.TimeSource.rank(), guess && rec.Start.After(before.Start):
		return nil
	}
	return &rec
}

// recognised deals with a recording that is known by its content and has another name, size or time than it had: it is
// moved, unless the file that it had is there, too.
func (d *dayRun) recognised(ctx context.Context, rec Recording) error {
	if d.Index == nil || d.plan.DryRun || rec.Window != (Span{}) {
		return nil
	}
	states, err := d.Index.Known(ctx, d.user.ID, []Recording{rec})
	if err != nil {
		return &stageError{StageStore, err}
	}
	known := states[0]
	if known.Stored.Name != rec.Name && d.survey != nil && d.survey.names[known.Stored.Name] {
		err = d.Index.Alias(ctx, d.user.ID, rec)
	} else {
		moved := known.moved(rec, d.plan.Reprocess)
		if moved == nil { // the name is new, the time stays
			kept := rec
			kept.Start, kept.TimeSource, kept.Uncertainty = known.Stored.Start, known.Stored.TimeSource, known.Stored.Uncertainty
			moved = &kept
		} else if d.survey != nil {
			d.survey.noteMove(known.Stored, *moved)
		}
		err = d.Index.Move(ctx, d.user.ID, []Recording{*moved})
	}
	if err != nil {
		return &stageError{StageStore, err}
	}
	return nil
}

// readLate reads days before the planned ones that have something to read, the oldest first, until the run has read as
// much sound of the user's as the plan allows. The error is one that ends the run.
func (r *Runner) readLate(ctx context.Context, s *surveyed, plan Plan, read func(Date) (*UserDay, error)) error {
	limit := DurationToSamples(plan.Late)
	if plan.Late < 0 {
		limit = 1 << 62
	}
	for _, date := range s.days() {
		if ctx.Err() != nil || limit <= 0 {
			break
		}
		day, err := read(date)
		if day != nil {
			limit -= day.AudioSamples
			s.LateRead += day.Processed
		}
		if err != nil || ctx.Err() != nil {
			return err
		}
		delete(s.late, date)
	}
	return nil
}

// forget leaves out the days that a run has read.
func (s *surveyed) forget(from, to Date) {
	for date := range s.late {
		if !date.Before(from) && !to.Before(date) {
			delete(s.late, date)
		}
	}
}

// saveSurvey stores what was seen. A user who is gone needs none.
func (r *Runner) saveSurvey(ctx context.Context, user User, s *surveyed, dryRun bool) error {
	s.left()
	s.noteGuesses()
	if dryRun || ctx.Err() != nil {
		return nil
	}
	if _, err := r.Index.ForgetFailed(ctx, user.ID, func(name string) bool { return s.names[name] }); err != nil && !errors.Is(err, ErrNotFound) {
		return fmt.Errorf("forget failed recordings of user %s: %w", user.Name, err)
	}
	if err := r.Index.SaveSurvey(ctx, user.ID, s.Survey); err != nil && !errors.Is(err, ErrNotFound) {
		return fmt.Errorf("save survey of user %s: %w", user.Name, err)
	}
	return nil
}
