package cli

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chortle-audio/chortle/orchestrator/cli/terminal"
	"github.com/chortle-audio/chortle/orchestrator/document"
)

func (a *app) laughsDiffCommand() *cobra.Command {
	var flags laughFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use: "diff A B", Short: "Compare what two models heard in the same recordings",
		Long: `Compares what two models heard: the laughs on which they agree, which overlap, those that only A heard, and
those that only B heard, each with its clip. Only recordings that both have read count; with a date, those that
have sound of that day.

A and B are names of models, as laughs list --json shows them; where several of a name have read recordings, add
the version or the beginning of the sha256: yamnet@10c95e. Let a second model read what is stored with
orchestrator run --reprocess --model MODEL: its laughs stand beside the first one's.`,
		Example: "  orchestrator run --date 2026-11-22 --reprocess --model my-model\n  orchestrator laughs diff yamnet my-model --date 2026-11-22",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usage("%s wants two models, A and B; see %s --help", cmd.CommandPath(), cmd.CommandPath())
			}
			return nil
		},
	}
	flags.bind(cmd)
	jsonFlag(cmd, &asJSON)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		filter, err := flags.filter()
		if err != nil {
			return err
		}
		diff, err := a.service.Compare(cmd.Context(), filter, args[0], args[1])
		if err != nil {
			return err
		}
		if asJSON {
			return a.writeJSON(diff)
		}
		return a.reportDiff(diff)
	}
	return cmd
}

// reportDiff tells a person, in order of time.
func (a *app) reportDiff(d document.Diff) error {
	nameA, nameB := d.A.Name, d.B.Name
	if nameA == nameB {
		nameA, nameB = nameA+" (A)", nameB+" (B)"
	}
	rows := map[string][]string{} // by instant and kind
	add := func(who string, l document.Laugh, scoreA, scoreB string, clips ...string) {
		rows[fmt.Sprint(l.Start, len(rows))] = []string{who, l.User, l.Start, fmt.Sprintf("%.1f s", l.Duration), scoreA, scoreB,
			terminal.Printable(l.Recording), terminal.Printable(strings.Join(clips, " "))}
	}
	score := func(laughs []document.Laugh) (best string, clips []string) {
		most := slices.MaxFunc(laughs, func(x, y document.Laugh) int { return cmp.Compare(x.Score, y.Score) })
		for _, l := range laughs {
			clips = append(clips, l.Clip)
		}
		return fmt.Sprintf("%.2f", most.Score), clips
	}
	for _, both := range d.Agreed {
		scoreA, clipsA := score(both.A)
		scoreB, clipsB := score(both.B)
		add("both", both.A[0], scoreA, scoreB, append(clipsA, clipsB...)...)
	}
	for _, l := range d.OnlyA {
		add("only "+nameA, l, fmt.Sprintf("%.2f", l.Score), "", l.Clip)
	}
	for _, l := range d.OnlyB {
		add("only "+nameB, l, "", fmt.Sprintf("%.2f", l.Score), l.Clip)
	}
	table := terminal.NewTable("heard by", "user", "start", "duration>", nameA+">", nameB+">", "recording", "clips")
	for _, key := range slices.Sorted(maps.Keys(rows)) {
		table.Add(rows[key]...)
	}
	if table.Len() > 0 {
		if err := table.WriteTo(a.stdout); err != nil {
			return err
		}
	}
	fmt.Fprintf(a.stdout, "In %s that both read: both heard %d, only %s %d, only %s %d.\n", plural(d.Recordings, "recording"),
		d.Counts.Agreed, nameA, d.Counts.OnlyA, nameB, d.Counts.OnlyB)
	if d.LeftOut > 0 {
		fmt.Fprintf(a.stderr, "%s of only one of them left out; orchestrator run --reprocess --model MODEL lets the other read.\n", plural(d.LeftOut, "recording"))
	}
	return nil
}
