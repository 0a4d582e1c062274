package storetest

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

// Bench measures the storing of one recording of a whole day: 180,000 frames of six classes, one in
// ten with some score, and a laugh every five minutes. It reports the bytes that the day takes.
func Bench(b *testing.B, place Place, size func() int64) {
	s, err := place(b).Open()
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	user, err := s.AddUser(b.Context(), User("alice"))
	if err != nil {
		b.Fatal(err)
	}
	empty := size()
	days := 0
	for b.Loop() {
		result := day(user, days)
		if saved, err := s.SaveRecording(b.Context(), result); err != nil || saved.New != len(result.Laughs) {
			b.Fatal(saved, err)
		}
		days++
	}
	b.ReportMetric(float64(size()-empty)/float64(days), "B/day")
}

// day is what a model may say of the n-th day.
func day(user orchestrator.User, n int) orchestrator.Result {
	const length = 24 * hour
	random := rand.New(rand.NewPCG(1, uint64(n)))
	start := noon.Add(time.Duration(n) * 24 * time.Hour)
	result := Result(user, Recording(fmt.Sprintf("%d.ogg", n), start))
	result.Model.Laughter = []string{"Laughter", "Baby laughter", "Giggle", "Snicker", "Belly laugh", "Chuckle, chortle"}
	result.Scores = orchestrator.Scores{Classes: result.Model.Laughter, Window: result.Model.Window, Hop: result.Model.Hop}
	result.Scores.Close(length)
	classes := len(result.Scores.Classes)
	for i := range result.Scores.Frames() {
		if random.IntN(10) == 0 {
			for class := range classes {
				result.Scores.Data[i*classes+class] = byte(random.IntN(4) * random.IntN(8))
			}
		}
	}
	for at := 10.0; at < 24*3600; at += 300 {
		l := At(at, at+2)
		l.ClassScores = make([]float64, classes)
		result.Laughs = append(result.Laughs, l)
	}
	return result
}
