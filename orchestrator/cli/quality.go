package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/chortle-audio/chortle/orchestrator/cli/terminal"
	"github.com/chortle-audio/chortle/orchestrator/service"
	"github.com/chortle-audio/chortle/orchestrator/service/quality"
)

// qualityFlags choose what the quality of detection is measured of.
type qualityFlags struct {
	labels, policy, against, againstModel string
	curve                                 bool
}

func (f *qualityFlags) bind(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.labels, "labels", "", "labels `file`, or a folder of them: measure how well laughs are found")
	flags.StringVar(&f.policy, "policy", "", "`policy` to measure (default: that of the settings)")
	flags.StringVar(&f.against, "against", "", "second `policy`, to compare")
	flags.StringVar(&f.againstModel, "against-model", "", "second `model`, by name or command, to compare")
	flags.BoolVar(&f.curve, "curve", false, "also recall and false laughs at other thresholds")
}

// benchQuality measures, and prints what was measured.
func (a *app) benchQuality(ctx context.Context, flags qualityFlags, folder string, asJSON bool) error {
	progress := a.observer()
	paths := []*string{&flags.labels, &folder}
	for _, path := range paths {
		if *path == "" {
			continue
		}
		absolute, err := a.settings.Path(*path)
		if err != nil {
			return err
		}
		*path = absolute
	}
	report, err := a.service.MeasureQuality(ctx, service.QualityRequest{Labels: flags.labels, Folder: folder, Against: flags.againstModel,
		Policy: flags.policy, PolicyAgainst: flags.against, Curve: flags.curve, Observe: progress.observe,
		Problem: func(p quality.Problem) {
			a.stderr.SetStatus("")
			fmt.Fprintf(a.stderr, "%s %s\n", a.stderr.Yellow("labels:"), terminal.Printable(problemText(p)))
		}})
	a.stderr.SetStatus("")
	if err != nil {
		return err
	}
	if asJSON {
		return a.writeJSON(report)
	}
	fmt.Fprintf(a.stdout, "%s, %s of sound, in %.0f s\n", plural(report.Files, "file"), clock(time.Duration(report.AudioSeconds*float64(time.Second))), report.Seconds)
	for _, figures := range report.Results {
		if err := a.showFigures(figures); err != nil {
			return err
		}
	}
	if len(report.Results) > 1 {
		return a.showChanges(report.Changes)
	}
	return nil
}

func problemText(p quality.Problem) string {
	text := p.Cause
	if p.File != "" {
		text = p.File + ": " + text
	}
	if p.Line > 0 {
		text = fmt.Sprintf("line %d: %s", p.Line, text)
	}
	return text
}

// percent of a whole; empty where there is none.
func percent(part, whole int) string {
	if whole == 0 {
		return ""
	}
	return fmt.Sprintf("%.0f %%", 100*float64(part)/float64(whole))
}

// leastHours of a class in which nothing false was heard, for it to have a row of its own.
const leastHours = 0.05

func (a *app) showFigures(f quality.Figures) error {
	fmt.Fprintf(a.stdout, "\n%s\n\n", a.stdout.Bold(fmt.Sprintf("Policy %s, model %s", f.Policy, terminal.Printable(f.Model))))
	found := terminal.NewTable("laughs found", "labels>", "sure>", ">", "sure or maybe>", ">")
	for _, group := range [][]quality.Found{f.BySource, f.ByLength, {f.All}} {
		for _, g := range group {
			if g.Labels > 0 {
				found.Add(terminal.Printable(g.Name), fmt.Sprint(g.Labels), fmt.Sprint(g.Sure), percent(g.Sure, g.Labels), fmt.Sprint(g.Either), percent(g.Either, g.Labels))
			}
		}
	}
	wrong := terminal.NewTable("false laughs in", "hours>", "sure>", "an hour>", "sure or maybe>", "an hour>")
	for i, group := range [][]quality.False{f.False, f.Groups} {
		for _, g := range group {
			if g.Either > 0 || g.Hours > 0 && (i == 1 || g.Hours >= leastHours) {
				wrong.Add(terminal.Printable(g.Name), fmt.Sprintf("%.2f", g.Hours), fmt.Sprint(g.Sure), fmt.Sprintf("%.1f", g.PerHour(g.Sure)),
					fmt.Sprint(g.Either), fmt.Sprintf("%.1f", g.PerHour(g.Either)))
			}
		}
	}
	for _, table := range []*terminal.Table{found, wrong} {
		if table.Len() == 0 {
			continue
		}
		if err := table.WriteTo(a.stdout); err != nil {
			return err
		}
		fmt.Fprintln(a.stdout)
	}
	if f.Edges.Labels > 0 {
		fmt.Fprintf(a.stdout, "Edges of %s with times, median: onset %+.2f s (%.2f s either way), offset %+.2f s (%.2f s either way)\n",
			plural(f.Edges.Labels, "found label"), f.Edges.Onset, f.Edges.OnsetAbs, f.Edges.Offset, f.Edges.OffsetAbs)
	}
	for _, m := range []struct {
		name    string
		metrics *quality.Metrics
	}{{"sure", f.Sure}, {"sure or maybe", f.Either}} {
		if m.metrics != nil {
			e, i := m.metrics.EventBased, m.metrics.Intersection
			fmt.Fprintf(a.stdout, "%s: event-based F1 %.3f (%d right, %d missed, %d wrong), intersection-based F1 %.3f (%d, %d, %d)\n",
				m.name, e.F1, e.Right, e.Missed, e.Wrong, i.F1, i.Right, i.Missed, i.Wrong)
		}
	}
	if len(f.Curve) == 0 {
		return nil
	}
	curve := terminal.NewTable("threshold>", "found>", ">", "false an hour>", "in crying>", "in other voices>")
	for _, p := range f.Curve {
		curve.Add(fmt.Sprintf("%.4f", p.Threshold), fmt.Sprint(p.Found), percent(p.Found, f.All.Labels), fmt.Sprintf("%.2f", p.FalsePerHour),
			fmt.Sprint(p.FalseCrying), fmt.Sprint(p.FalseVoices))
	}
	return curve.WriteTo(a.stdout)
}

// showChanges prints what a second policy or model does otherwise.
func (a *app) showChanges(changes []quality.Change) error {
	fmt.Fprintln(a.stdout)
	table := terminal.NewTable("file", "from>", "to>", "what is there", "first", "second", "")
	better := 0
	for _, c := range changes {
		verdict := "worse"
		if c.Better {
			verdict = "better"
			better++
		}
		table.Add(terminal.Printable(c.File), fmt.Sprintf("%.2f", c.Onset), fmt.Sprintf("%.2f", c.Offset), terminal.Printable(c.What), c.A, c.B, verdict)
	}
	if len(changes) > 0 {
		if err := table.WriteTo(a.stdout); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(a.stdout, "%s: %d better, %d worse with the second.\n", plural(len(changes), "change"), better, len(changes)-better)
	return err
}
