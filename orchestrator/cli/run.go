package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/store"
)

// runFlags are the flags of run that are no settings.
type runFlags struct {
	users             []string
	days              dates
	trigger           string
	reprocess, dryRun bool
	asJSON            bool
}

var triggers = []string{string(orchestrator.TriggerManual), string(orchestrator.TriggerCron), string(orchestrator.TriggerScheduled)}

func (a *app) runCommand() *cobra.Command {
	var flags runFlags
	cmd := &cobra.Command{
		Use: "run", Short: "Read the users' recordings and find the laughs",
		Long: `Reads the recordings of a day, finds every laugh, and stores it with a few seconds of sound around it.

Without a date it reads each user's yesterday, in the user's own time zone, and what came late for the
days before (CHORTLE_CATCH_UP_DAYS); from the Limitless API also what failed, or was missed, on any day
since the first. What is stored already is not read again. One user or recording that fails does not
stop the others.

Exit codes: 0 all done, 1 failed, 2 bad usage or settings, 3 incomplete: something failed and the rest is
stored, 11 another run is under way, 130 interrupted.`,
		Example: `  orchestrator run                                  # yesterday, for everybody who is enabled
  orchestrator run --user alice --date 2026-11-22
  orchestrator run --from 2026-11-01 --to 2026-11-07 --dry-run
  10 4 * * *  orchestrator run --trigger cron       # a line for crontab`,
		Args: noArgs,
	}
	f := cmd.Flags()
	f.StringArrayVar(&flags.users, "user", nil, "only this `name`; may be given several times")
	flags.days.bind(cmd, true)
	f.StringVar(&flags.trigger, "trigger", "manual", "what started the run, for the log: manual, cron or scheduled")
	f.BoolVar(&flags.reprocess, "reprocess", false, "read again what is stored already: replaces what the same model heard, and adds what another one hears")
	f.BoolVar(&flags.dryRun, "dry-run", false, "only say what would be read")
	jsonFlag(cmd, &flags.asJSON)
	a.debug.bind(cmd)
	bind(f, "CHORTLE_INFERD", "CHORTLE_MODELS", "CHORTLE_MODEL", "CHORTLE_USERS_AT_ONCE")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return a.run(cmd.Context(), flags) }
	return cmd
}

func (a *app) run(ctx context.Context, flags runFlags) error {
	if !slices.Contains(triggers, flags.trigger) {
		return usage("--trigger %q is not known: want %s", flags.trigger, strings.Join(triggers, ", "))
	}
	if err := a.debug.check(); err != nil {
		return err
	}
	from, to, err := flags.days.parse()
	if err != nil {
		return err
	}
	if from == (orchestrator.Date{}) && to != from {
		return usage("--to needs --from, the first day")
	}
	run, err := a.lockedRun(ctx, flags, from, to)
	if coded := (*exitError)(nil); errors.As(err, &coded) {
		err = coded.err
	}
	if flags.asJSON {
		err = errors.Join(err, a.writeJSON(documentOf(run, flags.dryRun)))
	} else {
		a.reportRun(run, flags.dryRun)
	}
	return &exitError{run.ExitCode, err}
}

// unbegun tells of a run that could not begin as of one that ended. It is in no log and has no id.
func (a *app) unbegun(ctx context.Context, flags runFlags, startedAt time.Time, failure error) orchestrator.Run {
	run := orchestrator.Run{Trigger: orchestrator.Trigger(flags.trigger), StartedAt: startedAt.UTC(), FinishedAt: a.now().UTC(),
		Status: orchestrator.StatusFailed, ExitCode: orchestrator.ExitFailed, Error: failure.Error()}
	coded := (*exitError)(nil)
	switch {
	case errors.As(failure, &coded):
		run.ExitCode, run.Error = coded.code, coded.err.Error()
	case ctx.Err() != nil:
		run.Status, run.ExitCode = orchestrator.StatusInterrupted, orchestrator.ExitInterrupted
	}
	return run
}

// lockedRun is watchedRun with no other run beside it in the data folder.
func (a *app) lockedRun(ctx context.Context, flags runFlags, from, to orchestrator.Date) (orchestrator.Run, error) {
	release, err := a.lockDataDir()
	if err != nil {
		return a.unbegun(ctx, flags, a.now(), err), err
	}
	defer release()
	return a.watchedRun(ctx, flags, from, to)
}

// watchedRun runs what the flags want, and tells those who watch.
func (a *app) watchedRun(ctx context.Context, flags runFlags, from, to orchestrator.Date) (run orchestrator.Run, err error) {
	startedAt := a.now()
	var watch *watch
	if !flags.dryRun {
		watch = a.beginWatch(ctx)
	}
	runner, store, closeAll, err := a.runner(ctx, reading{again: flags.reprocess, dryRun: flags.dryRun})
	defer func() {
		if run.ID == "" {
			run = a.unbegun(ctx, flags, startedAt, err)
		}
		if watch != nil {
			watch.end(ctx, store, run, err)
		}
		if closeAll == nil {
			return
		}
		if err := closeAll(); err != nil { // what was stored is stored; nothing else hangs on the closing
			a.log.WithError(err).Warn("close database and clips")
		}
	}()
	if err != nil {
		return run, err
	}
	if watch != nil {
		watch.lookBack(ctx, store)
	}
	return a.plannedRun(ctx, flags, from, to, runner, store)
}

// plannedRun runs what the flags want. The id of a run that could not begin is empty.
func (a *app) plannedRun(ctx context.Context, flags runFlags, from, to orchestrator.Date, runner *orchestrator.Runner, store *store.Store) (run orchestrator.Run, err error) {
	all, err := store.Users(ctx)
	if err != nil {
		return run, err
	}
	users, err := chooseUsers(all, flags.users)
	switch {
	case err != nil:
		return run, err
	case len(all) == 0:
		return run, usage("there are no users yet: add one with orchestrator user add NAME --timezone ZONE --source folder:PATH")
	case len(users) == 0:
		a.log.Warn("no user is enabled: there is nothing to do")
	}
	config := a.settings.Config
	plan := orchestrator.Plan{
		Users: users, From: from, To: to, CatchUpDays: config.CatchUpDays, Trigger: orchestrator.Trigger(flags.trigger),
		Reprocess: flags.reprocess, DryRun: flags.dryRun, UsersAtOnce: config.UsersAtOnce, Policy: config.Policy(),
	}
	if from != (orchestrator.Date{}) {
		plan.To = a.lastDay(plan)
	}
	return a.observed(ctx, runner, plan)
}

// lastDay is the last day of a plan that names the first: where it is left open, the latest of the
// users' yesterdays, or the first day itself where that is later. Days to come are pointed out.
func (a *app) lastDay(plan orchestrator.Plan) orchestrator.Date {
	var today orchestrator.Date
	for _, user := range plan.Users {
		if location, err := user.Location(); err == nil {
			if date := orchestrator.DateOf(a.now().In(location)); today.Before(date) {
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
		a.log.Warnf("%s has not come yet for any of the users", to)
	}
	return to
}

// observed runs a plan with somebody who logs it and shows how far it is.
func (a *app) observed(ctx context.Context, runner *orchestrator.Runner, plan orchestrator.Plan) (orchestrator.Run, error) {
	observer := &observer{log: a.log, screen: a.stderr, now: a.now, dryRun: plan.DryRun}
	runner.Observe = observer.observe
	run, err := runner.Run(ctx, plan)
	a.stderr.SetStatus("")
	if run.ID == "" {
		return run, err
	}
	a.log.WithFields(fields{keyRun: run.ID, keyStatus: run.Status, keyCode: run.ExitCode}).Info("run ended")
	if err != nil {
		err = fmt.Errorf("run %s: %w", run.ID, err)
	}
	return run, err
}
