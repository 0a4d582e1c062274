package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/document"
)

func (a *app) clipsCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "clips", Aliases: []string{"clip"}, Short: "Look after the sound of laughs", Args: cobra.ArbitraryArgs, RunE: group}
	cmd.AddCommand(a.clipsMoveCommand(), a.clipsRepairCommand())
	return cmd
}

func (a *app) clipsRepairCommand() *cobra.Command {
	var dryRun, asJSON bool
	cmd := &cobra.Command{
		Use: "repair", Short: "Mend FLAC clips that browsers do not play to their end",
		Long: `Mends FLAC clips that an older version wrote: browsers play them for a second, and iPhones not at all. The sound stays
the same, sample by sample. Each clip is replaced as a whole or not at all; interrupted, it may be started again. Damaged
clips are named and left alone (exit code 3). A browser that has heard a clip may keep the old one until its cache is emptied.`,
		Args: noArgs,
	}
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "only count them")
	jsonFlag(cmd, &asJSON)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		done, err := a.service.RepairClips(cmd.Context(), dryRun, func(done document.ClipRepair) {
			a.stderr.SetStatus(fmt.Sprintf("%d clips looked at, %d mended", done.Clips, done.Repaired))
		})
		a.stderr.SetStatus("")
		if err != nil {
			return err
		}
		code := orchestrator.ExitOK
		if done.DamagedClips > 0 {
			code = orchestrator.ExitIncomplete
		}
		if asJSON {
			if err := a.writeJSON(done); err != nil {
				return err
			}
			return exit(code)
		}
		verb := "Mended"
		if dryRun {
			verb = "Would mend"
		}
		fmt.Fprintf(a.stdout, "%s %d of %s of FLAC (%s in all).\n", verb, done.Repaired, plural(done.FLAC, "clip"), plural(done.Clips, "clip"))
		for _, key := range done.Damaged {
			fmt.Fprintf(a.stderr, "damaged, and left alone: %s\n", key)
		}
		return exit(code)
	}
	return cmd
}
