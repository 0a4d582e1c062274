package export_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"iter"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/document"
	"github.com/chortle-audio/chortle/orchestrator/export"
)

func laugh(user, recording string, offset, length time.Duration, note string) orchestrator.StoredLaugh {
	start := time.Date(2026, 11, 22, 14, 30, 0, 0, time.FixedZone("", 3600)).Add(offset)
	return orchestrator.StoredLaugh{ID: "0k7c3d9xyz", Day: orchestrator.Date{Year: 2026, Month: 11, Day: 22}, Tier: orchestrator.TierSure, User: user, Timezone: "Europe/London", Start: start, End: start.Add(length), Score: 0.862745, Class: "Laughter",
		ClassScores: map[string]float64{"Giggle": 0.25}, Recording: recording, Offset: offset, Clip: user + "/x.opus", Model: "yamnet", ModelVersion: "1", ModelSHA256: "10c9",
		Mark: orchestrator.MarkRight, Star: true, Note: note}
}

func sequence(laughs ...orchestrator.StoredLaugh) iter.Seq2[orchestrator.StoredLaugh, error] {
	return func(yield func(orchestrator.StoredLaugh, error) bool) {
		for _, l := range laughs {
			if !yield(l, nil) {
				return
			}
		}
	}
}

// places are those of a page below a path, and of a folder of clips.
var places = export.Places{Page: "https://example.org/laughs", Clips: "/srv/clips"}

func write(t *testing.T, name string, laughs iter.Seq2[orchestrator.StoredLaugh, error]) (string, error) {
	t.Helper()
	for _, f := range export.Formats {
		if f.Name == name {
			var b bytes.Buffer
			err := f.Write(&b, laughs, places)
			return b.String(), err
		}
	}
	t.Fatalf("there is no format %s", name)
	return "", nil
}

func TestFormats(t *testing.T) {
	t.Parallel()
	one := laugh("alice", "tea.ogg", 63500*time.Millisecond, 1200*time.Millisecond, "")
	one.Evidence, one.Policy = 0.5, "default-3"
	one.Around = orchestrator.Around{Speech: 0.75, Heard: []orchestrator.HeardClass{{Class: "Music", Score: 0.5}}}
	other := laugh("bob", "a b.ogg", 10*time.Second, 2*time.Second, "so\tfunny")
	for _, c := range []struct {
		format string
		laughs []orchestrator.StoredLaugh
		want   string
	}{
		{"csv", []orchestrator.StoredLaugh{one}, "user,start,end,score,class,recording,offset_s,duration_s,clip,model,mark,star,note,id,tier,with\n" +
			"alice,2026-11-22T13:31:03.500Z,2026-11-22T13:31:04.700Z,0.8627,Laughter,tea.ogg,63.500,1.200,alice/x.opus,yamnet,right,true,,0k7c3d9xyz,sure,others music\n"},
		{"tsv", []orchestrator.StoredLaugh{other}, "user\tstart\tend\tscore\tclass\trecording\toffset_s\tduration_s\tclip\tmodel\tmark\tstar\tnote\tid\ttier\twith\n" +
			"bob\t2026-11-22T13:30:10.000Z\t2026-11-22T13:30:12.000Z\t0.8627\tLaughter\ta b.ogg\t10.000\t2.000\tbob/x.opus\tyamnet\tright\ttrue\tso\\tfunny\t0k7c3d9xyz\tsure\t\n"},
		{"jsonl", []orchestrator.StoredLaugh{one}, `{"user":"alice","timezone":"Europe/London","start":"2026-11-22T13:31:03.500Z","end":"2026-11-22T13:31:04.700Z","score":0.862745,"class":"Laughter",` +
			`"class_scores":{"Giggle":0.25},"recording":"tea.ogg","offset_s":63.5,"duration_s":1.2,"uncertain_s":0,"clip":"alice/x.opus","model":"yamnet","model_version":"1","model_sha256":"10c9","mark":"right","star":true,"note":"","id":"0k7c3d9xyz","day":"2026-11-22","tier":"sure","evidence":0.5,"policy":"default-3","heard":{"Music":0.5},"with":["others","music"]}` + "\n"},
		{"json", nil, "{\n  \"laughs\": []\n}\n"},
		{"ics", []orchestrator.StoredLaugh{laugh("alice", "tea.ogg", 63500*time.Millisecond, 1200*time.Millisecond, "so; funny,\nhaha "+strings.Repeat("ü", 40))},
			"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//chortle-audio//Chortle//EN\r\nCALSCALE:GREGORIAN\r\nX-WR-CALNAME:Laughs\r\n" +
				"BEGIN:VEVENT\r\nUID:0k7c3d9xyz@chortle\r\nDTSTAMP:20261122T133105Z\r\nDTSTART:20261122T133103Z\r\nDTEND:20261122T133105Z\r\nSUMMARY:Laughter\\, alice\r\n" +
				"DESCRIPTION:1.2 s\\, score 0.86\\, sure\\nso\\; funny\\,\\nhaha " + strings.Repeat("ü", 8) + "\r\n " + strings.Repeat("ü", 32) + "\r\n" +
				"CATEGORIES:Laughter\r\nTRANSP:TRANSPARENT\r\nCLASS:PRIVATE\r\nURL:https://example.org/laughs/l/0k7c3d9xyz\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"},
		{"m3u", []orchestrator.StoredLaugh{one}, "#EXTM3U\n#EXTINF:1,alice - Laughter, 22 November 2026, 13:31:03\n/srv/clips/alice/x.opus\n"},
		{"audacity", []orchestrator.StoredLaugh{one}, "63.500\t64.700\tLaughter 0.86\n"},
		{"audacity", []orchestrator.StoredLaugh{one, other}, "63.500\t64.700\tLaughter 0.86 alice/tea.ogg\n10.000\t12.000\tLaughter 0.86 bob/a b.ogg\n"},
		{"webvtt", []orchestrator.StoredLaugh{one}, "WEBVTT\n\n00:01:03.500 --> 00:01:04.700\nLaughter 0.86\n"},
		{"webvtt", []orchestrator.StoredLaugh{one, other}, "WEBVTT\n\n00:00:10.000 --> 00:00:12.000\nLaughter 0.86 bob/a b.ogg\n\n00:01:03.500 --> 00:01:04.700\nLaughter 0.86 alice/tea.ogg\n"},
		{"rttm", []orchestrator.StoredLaugh{other}, "SPEAKER a_b.ogg 1 10.000 2.000 <NA> <NA> laughter 0.8627 <NA>\n"},
		{"textgrid", []orchestrator.StoredLaugh{one}, `File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 64.700
tiers? <exists>
size = 1
item []:
    item [1]:
        class = "IntervalTier"
        name = "alice/tea.ogg"
        xmin = 0
        xmax = 64.700
        intervals: size = 2
        intervals [1]:
            xmin = 0.000
            xmax = 63.500
            text = ""
        intervals [2]:
            xmin = 63.500
            xmax = 64.700
            text = "Laughter 0.86"
`},
	} {
		got, err := write(t, c.format, sequence(c.laughs...))
		if err != nil || got != c.want {
			t.Errorf("%s: %v\ngot\n%s\nwant\n%s", c.format, err, got, c.want)
		}
	}
}

// A file of this name, or a note, must not run when a spreadsheet opens the table.
func TestNoFormulas(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"=HYPERLINK(1)", "+1", "-1", "@x", "\tx", "\rx", "\nx", "＝1+1", "\u200b=1", "  =1"} {
		got, err := write(t, "csv", sequence(laugh("alice", text, 0, time.Second, text)))
		if err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(strings.NewReader(got)).ReadAll()
		if err != nil || rows[1][5] != "'"+text || rows[1][12] != "'"+text {
			t.Errorf("%q: %v, %q", text, err, rows)
		}
	}
}

func TestAnErrorEndsTheExport(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for _, f := range export.Formats {
		err := f.Write(&bytes.Buffer{}, func(yield func(orchestrator.StoredLaugh, error) bool) {
			_ = yield(laugh("alice", "tea.ogg", 0, time.Second, ""), nil) && yield(orchestrator.StoredLaugh{}, broken)
		}, places)
		if !errors.Is(err, broken) {
			t.Errorf("%s: %v", f.Name, err)
		}
	}
}

// Whatever is in names and notes: every format holds one record a laugh, and those that can be read back give it back.
func TestNothingBreaksOut(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(0, 5).Draw(rt, "n")
		var laughs []orchestrator.StoredLaugh
		for i := range n {
			text := rapid.StringMatching("[a=\"',;:\\\\<> \t\n\r\x00\u0085\u2028ü-]{0,40}").Draw(rt, "text")
			l := laugh("alice", "r"+text, time.Duration(i)*3*time.Second, time.Second, "n"+text)
			laughs = append(laughs, l)
		}
		for _, f := range export.Formats {
			var b bytes.Buffer
			if err := f.Write(&b, sequence(laughs...), places); err != nil {
				rt.Fatal(err)
			}
			lines := strings.Count(b.String(), "\n")
			switch f.Name {
			case "csv":
				rows, err := csv.NewReader(&b).ReadAll()
				if err != nil || len(rows) != n+1 {
					rt.Fatalf("csv: %d rows, %v", len(rows), err)
				}
			case "json":
				var list struct{ Laughs []document.Laugh }
				if err := json.Unmarshal(b.Bytes(), &list); err != nil || len(list.Laughs) != n {
					rt.Fatalf("json: %v, %d laughs:\n%s", err, len(list.Laughs), &b)
				}
			case "jsonl":
				decoder := json.NewDecoder(&b)
				for _, l := range laughs {
					var d document.Laugh
					if err := decoder.Decode(&d); err != nil || d.Note != l.Note || d.Recording != l.Recording {
						rt.Fatalf("jsonl: %v, %+v", err, d)
					}
				}
			case "tsv":
				if lines != n+1 {
					rt.Fatalf("tsv: %d lines", lines)
				}
			case "audacity", "rttm":
				if lines != n {
					rt.Fatalf("%s: %d lines for %d laughs:\n%s", f.Name, lines, n, &b)
				}
				for line := range strings.Lines(b.String()) {
					if f.Name == "rttm" && len(strings.Fields(line)) != 10 {
						rt.Fatalf("rttm: %q", line)
					}
				}
			case "ics":
				checkCalendar(rt, b.String(), laughs)
			case "m3u":
				if lines != 2*n+1 {
					rt.Fatalf("m3u: %d lines for %d laughs:\n%s", lines, n, &b)
				}
			case "webvtt":
				if strings.Count(b.String(), "-->") != n {
					rt.Fatalf("webvtt:\n%s", &b)
				}
			}
		}
	})
}

// checkCalendar holds the form of a calendar: lines of at most 75 octets that end in CR LF, nothing but known names, and
// the note as it was once it is unfolded and unescaped.
func checkCalendar(t interface{ Fatalf(string, ...any) }, text string, laughs []orchestrator.StoredLaugh) {
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\r\n"), "\r\n") {
		if len(line) > 75 || strings.ContainsAny(line, "\r\n") || !utf8.ValidString(line) {
			t.Fatalf("ics: line %q", line)
		}
	}
	var events int
	for line := range strings.SplitSeq(strings.TrimSuffix(strings.ReplaceAll(text, "\r\n ", ""), "\r\n"), "\r\n") {
		name, value, _ := strings.Cut(line, ":")
		switch name {
		case "BEGIN", "END", "VERSION", "PRODID", "CALSCALE", "X-WR-CALNAME", "UID", "DTSTAMP", "DTSTART", "DTEND", "SUMMARY", "CATEGORIES", "TRANSP", "CLASS", "URL":
		case "DESCRIPTION":
			note := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(strings.ReplaceAll(laughs[events].Note, "\x00", ""))
			got := strings.NewReplacer(`\\`, `\`, `\;`, ";", `\,`, ",", `\n`, "\n").Replace(value)
			if !strings.HasSuffix(got, "\n"+note) {
				t.Fatalf("ics: note %q became %q", note, got)
			}
			events++
		default:
			t.Fatalf("ics: a text broke out: %q", line)
		}
	}
	if events != len(laughs) {
		t.Fatalf("ics: %d events of %d laughs", events, len(laughs))
	}
}

func TestTextGridCoversItsTier(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		var laughs []orchestrator.StoredLaugh
		for range rapid.IntRange(1, 6).Draw(rt, "n") {
			offset, length := rapid.IntRange(0, 30).Draw(rt, "offset"), rapid.IntRange(1, 10).Draw(rt, "length")
			laughs = append(laughs, laugh("alice", "tea.ogg", time.Duration(offset)*time.Second, time.Duration(length)*time.Second, ""))
		}
		got, err := write(t, "textgrid", sequence(laughs...))
		if err != nil {
			rt.Fatal(err)
		}
		var at, end float64
		inside := false
		for line := range strings.Lines(got) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), " = ")
			number, _ := strconv.ParseFloat(value, 64)
			switch {
			case strings.HasPrefix(name, "intervals ["):
				inside = true
			case name == "xmax" && !inside:
				end = number
			case name == "xmin" && inside && number != at:
				rt.Fatalf("an interval begins at %v, the last one ended at %v:\n%s", number, at, got)
			case name == "xmax" && inside:
				at = number
			}
		}
		if at != end {
			rt.Fatalf("the last interval ends at %v of %v", at, end)
		}
	})
}
