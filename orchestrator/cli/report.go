package cli

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/advice"
	"github.com/chortle-audio/chortle/orchestrator/cli/terminal"
)

// reportRun tells a person what a run did.
func (a *app) reportRun(run orchestrator.Run, dryRun bool) {
	a.reportDays(run, dryRun)
	switch laughs := countLaughs(run); {
	case dryRun:
		fmt.Fprintln(a.stdout, "Nothing was read: this was a dry run.")
	case run.Status == orchestrator.StatusInterrupted:
		fmt.Fprintln(a.stdout, "The run was interrupted. What was done is stored; the next run goes on from there.")
	case run.Status == orchestrator.StatusFailed:
	case laughs > 0:
		fmt.Fprintf(a.stdout, "%s. See them with: orchestrator laughs list\n", plural(laughs, "new laugh"))
	case processed(run) == 0 && run.ExitCode == orchestrator.ExitOK:
		fmt.Fprintln(a.stdout, "There was nothing new.")
	}
}

// reportDays writes the table of a run's days, and what went wrong in them.
func (a *app) reportDays(run orchestrator.Run, dryRun bool) {
	verb := "read"
	if dryRun {
		verb = "to read"
	}
	table := terminal.NewTable("user", "day", "status", "recordings", "audio>", "laughs>", "took>", "speed>", "memory before, peak, after")
	for _, day := range run.Days {
		table.Add(day.User, day.Date.String(), a.status(day.Status), recordings(day, verb), audioOf(day), fmt.Sprint(day.Laughs),
			tookOf(day.Took), speedOf(day), memoryOf(day.Memory))
	}
	if table.Len() > 0 {
		_ = table.WriteTo(a.stdout)
	}
	for _, day := range run.Days {
		a.tellSurvey(day.User, day.Survey)
		for _, e := range day.Errors {
			fmt.Fprintf(a.stdout, "%s %s %s%s: %s\n", a.stdout.Red("error:"), day.User, day.Date, before(" ", e.Recording), terminal.Printable(e.Message))
			if remedy := advice.OfRunError(advice.Terminal, e); remedy != "" {
				fmt.Fprintln(a.stdout, "  →", terminal.Printable(remedy))
			}
		}
		for _, note := range day.Notes {
			if note.Code != orchestrator.NoteDamaged { // that is an error above
				fmt.Fprintf(a.stdout, "%s %s %s %s: %s\n", a.stdout.Yellow("note:"), day.User, day.Date, terminal.Printable(note.Recording), note)
			}
		}
		if day.Calls.Total > 0 {
			fmt.Fprintf(a.stdout, "source: %s %s, %s\n", day.User, day.Date, callsText(day))
		}
		for _, gap := range day.Gaps() {
			location, err := time.LoadLocation(day.Timezone)
			if err != nil {
				location = time.UTC
			}
			fmt.Fprintf(a.stdout, "%s %s %s, %s to %s: %s\n", a.stdout.Yellow("gap:"), day.User, day.Date,
				gap.Start.In(location).Format(time.TimeOnly), endOf(gap.Span, location), terminal.Printable(gap.Reason))
		}
	}
}

// endOf is when a span ends, with the date where that is not the one on which it starts.
func endOf(span orchestrator.Span, location *time.Location) string {
	start, end := span.Start.In(location), span.End.In(location)
	if orchestrator.DateOf(start) != orchestrator.DateOf(end) {
		return end.Format(time.DateTime)
	}
	return end.Format(time.TimeOnly)
}

func (a *app) status(s orchestrator.Status) string {
	switch s {
	case orchestrator.StatusOK:
		return a.stdout.Green(string(s))
	case orchestrator.StatusFailed:
		return a.stdout.Red(string(s))
	}
	return a.stdout.Yellow(string(s))
}

func recordings(day orchestrator.UserDay, verb string) string {
	var parts []string
	for _, part := range []struct {
		count int
		what  string
	}{{day.Processed, verb}, {day.Skipped - day.GivenUp, "known"}, {day.GivenUp, "given up"}, {day.Failed, "failed"}, {day.Left, "still being written"}} {
		if part.count > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.count, part.what))
		}
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}

func audioOf(day orchestrator.UserDay) string {
	return clock(orchestrator.SamplesToDuration(day.AudioSamples))
}

// callsText sums up what a source was asked.
func callsText(day orchestrator.UserDay) string {
	var codes []string
	for _, code := range slices.Sorted(maps.Keys(day.Calls.ByStatus)) {
		codes = append(codes, fmt.Sprintf("%d × %s", day.Calls.ByStatus[code], cmp.Or(strings.TrimPrefix(strconv.Itoa(code), "0"), "no answer")))
	}
	asked, empty, failed := day.CountSpans()
	return fmt.Sprintf("%s (%s), %d of them again, %s MB; spans: %d asked, %d served, %d empty, %d failed", plural(day.Calls.Total, "call"),
		strings.Join(codes, ", "), day.Calls.Retries, megabytes(day.Calls.Bytes), asked, day.SpansServed, empty, failed)
}

func tookOf(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

func speedOf(day orchestrator.UserDay) string {
	if day.AudioSamples == 0 || day.Took <= 0 {
		return "-"
	}
	return fmt.Sprintf("%.0f×", orchestrator.SamplesToDuration(day.AudioSamples).Seconds()/day.Took.Seconds())
}

func memoryOf(m orchestrator.Memory) string {
	if m.Peak == 0 {
		return "-"
	}
	return fmt.Sprintf("%s, %s, %s MB", megabytes(m.Before), megabytes(m.Peak), megabytes(m.After))
}

// megabytes of 1,000,000 bytes, as in every text of ours.
func megabytes(n int64) string { return advice.Megabytes(n) }

func countLaughs(run orchestrator.Run) (n int) {
	for _, day := range run.Days {
		n += day.Laughs
	}
	return n
}

func processed(run orchestrator.Run) (n int) {
	for _, day := range run.Days {
		n += day.Processed
	}
	return n
}

func skipped(run orchestrator.Run) (n int) {
	for _, day := range run.Days {
		n += day.Skipped
	}
	return n
}

func plural(n int, what string) string { return advice.Plural(n, what) }

// before puts a separator before a name, where there is one.
func before(separator, name string) string {
	if name == "" {
		return ""
	}
	return separator + terminal.Printable(name)
}

// tellSurvey writes what was seen of a user's source as a whole.
func (a *app) tellSurvey(user string, survey *orchestrator.Survey) {
	for _, line := range advice.Survey(user, survey) {
		fmt.Fprintf(a.stdout, "%s %s: %s\n", a.stdout.Yellow("note:"), user, terminal.Printable(line.Message))
		if line.Remedy != "" {
			fmt.Fprintln(a.stdout, "  →", terminal.Printable(line.Remedy))
		}
	}
}
