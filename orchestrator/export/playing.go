package export

import (
	"bufio"
	"fmt"
	"io"
	"iter"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/chortle-audio/chortle/orchestrator"
)

// icsEscapes are those of a TEXT value (RFC 5545, 3.3.11).
var icsEscapes = strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`, "\r\n", `\n`, "\n", `\n`, "\r", `\n`)

// icsText is a text as a value of a calendar: escaped, and without what no calendar may hold.
func icsText(text string) string {
	return icsEscapes.Replace(strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\r' && r != '\t' || r == 0x7f {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD")))
}

// icsLine writes a content line: at most 75 octets, folded between characters, ended by CR LF (RFC 5545, 3.1).
func icsLine(w io.Writer, name, value string) {
	line, room := name+":"+value, 75
	for len(line) > room {
		cut := room
		for !utf8.RuneStart(line[cut]) {
			cut--
		}
		fmt.Fprintf(w, "%s\r\n ", line[:cut])
		line, room = line[cut:], 74 // the space counts
	}
	fmt.Fprintf(w, "%s\r\n", line)
}

func icsTime(t time.Time) string { return t.UTC().Format("20060102T150405Z") }

// writeICS writes a calendar of RFC 5545. Its times are whole seconds, so that an event lasts from the second in which
// the laugh begins to the one in which it is over. The stamp of an event is the end of its laugh: the same laughs give
// the same bytes.
func writeICS(w io.Writer, laughs iter.Seq2[orchestrator.StoredLaugh, error], places Places) error {
	buffered := bufio.NewWriter(w)
	for _, line := range [][2]string{{"BEGIN", "VCALENDAR"}, {"VERSION", "2.0"}, {"PRODID", "-//chortle-audio//Chortle//EN"}, {"CALSCALE", "GREGORIAN"}, {"X-WR-CALNAME", "Laughs"}} {
		icsLine(buffered, line[0], line[1])
	}
	for l, err := range laughs {
		if err != nil {
			return err
		}
		start := l.Start.Truncate(time.Second)
		end := l.End.Add(time.Second - time.Nanosecond).Truncate(time.Second)
		if !end.After(start) {
			end = start.Add(time.Second)
		}
		about := fmt.Sprintf("%.1f s, score %.2f, %s", duration(l).Seconds(), l.Score, l.Tier)
		if l.Note != "" {
			about += "\n" + l.Note
		}
		icsLine(buffered, "BEGIN", "VEVENT")
		icsLine(buffered, "UID", l.ID+"@chortle")
		icsLine(buffered, "DTSTAMP", icsTime(end))
		icsLine(buffered, "DTSTART", icsTime(start))
		icsLine(buffered, "DTEND", icsTime(end))
		icsLine(buffered, "SUMMARY", icsText(l.Class+", "+l.User))
		icsLine(buffered, "DESCRIPTION", icsText(about))
		icsLine(buffered, "CATEGORIES", icsText(l.Class))
		icsLine(buffered, "TRANSP", "TRANSPARENT") // a laugh keeps nobody busy
		icsLine(buffered, "CLASS", "PRIVATE")
		if address := places.of(l); address != "" {
			icsLine(buffered, "URL", address)
		}
		icsLine(buffered, "END", "VEVENT")
	}
	icsLine(buffered, "END", "VCALENDAR")
	return buffered.Flush()
}

// writeM3U writes an extended playlist in UTF-8: the clip's file where the clips lie in a folder, else its address on
// the page. A laugh without a clip is left out.
func writeM3U(w io.Writer, laughs iter.Seq2[orchestrator.StoredLaugh, error], places Places) error {
	buffered := bufio.NewWriter(w)
	fmt.Fprint(buffered, "#EXTM3U\n")
	for l, err := range laughs {
		if err != nil {
			return err
		}
		at := filepath.Join(places.Clips, filepath.FromSlash(l.Clip))
		if places.Clips == "" && places.Page != "" {
			at = places.of(l) + "/clip"
		}
		if l.Clip == "" {
			continue
		}
		local := l.Start
		if zone, err := time.LoadLocation(l.Timezone); err == nil {
			local = l.Start.In(zone)
		}
		title := oneLine(fmt.Sprintf("%s - %s, %s", l.User, l.Class, local.Format("2 January 2006, 15:04:05")))
		if _, err := fmt.Fprintf(buffered, "#EXTINF:%d,%s\n%s\n", max(1, int(duration(l).Round(time.Second)/time.Second)), title, at); err != nil {
			return err
		}
	}
	return buffered.Flush()
}
