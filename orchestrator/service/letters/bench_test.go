package letters_test

import (
	"fmt"
	"io"
	"path/filepath"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/service/letters"
	"github.com/chortle-audio/chortle/orchestrator/store/sqlite"
)

// BenchmarkYear sums up a year with 200,000 laughs of one user, and its last week.
func BenchmarkYear(b *testing.B) {
	log := logrus.New()
	log.SetOutput(io.Discard)
	opened, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "chortle.db"), log)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { opened.Close() })
	alice, err := opened.AddUser(b.Context(), orchestrator.User{Name: "alice", Timezone: "Europe/Berlin", Source: "folder:/x", Enabled: true})
	if err != nil {
		b.Fatal(err)
	}
	model := orchestrator.Model{Name: "yamnet", Version: "1", Plugin: "inferd", SHA256: "abc", Window: 15600, Hop: 7680, Laughter: []string{"Laughter"}}
	first := time.Date(2025, 12, 1, 6, 0, 0, 0, time.UTC)
	const days, aDay = 365, 548
	for day := range days {
		scores := orchestrator.NewScores(model)
		scores.Close(16 * 3600 * orchestrator.SampleRateHz)
		start := first.AddDate(0, 0, day)
		var laughs []orchestrator.Laugh
		for i := range aDay {
			onset := int64(i) * 100 * orchestrator.SampleRateHz
			laughs = append(laughs, orchestrator.Laugh{Onset: onset, Offset: onset + int64(1+i%7)*orchestrator.SampleRateHz, Peak: onset, Score: float64(1+(i*7919+day*104729)%250) / 255,
				Class: "Laughter", ClassScores: []float64{0.5}, Tier: orchestrator.TierSure, Clip: fmt.Sprintf("alice/%d-%d.opus", day, i)})
		}
		rec := orchestrator.Recording{Name: fmt.Sprint(day, ".ogg"), Start: start, TimeSource: orchestrator.TimeFromName, Size: 1, ModTime: start, SHA256: fmt.Sprint("sha", day)}
		if _, err := opened.SaveRecording(b.Context(), orchestrator.Result{UserID: alice.ID, Recording: rec, Model: model, Scores: scores, Laughs: laughs}); err != nil {
			b.Fatal(err)
		}
	}
	last := orchestrator.DateOf(first).Add(days - 1)
	for name, from := range map[string]orchestrator.Date{"year": last.Add(1 - days), "week": last.Add(-6), "day": last} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				d, err := letters.Digest(b.Context(), opened, alice, orchestrator.PeriodWeekly, from, last)
				if err != nil || len(d.Best) != 3 || d.Longest == nil || name == "year" && d.Laughs != days*aDay {
					b.Fatalf("%d laughs, %v", d.Laughs, err)
				}
			}
		})
	}
}
