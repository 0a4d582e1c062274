package cli

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/cli/terminal"
	"github.com/chortle-audio/chortle/orchestrator/document"
	"github.com/chortle-audio/chortle/orchestrator/service"
)

func (a *app) detectCommand() *cobra.Command {
	var asJSON, maybe bool
	cmd := &cobra.Command{
		Use: "detect FILE...", Short: "Find the laughs in any audio file",
		Long: `Finds the laughs in any audio file and prints them. It needs no user and no database, and stores nothing. - is standard input,
which is read to its end into a file that is deleted afterwards.

Exit codes: 0 all files were read, 3 some were not, or are damaged, 1 none was.`,
		Example: "  orchestrator detect party.ogg\n  orchestrator detect --threshold 0.4 --json *.wav\n  rclone cat remote:talk.opus | orchestrator detect -",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage("FILE is missing; see %s --help", cmd.CommandPath())
			}
			if slices.Contains(args, "-") && a.stdinIsTerminal() {
				return usage("standard input is a terminal: send a recording into it, as in: orchestrator detect - < FILE")
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&maybe, "maybe", false, "also laughs that are not sure")
	jsonFlag(cmd, &asJSON)
	bindModel(cmd.Flags())
	bind(cmd.Flags(), "CHORTLE_THRESHOLD")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		progress := a.observer()
		found, failed, err := a.service.Detect(cmd.Context(), service.DetectRequest{Paths: args, Input: a.stdin, Maybe: maybe, Observe: progress.observe,
			Done: func(file document.Detected, err error) {
				a.stderr.SetStatus("")
				damage := (*orchestrator.DamageError)(nil)
				if err != nil {
					fmt.Fprintf(a.stderr, "%s %s: %s\n", a.stderr.Red("error:"), terminal.Printable(file.File), terminal.Printable(message(err)))
				}
				if !asJSON && (err == nil || errors.As(err, &damage)) {
					a.reportFile(file, len(args) > 1)
				}
			}})
		switch {
		case err != nil:
			return err
		case asJSON:
			err = a.writeJSON(found)
		}
		switch {
		case err != nil:
			return err
		case failed == len(args):
			return exit(orchestrator.ExitFailed)
		case slices.ContainsFunc(found.Files, func(f document.Detected) bool { return f.Error != "" }):
			return exit(orchestrator.ExitIncomplete)
		}
		return nil
	}
	return cmd
}

// reportFile tells a person what was found in a file.
func (a *app) reportFile(file document.Detected, several bool) {
	if several {
		fmt.Fprintln(a.stdout, a.stdout.Bold(terminal.Printable(file.File)))
	}
	table := terminal.NewTable("start>", "duration>", "score>", "class")
	for _, l := range file.Laughs {
		table.Add(preciseClock(l.Start), fmt.Sprintf("%.2f s", l.Duration), fmt.Sprintf("%.2f", l.Score), l.Class)
	}
	if table.Len() > 0 {
		_ = table.WriteTo(a.stdout)
	}
	for _, note := range file.Notes {
		if note.Code != string(orchestrator.NoteDamaged) { // that is an error
			fmt.Fprintf(a.stderr, "%s %s\n", a.stderr.Yellow("note:"), note.Text)
		}
	}
	fmt.Fprintf(a.stderr, "%s in %s of sound, read in %.1f s.\n", plural(len(file.Laughs), "laugh"),
		clock(time.Duration(file.AudioSeconds*float64(time.Second))), file.Seconds)
}

// preciseClock writes seconds as 1:02:03.450.
func preciseClock(s float64) string {
	ms := int64(s*1000 + 0.5)
	return fmt.Sprintf("%d:%02d:%02d.%03d", ms/3_600_000, ms/60_000%60, ms/1000%60, ms%1000)
}
