package quality

// Report is what was measured over a folder of labelled sound.
type Report struct {
	Labels string `json:"labels"`
	Folder string `json:"folder"`
	// Files that were read, and how long their sound is.
	Files        int     `json:"files"`
	AudioSeconds float64 `json:"audio_seconds"`
	// Seconds that it took, the model included.
	Seconds float64 `json:"seconds"`
	// Problems of labels and files; none of them ended the measuring.
	Problems []Problem `json:"problems"`
	// Results, one or two: of one model and policy each.
	Results []Figures `json:"results"`
	// Changes from the first result to the second.
	Changes []Change `json:"changes"`
}
