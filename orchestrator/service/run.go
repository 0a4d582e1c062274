package service

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/clips"
	"github.com/chortle-audio/chortle/orchestrator/detect"
	"github.com/chortle-audio/chortle/orchestrator/health"
	"github.com/chortle-audio/chortle/orchestrator/store"
)

// RunRequest says what a run is to read.
type RunRequest struct {
	// Users by name; none means all that are enabled.
	Users []string
	// From and To are the first and the last day, both included. A zero From means each user's yesterday; a zero To
	// with a From the latest of the users' yesterdays, or From itself where that is later.
	From, To orchestrator.Date
	Trigger  orchestrator.Trigger
	// Reprocess reads again what is stored already; DryRun only finds out what would be read.
	Reprocess, DryRun bool
	// All reads every day that the sources have something of, however long ago, without a bound. It goes without From.
	All bool
	// Watched says that a person looks at this run: nobody is notified of it.
	Watched bool
}

// Run reads what the request wants while no other run does, logs it, and notifies whoever watches. observe, unless nil,
// gets every event, one at a time. The Run that is returned tells what was done, with its exit code, also where the
// error is not nil; its ID is empty where it could not begin.
func (s *Service) Run(ctx context.Context, request RunRequest, observe func(orchestrator.Event)) (run orchestrator.Run, err error) {
	startedAt := s.Now()
	release, err := s.Lock()
	if err != nil {
		run = s.notStarted(ctx, request.Trigger, startedAt, err)
		if locked := (*LockedError)(nil); errors.As(err, &locked) && !request.DryRun {
			if alert, stuck := health.Stuck(err.Error(), locked.Since, s.Config.Alerts.Limits, startedAt); stuck {
				s.stuck(ctx, run, alert)
			}
		}
		return run, err
	}
	defer release()
	unready := s.checkUsers(ctx, request)
	if unready != nil && ExitCode(ctx, unready) == orchestrator.ExitUsage && request.Trigger == orchestrator.TriggerManual {
		return s.notStarted(ctx, request.Trigger, startedAt, unready), unready // a slip of the keyboard alarms nobody
	}
	var watch *watch
	if !request.DryRun {
		watch = s.beginWatch(ctx, request.Watched)
		observe = watch.heard.listen(observe)
	}
	if err = unready; err == nil {
		run, err = s.read(ctx, request, watch, observe)
	}
	if opened := s.storeIfOpen(); opened != nil && err == nil && !request.DryRun {
		if _, err := opened.FinishPurges(ctx); err != nil {
			s.Log.WithError(err).Warn("finish purges")
		}
	}
	if run.ID == "" {
		run = s.notStarted(ctx, request.Trigger, startedAt, err)
	}
	if watch != nil {
		s.lookAfter(ctx, run)
		watch.end(ctx, s.storeIfOpen(), run, err)
	}
	return run, err
}

// notStarted returns the Run to report where a run could not begin: it is not stored and has no ID.
func (s *Service) notStarted(ctx context.Context, trigger orchestrator.Trigger, startedAt time.Time, failure error) orchestrator.Run {
	run := orchestrator.Run{Trigger: trigger, StartedAt: startedAt.UTC(), FinishedAt: s.Now().UTC(),
		Status: orchestrator.StatusFailed, ExitCode: ExitCode(ctx, failure), Error: failure.Error()}
	if run.ExitCode == orchestrator.ExitInterrupted {
		run.Status = orchestrator.StatusInterrupted
	}
	return run
}

// read plans the request and carries it out. The ID of a run that could not begin is empty.
func (s *Service) read(ctx context.Context, request RunRequest, watch *watch, observe func(orchestrator.Event)) (run orchestrator.Run, err error) {
	runner, err := s.runner(ctx, request.Reprocess, request.DryRun)
	if err != nil {
		return run, err
	}
	release, err := s.lockWork(ctx, (*store.Store).LockShared)
	if err != nil {
		return run, err
	}
	defer release()
	if watch != nil {
		watch.lookBack(ctx)
	}
	plan, err := s.plan(ctx, request)
	if err != nil {
		return run, err
	}
	return s.carryOut(ctx, runner, plan, observe)
}

// checkUsers returns an error where there is nobody of a name that the request has, or nobody at all.
func (s *Service) checkUsers(ctx context.Context, request RunRequest) error {
	all, err := s.Users(ctx)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return invalidCode(orchestrator.CodeNoUsers, "there are no users yet")
	}
	_, err = chooseUsers(all, request.Users)
	return err
}

// plan says what a request means now.
func (s *Service) plan(ctx context.Context, request RunRequest) (plan orchestrator.Plan, err error) {
	all, err := s.Users(ctx)
	if err != nil {
		return plan, err
	}
	users, err := chooseUsers(all, request.Users)
	switch {
	case err != nil:
		return plan, err
	case len(all) == 0:
		return plan, invalidCode(orchestrator.CodeNoUsers, "there are no users yet")
	case len(users) == 0:
		s.Log.Warn("no user is enabled: there is nothing to do")
	}
	plan = orchestrator.Plan{
		Users: users, From: request.From, To: request.To, CatchUpDays: s.Config.CatchUpDays, Late: s.Config.Late, Trigger: request.Trigger,
		Reprocess: request.Reprocess, DryRun: request.DryRun, UsersAtOnce: s.Config.UsersAtOnce, Policy: s.Config.Policy(),
	}
	if request.All {
		plan.Late = -1
	}
	if plan.From != (orchestrator.Date{}) {
		if plan.To = s.lastDay(plan); plan.To.Before(plan.From) {
			plan.Users = nil // a day to come would be noted as read, and hide what fails until then
		}
	}
	return plan, nil
}

// lastDay is the last day of a plan that names the first: where it is left open, the latest of the
// users' yesterdays, or the first day itself where that is later, but no day to come: those are pointed out.
func (s *Service) lastDay(plan orchestrator.Plan) orchestrator.Date {
	var today orchestrator.Date
	for _, user := range plan.Users {
		if location, err := user.Location(); err == nil {
			if date := orchestrator.DateOf(s.Now().In(location)); today.Before(date) {
				today = date
			}
		}
	}
	to := plan.To
	if to == (orchestrator.Date{}) {
		if to = today.Add(-1); to.Before(plan.From) {
			to = plan.From
		}
	}
	if today != (orchestrator.Date{}) && today.Before(to) {
		s.Log.Warnf("%s has not come yet for any of the users: no day after %s is read", to, today)
		to = today
	}
	return to
}

// carryOut runs a plan and logs it.
func (s *Service) carryOut(ctx context.Context, runner *orchestrator.Runner, plan orchestrator.Plan, observe func(orchestrator.Event)) (orchestrator.Run, error) {
	logged := map[[2]string]bool{}
	runner.Observe = func(e orchestrator.Event) {
		s.logEvent(e, logged)
		if observe != nil {
			observe(e)
		}
	}
	run, err := runner.Run(ctx, plan)
	if run.ID == "" {
		return run, err
	}
	s.Log.WithFields(fields{keyRun: run.ID, keyStatus: run.Status, keyCode: run.ExitCode}).Info("run ended")
	if err != nil {
		err = fmt.Errorf("run %s: %w", run.ID, err)
	}
	return run, err
}

// runner puts a Runner together. again has its sources yield what is read already, too; with dryRun they fetch
// nothing.
func (s *Service) runner(ctx context.Context, again, dryRun bool) (*orchestrator.Runner, error) {
	opened, err := s.Store(ctx)
	if err != nil {
		return nil, err
	}
	kept, err := s.openClips(ctx)
	if err != nil {
		return nil, err
	}
	if err := kept.Sweep(s.Now().Add(-time.Hour)); err != nil { // younger files may be another's who is writing
		s.Log.WithError(err).Warn("remove what dead writers left among the clips")
	}
	sound, err := s.Audio()
	if err != nil {
		return nil, err
	}
	from := &sources{Service: s, audio: sound, again: again, dryRun: dryRun}
	return &orchestrator.Runner{
		Store: opened, Index: opened, Attempts: opened, Audio: sound, Clips: kept, ClipKey: clips.Key, Detect: detect.Laughs, Room: s.clipRoom, Now: s.Now,
		NewID:  func() string { return uuid.Must(uuid.NewV7()).String() },
		Source: from.open, Spawner: s.userSpawner,
	}, nil
}
