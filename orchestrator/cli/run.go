package cli

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/document"
	"github.com/chortle-audio/chortle/orchestrator/service"
	"github.com/chortle-audio/chortle/orchestrator/service/updates"
)

// runFlags are the flags of run that are no settings.
type runFlags struct {
	users             []string
	days              dates
	trigger           string
	reprocess, dryRun bool
	all               bool
	asJSON            bool
	// events has the run say on stdout how far it is: for the page that started it, not for people.
	events bool
}

var triggers = []string{string(orchestrator.TriggerManual), string(orchestrator.TriggerCron), string(orchestrator.TriggerScheduled)}

func (a *app) runCommand() *cobra.Command {
	var flags runFlags
	cmd := &cobra.Command{
		Use: "run", Short: "Read the users' recordings and find the laughs",
		Long: `Reads the recordings of a day, finds every laugh, and stores it with a few seconds of sound around it.

Without a date it reads each user's yesterday, in the user's own time zone, and what came late for the
days before (CHORTLE_CATCH_UP_DAYS). Of still older days it reads what was never read, the oldest first, up to
CHORTLE_LATE_HOURS of sound a run, or with --all all there is: for the archive of a new user. From the Limitless API
it reads also what failed, or was missed, on any day since the first. What is stored already is not read again. One user or recording that fails does not
stop the others.

Exit codes: 0 all done, 1 failed, 2 bad usage or settings, 3 incomplete: something failed and the rest is
stored, 11 another run is under way, 130 interrupted.`,
		Example: `  orchestrator run                                  # yesterday, for everybody who is enabled
  orchestrator run --user alice --date 2026-11-22
  orchestrator run --user alice --all --dry-run     # what a new user's archive holds
  orchestrator run --from 2026-11-01 --to 2026-11-07 --dry-run
  10 4 * * *  orchestrator run --trigger cron       # a line for crontab`,
		Args: noArgs,
	}
	f := cmd.Flags()
	f.StringArrayVar(&flags.users, "user", nil, "only this `name`; may be given several times")
	flags.days.bind(cmd, true)
	f.StringVar(&flags.trigger, "trigger", "manual", "what started the run, for the log: manual, cron or scheduled")
	f.BoolVar(&flags.reprocess, "reprocess", false, "read again what is stored already: replaces what the same model heard, and adds what another one hears")
	f.BoolVar(&flags.all, "all", false, "every day that the sources have something of, however long ago")
	f.BoolVar(&flags.dryRun, "dry-run", false, "only list what would be read: each file, its day and time, and why")
	jsonFlag(cmd, &flags.asJSON)
	f.BoolVar(&flags.events, "events", false, "report progress to the page that started the run")
	_ = f.MarkHidden("events") // it is there
	a.debug.bind(cmd)
	bindModel(f)
	bind(f, "CHORTLE_USERS_AT_ONCE", "CHORTLE_SANDBOX")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return a.run(cmd.Context(), flags) }
	return cmd
}

// needsPerson reports whether something of a run is for a person to mend, or to know of.
func needsPerson(run orchestrator.Run) bool {
	return run.ExitCode != orchestrator.ExitOK || slices.ContainsFunc(run.Days, func(day orchestrator.UserDay) bool {
		return day.Status != orchestrator.StatusOK || len(day.Errors) > 0
	})
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
	if flags.all && from != (orchestrator.Date{}) {
		return usage("--all reads every day; leave out --date, --from and --to")
	}
	observe := a.observer().observe
	report := updates.NewReporter(a.stdout, a.now)
	if flags.events {
		observe = report.Observe
	}
	run, err := a.service.Run(ctx, service.RunRequest{Users: flags.users, From: from, To: to, Trigger: orchestrator.Trigger(flags.trigger),
		Reprocess: flags.reprocess, DryRun: flags.dryRun, All: flags.all,
		Watched: flags.trigger == string(orchestrator.TriggerManual) && a.stderr.Terminal}, observe)
	a.stderr.SetStatus("")
	switch {
	case flags.events:
		report.End(run)
	case flags.asJSON:
		err = errors.Join(err, a.writeJSON(document.OfRun(run, flags.dryRun)))
	case !a.quiet || needsPerson(run):
		a.reportRun(run, flags.dryRun)
	}
	return &exitError{run.ExitCode, err}
}
