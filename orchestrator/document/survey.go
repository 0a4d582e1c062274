package document

import "github.com/chortle-audio/chortle/orchestrator"

// Survey is what a run saw of a user's source as a whole.
type Survey struct {
	At         Stamp        `json:"at"`
	Recordings int          `json:"recordings"`
	Late       Late         `json:"late"`
	MovedCount int          `json:"moved_count"`
	Moved      []Moved      `json:"moved"`
	PassedOver []PassedOver `json:"passed_over"`
	Notes      []string     `json:"notes"`
}

// Late counts recordings of days before those that a run looks through anyway.
type Late struct {
	Read int `json:"read"`
	Left int `json:"left"`
	// First and Last day of those that are left; empty where none is.
	First string `json:"first"`
	Last  string `json:"last"`
	Bytes int64  `json:"bytes"`
}

// Moved is a recording whose time was corrected without reading it again.
type Moved struct {
	Recording string `json:"recording"`
	From      Stamp  `json:"from"`
	To        Stamp  `json:"to"`
}

// PassedOver counts files beside recordings that are not read.
type PassedOver struct {
	Ending  string `json:"ending"`
	Files   int    `json:"files"`
	Example string `json:"example"`
}

func ofSurvey(s *orchestrator.Survey) *Survey {
	if s == nil {
		return nil
	}
	d := &Survey{At: Stamp(s.At), Recordings: s.Recordings, Late: Late{Read: s.LateRead, Left: s.LateLeft, Bytes: s.LateBytes}, MovedCount: s.MovedCount,
		Moved: []Moved{}, PassedOver: []PassedOver{}, Notes: append([]string{}, s.Notes...)}
	if s.LateLeft > 0 {
		d.Late.First, d.Late.Last = s.LateFirst.String(), s.LateLast.String()
	}
	for _, m := range s.Moved {
		d.Moved = append(d.Moved, Moved{m.Recording, Stamp(m.From), Stamp(m.To)})
	}
	for _, p := range s.PassedOver {
		d.PassedOver = append(d.PassedOver, PassedOver(p))
	}
	return d
}
