package cli

import (
	"context"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/cli/terminal"
	"github.com/chortle-audio/chortle/orchestrator/document"
	"github.com/chortle-audio/chortle/orchestrator/export"
	"github.com/chortle-audio/chortle/orchestrator/settings"
)

func (a *app) laughsCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "laughs", Short: "List, play, mark, copy and export laughs", Args: cobra.ArbitraryArgs, RunE: group}
	cmd.AddCommand(a.laughsListCommand(), a.laughsShowCommand(), a.laughsPlayCommand(), a.laughsMarkCommand(), a.laughsStarCommand(),
		a.laughsNoteCommand(), a.laughsForgetCommand(), a.laughsCollectCommand(), a.laughsExportCommand(), a.laughsDiffCommand())
	return cmd
}

// laughFlags choose laughs.
type laughFlags struct {
	users     []string
	days      dates
	minScore  float64
	recording string
	model     string
	maybe     bool
	with      []string
	choice    choice
}

// choice are the flags of commands that show laughs to a person.
type choice struct {
	class, mark, order string
	starred            bool
	limit              int
}

func (f *laughFlags) bind(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&f.users, "user", nil, "only of this `name`; may be given several times")
	f.days.bind(cmd, true)
	flags.Float64Var(&f.minScore, "min-score", 0, "only from this `score` on, 0 to 1")
	flags.StringVar(&f.recording, "recording", "", "only of this `file`, by its name within the source")
	flags.BoolVar(&f.maybe, "maybe", false, "also laughs that are not sure")
	flags.StringSliceVar(&f.with, "with", nil, "only those heard with `company`: others (who talk), television or music; with all of them, where several are given")
	_ = cmd.RegisterFlagCompletionFunc("with", cobra.FixedCompletions(company, cobra.ShellCompDirectiveNoFileComp))
}

// company is what a laugh may be heard with.
var company = []string{orchestrator.WithOthers, orchestrator.WithTelevision, orchestrator.WithMusic}

// orders of a list, by what a person calls them.
var orders = map[string]orchestrator.LaughOrder{"oldest": orchestrator.OrderOldest, "newest": orchestrator.OrderNewest,
	"best": orchestrator.OrderBest, "longest": orchestrator.OrderLongest, "least-certain": orchestrator.OrderLeastCertain}

// bindChoice binds the flags that narrow a list down and order it.
func (f *laughFlags) bindChoice(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.choice.class, "class", "", "only of this `class`, such as Chuckle")
	flags.StringVar(&f.choice.mark, "mark", "", "only those marked right, wrong or none (default all)")
	flags.BoolVar(&f.choice.starred, "starred", false, "only starred ones")
	flags.StringVar(&f.choice.order, "order", "oldest", "oldest, newest, best, longest or least-certain first")
	flags.IntVar(&f.choice.limit, "limit", 0, "at most this many (0: all)")
}

// narrow takes the choice into a filter.
func (c choice) narrow(filter *orchestrator.LaughFilter) error {
	filter.Class, filter.Starred, filter.Limit = c.class, c.starred, c.limit
	if c.limit < 0 {
		return usage("--limit %d is negative: use 0 for all", c.limit)
	}
	switch c.mark {
	case "":
	case "right", "wrong":
		filter.Marks = []orchestrator.Mark{orchestrator.Mark(c.mark)}
	case "none":
		filter.Marks = []orchestrator.Mark{orchestrator.MarkNone}
	default:
		return usage("--mark %q is not a mark: use right, wrong or none", c.mark)
	}
	if c.order == "" {
		return nil
	}
	order, ok := orders[c.order]
	if !ok {
		return usage("--order %q is not an order: use oldest, newest, best, longest or least-certain", c.order)
	}
	filter.Order = order
	return nil
}

// bindModelFilter binds the flag that chooses a model.
func (f *laughFlags) bindModelFilter(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.model, "model", "", "only what this `model` heard, such as yamnet")
}

// filter is what the flags choose.
func (f *laughFlags) filter() (filter orchestrator.LaughFilter, err error) {
	filter = orchestrator.LaughFilter{Users: f.users, MinScore: f.minScore, Recording: f.recording, Model: f.model}
	if filter.From, filter.To, err = f.days.parse(); err != nil {
		return filter, err
	}
	if err := orchestrator.ValidateThreshold(f.minScore); err != nil {
		return filter, usage("--min-score: %w", err)
	}
	if !f.maybe {
		filter.Tier = orchestrator.TierSure
	}
	for _, with := range f.with {
		if !slices.Contains(company, with) {
			return filter, usage("--with %q is not known%s: use %s", with, didYouMean(settings.Nearest(with, company)), strings.Join(company, ", "))
		}
	}
	filter.With = f.with
	return filter, f.choice.narrow(&filter)
}

// laughs yields the chosen laughs by start.
func (a *app) laughs(ctx context.Context, f *laughFlags) (iter.Seq2[orchestrator.StoredLaugh, error], error) {
	filter, err := f.filter()
	if err != nil {
		return nil, err
	}
	return a.service.Laughs(ctx, filter)
}

func (a *app) laughsListCommand() *cobra.Command {
	var flags laughFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: "List laughs, in each user's time zone", Args: noArgs,
		Example: "  orchestrator laughs list --user alice --from 2026-11-20\n  orchestrator laughs list --date 2026-11-22 --min-score 0.5",
	}
	flags.bind(cmd)
	flags.bindModelFilter(cmd)
	flags.bindChoice(cmd)
	jsonFlag(cmd, &asJSON)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		laughs, err := a.laughs(cmd.Context(), &flags)
		if err != nil {
			return err
		}
		documents := []document.Laugh{}
		table := terminal.NewTable("id", "user", "start", "length>", "score>", "class", "mark") // 80 columns; show has the rest
		for laugh, err := range laughs {
			if err != nil {
				return err
			}
			if asJSON {
				documents = append(documents, document.OfLaugh(laugh))
				continue
			}
			table.Add(laugh.ID, laugh.User, localStart(laugh).Format("2006-01-02 15:04:05 MST"), fmt.Sprintf("%.1f s", laugh.End.Sub(laugh.Start).Seconds()),
				fmt.Sprintf("%.2f", laugh.Score), terminal.Printable(laugh.Class), markOf(laugh))
		}
		switch {
		case asJSON:
			return a.writeJSON(map[string]any{"laughs": documents})
		case table.Len() == 0:
			fmt.Fprintln(a.stderr, "No laughs found.")
			return nil
		}
		if err := table.WriteTo(a.stdout); err != nil {
			return err
		}
		_, err = fmt.Fprintf(a.stdout, "%s. To hear one: orchestrator laughs play ID; to copy them: orchestrator laughs collect FOLDER\n", plural(table.Len(), "laugh"))
		return err
	}
	return cmd
}

// markOf is what people and the policy say of a laugh, in a word.
func markOf(laugh orchestrator.StoredLaugh) string {
	words := make([]string, 0, 3)
	if laugh.Tier == orchestrator.TierMaybe {
		words = append(words, "maybe")
	}
	if laugh.Mark != orchestrator.MarkNone {
		words = append(words, string(laugh.Mark))
	}
	if laugh.Star {
		words = append(words, "star")
	}
	return strings.Join(words, " ")
}

func (a *app) laughsExportCommand() *cobra.Command {
	var flags laughFlags
	var format, output string
	var force bool
	cmd := &cobra.Command{
		Use: "export --format FORMAT", Short: "Write laughs for another program", Args: noArgs,
		Example: "  orchestrator laughs export --format csv --output laughs.csv\n" +
			"  orchestrator laughs export --format audacity --recording 2026-11-22_14-30-00.ogg --output labels.txt",
	}
	cmd.Long = "Writes laughs for another program. The formats:\n\n"
	var names []string
	for _, f := range export.Formats {
		cmd.Long += fmt.Sprintf("  %-10s%s\n", f.Name, f.Help)
		names = append(names, f.Name)
	}
	flags.bind(cmd)
	flags.bindModelFilter(cmd)
	cmd.Flags().StringVar(&format, "format", "", strings.Join(names, ", "))
	cmd.Flags().StringVarP(&output, "output", "o", "-", "`file` to write; it is there as a whole or not at all; -: stdout")
	cmd.Flags().BoolVar(&force, "force", false, "overwrite the file also where it holds something else than laughs")
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(names, cobra.ShellCompDirectiveNoFileComp))
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		i := slices.IndexFunc(export.Formats, func(f export.Format) bool { return f.Name == format })
		if i < 0 {
			return usage("unknown --format %q%s; use one of %s", format, didYouMean(settings.Nearest(format, names)), strings.Join(names, ", "))
		}
		laughs, err := a.laughs(cmd.Context(), &flags)
		if err != nil {
			return err
		}
		if output == "-" {
			return export.Formats[i].Write(a.stdout.Raw(), laughs, a.service.Places())
		}
		return writeFile(output, force, func(w io.Writer) error { return export.Formats[i].Write(w, laughs, a.service.Places()) })
	}
	return cmd
}
