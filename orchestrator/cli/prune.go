package cli

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/cli/terminal"
	"github.com/chortle-audio/chortle/orchestrator/document"
)

func (a *app) pruneCommand() *cobra.Command {
	var asJSON, dryRun bool
	var users []string
	cmd := &cobra.Command{
		Use: "prune", Short: "Delete sound that need not be kept any longer",
		Long: `Deletes clips, kept downloads and archives by the rules of the settings CHORTLE_KEEP_… and those of each user
(orchestrator user set NAME --keep). Without a rule nothing is deleted. What a person starred, marked right or wrote a
note on goes by no rule. Every run does the same at its end.

Rules by size and disk delete laughs that were marked wrong first, then maybes, then the oldest. Downloads go once the
sound of their laughs is safe.

Exit codes: 0 done, 1 failed, 3 something could not be deleted, 11 a run is under way.`,
		Example: "  orchestrator prune --dry-run          # say what would go, and why the rest stays\n  orchestrator prune --user alice",
		Args:    noArgs,
	}
	jsonFlag(cmd, &asJSON)
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "only say what would be deleted")
	cmd.Flags().StringSliceVar(&users, "user", nil, "only this user, by `name`; may be repeated (default: all)")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		do := a.service.Prune
		if dryRun {
			do = a.service.PrunePlan
		}
		pruned, err := do(cmd.Context(), users)
		if pruned.Users == nil {
			return err
		}
		if asJSON {
			err = errors.Join(a.writeJSON(pruned), err)
		} else {
			err = errors.Join(a.reportPruned(pruned), err)
		}
		if err == nil {
			err = exit(pruneCode(pruned))
		}
		return err
	}
	return cmd
}

// pruneCode is the exit code of what was pruned.
func pruneCode(p document.Prune) int {
	for _, user := range p.Users {
		if len(user.Clips.Errors)+len(user.Originals.Errors) > 0 {
			return orchestrator.ExitIncomplete
		}
	}
	return orchestrator.ExitOK
}

func (a *app) reportPruned(p document.Prune) error {
	if p.DryRun {
		fmt.Fprintln(a.stdout, "Nothing is deleted: this is a dry run.")
	}
	table := terminal.NewTable("user", "what", "files>", "MB>", "deleted>", "freed MB>", "by rule", "kept because")
	for _, user := range p.Users {
		table.Add(user.User, "clips", fmt.Sprint(user.Clips.Scanned), megabytes(user.Clips.Bytes), fmt.Sprint(user.Clips.Deleted), megabytes(user.Clips.Freed),
			counts(user.Clips.ByRule), counts(user.Clips.Kept))
		if user.Originals.Scanned > 0 {
			table.Add(user.User, "originals", fmt.Sprint(user.Originals.Scanned), megabytes(user.Originals.Bytes), fmt.Sprint(user.Originals.Deleted),
				megabytes(user.Originals.Freed), counts(user.Originals.ByRule), counts(user.Originals.Kept))
		}
	}
	if err := table.WriteTo(a.stdout); err != nil {
		return err
	}
	for _, user := range p.Users {
		if user.Over > 0 {
			fmt.Fprintf(a.stdout, "%s %s has %s MB more than the limit, and the rest may not go\n", a.stdout.Yellow("over:"), user.User, megabytes(user.Over))
		}
		for _, problem := range slices.Concat(user.Clips.Errors, user.Originals.Errors) {
			fmt.Fprintf(a.stdout, "%s %s: %s\n", a.stdout.Yellow("left:"), user.User, terminal.Printable(problem))
		}
	}
	if p.Disk != nil && p.Disk.Over > 0 {
		fmt.Fprintf(a.stdout, "%s the disk of the clips is %s MB above its limit, and no more clips may go\n", a.stdout.Yellow("over:"), megabytes(p.Disk.Over))
	}
	return nil
}

// counts lists what was counted, in order of the names.
func counts(by map[string]int) string {
	var words []string
	for _, name := range slices.Sorted(maps.Keys(by)) {
		words = append(words, fmt.Sprintf("%d %s", by[name], strings.ReplaceAll(name, "_", " ")))
	}
	return strings.Join(words, ", ")
}
