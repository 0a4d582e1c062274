package cli

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/cli/terminal"
	"github.com/chortle-audio/chortle/orchestrator/export"
	"github.com/chortle-audio/chortle/orchestrator/settings"
	"github.com/chortle-audio/chortle/orchestrator/store"
)

type diffDocument struct {
	A          diffModelDocument  `json:"a"`
	B          diffModelDocument  `json:"b"`
	Recordings int                `json:"recordings"`
	LeftOut    int                `json:"recordings_left_out"`
	Agreed     []agreedDocument   `json:"agreed"`
	OnlyA      []export.Document  `json:"only_a"`
	OnlyB      []export.Document  `json:"only_b"`
	Counts     diffCountsDocument `json:"counts"`
}

type diffModelDocument struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	SHA256  string `json:"sha256"`
}

// agreedDocument is a stretch of time in which both heard laughter: one that joins what the other
// parts has one laugh where that has several.
type agreedDocument struct {
	A []export.Document `json:"a"`
	B []export.Document `json:"b"`
}

type diffCountsDocument struct {
	Agreed int `json:"agreed"`
	OnlyA  int `json:"only_a"`
	OnlyB  int `json:"only_b"`
}

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
orchestrator run --reprocess --inferd MODEL: its laughs stand beside the first one's.`,
		Example: "  orchestrator run --date 2026-11-22 --reprocess --inferd my-model\n  orchestrator laughs diff yamnet my-model --date 2026-11-22",
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
		return a.withStore(cmd.Context(), func(s *store.Store) error {
			document, err := diffLaughs(cmd.Context(), s, flags, args[0], args[1])
			if err != nil {
				return err
			}
			if asJSON {
				return a.writeJSON(document)
			}
			return a.reportDiff(document)
		})
	}
	return cmd
}

// recordingOf is a recording as a laugh names it.
type recordingOf struct{ user, name string }

// diffLaughs compares two models.
func diffLaughs(ctx context.Context, s *store.Store, flags laughFlags, nameA, nameB string) (diffDocument, error) {
	d := diffDocument{Agreed: []agreedDocument{}, OnlyA: []export.Document{}, OnlyB: []export.Document{}}
	filters, err := flags.filters(ctx, s)
	if err != nil {
		return d, err
	}
	read, err := s.ReadBy(ctx, orchestrator.LaughFilter{Users: flags.users})
	if err != nil {
		return d, err
	}
	a, err := chooseModel(nameA, read)
	if err != nil {
		return d, err
	}
	b, err := chooseModel(nameB, read)
	if err != nil {
		return d, err
	}
	if a == b {
		return d, usage("A and B are both %s %s: name two models", a.Name, a.Version)
	}
	d.A, d.B = diffModelDocument(a), diffModelDocument(b)

	readers := map[recordingOf]map[store.ModelRef]bool{} // of the recordings that the flags choose
	for _, filter := range filters {
		chosen, err := s.ReadBy(ctx, filter)
		if err != nil {
			return d, err
		}
		for _, model := range []store.ModelRef{a, b} {
			for _, r := range chosen[model] {
				key := recordingOf{r.User, r.Name}
				if flags.recording != "" && flags.recording != r.Name {
					continue
				}
				if readers[key] == nil {
					readers[key] = map[store.ModelRef]bool{}
				}
				readers[key][model] = true
			}
		}
	}
	for _, models := range readers {
		if len(models) < 2 {
			d.LeftOut++
		} else {
			d.Recordings++
		}
	}
	laughs, err := flags.laughs(ctx, s)
	if err != nil {
		return d, err
	}
	var heard []orchestrator.StoredLaugh
	for laugh, err := range laughs {
		if err != nil {
			return d, err
		}
		if by := heardBy(laugh); (by == a || by == b) && len(readers[recordingOf{laugh.User, laugh.Recording}]) == 2 {
			heard = append(heard, laugh)
		}
	}
	for _, group := range overlapping(heard) {
		d.add(group, a)
	}
	d.Counts = diffCountsDocument{len(d.Agreed), len(d.OnlyA), len(d.OnlyB)}
	return d, nil
}

func heardBy(l orchestrator.StoredLaugh) store.ModelRef {
	return store.ModelRef{Name: l.Model, Version: l.ModelVersion, SHA256: l.ModelSHA256}
}

// chooseModel finds the model that a person names: NAME, NAME@VERSION or NAME@SHA256, abbreviated.
func chooseModel(text string, read map[store.ModelRef][]store.RecordingRef) (store.ModelRef, error) {
	name, which, exact := strings.Cut(text, "@")
	var found []store.ModelRef
	var names, choices []string
	for model := range read {
		names = append(names, model.Name)
		if model.Name != name || exact && model.Version != which && (which == "" || !strings.HasPrefix(model.SHA256, which)) {
			continue
		}
		found = append(found, model)
		choices = append(choices, model.Name+"@"+cmp.Or(model.SHA256[:min(8, len(model.SHA256))], model.Version))
	}
	slices.Sort(choices)
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return store.ModelRef{}, usage("several models are called %q: want one of %s", text, strings.Join(choices, ", "))
	case len(names) == 0:
		return store.ModelRef{}, usage("no model has read any recording yet: see orchestrator run --help")
	}
	slices.Sort(names)
	names = slices.Compact(names)
	hint := cmp.Or(didYouMean(settings.Nearest(name, names)), ": there are "+strings.Join(names, ", "))
	return store.ModelRef{}, usage("no model %q has read any recording%s", text, hint)
}

// overlapping groups laughs of the same recording that overlap, by start.
func overlapping(laughs []orchestrator.StoredLaugh) (groups [][]orchestrator.StoredLaugh) {
	open := map[recordingOf]int{} // the last group of each recording
	ends := map[recordingOf]time.Time{}
	for _, l := range laughs {
		key := recordingOf{l.User, l.Recording}
		i, known := open[key]
		if known && l.Start.Before(ends[key]) {
			groups[i] = append(groups[i], l)
		} else {
			open[key] = len(groups)
			groups = append(groups, []orchestrator.StoredLaugh{l})
		}
		if l.End.After(ends[key]) {
			ends[key] = l.End
		}
	}
	return groups
}

// add files a group under who heard it.
func (d *diffDocument) add(group []orchestrator.StoredLaugh, a store.ModelRef) {
	both := agreedDocument{}
	for _, l := range group {
		if heardBy(l) == a {
			both.A = append(both.A, export.DocumentOf(l))
		} else {
			both.B = append(both.B, export.DocumentOf(l))
		}
	}
	switch {
	case both.B == nil:
		d.OnlyA = append(d.OnlyA, both.A...)
	case both.A == nil:
		d.OnlyB = append(d.OnlyB, both.B...)
	default:
		d.Agreed = append(d.Agreed, both)
	}
}

// reportDiff tells a person, in order of time.
func (a *app) reportDiff(d diffDocument) error {
	nameA, nameB := d.A.Name, d.B.Name
	if nameA == nameB {
		nameA, nameB = nameA+" (A)", nameB+" (B)"
	}
	rows := map[string][]string{} // by instant and kind
	add := func(who string, l export.Document, scoreA, scoreB string, clips ...string) {
		rows[fmt.Sprint(l.Start, len(rows))] = []string{who, l.User, l.Start, fmt.Sprintf("%.1f s", l.Duration), scoreA, scoreB,
			terminal.Printable(l.Recording), terminal.Printable(strings.Join(clips, " "))}
	}
	score := func(laughs []export.Document) (best string, clips []string) {
		most := slices.MaxFunc(laughs, func(x, y export.Document) int { return cmp.Compare(x.Score, y.Score) })
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
		fmt.Fprintf(a.stderr, "%s of only one of them left out; orchestrator run --reprocess --inferd MODEL lets the other read.\n", plural(d.LeftOut, "recording"))
	}
	return nil
}
