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
	memory, title := memoryOf, "memory before, peak, after"
	if a.stdout.Terminal && a.verbose == 0 { // of 80 columns
		memory, title = peakOf, "memory>"
	}
	table := terminal.NewTable("user", "day", "status", "recordings", "audio>", "laughs>", "took>", "speed>", title)
	for _, day := range run.Days {
		table.Add(day.User, day.Date.String(), a.status(day.Status), recordings(day, verb), audioOf(day), fmt.Sprint(day.Laughs),
			tookOf(day.Took), speedOf(day), memory(day.Memory))
	}
	if table.Len() > 0 {
		_ = table.WriteTo(a.stdout)
	}
	a.reportPlanned(run)
	told := map[[2]string]bool{}
	for _, day := range run.Days {
		a.tellSurvey(day.User, day.Survey)
		for _, e := range day.Errors {
			cause := [2]string{day.User, e.Recording + "\n" + e.Message}
			if told[cause] { // a folder that is not there is the same on every day
				continue
			}
			told[cause] = true
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

// becauseOf says in words how the start of a recording was found.
var becauseOf = map[orchestrator.TimeSource]string{orchestrator.TimeFromSource: "the source says so", orchestrator.TimeFromName: "from its name",
	orchestrator.TimeFromContainer: "from inside the file", orchestrator.TimeFromModTime: "from its modification time"}

// reportPlanned lists what a dry run would have read, and when each recording would start.
func (a *app) reportPlanned(run orchestrator.Run) {
	table := terminal.NewTable("user", "starts", "because", "file")
	for _, day := range run.Days {
		location, err := time.LoadLocation(day.Timezone)
		if err != nil {
			location = time.UTC
		}
		for _, planned := range day.Planned {
			table.Add(day.User, planned.Start.In(location).Format("2006-01-02 15:04:05 MST"), becauseOf[planned.TimeSource], terminal.Printable(planned.Name))
		}
	}
	if table.Len() > 0 {
		_ = table.WriteTo(a.stdout)
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

// peakOf is the part of it that counts.
func peakOf(m orchestrator.Memory) string {
	if m.Peak == 0 {
		return "-"
	}
	return megabytes(m.Peak) + " MB"
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
