package export

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/chortle-audio/chortle/orchestrator"
)

// The formats of this file belong to one recording each: their times count from its start. Where the
// laughs are of several, they come recording by recording, and each is labelled with its name.

type recording struct {
	user, name string
	laughs     []orchestrator.StoredLaugh
}

func byRecording(laughs iter.Seq2[orchestrator.StoredLaugh, error]) ([]recording, error) {
	var recordings []recording
	known := map[[2]string]int{}
	for laugh, err := range laughs {
		if err != nil {
			return nil, err
		}
		i, ok := known[[2]string{laugh.User, laugh.Recording}]
		if !ok {
			i = len(recordings)
			known[[2]string{laugh.User, laugh.Recording}] = i
			recordings = append(recordings, recording{user: laugh.User, name: laugh.Recording})
		}
		recordings[i].laughs = append(recordings[i].laughs, laugh)
	}
	for _, r := range recordings {
		slices.SortStableFunc(r.laughs, func(a, b orchestrator.StoredLaugh) int { return cmp.Compare(a.Offset, b.Offset) })
	}
	return recordings, nil
}

// label names a laugh, and its recording where there are several.
func label(l orchestrator.StoredLaugh, several bool) string {
	text := fmt.Sprintf("%s %.2f", l.Class, l.Score)
	if several {
		text += " " + l.User + "/" + l.Recording
	}
	return oneLine(text)
}

// oneLine takes out of a text what would end a line or is no character at all.
func oneLine(text string) string {
	return strings.Join(strings.FieldsFunc(strings.ToValidUTF8(text, "\uFFFD"), func(r rune) bool {
		return unicode.IsControl(r) || r == '\u2028' || r == '\u2029'
	}), " ")
}

// eachByRecording calls write for each laugh, and flushes what it wrote.
func eachByRecording(w io.Writer, laughs iter.Seq2[orchestrator.StoredLaugh, error], heading string, write func(w io.Writer, l orchestrator.StoredLaugh, label string)) error {
	recordings, err := byRecording(laughs)
	if err != nil {
		return err
	}
	buffered := bufio.NewWriter(w)
	fmt.Fprint(buffered, heading)
	for _, r := range recordings {
		for _, laugh := range r.laughs {
			write(buffered, laugh, label(laugh, len(recordings) > 1))
		}
	}
	return buffered.Flush()
}

func writeAudacity(w io.Writer, laughs iter.Seq2[orchestrator.StoredLaugh, error], _ Places) error {
	return eachByRecording(w, laughs, "", func(w io.Writer, l orchestrator.StoredLaugh, label string) {
		fmt.Fprintf(w, "%s\t%s\t%s\n", inSeconds(l.Offset), inSeconds(l.Offset+duration(l)), label)
	})
}

var vttEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

func writeWebVTT(w io.Writer, laughs iter.Seq2[orchestrator.StoredLaugh, error], _ Places) error {
	recordings, err := byRecording(laughs)
	if err != nil {
		return err
	}
	var cues []orchestrator.StoredLaugh
	for _, r := range recordings {
		cues = append(cues, r.laughs...)
	}
	// Cues are in order of their start, also where the laughs are of several recordings, and none is empty.
	slices.SortStableFunc(cues, func(a, b orchestrator.StoredLaugh) int { return cmp.Compare(a.Offset, b.Offset) })
	buffered := bufio.NewWriter(w)
	fmt.Fprint(buffered, "WEBVTT\n")
	for _, l := range cues {
		start, end := l.Offset.Round(time.Millisecond), (l.Offset + duration(l)).Round(time.Millisecond)
		fmt.Fprintf(buffered, "\n%s --> %s\n%s\n", vttTime(start), vttTime(max(end, start+time.Millisecond)), vttEscapes.Replace(label(l, len(recordings) > 1)))
	}
	return buffered.Flush()
}

func vttTime(d time.Duration) string {
	ms := d.Milliseconds()
	return fmt.Sprintf("%02d:%02d:%02d.%03d", ms/3_600_000, ms/60_000%60, ms/1000%60, ms%1000)
}

// writeTextGrid writes Praat's long text format: one tier a recording, whose intervals cover it without
// gaps, as Praat wants it.
func writeTextGrid(w io.Writer, laughs iter.Seq2[orchestrator.StoredLaugh, error], _ Places) error {
	recordings, err := byRecording(laughs)
	if err != nil {
		return err
	}
	var end time.Duration
	for _, r := range recordings {
		for _, l := range r.laughs {
			end = max(end, (l.Offset + duration(l)).Round(time.Millisecond))
		}
	}
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "File type = \"ooTextFile\"\nObject class = \"TextGrid\"\n\nxmin = 0\nxmax = %s\ntiers? <exists>\nsize = %d\nitem []:\n", inSeconds(end), len(recordings))
	for i, r := range recordings {
		intervals := cover(r.laughs, end)
		fmt.Fprintf(b, "    item [%d]:\n        class = \"IntervalTier\"\n        name = %s\n        xmin = 0\n        xmax = %s\n        intervals: size = %d\n",
			i+1, praat(r.user+"/"+r.name), inSeconds(end), len(intervals))
		for j, v := range intervals {
			fmt.Fprintf(b, "        intervals [%d]:\n            xmin = %s\n            xmax = %s\n            text = %s\n", j+1, inSeconds(v.start), inSeconds(v.end), praat(v.text))
		}
	}
	return b.Flush()
}

type interval struct {
	start, end time.Duration
	text       string
}

// cover fills the time between the laughs with empty intervals. Where laughs of several models overlap,
// the later one begins where the earlier ends.
func cover(laughs []orchestrator.StoredLaugh, end time.Duration) (intervals []interval) {
	var at time.Duration
	for _, l := range laughs {
		start, stop := max(at, l.Offset.Round(time.Millisecond)), (l.Offset + duration(l)).Round(time.Millisecond)
		if stop <= start {
			continue
		}
		if start > at {
			intervals = append(intervals, interval{at, start, ""})
		}
		intervals = append(intervals, interval{start, stop, label(l, false)})
		at = stop
	}
	if at < end {
		intervals = append(intervals, interval{at, end, ""})
	}
	return intervals
}

// praat quotes a text: a quote within is doubled.
func praat(text string) string { return `"` + strings.ReplaceAll(oneLine(text), `"`, `""`) + `"` }
