package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/chortle-audio/chortle/orchestrator/cli/terminal"
	"github.com/chortle-audio/chortle/orchestrator/document"
)

func (a *app) sourceCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "source", Aliases: []string{"sources"}, Short: "Check sources of recordings",
		Args: cobra.ArbitraryArgs, RunE: group}
	var zone string
	var asJSON bool
	check := &cobra.Command{
		Use: "check USER|FOLDER", Short: "Tell of every file when its recording would start, and why",
		Long: `Tells of every file of a folder when its recording would start, and from what: its name, what it says of itself, or
its modification time. No sound is read. Behind the folder may stand what is believed of its times:

  ?zone=UTC              the zone of times that tell none, in place of the user's
  ?time=start            the modification time is when a recording started; also end, name, metadata
  ?offset=+00:03:10      the recorder's clock was so much late
  ?dates=dmy             05-06-2026 is in June; mdy: in May

Several are joined by &. What is right is set with: orchestrator user set NAME --source 'folder:PATH?...'`,
		Example: `  orchestrator source check alice
  orchestrator source check '/home/alice/zoom?time=start' --timezone Europe/London`,
		Args: oneArg("USER or FOLDER"),
	}
	check.Flags().StringVar(&zone, "timezone", "", "IANA time `zone` of times that tell none (the user's, or UTC for a folder)")
	jsonFlag(check, &asJSON)
	check.RunE = func(cmd *cobra.Command, args []string) error {
		return a.checkSource(cmd.Context(), args[0], zone, asJSON)
	}
	cmd.AddCommand(check)
	return cmd
}

func (a *app) checkSource(ctx context.Context, target, zone string, asJSON bool) error {
	files, location, err := a.service.ExplainFolder(ctx, target, zone)
	if err != nil {
		return err
	}
	documents := []document.SourceFile{}
	table := terminal.NewTable("file", "starts", "because of")
	for file, err := range files {
		if err != nil {
			return err
		}
		d := document.SourceFile{File: file.Name, Start: document.Stamp(file.Start), TimeSource: string(file.TimeSource), Why: file.Why,
			UncertainSeconds: document.Seconds(file.Uncertainty)}
		starts, why := "-", file.Why
		if file.Err != nil {
			d.Problem = file.Err.Error()
			why = a.stdout.Yellow("not read:") + " " + terminal.Printable(d.Problem)
		} else if !file.Start.IsZero() {
			starts = file.Start.In(location).Format(time.DateTime + " MST")
		}
		documents = append(documents, d)
		table.Add(terminal.Printable(file.Name), starts, why)
	}
	if asJSON {
		return a.writeJSON(documents)
	}
	if table.Len() == 0 {
		fmt.Fprintln(a.stdout, "There are no recordings.")
		return nil
	}
	return table.WriteTo(a.stdout)
}
