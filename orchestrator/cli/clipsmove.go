package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/document"
)

func (a *app) clipsMoveCommand() *cobra.Command {
	var asJSON, remove bool
	var to string
	cmd := &cobra.Command{
		Use: "move --to ADDRESS", Short: "Copy all clips to another folder or bucket",
		Long: `Copies every clip from where CHORTLE_CLIPS_URL says they are to another place, and reads each copy back. It may be
interrupted and started again: what is there already is not written again. Then set CHORTLE_CLIPS_URL to the new
place; until then everything goes on with the old one.

Exit codes: 0 done, 1 failed, 3 some clips could not be moved, 11 a run is under way.`,
		Example: "  orchestrator clips move --to s3://laughs/home\n  orchestrator clips move --to folder:/srv/clips --remove",
		Args:    noArgs,
	}
	jsonFlag(cmd, &asJSON)
	cmd.Flags().StringVar(&to, "to", "", "where to: folder:PATH or s3://BUCKET/PREFIX; `address`")
	cmd.Flags().BoolVar(&remove, "remove", false, "delete each clip from the old place once its copy was read back")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if to == "" {
			return usage("--to is required: folder:PATH or s3://BUCKET/PREFIX")
		}
		moved, err := a.service.MoveClips(cmd.Context(), to, remove, func(m document.MovedClips) {
			if m.Clips%1000 == 0 && !a.quiet {
				fmt.Fprintf(a.stderr, "%s done\n", plural(m.Clips, "clip"))
			}
		})
		if moved.Clips == 0 && err != nil {
			return err
		}
		if asJSON {
			return errors.Join(a.writeJSON(moved), movedCode(moved, err))
		}
		fmt.Fprintf(a.stdout, "%s: %d copied (%s MB), %d there already, %d failed, %d removed from %s\n", plural(moved.Clips, "clip"), moved.Copied,
			megabytes(moved.Bytes), moved.Already, moved.Failed, moved.Removed, moved.From)
		if err == nil {
			fmt.Fprintf(a.stdout, "Now set CHORTLE_CLIPS_URL=%s\n", moved.To)
		}
		return movedCode(moved, err)
	}
	return cmd
}

// movedCode is the error of a move, with the exit code that says that the rest was moved.
func movedCode(moved document.MovedClips, err error) error {
	if err == nil || moved.Failed == 0 {
		return err
	}
	return errors.Join(err, exit(orchestrator.ExitIncomplete))
}
