package document

// Why says how a policy came to what it says of a moment.
type Why struct {
	User      string `json:"user"`
	At        Stamp  `json:"at"`
	Recording string `json:"recording"`
	Model     string `json:"model"`
	Policy    string `json:"policy"`
	// Laugh is the ID of the laugh that is stored there; empty where there is none.
	Laugh string `json:"laugh"`
	// Class with the best evidence, its score, and the best laughter scores of the frames beside it.
	Class  string  `json:"class"`
	Score  float64 `json:"score"`
	Before float64 `json:"before"`
	After  float64 `json:"after"`
	// Against are the strongest of the classes that argue against a laugh.
	Against []Argument `json:"against"`
	// Head is what was learned adds, in logits.
	Head     float64 `json:"head"`
	Evidence float64 `json:"evidence"`
	Sure     float64 `json:"sure"`
	Maybe    float64 `json:"maybe"`
	// Tier that the evidence reaches: sure, maybe, or empty.
	Tier string `json:"tier"`
	// Lacks are classes that the policy asks for and the model did not give, or that were not stored.
	Lacks []string `json:"lacks"`
	// Words say all of it.
	Words []string `json:"words"`
}

// Argument is what one contrast of a policy takes away, in logits.
type Argument struct {
	Class string  `json:"class"`
	Score float64 `json:"score"`
	Cost  float64 `json:"cost"`
}
