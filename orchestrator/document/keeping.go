package document

// Prune is what the rules of retention deleted, or would delete.
type Prune struct {
	DryRun bool        `json:"dry_run"`
	At     Stamp       `json:"at"`
	Users  []PruneUser `json:"users"`
	// Disk is null where no share of the disk is set, or clips do not lie on a disk of this machine.
	Disk *PruneDisk `json:"disk"`
}

// PruneUser is a Prune's part of one user.
type PruneUser struct {
	User      string    `json:"user"`
	Clips     PrunePart `json:"clips"`
	Originals PrunePart `json:"originals"`
	// Laughs are rows that went, with their clip or for their age.
	Laughs int `json:"laughs_deleted"`
	// Over is by how much the clips are still above the limit of the user's size, because the rest may not go.
	Over int64 `json:"over_bytes"`
}

// PrunePart counts files. Scanned is Deleted and all that was kept.
type PrunePart struct {
	Scanned int   `json:"scanned"`
	Bytes   int64 `json:"bytes"`
	Deleted int   `json:"deleted"`
	Freed   int64 `json:"freed_bytes"`
	// ByRule says by which rule files went, and Kept why others did not.
	ByRule map[string]int `json:"by_rule"`
	Kept   map[string]int `json:"kept"`
	// Errors are the first ten.
	Errors []string `json:"errors"`
}

// PruneDisk is the disk of the clips, before anything was deleted from it.
type PruneDisk struct {
	Bytes int64 `json:"bytes"`
	Used  int64 `json:"used_bytes"`
	// Limit is what may be used, and Over what could not be freed of what is above it.
	Limit int64 `json:"limit_bytes"`
	Over  int64 `json:"over_bytes"`
}

// Sweep is what crashes left.
type Sweep struct {
	// Clips that were looked at, and those of them that no laugh refers to.
	Clips       int   `json:"clips"`
	Orphans     int   `json:"orphans"`
	OrphanBytes int64 `json:"orphan_bytes"`
	Deleted     int   `json:"deleted"`
	// Held says why they were not deleted; empty where they were.
	Held string `json:"held"`
	// Locks are files of runs that are over.
	Locks int `json:"locks"`
}

// MovedClips is what a move of clips did. Clips is Already, Copied and Failed together.
type MovedClips struct {
	From    string `json:"from"`
	To      string `json:"to"`
	Clips   int    `json:"clips"`
	Already int    `json:"already"`
	Copied  int    `json:"copied"`
	Failed  int    `json:"failed"`
	Removed int    `json:"removed"`
	// Bytes that were copied.
	Bytes int64 `json:"bytes"`
}

// Repair is what could be read of a damaged database.
type Repair struct {
	File   string        `json:"file"`
	New    string        `json:"new"`
	Tables []RepairTable `json:"tables"`
}

// RepairTable counts the rows of a table.
type RepairTable struct {
	Table string `json:"table"`
	Read  int64  `json:"read"`
	// Lost is null where nobody can tell how many there were.
	Lost *int64 `json:"lost"`
	// Loose rows referred to one that was lost.
	Loose int64 `json:"loose"`
}
