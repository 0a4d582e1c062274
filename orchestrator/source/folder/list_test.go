package folder_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/source/folder"
)

func TestAllIsListedWithoutAnyDay(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "2026-11-05_14-30-00.ogg", noon)
	write(t, dir, "a/REC001.wav", noon)
	write(t, dir, "2026-11-22_14-30-00.ogg", now.Add(-time.Second)) // still being written
	write(t, dir, "2027-01-01_00-00-00.ogg", noon)                  // from the future
	probed := 0
	s := source(dir, func(o *folder.Options) {
		o.Probe = func(context.Context, string) (time.Time, time.Duration, error) {
			probed++
			return time.Time{}, time.Hour, nil
		}
	})
	expect(t, lines(s.All(t.Context())), "14:30:00 name 2026-11-05_14-30-00.ogg", "00:00:00  a/REC001.wav")
	if probed > 0 {
		t.Error("a file was opened")
	}
	for rec, err := range s.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		placed, err := s.Place(t.Context(), rec)
		if want := rec.Start; err != nil || rec.Name == "a/REC001.wav" && !placed.Start.Equal(noon.Add(-time.Hour)) || rec.Name != "a/REC001.wav" && !placed.Start.Equal(want) {
			t.Errorf("%s is placed at %v, %v", rec.Name, placed.Start, err)
		}
	}
}

func TestWhatIsPassedOverIsCounted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{
		"2026-11-22_10-00-00.ogg", "memo.qta", "memo.weba", // read
		"audio_omibatchphone_opus_fs320_16000_1_fs320_1795357800.bin", "audio_phone_pcm16_16000_1_1795357800.bin", // Omi's
		"audio_omibatchphone_opus_fs320_16000_1_fs320_1795357800.bin.part", "firmware.bin", "notes.txt", "2026-11-22_10-00-00.ogg.tmp", "cover.JPG",
		"a.xyz", "b/B.XYZ", "c.dvf", "README",
	} {
		write(t, dir, name, noon)
	}
	s := source(dir, nil)
	passed, err := s.PassedOver(t.Context())
	if got := fmt.Sprint(passed, err); got != "[{.dvf 1 c.dvf} {.xyz 2 a.xyz}] <nil>" {
		t.Errorf("passed over: %s", got)
	}
	read := 0
	for range s.All(t.Context()) {
		read++
	}
	if read != 5 {
		t.Errorf("%d recordings, want 5", read)
	}
}

func TestTheBiggestOfSeveralVersionsIsRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	size := func(name string, n int) {
		path := write(t, dir, name, noon)
		if err := os.WriteFile(path, []byte(strings.Repeat("x", n)), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, noon, noon); err != nil {
			t.Fatal(err)
		}
	}
	size("talk.m4a", 100)
	size("talk.sync-conflict-20261123-091500-ABCDEFG.m4a", 300)
	size("talk (conflicted copy 2026-11-23 101500).m4a", 200)
	size("2026-11-22_14-30-00.ogg", 300)
	size("2026-11-22_14-30-00.sync-conflict-20261123-091500-ABCDEFG.ogg", 300) // no bigger
	size("alone.sync-conflict-20261123-091500-ABCDEFG.ogg", 10)                // its original is gone
	s := source(dir, nil)
	expect(t, list(t.Context(), s, yesterday),
		"12:00:00 mtime alone.sync-conflict-20261123-091500-ABCDEFG.ogg",
		"12:00:00 mtime talk.sync-conflict-20261123-091500-ABCDEFG.m4a",
		"14:30:00 name 2026-11-22_14-30-00.ogg")
	for rec := range s.Recordings(t.Context(), yesterday.Span(time.UTC)) {
		if want := strings.HasPrefix(rec.Name, "talk"); want != (rec.Replaces == "talk.m4a") {
			t.Errorf("%s replaces %q", rec.Name, rec.Replaces)
		}
	}
	copies, err := s.Copies(t.Context())
	if err != nil || len(copies) != 3 || copies[0] != (folder.Copy{
		Name: "2026-11-22_14-30-00.sync-conflict-20261123-091500-ABCDEFG.ogg", Of: "2026-11-22_14-30-00.ogg"}) {
		t.Errorf("copies: %v, %v", copies, err)
	}
}

// TestAnHourThatClocksShowTwice: in Berlin, 02:15 of that night was at 00:15Z and again at 01:15Z.
func TestAnHourThatClocksShowTwice(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	at := func(h, m int) time.Time { return time.Date(2026, 10, 25, h, m, 10, 0, time.UTC) }
	for name, test := range map[string]struct {
		files map[string]time.Time // when they were modified
		want  string
	}{
		"modified when they ended":  {map[string]time.Time{"b/2026-10-25_02-15-00.ogg": at(1, 25), "a/2026-10-25_02-15-00.ogg": at(0, 25)}, "00:15 1h a 01:15 1h b"},
		"copied, so by their names": {map[string]time.Time{"2026-10-25_02-15-00.ogg": now, "2026-10-25_02-15-00_1.ogg": now}, "00:15 1h . 01:15 1h ."},
		"copied, one alone":         {map[string]time.Time{"2026-10-25_02-15-00.ogg": now}, "00:15 1h ."},
		"with its zone":             {map[string]time.Time{"2026-10-25_02-15-00 CET.ogg": now}, "01:15 0s ."},
	} {
		dir := t.TempDir()
		for file, modified := range test.files {
			write(t, dir, file, modified)
		}
		s := folder.New(folder.Options{Root: dir, Location: berlin, Settle: -1, Now: func() time.Time { return now.Add(time.Hour) },
			Probe: func(context.Context, string) (time.Time, time.Duration, error) {
				return time.Time{}, 10 * time.Minute, nil
			}})
		var got []string
		for rec, err := range s.Recordings(t.Context(), orchestrator.Date{Year: 2026, Month: 10, Day: 25}.Span(berlin)) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, rec.Start.Format("15:04"), strings.TrimSuffix(rec.Uncertainty.String(), "0m0s"), filepath.Dir(rec.Name))
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
}

// moth is a WAV file of an AudioMoth whose clock is an hour ahead of UTC.
func moth(at string) []byte {
	comment := "Recorded at " + at + " (UTC+1) by AudioMoth 24A04F085FDF2787"
	list := append([]byte("INFOICMT"), byte(len(comment)), 0, 0, 0)
	list = append(list, comment...)
	if len(list)%2 == 1 {
		list = append(list, 0)
	}
	body := append([]byte("WAVELIST"), byte(len(list)), byte(len(list)>>8), 0, 0)
	body = append(body, list...)
	return append([]byte{'R', 'I', 'F', 'F', byte(len(body)), byte(len(body) >> 8), 0, 0}, body...)
}

// TestWhatIsInsideCounts: a comment of an AudioMoth before the name, other names before what is inside.
func TestWhatIsInsideCounts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put := func(name string, data []byte) {
		path := write(t, dir, name, noon.Add(20*time.Hour))
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, noon, noon.Add(10*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	put("20261122_143000.WAV", moth("14:30:00 22/11/2026"))
	put("20261122_003000.WAV", moth("00:30:00 22/11/2026")) // on the day before, in UTC
	put("20261123_003000.WAV", moth("00:30:00 23/11/2026")) // on this day, in UTC
	put("20261122_160000T.WAV", moth("16:00:00 22/11/2026"))
	put("REC001.WAV", moth("17:00:00 22/11/2026"))
	put("2026-11-22_18-00-00 kitchen.wav", []byte("no AudioMoth's name"))
	expect(t, list(t.Context(), source(dir, nil), yesterday),
		"13:30:00 container 20261122_143000.WAV",
		"20261122_160000T.WAV: bad recording: the AudioMoth that made it cut out the pauses, so that nothing in it is when it seems to be [recording_cut_out]",
		"16:00:00 container REC001.WAV",
		"18:00:00 name 2026-11-22_18-00-00 kitchen.wav",
		"23:30:00 container 20261123_003000.WAV")
	expect(t, list(t.Context(), source(dir, func(o *folder.Options) { o.Time, o.Offset = folder.TimeName, -time.Hour }), yesterday),
		"13:30:00 name 20261122_143000.WAV",
		"15:00:00 name 20261122_160000T.WAV",
		"17:00:00 name 2026-11-22_18-00-00 kitchen.wav",
		"21:00:00 mtime REC001.WAV",
		"23:30:00 name 20261123_003000.WAV")
	expect(t, list(t.Context(), source(dir, func(o *folder.Options) { o.Time = folder.TimeMetadata }), yesterday)[:1],
		"13:30:00 container 20261122_143000.WAV")
}
