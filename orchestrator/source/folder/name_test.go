package folder

import (
	"path"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func zoneOf(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func TestTimeInName(t *testing.T) {
	t.Parallel()
	const none = ""
	// The user's zone is New York: five hours behind UTC on that day.
	tests := []struct{ name, want string }{
		// The two of the contract, and the same with another zone.
		{"2026-11-22T14-30-00Z.ogg", "2026-11-22T14:30:00Z"},
		{"2026-11-22_14-30-00.ogg", "2026-11-22T19:30:00Z"},
		{"2026-11-22T14-30-00+0100.ogg", "2026-11-22T13:30:00Z"},
		{"2026-11-22T14:30:00+01:00.ogg", "2026-11-22T13:30:00Z"},
		{"2026-11-22T14-30-00+01-00.ogg", "2026-11-22T13:30:00Z"},
		{"2026-11-22T14-30-00+01.ogg", "2026-11-22T13:30:00Z"},
		{"2026-11-22T14-30-00-0330.ogg", "2026-11-22T18:00:00Z"},
		{"2026-11-22T14-30-00-05-00.ogg", "2026-11-22T19:30:00Z"},
		{"2026-11-22_14-30-00-0800.ogg", "2026-11-22T22:30:00Z"},
		{"2026-11-22 14-30-00 UTC.ogg", "2026-11-22T14:30:00Z"},
		{"2026-11-22T14-30-00.250Z.ogg", "2026-11-22T14:30:00.25Z"},
		{"2026-11-22T14-30-00-250Z.ogg", "2026-11-22T14:30:00.25Z"},
		{"20261122T143000Z.opus", "2026-11-22T14:30:00Z"},
		// Recorders.
		{"20261122 143000.m4a", "2026-11-22T19:30:00Z"},
		{"20261122 143000-8F3A91C2.m4a", "2026-11-22T19:30:00Z"},
		{"Voice 261122_143000.m4a", "2026-11-22T19:30:00Z"},
		{"Call recording Bob_261122_143000.m4a", "2026-11-22T19:30:00Z"},
		{"261122_1430.mp3", "2026-11-22T19:30:00Z"},
		{"261122_1430_01.mp3", "2026-11-22T19:30:00Z"},
		{"261122_143000.WAV", "2026-11-22T19:30:00Z"},
		{"REC_20261122_143000.wav", "2026-11-22T19:30:00Z"},
		{"Record_2026-11-22-14-30-00.mp3", "2026-11-22T19:30:00Z"},
		{"recording-2026-11-22-14-30-00.amr", "2026-11-22T19:30:00Z"},
		{"2026_11_22_14_30_00.m4a", "2026-11-22T19:30:00Z"},
		{"TX01_MIC001_20261122_143000_orig.wav", "2026-11-22T19:30:00Z"},
		{"PXL_20261122_143000123.mp4", "2026-11-22T14:30:00.123Z"},
		{"WhatsApp Audio 2026-11-22 at 14.30.00.opus", "2026-11-22T19:30:00Z"},
		{"WhatsApp Ptt 2026-11-22 at 2.30.00 PM.ogg", "2026-11-22T19:30:00Z"},
		{"Recording 2026-11-22 at 12.05.00\u202fAM.m4a", "2026-11-22T05:05:00Z"},
		{"signal-2026-11-22-14-30-00-123.m4a", "2026-11-22T19:30:00.123Z"},
		{"signal-2026-11-22-143000.aac", "2026-11-22T19:30:00Z"},
		{"audio_2026-11-22_14-30-00.ogg", "2026-11-22T19:30:00Z"},
		{"2026-11-22 14-30-00.mkv", "2026-11-22T19:30:00Z"},
		{"0d20261122143000p+441234567890.amr", "2026-11-22T19:30:00Z"},
		{"Call_20261122143000_+441234567890.m4a", "2026-11-22T19:30:00Z"},
		{"Bob(0044123456)_20261122143000.mp3", "2026-11-22T19:30:00Z"},
		{"2026.11.22 14h30m05s.flac", "2026-11-22T19:30:05Z"},
		{"2026-11-22, 9.15.wav", "2026-11-22T14:15:00Z"},
		{"2026-11-22 14-30-00 Amsterdam.ogg", "2026-11-22T19:30:00Z"},
		{"2026-11-22_14-00-00_to_2026-11-22_15-00-00.ogg", "2026-11-22T19:00:00Z"},
		{"2026-13-45_99-99-99 2026-11-22_14-30-00.ogg", "2026-11-22T19:30:00Z"},
		// Folders named after the day.
		{"2026-11-22/14-30-00.m4a", "2026-11-22T19:30:00Z"},
		{"20261122/143000.m4a", "2026-11-22T19:30:00Z"},
		{"pendant/2026/11/22/14.30.00 kitchen.m4a", "2026-11-22T19:30:00Z"},
		{"2026-11-22 at the sea/14-30.m4a", "2026-11-22T19:30:00Z"},
		{"2026-11-22/14-30-00Z.m4a", "2026-11-22T14:30:00Z"},
		{"2026-11-21/2026-11-22_14-30-00.ogg", "2026-11-22T19:30:00Z"},
		// Unix time.
		{"1795357800.ogg", "2026-11-22T14:30:00Z"},
		{"1795357800123.ogg", "2026-11-22T14:30:00.123Z"},
		{"rec_1795357800.ogg", "2026-11-22T14:30:00Z"},
		{"1795357800-kitchen.ogg", "2026-11-22T14:30:00Z"},
		// No times.
		{"", none},
		{"ZOOM0001.WAV", none},
		{"DS300001.DSS", none},
		{"261122_0001.mp3", none},
		{"261122_001.wav", none},
		{"20261122_0001.wav", none},
		{"2026-11-22.ogg", none},
		{"2026-11-22 birthday 2.ogg", none},
		{"PTT-20261122-WA0001.opus", none},
		{"AUD-20261122-WA0012.m4a", none},
		{"05-06-2026 14-30-00.ogg", none}, // of two days
		{"2026-02-30_14-30-00.ogg", none},
		{"2026-11-22_24-30-00.ogg", none},
		{"2026-11-22_14-60-00.ogg", none},
		{"2026-11-22_14-3000.ogg", none},
		{"2026-1122_14-30-00.ogg", none},
		{"2026-11-22 at 14.30 PM.ogg", none},
		{"audio1795357800.m4a", none},
		{"+1795357800.amr", none},
		{"2025550123.amr", none},
		{"99991231235959.ogg", none},
		{"2026-11-22/1430.m4a", none},
		{"2026-11-22/take 14-30.m4a", none},
		{"14-30-00.m4a", none},
		{"2026-11-22_14-30-00/part 1.ogg", none},
	}
	loc := zoneOf(t, "America/New_York")
	for _, test := range tests {
		got, ok := timeInName(test.name, loc)
		switch {
		case !ok && test.want == none:
		case !ok:
			t.Errorf("%q: no time, want %s", test.name, test.want)
		case got.Format(time.RFC3339Nano) != test.want:
			t.Errorf("%q: got %s, want %q", test.name, got.Format(time.RFC3339Nano), test.want)
		}
	}
}

func TestLocalTimesWhereClocksChange(t *testing.T) {
	t.Parallel()
	tests := []struct{ zone, local, want string }{
		{"Europe/London", "2026-03-29_00-59-59", "2026-03-29T00:59:59Z"},
		{"Europe/London", "2026-03-29_01-30-00", "2026-03-29T01:30:00Z"}, // skipped
		{"Europe/London", "2026-03-29_02-00-00", "2026-03-29T01:00:00Z"},
		{"Europe/London", "2026-10-25_00-59-59", "2026-10-24T23:59:59Z"},
		{"Europe/London", "2026-10-25_01-30-00", "2026-10-25T00:30:00Z"}, // twice
		{"Europe/London", "2026-10-25_02-00-00", "2026-10-25T02:00:00Z"},
		{"America/New_York", "2026-03-08_02-30-00", "2026-03-08T07:30:00Z"}, // skipped
		{"America/New_York", "2026-11-01_01-30-00", "2026-11-01T05:30:00Z"}, // twice
		{"Australia/Lord_Howe", "2026-04-05_01-45-00", "2026-04-04T14:45:00Z"},
		{"Pacific/Apia", "2011-12-30_12-00-00", "2011-12-30T22:00:00Z"}, // a day that there was not
		{"Pacific/Kiritimati", "2026-11-22_00-00-00", "2026-11-21T10:00:00Z"},
		{"Etc/GMT+12", "2026-11-22_00-00-00", "2026-11-22T12:00:00Z"},
		{"Asia/Kathmandu", "2026-11-22_05-45-00", "2026-11-22T00:00:00Z"},
	}
	for _, test := range tests {
		got, ok := timeInName(test.local+".ogg", zoneOf(t, test.zone))
		if !ok || got.Format(time.RFC3339) != test.want {
			t.Errorf("%s in %s: got %s, want %s", test.local, test.zone, got.Format(time.RFC3339), test.want)
		}
	}
}

func TestLocalTimesAreReadBack(t *testing.T) {
	t.Parallel()
	zones := []string{"UTC", "Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Apia", "America/Nuuk"}
	rapid.Check(t, func(rt *rapid.T) {
		loc := zoneOf(t, rapid.SampledFrom(zones).Draw(rt, "zone"))
		want := time.Unix(rapid.Int64Range(2*86400, 4e9).Draw(rt, "unix"), 0).In(loc)
		layout := rapid.SampledFrom([]string{"2006-01-02_15-04-05", "20060102150405", "20060102 150405", "2006.01.02 at 03.04.05 PM", "2006-01-02/15-04-05"}).Draw(rt, "layout")
		got, ok := timeInName(want.Format(layout)+".ogg", loc)
		if !ok {
			rt.Fatalf("%s: no time", want.Format(layout))
		}
		if got.In(loc).Format(layout) != want.Format(layout) || got.After(want) {
			rt.Fatalf("%v was read as %v", want, got.In(loc))
		}
	})
}

func FuzzTimeInName(f *testing.F) {
	for _, seed := range []string{"2026-11-22T14-30-00Z.ogg", "2026/11/22/14-30.m4a", "261122_1430.mp3", "1795357800123", "\xff\n20261122143000+1400",
		"2026-11-22_14-30-00-0330.x", strings.Repeat("2026-11-22 ", 20), "2026-02-31 at 2.30 PM", "PXL_20261122_143000123.mp4"} {
		f.Add(seed)
	}
	loc := zoneOf(f, "Europe/London")
	f.Fuzz(func(t *testing.T, name string) {
		got, ok := timeInName(name, loc)
		if ok != !got.IsZero() && got.Unix() != 0 {
			t.Errorf("%q: %v, %v", name, got, ok)
		}
		if ok && (got.Year() < 1899 || got.Year() > 2100 || got.Location() != time.UTC) {
			t.Errorf("%q: %v", name, got)
		}
	})
}

func TestPrintable(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"plain/2026 ä 笑.ogg": "plain/2026 ä 笑.ogg",
		"a\nb\tc\x00":        `a\nb\tc\x00`,
		"\xff\xfe":           `\xff\xfe`,
		"\ufffd":             `\ufffd`,
		`a\nb`:               `a\\nb`,
		"evil\u202egpj":      `evil\u202egpj`,
		"\x1b[31mred":        `\x1b[31mred`,
		"2.30\u202fPM":       "2.30\u202fPM",
	} {
		if got := printable(name); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}

func FuzzPrintable(f *testing.F) {
	for _, seed := range []string{"a", "\xff", `\`, "\\\n", "\u2028", "x\x80y"} {
		f.Add(seed, seed+"b")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		if (printable(a) == printable(b)) != (a == b) {
			t.Errorf("%q and %q become the same", a, b)
		}
		if p := printable(a); !utf8.ValidString(p) || strings.ContainsFunc(p, func(r rune) bool { return !unicode.IsGraphic(r) }) ||
			strings.Count(p, "/") != strings.Count(a, "/") || path.Base(a) == a && path.Base(p) != p {
			t.Errorf("%q becomes %q", a, p)
		}
	})
}
