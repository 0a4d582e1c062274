package document

// SourceFile is what a folder source takes for a file, and why.
type SourceFile struct {
	File string `json:"file"`
	// Start is null where the file is not read, or of no day.
	Start      Stamp  `json:"start"`
	TimeSource string `json:"time_source"`
	// Why says where the start stands, for people.
	Why              string  `json:"why"`
	UncertainSeconds float64 `json:"uncertain_seconds"`
	// Problem is why the file is not read; empty where it is.
	Problem string `json:"problem"`
}
