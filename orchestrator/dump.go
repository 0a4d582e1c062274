package orchestrator

import "iter"

// Table is one table of a dump of the whole store: what a backup is made of.
type Table struct {
	Name    string
	Columns []string
	// Rows in an order of their own, each with a value for every column: nil, int64, float64, bool, string,
	// []byte or time.Time. A row is valid until the next one is asked for.
	Rows iter.Seq2[[]any, error]
}

// Dump is a whole store that is to be loaded.
type Dump struct {
	// Schema is the version of the database that it was taken from.
	Schema int64
	// Tables in the order in which they were dumped.
	Tables iter.Seq2[Table, error]
	// Replace says that what the database has is deleted first; without it, it must be empty.
	Replace bool
	// Commit is called when all rows are in place, with the clips that they refer to; its error undoes
	// everything.
	Commit func(clips []string) error
}

// Loaded tells what became of a Dump.
type Loaded struct {
	// Rows that were stored, by table.
	Rows map[string]int64
	// Purged is how many users were left out, with all that is theirs, because they were purged since.
	Purged int
	// Replaced are the clips that the database referred to before, and does not any more.
	Replaced []string
}
