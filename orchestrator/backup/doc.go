// Package backup writes the whole store, database and clips, into one file, and reads it back into any
// database that the store knows.
//
// The file is a tar archive:
//
//	tables/NAME.jsonl   a line with the table's name and columns, then a line a row
//	clips/KEY           the sound of laughs
//	manifest.json       what there is, with the SHA-256 of each file
//	manifest.hmac       last: HMAC-SHA256 of manifest.json, and the name of its key; left out where there is no key
//
// A file without its manifest is not whole. Nothing in it depends on the database that it came from: what
// was in SQLite can be restored into Postgres, and the other way round. The first format ("chortle-backup-1") had no
// manifest.hmac; it is read, and counts as unmarked.
//
// A backup is read as if a stranger wrote it: each name once, regular files only, no more bytes than the archive has,
// one descriptor for the comparison and for what follows from it.
package backup
