package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/chortle-audio/chortle/orchestrator/cli/terminal"
	"github.com/chortle-audio/chortle/orchestrator/document"
)

func (a *app) runsCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "runs", Short: "Look at the processing log", Args: cobra.ArbitraryArgs, RunE: group}
	cmd.AddCommand(a.runsListCommand(), a.runsShowCommand())
	return cmd
}

func (a *app) runsListCommand() *cobra.Command {
	var asJSON bool
	var limit int
	cmd := &cobra.Command{Use: "list", Short: "List the runs, the newest first", Args: noArgs}
	jsonFlag(cmd, &asJSON)
	cmd.Flags().IntVar(&limit, "limit", 20, "at most this `number` of runs")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if limit < 1 || limit > 1000 {
			return usage("--limit %d: want a number from 1 to 1000", limit)
		}
		runs, err := a.service.Runs(cmd.Context(), limit)
		if err != nil {
			return err
		}
		if asJSON {
			documents := []document.Run{}
			for _, run := range runs {
				documents = append(documents, document.OfRun(run, false))
			}
			return a.writeJSON(map[string]any{"runs": documents})
		}
		table := terminal.NewTable("run", "started", "trigger", "status", "exit>", "user-days>", "recordings>", "laughs>", "took>")
		for _, run := range runs {
			took := "-"
			if !run.FinishedAt.IsZero() {
				took = tookOf(run.FinishedAt.Sub(run.StartedAt))
			}
			table.Add(run.ID, run.StartedAt.Local().Format("2006-01-02 15:04:05 MST"), string(run.Trigger), a.status(run.Status),
				fmt.Sprint(run.ExitCode), fmt.Sprint(len(run.Days)), fmt.Sprint(processed(run)), fmt.Sprint(countLaughs(run)), took)
		}
		if table.Len() == 0 {
			fmt.Fprintln(a.stderr, "There was no run yet.")
			return nil
		}
		return table.WriteTo(a.stdout)
	}
	return cmd
}

func (a *app) runsShowCommand() *cobra.Command {
	var asJSON, last bool
	cmd := &cobra.Command{
		Use: "show [RUN | --last]", Short: "Show one run: the last one, or the one named",
		Example: "  orchestrator runs show --last\n  orchestrator runs show 019a --json      # the beginning of its id is enough",
		Args:    cobra.ArbitraryArgs,
	}
	jsonFlag(cmd, &asJSON)
	cmd.Flags().BoolVar(&last, "last", false, "the run that was started last")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 1 || len(args) == 1 && last {
			return usage("name one run, or --last; see %s --help", cmd.CommandPath())
		}
		run, err := a.service.FindRun(cmd.Context(), strings.Join(args, ""))
		if err != nil {
			return err
		}
		if asJSON {
			return a.writeJSON(document.OfRun(run, false))
		}
		table := terminal.NewTable("run", run.ID)
		table.Add("started", run.StartedAt.Local().Format("2006-01-02 15:04:05 MST")+", "+string(run.Trigger))
		if !run.FinishedAt.IsZero() {
			table.Add("took", run.FinishedAt.Sub(run.StartedAt).Round(time.Millisecond).String())
		}
		table.Add("status", fmt.Sprintf("%s, exit code %d", a.status(run.Status), run.ExitCode))
		if run.Error != "" {
			table.Add("error", terminal.Printable(run.Error))
		}
		if err := table.WriteTo(a.stdout); err != nil {
			return err
		}
		a.reportDays(run, false)
		return nil
	}
	return cmd
}
