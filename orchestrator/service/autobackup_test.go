package service

import (
	"strings"
	"testing"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

// TestOldBackups: the last backup of each of the last days and weeks is kept, and the new one whatever the clock says.
func TestOldBackups(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 28, 4, 0, 0, 0, time.UTC) // a Saturday
	name := func(at time.Time) string { return autoPrefix + at.Format(backupTime) + backupSuffix }
	var nightly []string
	for d := range 60 {
		nightly = append(nightly, name(now.AddDate(0, 0, -d)))
	}
	ahead := name(now.AddDate(5, 0, 0))
	for what, c := range map[string]struct {
		names       []string
		made        time.Time
		days, weeks int
		left        int
		still       []string // must be left
	}{
		"days":                   {nightly, now, 7, 0, 7, nightly[:7]},
		"weeks":                  {nightly, now, 0, 3, 3, []string{nightly[0], nightly[6], nightly[13]}},
		"both":                   {nightly, now, 7, 4, 7 + 2, []string{nightly[6], nightly[13], nightly[20]}},
		"all":                    {nightly, now, 0, 0, 60, nil},
		"two of a day":           {[]string{name(now), name(now.Add(-time.Hour)), name(now.AddDate(0, 0, -1))}, now, 2, 0, 2, []string{name(now), name(now.AddDate(0, 0, -1))}},
		"of a clock ahead":       {append([]string{ahead}, nightly...), now, 7, 0, 8, []string{ahead, nightly[0]}},
		"the clock is behind":    {nightly, now.AddDate(-50, 0, 0), 1, 0, 60, nightly},
		"what is not automatic":  {[]string{"chortle-20200101T000000Z.tar", "notes.tar", "chortle-auto-x.tar", autoPrefix + "20200101T000000Z.tar.part", nightly[0]}, now, 1, 0, 5, nil},
		"the new one, alone old": {[]string{name(now)}, now, 1, 1, 1, []string{name(now)}},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			old := oldBackups(c.names, orchestrator.BackupNote{StartedAt: c.made, Name: name(c.made)}, c.days, c.weeks)
			if left := len(c.names) - len(old); left != c.left {
				t.Errorf("%d are left, want %d; old: %v", left, c.left, old)
			}
			for _, name := range c.still {
				if strings.Contains(strings.Join(old, " ")+" ", name+" ") {
					t.Errorf("%s is deleted", name)
				}
			}
		})
	}
}
