package folder_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chortle-audio/chortle/orchestrator/source/folder"
)

func TestAddresses(t *testing.T) {
	t.Parallel()
	o, err := folder.ParseAddress("/sound?zone=Asia/Tokyo&time=start&offset=-01:03:10&dates=mdy")
	if err != nil || o.Root != "/sound" || o.Location.String() != "Asia/Tokyo" || o.Time != folder.TimeStart ||
		o.Offset != -(time.Hour+3*time.Minute+10*time.Second) || !o.MonthFirst || o.DayFirst {
		t.Errorf("got %+v, %v", o, err)
	}
	if o, err := folder.ParseAddress("/sound"); err != nil || o.Root != "/sound" || o.Location != nil {
		t.Errorf("got %+v, %v", o, err)
	}
	odd := filepath.Join(t.TempDir(), "what?zone=x")
	if err := os.Mkdir(odd, 0o700); err != nil {
		t.Fatal(err)
	}
	if o, err := folder.ParseAddress(odd); err != nil || o.Root != odd {
		t.Errorf("a question mark in the name of a folder: got %+v, %v", o, err)
	}
	for address, want := range map[string]string{
		"/a?zone=Mars": "unknown time zone", "/a?zone=": "unknown time zone", "/a?time=noon": "want start, end, name or metadata",
		"/a?offset=3m": "want +HH:MM:SS", "/a?offset=+24:00:00": "want +HH:MM:SS", "/a?dates=ymd": "want dmy or mdy", "/a?zne=UTC": "is not known", "?zone=UTC": "no path",
	} {
		if _, err := folder.ParseAddress(address); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", address, err, want)
		}
	}
}

func TestWhyAFileStartsWhenItDoes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "2026-11-22_14-30-00.ogg", noon)
	write(t, dir, "talk.m4a", noon)
	write(t, dir, "talk.sync-conflict-20261123-091500-ABCDEFG.m4a", noon)
	path := write(t, dir, "REC1.WAV", noon)
	if err := os.WriteFile(path, moth("10:00:00 22/11/2026"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, noon, noon); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc", filepath.Join(dir, "out")); err != nil {
		t.Fatal(err)
	}
	var got []string
	for e, err := range source(dir, nil).Explain(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		line := e.Name + " | " + e.Start.Format("15:04") + " | " + e.Why
		if e.Err != nil {
			line = e.Name + " | " + e.Err.Error()
		}
		got = append(got, line)
	}
	expect(t, got,
		"out | bad recording: the symbolic link leads out of the folder, to /etc, and is not followed",
		"2026-11-22_14-30-00.ogg | 14:30 | name",
		"REC1.WAV | 09:00 | inside: AudioMoth",
		"talk.sync-conflict-20261123-091500-ABCDEFG.m4a | 12:00 | modification time as the end, less the length",
		"talk.m4a | 00:00 | a version of talk.sync-conflict-20261123-091500-ABCDEFG.m4a, which is bigger or the original: that one is read")
}
