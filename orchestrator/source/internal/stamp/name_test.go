package stamp_test

import (
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"

	"github.com/chortle-audio/chortle/orchestrator/source/internal/stamp"
)

func zoneOf(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

const none = "none"

// read is what InName makes of a name, as text.
func read(name string, o stamp.Options) string {
	found, ok := stamp.InName(name, o)
	if !ok {
		return none
	}
	return found.Instant(o.Location).Format(time.RFC3339Nano)
}

func TestNames(t *testing.T) {
	t.Parallel()
	for zone, names := range map[string]map[string]string{
		"Europe/Berlin": {
			"WhatsApp Audio 2026-11-22 um 14.30.00.opus":                              "2026-11-22T13:30:00Z",
			"WhatsApp Audio 2026-11-22 alle 14.30.00.opus":                            "2026-11-22T13:30:00Z",
			"WhatsApp Audio 2026-11-22 kl. 14.30.00.opus":                             "2026-11-22T13:30:00Z",
			"WhatsApp Audio 2026-11-22 о 14.30.00.opus":                               "2026-11-22T13:30:00Z",
			"WhatsApp Ptt 2026-11-22 at 2.30.00 p. m..opus":                           "2026-11-22T13:30:00Z",
			"WhatsApp Audio 2026-11-22 a las 2.30.00 a. m..opus":                      "2026-11-22T01:30:00Z",
			"WhatsApp Audio 2026-11-22 at 下午2.30.00.opus":                             "2026-11-22T13:30:00Z",
			"26-11-22 14-30-00 0001.m4a":                                              "2026-11-22T13:30:00Z",
			"26-11-22 14-30-00.m4a":                                                   none,
			"22. November 2026 14-30.m4a":                                             "2026-11-22T13:30:00Z",
			"22 de noviembre de 2026 a las 14.30.m4a":                                 "2026-11-22T13:30:00Z",
			"22 novembre 2026 à 14h30.m4a":                                            "2026-11-22T13:30:00Z",
			"22 nov. 2026 14.30.00.m4a":                                               "2026-11-22T13:30:00Z",
			"Sun Nov 22 2026 14-30-00 GMT+0100 (Central European Standard Time).webm": "2026-11-22T13:30:00Z",
			"November 22nd, 2026 2.30 PM.m4a":                                         "2026-11-22T13:30:00Z",
			"22 мая 2026 в 14.30.00.ogg":                                              "2026-05-22T12:30:00Z",
			"22 août 2026 14.30.00.ogg":                                               "2026-08-22T12:30:00Z",
			"22Nov2026_143000.ogg":                                                    "2026-11-22T13:30:00Z",
			"22 listopada 2026 14-30.ogg":                                             none,
			"22.11.2026 14.30.m4a":                                                    "2026-11-22T13:30:00Z",
			"22112026_143000.m4a":                                                     "2026-11-22T13:30:00Z",
			"05.06.2026 14.30.m4a":                                                    none,
			"11-22-2026, 2_30_00 PM.m4a":                                              "2026-11-22T13:30:00Z",
			"2026-10-25_02-30-00 CET.ogg":                                             "2026-10-25T01:30:00Z",
			"2026-10-25_02-30-00 CEST.ogg":                                            "2026-10-25T00:30:00Z",
			"2026-11-22T23-59-60Z.wav":                                                "2026-11-23T00:00:00Z",
			"2026-11-22 14：30：00.ogg":                                                 "2026-11-22T13:30:00Z",
			"２０２６-１１-２２ １４-３０-００.ogg":                                                 "2026-11-22T13:30:00Z",
			"2026-11-22%2014%3A30%3A00.ogg":                                           "2026-11-22T13:30:00Z",
			"2026-11-22T14.30.00.123456Z.ogg":                                         "2026-11-22T14:30:00.123456Z",
			"audio-1795357800123456-x.ogg":                                            "2026-11-22T14:30:00.123456Z",
			"1795357800.123.ogg":                                                      "2026-11-22T14:30:00.123Z",
			"screen-1795357800.mic.m4a":                                               "2026-11-22T14:30:00Z",
			"1420000000.ogg":                                                          none,
			"meeting_1795357800_part1.ogg":                                            none,
			"5E9089F0.mp3":                                                            none,
			"12345678.WAV":                                                            none,
			"2026-11-22T14:30:00/snippet.m4a":                                         "2026-11-22T13:30:00Z",
			"2026-11-22 14.30.00 Team Weekly 12345678901/Audio Record/audioAlice.m4a": "2026-11-22T13:30:00Z",
			"2026-11-22 14.30.00 Team Weekly 12345678901/audio1234567890.m4a":         "2026-11-22T13:30:00Z",
			"2026-11-22 14.30.00 Team Weekly 12345678901/audio_only_2.m4a":            none,
			"2026-11-22_14-30-00/track 2.wav":                                         none,
			"2026-11-22/14/kitchen/30.00.mp4":                                         "2026-11-22T13:30:00Z",
			"2026/11/22/14/30.ogg":                                                    "2026-11-22T13:30:00Z",
			"2026/11/22/14/14-30-00.ogg":                                              "2026-11-22T13:30:00Z",
			"2026-11-22/kitchen/14-30-00.m4a":                                         "2026-11-22T13:30:00Z",
			"2026/2026-11/2026-11-22/14-30-00.m4a":                                    "2026-11-22T13:30:00Z",
			"2026/11-22/14-30-00.m4a":                                                 "2026-11-22T13:30:00Z",
			"2026/November/22/14-30-00.m4a":                                           "2026-11-22T13:30:00Z",
			"22.11.2026/14-30-00.m4a":                                                 "2026-11-22T13:30:00Z",
			"2026-11-22/REC_000123.wav":                                               none,
			"2026-11-22/Take 3.wav":                                                   none,
			"2026-11-22 23-50-00/00-10-00.m4a":                                        "2026-11-22T23:10:00Z",
			"talk (Alices in Konflikt stehende Kopie 2026-11-23).m4a":                 none,
			"talk (SFConflict a@example.com 2026-11-23-10-15-00).m4a":                 none,
			"talk_conflict-20261123-101500.m4a":                                       none,
			"2026-11-22_14-30-00.sync-conflict-20261123-091500-ABCDEFG.m4a":           "2026-11-22T13:30:00Z",
			"2026-11-22_14-30-00 (conflicted copy 2026-11-23 101500).m4a":             "2026-11-22T13:30:00Z",
			"2026-11-31_14-30-00.ogg":                                                 none,
			"2107-02-06_06-28-15.ogg":                                                 none,
			"1601-01-01_00-00-00.ogg":                                                 none,
			"1904-01-01_00-00-12.ogg":                                                 none,
			"1970-01-01_00-00-12.ogg":                                                 none,
			"1975-05-04_14-30-00.mp3":                                                 "1975-05-04T13:30:00Z",
			"24A04F085FDF2787_20261122_143000.WAV":                                    "2026-11-22T13:30:00Z",
			"20261122_143000T.WAV":                                                    "2026-11-22T13:30:00Z",
			"261122_0009.mp3":                                                         none,
			"2026-7-4 9-05.m4a":                                                       "2026-07-04T07:05:00Z",
			"2026-11-22 14.30-15.00.m4a":                                              "2026-11-22T13:30:00Z",
			"[2026-11-22][14-30-00].m4a":                                              "2026-11-22T13:30:00Z",
			"2026-11-22 (14-30-00).m4a":                                               "2026-11-22T13:30:00Z",
		},
		"Asia/Shanghai": {
			"录音 2026年11月22日 下午2:30.m4a":   "2026-11-22T06:30:00Z",
			"2026-11-22 14-30-00 CST.ogg": "2026-11-22T06:30:00Z",
		},
		"Asia/Seoul": {
			"2026년 11월 22일 오후 2시 30분.m4a": "2026-11-22T05:30:00Z",
			"2026-11-22 오후 2.30.00.m4a":   "2026-11-22T05:30:00Z",
		},
		"Asia/Tokyo": {
			"2026年11月22日 午後2時30分.m4a": "2026-11-22T05:30:00Z",
			"2026年1月2日9時05分.m4a":      "2026-01-02T00:05:00Z",
		},
		"America/New_York": {
			"2026-02-23 04-25-42 GMT-0500.ogg":    "2026-02-23T09:25:42Z",
			"2026-02-23 04-25-42 UTC+1.ogg":       "2026-02-23T03:25:42Z",
			"2026-02-23 04-25-42 (UTC+01:00).ogg": "2026-02-23T03:25:42Z",
			"2026-02-23 04-25-42 UTC+0545.ogg":    "2026-02-22T22:40:42Z",
			"2026-02-23 04-25-42 +0100.ogg":       "2026-02-23T03:25:42Z",
			"2026-02-23 04-25-42 UTC 2.ogg":       "2026-02-23T04:25:42Z",
			"GMT20261122-143000_Recording.m4a":    "2026-11-22T14:30:00Z",
		},
		"America/Chicago": {
			"2026-11-22 14-30-00 CST.ogg": "2026-11-22T20:30:00Z",
		},
		"Asia/Kolkata": {
			"2026-11-22 14-30-00 IST.ogg": "2026-11-22T09:00:00Z",
		},
		"Asia/Riyadh": {
			"تسجيل ٢٠٢٦-١١-٢٢ ١٤-٣٠-٠٠.m4a": "2026-11-22T11:30:00Z",
		},
	} {
		loc := zoneOf(t, zone)
		for name, want := range names {
			if got := read(name, stamp.Options{Location: loc}); got != want {
				t.Errorf("%s: %q: got %s, want %s", zone, name, got, want)
			}
		}
	}
}

func TestOrderOfDayAndMonth(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][2]string{ // day first, month first
		"05-06-2026 14-30-00.ogg": {"2026-06-05T14:30:00Z", "2026-05-06T14:30:00Z"},
		"5.6.2026 14.30.ogg":      {"2026-06-05T14:30:00Z", "2026-05-06T14:30:00Z"},
		"05062026_143000.ogg":     {"2026-06-05T14:30:00Z", "2026-05-06T14:30:00Z"},
		"22-11-2026 14-30-00.ogg": {"2026-11-22T14:30:00Z", "2026-11-22T14:30:00Z"}, // cannot be otherwise
		"31-02-2026 14-30-00.ogg": {none, none},
	} {
		for i, order := range []stamp.Order{stamp.DayFirst, stamp.MonthFirst} {
			if got := read(name, stamp.Options{Location: time.UTC, Order: order}); got != want[i] {
				t.Errorf("%q, order %d: got %s, want %s", name, order, got, want[i])
			}
		}
	}
}

func TestCountersHaveNeighbours(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, beside, want string }{
		{"261122_0015.mp3", "", "2026-11-22T00:15:00Z"},
		{"261122_0015.mp3", "261122_0014", none},
		{"261122_0015.mp3", "261122_0016", none},
		{"261122_0015.mp3", "261122_0016 261122_0100", "2026-11-22T00:15:00Z"}, // an hour has 60 minutes
		{"261122_0059.mp3", "261122_0060", none},
		{"261122_0000.mp3", "261122_0015", "2026-11-22T00:00:00Z"},
		{"261122_0000.mp3", "261122_0001", none},
		{"20261122_0007.mp3", "", none},
		{"20261122_0007.mp3", "20261122_0100", "2026-11-22T00:07:00Z"},
	} {
		beside := strings.Fields(test.beside)
		o := stamp.Options{Location: time.UTC, Sibling: func(stem string) bool {
			for _, other := range beside {
				if other == stem {
					return true
				}
			}
			return false
		}}
		if got := read(test.name, o); got != test.want {
			t.Errorf("%s beside %q: got %s, want %s", test.name, test.beside, got, test.want)
		}
	}
}

func TestShortFormsTellNoFuture(t *testing.T) {
	t.Parallel()
	o := stamp.Options{Location: time.UTC, Latest: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)}
	for name, want := range map[string]string{
		"380102_143000.mp3":       none,
		"380102030405.amr":        none,
		"1995357800123.ogg":       none,
		"261122_143000.mp3":       "2026-11-22T14:30:00Z",
		"2038-01-02_14-30-00.mp3": "2038-01-02T14:30:00Z", // a clock that is wrong, which people must hear of
	} {
		if got := read(name, o); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

func TestInstantsOfAnHourThatClocksShowTwice(t *testing.T) {
	t.Parallel()
	berlin := zoneOf(t, "Europe/Berlin")
	for name, want := range map[string][2]string{
		"2026-10-25_02-15-00.wav":     {"2026-10-25T00:15:00Z", "2026-10-25T01:15:00Z"},
		"2026-10-25_02-15-00 CET.wav": {"2026-10-25T01:15:00Z", ""},
		"2026-10-25_03-15-00.wav":     {"2026-10-25T02:15:00Z", ""},
		"2026-03-29_02-15-00.wav":     {"2026-03-29T01:15:00Z", ""}, // skipped
	} {
		found, ok := stamp.InName(name, stamp.Options{Location: berlin})
		first, second := found.Instants(berlin)
		got := [2]string{first.Format(time.RFC3339), ""}
		if !second.IsZero() {
			got[1] = second.Format(time.RFC3339)
		}
		if !ok || got != want {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
}

func TestOriginals(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"a/talk.sync-conflict-20261123-091500-ABCDEFG.m4a":      "a/talk.m4a",
		"talk (Alice's conflicted copy 2026-11-23).m4a":         "talk.m4a",
		"talk (conflicted copy 2026-11-23 101500).m4a":          "talk.m4a",
		"talk (copie en conflit de Zoé 2026-11-23).m4a":         "talk.m4a",
		"talk (Alice 的冲突副本 2026-11-23).m4a":                     "talk.m4a",
		"REC0001~20261123-091500.wav":                           "REC0001.wav",
		"REC0001_conflict-20261123-091500.wav":                  "REC0001.wav",
		"talk (SFConflict a@example.com 2026-11-23-10-15-00).x": "talk.x",
		"talk (2).m4a":             "",
		"REC~1.wav":                "",
		"(conflict).wav":           "",
		"conflict resolution.m4a":  "",
		"2026-11-22 (14-30).m4a":   "",
		".sync-conflict-1.m4a":     "",
		"a conflict-20261123.opus": "",
	} {
		got, ok := stamp.CopyOf(name)
		if ok != (want != "") || ok && got != want {
			t.Errorf("%q: got %q, %v, want %q", name, got, ok, want)
		}
	}
}

// Every date and every clock of the tables, in every combination, is read back.
func TestMomentsAreReadBack(t *testing.T) {
	t.Parallel()
	dates := []string{"2006-01-02", "2006.01.02", "20060102", "2006年1月2日", "2-Jan-2006", "Jan 2, 2006", "2006 January 02", "2 January 2006"}
	joints := []string{"_", " ", "T", " at ", " um ", " a las ", ", "}
	clocks := []string{"15-04-05", "15.04.05", "15h04m05s", "3.04.05 PM", "3-04-05 p.m.", "15:04:05.000", "15时04分05秒"}
	zones := []string{" Z", " UTC", "-0700", "-07:00"}
	rapid.Check(t, func(rt *rapid.T) {
		offset := 15 * 60 * rapid.IntRange(-12*4, 14*4).Draw(rt, "quarters")
		zone := rapid.SampledFrom(zones).Draw(rt, "zone")
		if !strings.Contains(zone, "07") {
			offset = 0
		}
		want := time.Unix(rapid.Int64Range(2*86400, 4e9).Draw(rt, "unix"), 0).In(time.FixedZone("", offset))
		layout := rapid.SampledFrom(dates).Draw(rt, "date") + rapid.SampledFrom(joints).Draw(rt, "joint") + rapid.SampledFrom(clocks).Draw(rt, "clock") + zone
		text := want.Format(layout)
		if want.Hour() < 12 {
			text = strings.ReplaceAll(text, "p.m.", "a.m.")
		}
		got, ok := stamp.Find("prefix "+text, stamp.Options{Location: zoneOf(t, "America/New_York")})
		if !ok || !got.Instant(time.UTC).Equal(want) {
			rt.Fatalf("%q: got %v, %v, want %v", text, got.Instant(time.UTC), ok, want.UTC())
		}
	})
}

func FuzzInName(f *testing.F) {
	for _, seed := range []string{"2026-11-22T14-30-00Z.ogg", "2026/11/22/14/30-00.m4a", "261122_1430.mp3", "1795357800123456789", "\xff\n20261122143000+1400",
		"22 de noviembre de 2026 a las 2.30 p. m..x", "2026年11月22日 下午2时30分", "5E9089F0.WAV", "a (conflit 2026-11-22", "２０２６-１１-２２ １４-３０", "05-06-2026 23-59-60",
		"26-11-22 14-30-00 0001.m4a", "GMT20261122-143000 CST.m4a", strings.Repeat("2026-11-22 ", 20)} {
		f.Add(seed, 0)
	}
	loc := zoneOf(f, "Europe/London")
	f.Fuzz(func(t *testing.T, name string, order int) {
		o := stamp.Options{Location: loc, Order: stamp.Order(order % 3)}
		found, ok := stamp.InName(name, o)
		first, second := found.Instants(loc)
		if ok && (first.Year() < 1899 || first.Year() > 2100 || first.Location() != time.UTC) {
			t.Errorf("%q: %v", name, first)
		}
		if !second.IsZero() && (!second.After(first) || second.Sub(first) > 24*time.Hour) {
			t.Errorf("%q: %v, then %v", name, first, second)
		}
		if original, is := stamp.CopyOf(name); is && len(original) >= len(name) {
			t.Errorf("%q is a copy of %q", name, original)
		}
	})
}

func BenchmarkInName(b *testing.B) {
	for b.Loop() {
		stamp.InName("2026/11/TX01_MIC001_20261122_143000_orig.wav", stamp.Options{Location: time.UTC})
		stamp.InName("recordings/ZOOM0001_with a long name and no time in it.wav", stamp.Options{Location: time.UTC})
	}
}
