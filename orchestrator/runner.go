package orchestrator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

const (
	// MaxAttempts is in how many runs a damaged recording, or one that crashes the model, is tried before it
	// is given up; a run with Reprocess tries it again.
	MaxAttempts = 3
	// clipMargin is the sound kept before and after a laugh.
	clipMargin = 2 * SampleRateHz
	// closingTime bounds the last writes of a run that was interrupted, so that it ends within two
	// seconds of the signal.
	closingTime = 1500 * time.Millisecond
)

// Plan says what a run is to do.
type Plan struct {
	Users []User
	// From and To are the first and the last day, both included. Zero means each user's yesterday.
	From, To Date
	// CatchUpDays is how many days before yesterday are looked through for recordings that came late.
	// It counts only where From is zero.
	CatchUpDays int
	// Late is how much sound of days before those is read in one run, of each user, where a source has recordings of
	// theirs that were never read; 0 is none, below 0 all there is. It counts only where From is zero.
	Late    time.Duration
	Trigger Trigger
	// Reprocess reads again what is stored already, and replaces it.
	Reprocess bool
	// DryRun finds out what would be done, and does nothing.
	DryRun bool
	// UsersAtOnce is how many users are read side by side; below 1 means one.
	UsersAtOnce int
	// Policy says what a laugh is, before what each user's own says.
	Policy PolicySettings
}

// Runner reads days. All fields but Observe must be set; they must be safe for concurrent use where
// UsersAtOnce is more than one.
type Runner struct {
	Store Store
	// Index, unless nil, lets a run see a source as a whole: what arrived late, and what was stored at another time.
	Index Index
	// Attempts, unless nil, remembers what is being read, so that what kills a run is given up, too.
	Attempts Attempts
	// Source opens a user's source. It is asked once for each user of a run.
	Source func(context.Context, User) (Source, error)
	Audio  Audio
	// Spawner chooses the model of a user.
	Spawner func(User) (Spawner, error)
	Clips   Clips
	// ClipKey names a clip from its laugh: deterministic, so that a recording that is done again
	// after a crash writes over its own clips and leaves none behind. What two models heard is kept apart.
	ClipKey func(user string, start time.Time, recordingSHA256 string, model Model, extension string) string
	Detect  Detector
	// Room, unless nil, is asked before clips of a recording are kept. Where it returns an error that wraps ErrNoRoom, laughs
	// are stored without clips.
	Room func() error
	// NewID makes the id of a run.
	NewID func() string
	Now   func() time.Time
	// Observe is told what happens, one event at a time; nil means nobody listens.
	Observe func(Event)

	observing sync.Mutex
}

func (r *Runner) observe(e Event) {
	if r.Observe == nil {
		return
	}
	r.observing.Lock()
	defer r.observing.Unlock()
	r.Observe(e)
}

// Run reads the planned days of the planned users, in order of priority: Begin, ReadUser for each, End. A recording
// or user that fails costs itself only; what happened is in the Run that is returned, its exit code included. The
// error is not nil only when the run itself could not go on, such as without a database; the Run then
// tells what was done until there. A canceled ctx ends the run: the recording under way is left
// undone, and everything before it is stored. The Run of a run that could not begin is the zero one.
func (r *Runner) Run(ctx context.Context, plan Plan) (Run, error) {
	run, err := r.Begin(ctx, plan)
	if err != nil {
		return Run{}, err
	}
	run.Days, err = r.users(ctx, run.ID, plan)
	return r.End(ctx, run, plan, err)
}

// Begin returns a new run, and writes it into the log unless it is a dry one.
func (r *Runner) Begin(ctx context.Context, plan Plan) (Run, error) {
	run := Run{ID: r.NewID(), Trigger: plan.Trigger, StartedAt: r.Now().UTC(), Status: StatusRunning}
	if plan.DryRun {
		return run, nil
	}
	if err := r.Store.BeginRun(ctx, run); err != nil {
		return Run{}, fmt.Errorf("begin run: %w", err)
	}
	return run, nil
}

// End sums up the days of a run, and writes its end into the log unless it is a dry one. cause is the error that
// ended the run early; nil where it came to its end. The error is the cause, unless ctx was canceled, and that of
// the log.
func (r *Runner) End(ctx context.Context, run Run, plan Plan, cause error) (Run, error) {
	run.FinishedAt = r.Now().UTC()
	run.Status, run.ExitCode = outcome(run.Days)
	switch {
	case ctx.Err() != nil:
		run.Status, run.ExitCode = StatusInterrupted, ExitInterrupted
		cause = nil
	case cause != nil:
		run.Status, run.ExitCode, run.Error = StatusFailed, ExitFailed, cause.Error()
	}
	if plan.DryRun {
		return run, cause
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closingTime)
	defer cancel()
	if err := r.Store.EndRun(closing, run); err != nil {
		run.ExitCode = ExitFailed
		cause = errors.Join(cause, fmt.Errorf("end run: %w", err))
	}
	return run, cause
}

// outcome sums up the days of a run that came to its end.
func outcome(days []UserDay) (Status, int) {
	for _, day := range days {
		if day.Status != StatusOK {
			return StatusIncomplete, ExitIncomplete
		}
	}
	return StatusOK, ExitOK
}

// users goes through the users, UsersAtOnce side by side. The error is one that ends the run.
func (r *Runner) users(ctx context.Context, runID string, plan Plan) ([]UserDay, error) {
	users := slices.Clone(plan.Users)
	slices.SortStableFunc(users, func(a, b User) int {
		return cmp.Or(cmp.Compare(a.Priority, b.Priority), cmp.Compare(a.Name, b.Name))
	})
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)

	days := make([][]UserDay, len(users))
	next := make(chan int)
	var workers sync.WaitGroup
	for range max(1, min(plan.UsersAtOnce, len(users))) {
		workers.Go(func() {
			for i := range next {
				var err error
				if days[i], err = r.ReadUser(ctx, runID, users[i], plan); err != nil {
					cancel(err)
				}
			}
		})
	}
	for i := range users {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	workers.Wait()
	return slices.Concat(days...), context.Cause(ctx)
}

// ReadUser reads the planned days of one user, as part of the run of that id: what the user's source has, in order of
// time, with a model process of the user's own, and tells what was done in a UserDay for each day. It is the unit of
// which runs are made, and may be called by several goroutines and machines at once: a user whom another one reads
// has one day that says so (StatusSkipped). The error is one that ends the run, such as ErrStoreUnavailable; what went
// wrong with the user or a recording is in the days.
func (r *Runner) ReadUser(ctx context.Context, runID string, user User, plan Plan) ([]UserDay, error) {
	now := r.Now()
	failed := func(date Date, status Status, stage string, err error) ([]UserDay, error) {
		day := UserDay{UserID: user.ID, User: user.Name, Timezone: user.Timezone, Date: date, Status: status,
			Errors: []RunError{runError(stage, "", err)}}
		err = r.endDay(ctx, runID, &day, plan.DryRun)
		if errors.Is(err, ErrNotFound) {
			err = nil
		}
		return []UserDay{day}, err
	}
	location, err := user.Location()
	if err != nil {
		return failed(DateOf(now.UTC()).Add(-1), StatusFailed, StageUser, err)
	}
	policy, err := plan.Policy.Resolve(user)
	if err != nil {
		return failed(DateOf(now.In(location)).Add(-1), StatusFailed, StageUser, err)
	}
	from, to := plan.From, plan.To
	if from == (Date{}) {
		to = Yesterday(now, location)
		from = to.Add(-plan.CatchUpDays)
	}
	source, err := r.Source(ctx, user)
	if err != nil {
		return failed(to, StatusFailed, StageSource, err)
	}
	if closer, ok := source.(Closer); ok {
		defer closer.Close()
	}
	if !plan.DryRun {
		release, err := r.lockUser(ctx, user)
		switch {
		case errors.Is(err, ErrLocked):
			return failed(to, StatusSkipped, StageLock, err)
		case err != nil:
			return nil, fmt.Errorf("lock user %s: %w", user.Name, err)
		}
		defer release()
	}

	dates, err := planned(ctx, source, plan, from, to, location)
	if err != nil {
		return failed(to, StatusFailed, StageSource, err)
	}
	var survey *surveyed
	if lister, ok := source.(Lister); ok && r.Index != nil {
		survey, err = r.surveySource(ctx, lister, user, plan, Yesterday(now, location).Add(-plan.CatchUpDays), location)
		switch {
		case errors.Is(err, ErrStoreUnavailable):
			return nil, err
		case err != nil && ctx.Err() == nil:
			return failed(to, StatusFailed, StageStore, err)
		case survey != nil:
			survey.left()
			r.observe(Event{Kind: EventSurvey, User: user.Name, Date: to, Survey: &survey.Survey})
		}
		err = nil
	}
	var days []UserDay
	read := func(date Date, last bool) (*UserDay, error) {
		d := dayRun{Runner: r, runID: runID, last: last, user: user, plan: plan, policy: policy, survey: survey}
		d.day = UserDay{UserID: user.ID, User: user.Name, Timezone: user.Timezone, Date: date, Status: StatusOK}
		if last && survey != nil {
			d.day.Survey = &survey.Survey
		}
		err := d.run(ctx, source, date.Span(location))
		late := plan.From == (Date{}) && date.Before(to)
		if late && err == nil && !d.begun && d.day.Calls.Total == 0 {
			return nil, nil // nothing came late: not worth a row
		}
		days = append(days, d.day)
		day := &days[len(days)-1]
		if err != nil {
			return day, err
		}
		return day, r.endDay(ctx, runID, day, plan.DryRun)
	}
	for i, date := range dates {
		if ctx.Err() != nil {
			break
		}
		if _, err = read(date, i == len(dates)-1); err != nil {
			break
		}
	}
	if survey != nil && err == nil && ctx.Err() == nil {
		survey.forget(from, to)
		if plan.From == (Date{}) {
			err = r.readLate(ctx, survey, plan, func(date Date) (*UserDay, error) { return read(date, false) })
		}
		err = errors.Join(err, r.saveSurvey(ctx, user, survey, plan.DryRun))
	}
	if errors.Is(err, ErrNotFound) {
		err = nil // whoever removed the user wants nothing more of it
	}
	return days, err
}

// planned lists the days of one user: those of the plan and, unless it names them, those before them that
// the source has gaps in, be it that they failed or that no run asked for them.
func planned(ctx context.Context, source Source, plan Plan, from, to Date, location *time.Location) (dates []Date, err error) {
	if keeper, ok := source.(GapKeeper); ok && plan.From == (Date{}) {
		gaps, err := keeper.Gaps(ctx, from.Span(location).Start)
		if err != nil {
			return nil, fmt.Errorf("look for gaps: %w", err)
		}
		for _, gap := range gaps {
			last := DateOf(gap.End.Add(-1).In(location))
			for date := DateOf(gap.Start.In(location)); !last.Before(date) && date.Before(from); date = date.Add(1) {
				dates = append(dates, date)
			}
		}
		slices.SortFunc(dates, Date.Compare)
		dates = slices.Compact(dates)
	}
	for date := from; !to.Before(date); date = date.Add(1) {
		dates = append(dates, date)
	}
	return dates, nil
}

// endDay stores a day and tells the observer. ErrNotFound where the user was removed meanwhile: the day
// tells of it, too.
func (r *Runner) endDay(ctx context.Context, runID string, day *UserDay, dryRun bool) error {
	if !dryRun {
		closing := context.WithoutCancel(ctx)
		if ctx.Err() != nil {
			var cancel context.CancelFunc
			closing, cancel = context.WithTimeout(closing, closingTime)
			defer cancel()
		}
		err := r.Store.SaveDay(closing, runID, *day)
		if errors.Is(err, ErrNotFound) {
			day.Status = StatusFailed
			day.Errors = append(day.Errors, RunError{Stage: StageUser, Message: "the user was removed while it was read"})
			r.observe(Event{Kind: EventDayDone, User: day.User, Date: day.Date, Day: day})
			return err
		}
		if err != nil {
			return fmt.Errorf("save day %s of user %s: %w", day.Date, day.User, err)
		}
	}
	r.observe(Event{Kind: EventDayDone, User: day.User, Date: day.Date, Day: day})
	return nil
}
