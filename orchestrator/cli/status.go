package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/advice"
	"github.com/chortle-audio/chortle/orchestrator/cli/terminal"
	"github.com/chortle-audio/chortle/orchestrator/document"
	"github.com/chortle-audio/chortle/orchestrator/service"
)

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
		return a.tellStatus(cmd.Context(), asJSON)
	}
	return cmd
}

func (a *app) tellStatus(ctx context.Context, asJSON bool) error {
	now, err := a.service.Standing(ctx)
	if err != nil {
		return err
	}
	code := orchestrator.ExitOK
	if len(now.Alerts) > 0 {
		code = orchestrator.ExitFailed
	}
	if asJSON {
		status := document.OfStatus(now.ServiceStatus, now.LastRun, now.Alerts, code)
		for _, note := range now.Notes {
			status.Notes = append(status.Notes, document.Note(note))
		}
		err = a.writeJSON(status)
	} else {
		err = a.reportStatus(now)
	}
	return errors.Join(err, exit(code))
}

func (a *app) reportStatus(now service.Standing) error {
	const minute = "2006-01-02 15:04 MST"
	lastGood := "none yet"
	if !now.LastGoodRun.IsZero() {
		lastGood = fmt.Sprintf("%s, %s ago", now.LastGoodRun.Local().Format(minute), advice.Ago(a.now().Sub(now.LastGoodRun)))
	}
	table := terminal.NewTable("last good run", lastGood)
	if run := now.LastRun; run != nil {
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
	noted := false
	for _, user := range now.Users {
		location, err := user.User.Location()
		if err != nil {
			location = time.UTC
		}
		a.tellSurvey(user.User.Name, user.Survey)
		noted = noted || user.Survey != nil && (user.Survey.LateLeft > 0 || len(user.Survey.PassedOver) > 0)
		for _, gap := range user.Gaps {
			fmt.Fprintf(a.stdout, "%s %s, %s to %s %s, tried %s: %s\n", a.stdout.Yellow("gap:"), user.User.Name, gap.Start.In(location).Format(time.DateTime),
				endOf(gap.Span, location), gap.End.In(location).Format("MST"), times(gap.Attempts), terminal.Printable(gap.Reason))
		}
		for _, lost := range user.GivenUp {
			givenUp = true
			fmt.Fprintf(a.stdout, "%s %s %s, tried %s: %s\n  → %s\n", a.stdout.Yellow("given up:"), user.User.Name, terminal.Printable(lost.Recording),
				times(lost.Attempts), terminal.Printable(lost.Reason), advice.OfGivenUp(advice.Terminal, user.User, lost))
		}
	}
	for _, note := range now.Notes {
		noted = true
		fmt.Fprintf(a.stdout, "%s %s\n  → %s\n", a.stdout.Yellow("note:"), terminal.Printable(note.Message), terminal.Printable(note.Remedy))
	}
	for _, alert := range now.Alerts {
		fmt.Fprintf(a.stdout, "%s %s\n  → %s\n", a.stdout.Red("alert:"), terminal.Printable(alert.Message), terminal.Printable(advice.OfAlert(advice.Terminal, alert)))
	}
	switch {
	case len(now.Alerts) > 0:
	case givenUp, noted:
		fmt.Fprintln(a.stdout, "No alert stands.")
	default:
		fmt.Fprintln(a.stdout, a.stdout.Green("All is well."))
	}
	return nil
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
