package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/cli/terminal"
	"github.com/chortle-audio/chortle/orchestrator/notify"
	"github.com/chortle-audio/chortle/orchestrator/store"
)

type statusDocument struct {
	ExitCode    int                  `json:"exit_code"`
	LastGoodRun stamp                `json:"last_good_run"`
	LastRun     *lastRunDocument     `json:"last_run"`
	Users       []userStatusDocument `json:"users"`
	Alerts      []alertDocument      `json:"alerts"`
}

type lastRunDocument struct {
	RunID      string `json:"run_id"`
	StartedAt  stamp  `json:"started_at"`
	FinishedAt stamp  `json:"finished_at"`
	Status     string `json:"status"`
	ExitCode   int    `json:"exit_code"`
}

type userStatusDocument struct {
	User        string            `json:"user"`
	Timezone    string            `json:"timezone"`
	Enabled     bool              `json:"enabled"`
	LastGoodDay string            `json:"last_good_day"`
	LastGoodRun stamp             `json:"last_good_run"`
	LastAudio   stamp             `json:"last_audio"`
	LastLaugh   stamp             `json:"last_laugh"`
	Gaps        []openGapDocument `json:"gaps"`
	GivenUp     []givenUpDocument `json:"given_up"`
}

type openGapDocument struct {
	gapDocument
	Attempts  int   `json:"attempts"`
	LastTried stamp `json:"last_tried"`
}

type givenUpDocument struct {
	Recording string `json:"recording"`
	Start     stamp  `json:"start"`
	Attempts  int    `json:"attempts"`
	Reason    string `json:"reason"`
	Remedy    string `json:"remedy"`
}

type alertDocument struct {
	Kind    string `json:"kind"`
	User    string `json:"user"`
	Message string `json:"message"`
	Remedy  string `json:"remedy"`
}

func (a *app) statusCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "status", Short: "Tell how the nights went: last good days, open gaps, what was given up, alerts",
		Long: `Tells when the last good run was, each user's last good day, open gaps and the recordings that were given up
after three runs, and the alerts that stand.

Exit codes: 0 all is well, 1 an alert stands, such as a user whose latest day failed, or whose last good run is longer
ago than --last-run (CHORTLE_ALERT_LAST_RUN, 36h). Every alert has its threshold in the settings: orchestrator config.`,
		Args: noArgs,
	}
	jsonFlag(cmd, &asJSON)
	bind(cmd.Flags(), "CHORTLE_ALERT_LAST_RUN")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return a.withStore(cmd.Context(), func(s *store.Store) error { return a.tellStatus(cmd.Context(), s, asJSON) })
	}
	return cmd
}

// standing is how things stand: the last run, nil where there was none, and the alerts.
type standing struct {
	orchestrator.ServiceStatus
	last   *orchestrator.Run
	alerts []notify.Alert
}

func (a *app) standing(ctx context.Context, s *store.Store) (now standing, err error) {
	if now.ServiceStatus, err = s.Status(ctx); err != nil {
		return now, err
	}
	service := notify.CheckService(now.ServiceStatus, a.limits(), a.now())
	last, err := s.Run(ctx, store.LastRun)
	if errors.Is(err, orchestrator.ErrNotFound) {
		now.alerts = service
		return now, nil
	}
	if err != nil {
		return now, err
	}
	now.last = &last
	now.alerts = notify.Join(notify.CheckRun(last, a.limits()), service)
	unfinished, err := s.Unfinished(ctx)
	for _, run := range unfinished {
		now.alerts = append(now.alerts, notify.Unfinished(run))
	}
	return now, err
}

func (a *app) tellStatus(ctx context.Context, s *store.Store, asJSON bool) error {
	now, err := a.standing(ctx, s)
	if err != nil {
		return err
	}
	code := orchestrator.ExitOK
	if len(now.alerts) > 0 {
		code = orchestrator.ExitFailed
	}
	if asJSON {
		err = a.writeJSON(statusOf(now, code))
	} else {
		err = a.reportStatus(now)
	}
	return errors.Join(err, exit(code))
}

func statusOf(now standing, code int) statusDocument {
	document := statusDocument{ExitCode: code, LastGoodRun: stamp(now.LastGoodRun), Users: []userStatusDocument{}, Alerts: []alertDocument{}}
	if run := now.last; run != nil {
		document.LastRun = &lastRunDocument{run.ID, stamp(run.StartedAt), stamp(run.FinishedAt), string(run.Status), run.ExitCode}
	}
	for _, user := range now.Users {
		one := userStatusDocument{User: user.User.Name, Timezone: user.User.Timezone, Enabled: user.User.Enabled,
			LastGoodDay: dayOrNone(user.LastDay, ""), LastGoodRun: stamp(user.LastGoodRun), LastAudio: stamp(user.LastAudio), LastLaugh: stamp(user.LastLaugh), Gaps: []openGapDocument{}, GivenUp: []givenUpDocument{}}
		for _, gap := range user.Gaps {
			one.Gaps = append(one.Gaps, openGapDocument{gapDocument{stamp(gap.Start), stamp(gap.End), gap.Reason}, gap.Attempts, stamp(gap.LastTried)})
		}
		for _, lost := range user.GivenUp {
			one.GivenUp = append(one.GivenUp, givenUpDocument{lost.Recording, stamp(lost.Start), lost.Attempts, lost.Reason, tryAgain(user.User, lost)})
		}
		document.Users = append(document.Users, one)
	}
	for _, alert := range now.alerts {
		document.Alerts = append(document.Alerts, alertDocument(alert))
	}
	return document
}

func (a *app) reportStatus(now standing) error {
	const minute = "2006-01-02 15:04 MST"
	lastGood := "none yet"
	if !now.LastGoodRun.IsZero() {
		lastGood = fmt.Sprintf("%s, %s ago", now.LastGoodRun.Local().Format(minute), notify.Ago(a.now().Sub(now.LastGoodRun)))
	}
	table := terminal.NewTable("last good run", lastGood)
	if run := now.last; run != nil {
		table.Add("last run", fmt.Sprintf("%s, %s", run.StartedAt.Local().Format(minute), a.status(run.Status)))
	}
	if err := table.WriteTo(a.stdout); err != nil {
		return err
	}
	users := terminal.NewTable("user", "last good day", "last audio", "last laugh", "open gaps>", "given up>")
	for _, user := range now.Users {
		location, err := user.User.Location()
		if err != nil {
			location = time.UTC
		}
		at := func(t time.Time) string {
			if t.IsZero() {
				return "-"
			}
			return t.In(location).Format(minute)
		}
		name := user.User.Name
		if !user.User.Enabled {
			name += " (not enabled)"
		}
		users.Add(name, dayOrNone(user.LastDay, "-"), at(user.LastAudio), at(user.LastLaugh), fmt.Sprint(len(user.Gaps)), fmt.Sprint(len(user.GivenUp)))
	}
	if users.Len() > 0 {
		if err := users.WriteTo(a.stdout); err != nil {
			return err
		}
	}
	givenUp := false
	for _, user := range now.Users {
		location, err := user.User.Location()
		if err != nil {
			location = time.UTC
		}
		for _, gap := range user.Gaps {
			fmt.Fprintf(a.stdout, "%s %s, %s to %s %s, tried %s: %s\n", a.stdout.Yellow("gap:"), user.User.Name, gap.Start.In(location).Format(time.DateTime),
				endOf(gap.Span, location), gap.End.In(location).Format("MST"), times(gap.Attempts), terminal.Printable(gap.Reason))
		}
		for _, lost := range user.GivenUp {
			givenUp = true
			fmt.Fprintf(a.stdout, "%s %s %s, tried %s: %s\n  → %s\n", a.stdout.Yellow("given up:"), user.User.Name, terminal.Printable(lost.Recording),
				times(lost.Attempts), terminal.Printable(lost.Reason), tryAgain(user.User, lost))
		}
	}
	for _, alert := range now.alerts {
		fmt.Fprintf(a.stdout, "%s %s\n  → %s\n", a.stdout.Red("alert:"), terminal.Printable(alert.Message), terminal.Printable(alert.Remedy))
	}
	switch {
	case len(now.alerts) > 0:
	case givenUp:
		fmt.Fprintln(a.stdout, "No alert stands.")
	default:
		fmt.Fprintln(a.stdout, a.stdout.Green("All is well."))
	}
	return nil
}

// tryAgain is the command that reads the day of a recording that was given up again.
func tryAgain(user orchestrator.User, lost orchestrator.GivenUp) string {
	location, err := user.Location()
	if err != nil {
		location = time.UTC
	}
	return fmt.Sprintf("orchestrator run --user %s --date %s --reprocess", user.Name, orchestrator.DateOf(lost.Start.In(location)))
}

func dayOrNone(day orchestrator.Date, none string) string {
	if day == (orchestrator.Date{}) {
		return none
	}
	return day.String()
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}
