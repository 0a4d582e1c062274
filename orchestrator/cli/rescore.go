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
	var dryRun, policy, asJSON bool
	cmd := &cobra.Command{
		Use: "rescore {--threshold SCORE | --policy}", Short: "Find the laughs again under another threshold or policy, without the sound",
		Long: `Finds the laughs again in the stored scores, under another threshold, or with --policy under each user's
policy of today. No model runs and no recording is read. What was read by a version before the policy's lacks the
scores of what argues against a laugh: it is rescored as far as it goes, and counted as partial.

Laughs that are found again keep their clips, marks, stars and notes. A laugh that is new has no clip:
orchestrator run --reprocess cuts it, where the recording is still there. The threshold of later runs is not
changed: that is CHORTLE_THRESHOLD, or orchestrator user set NAME --threshold.`,
		Example: "  orchestrator rescore --threshold 0.3 --dry-run      # only count\n  orchestrator rescore --threshold 0.3 --user alice",
		Args:    noArgs,
	}
	cmd.Flags().StringArrayVar(&users, "user", nil, "only this `name`; may be given several times")
	days.bind(cmd, true)
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "only count")
	cmd.Flags().BoolVar(&policy, "policy", false, "under the policy of each user, in place of a threshold")
	jsonFlag(cmd, &asJSON)
	bind(cmd.Flags(), "CHORTLE_THRESHOLD")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		threshold := a.settings.Config.Threshold
		switch given := a.settings.FromFlag("CHORTLE_THRESHOLD"); {
		case given && policy:
			return usage("--threshold and --policy exclude each other: use one of the two")
		case policy:
			threshold = 0
		case !given:
			return usage("--threshold is missing: want a score above 0 and up to 1, such as 0.3, or --policy")
		}
		from, to, err := days.parse()
		if err != nil {
			return err
		}
		rescored, err := a.service.Rescore(cmd.Context(), service.RescoreRequest{Users: users, From: from, To: to, Threshold: threshold, DryRun: dryRun})
		if err != nil {
			return err
		}
		if asJSON {
			return a.writeJSON(rescored)
		}
		table := terminal.NewTable("user", "recordings>", "laughs before>", "laughs now>", "without clip>", "partial>")
		for _, u := range rescored.Users {
			table.Add(u.User, fmt.Sprint(u.Recordings), fmt.Sprint(u.Before), fmt.Sprint(u.After), fmt.Sprint(u.Silent), fmt.Sprint(u.Partial))
		}
		return table.WriteTo(a.stdout)
	}
	return cmd
}
