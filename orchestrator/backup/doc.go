// Package backup writes the whole store, database and clips, into one file, and reads it back into any
// database that the store knows.
//
// The file is a tar archive:
//
//	tables/NAME.jsonl   a line with the table's name and columns, then a line a row
//	clips/KEY           the sound of laughs
//	manifest.json       last: what there is, with the SHA-256 of each file
//
// A file without its manifest is not whole. Nothing in it depends on the database that it came from: what
// was in SQLite can be restored into Postgres, and the other way round.
package backup
