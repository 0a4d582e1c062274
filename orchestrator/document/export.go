package document

// PersonExport is what an export of a person holds.
type PersonExport struct {
	User       string `json:"user"`
	CreatedAt  Stamp  `json:"created_at"`
	Version    string `json:"version"`
	Laughs     int    `json:"laughs"`
	Recordings int    `json:"recordings"`
	Clips      int    `json:"clips"`
	ClipBytes  int64  `json:"clip_bytes"`
	// MissingClips counts laughs whose sound is gone; Missing are the IDs of the first 1000.
	MissingClips int      `json:"missing_clips"`
	Missing      []string `json:"missing"`
}

// ClipRepair is what mending clips did, or would do.
type ClipRepair struct {
	DryRun bool `json:"dry_run"`
	// Clips that were looked through, and those of FLAC among them.
	Clips    int `json:"clips"`
	FLAC     int `json:"flac"`
	Repaired int `json:"repaired"`
	// DamagedClips were left alone; Damaged are the keys of the first 1000.
	DamagedClips int      `json:"damaged_clips"`
	Damaged      []string `json:"damaged"`
}
