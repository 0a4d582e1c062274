package advice

import (
	"fmt"

	"github.com/chortle-audio/chortle/orchestrator"
)

// Line is something that a person should know, and what can be done about it; Remedy may be empty.
type Line struct{ Message, Remedy string }

// Survey says what a run saw of a user's source: what arrived late and is not read yet, what moved, what is passed over.
func Survey(user string, s *orchestrator.Survey) (lines []Line) {
	if s == nil {
		return nil
	}
	if s.LateLeft > 0 {
		days := "of " + s.LateFirst.String()
		if s.LateLast != s.LateFirst {
			days = fmt.Sprintf("from %s to %s", s.LateFirst, s.LateLast)
		}
		lines = append(lines, Line{fmt.Sprintf("%s %s (%s MB) arrived late and are not read yet", Plural(s.LateLeft, "recording"), days, Megabytes(s.LateBytes)),
			"the next runs go on, the oldest first (CHORTLE_LATE_HOURS); all of them now: orchestrator run --all --user " + user})
	}
	if s.MovedCount > 0 {
		first := s.Moved[0]
		lines = append(lines, Line{fmt.Sprintf("%s moved to another time, with the laughs: %s from %s to %s", Plural(s.MovedCount, "recording"), first.Recording,
			first.From.Format("2006-01-02 15:04:05Z"), first.To.Format("2006-01-02 15:04:05Z")), ""})
	}
	for _, p := range s.PassedOver {
		lines = append(lines, Line{fmt.Sprintf("%s beside the recordings have an ending that is not read: %s (%s)", Plural(p.Files, "file"), p.Ending, p.Example),
			"if they hold sound, convert them (ffmpeg -i FILE FILE.flac); orchestrator detect FILE tells whether it could be read as it is"})
	}
	for _, note := range s.Notes {
		lines = append(lines, Line{Message: note})
	}
	return lines
}
