package document

import "github.com/chortle-audio/chortle/orchestrator"

// RecordingNote is what there is to say of a recording.
type RecordingNote struct {
	Recording string `json:"recording"`
	// Code names it; N is its number, in the unit of the code.
	Code string `json:"code"`
	N    int64  `json:"n"`
	// Text says it to people.
	Text string `json:"text"`
}

// OfNotes describes notes of recordings.
func OfNotes(notes []orchestrator.RecordingNote) []RecordingNote {
	documents := []RecordingNote{}
	for _, note := range notes {
		documents = append(documents, RecordingNote{note.Recording, string(note.Code), note.N, note.String()})
	}
	return documents
}

// ShownLaugh is a laugh, and what is known of where it was heard.
type ShownLaugh struct {
	Laugh
	// TimeSource is how the start of the recording was found.
	TimeSource string          `json:"time_source"`
	Notes      []RecordingNote `json:"notes"`
	Copies     []Copy          `json:"copies"`
}

// Copy is where else a laugh was heard that counts once.
type Copy struct {
	Recording string  `json:"recording"`
	Offset    float64 `json:"offset_s"`
	Score     float64 `json:"score"`
	// Later is by how much it comes later there, in seconds.
	Later float64 `json:"later_s"`
}

// OfShownLaugh describes a laugh with its origin.
func OfShownLaugh(l orchestrator.StoredLaugh, facts orchestrator.RecordingFacts, copies []orchestrator.LaughCopy) ShownLaugh {
	shown := ShownLaugh{Laugh: OfLaugh(l), TimeSource: string(facts.TimeSource), Notes: []RecordingNote{}, Copies: []Copy{}}
	for _, note := range facts.Notes {
		shown.Notes = append(shown.Notes, OfNotes([]orchestrator.RecordingNote{{Recording: facts.Name, Note: note}})...)
	}
	for _, c := range copies {
		shown.Copies = append(shown.Copies, Copy{c.Recording, Seconds(c.Offset), c.Score, Seconds(c.Later)})
	}
	return shown
}
