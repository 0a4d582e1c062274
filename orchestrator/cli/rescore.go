package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/chortle-audio/chortle/orchestrator/cli/terminal"
	"github.com/chortle-audio/chortle/orchestrator/service"
)

func (a *app) rescoreCommand() *cobra.Command {
	var users []string
	var days dates
	var dryRun, asJSON bool
	cmd := &cobra.Command{
		Use: "rescore --threshold SCORE", Short: "Find the laughs again under another threshold, without the sound",
		Long: `Finds the laughs again in the stored scores, under another threshold. No model runs and no recording is read.

Laughs that are found again keep their clips, marks, stars and notes. A laugh that is new has no clip:
orchestrator run --reprocess cuts it, where the recording is still there. The threshold of later runs is not
changed: that is CHORTLE_THRESHOLD, or orchestrator user set NAME --threshold.`,
		Example: "  orchestrator rescore --threshold 0.3 --dry-run      # only count\n  orchestrator rescore --threshold 0.3 --user alice",
		Args:    noArgs,
	}
	cmd.Flags().StringArrayVar(&users, "user", nil, "only this `name`; may be given several times")
	days.bind(cmd, true)
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "only count")
	jsonFlag(cmd, &asJSON)
	bind(cmd.Flags(), "CHORTLE_THRESHOLD")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if !a.settings.FromFlag("CHORTLE_THRESHOLD") {
			return usage("--threshold is missing: want a score above 0 and up to 1, such as 0.3")
		}
		from, to, err := days.parse()
		if err != nil {
			return err
		}
		rescored, err := a.service.Rescore(cmd.Context(), service.RescoreRequest{Users: users, From: from, To: to, Threshold: a.settings.Config.Threshold, DryRun: dryRun})
		if err != nil {
			return err
		}
		if asJSON {
			return a.writeJSON(rescored)
		}
		table := terminal.NewTable("user", "recordings>", "laughs before>", "laughs now>", "without clip>")
		for _, u := range rescored.Users {
			table.Add(u.User, fmt.Sprint(u.Recordings), fmt.Sprint(u.Before), fmt.Sprint(u.After), fmt.Sprint(u.Silent))
		}
		return table.WriteTo(a.stdout)
	}
	return cmd
}
