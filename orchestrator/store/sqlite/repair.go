package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/pressly/goose/v3"
	driver "modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"

	"github.com/chortle-audio/chortle/internal/atomicfile"
	"github.com/chortle-audio/chortle/orchestrator/store"
)

// RepairedTable counts the rows of a table.
type RepairedTable struct {
	Name string
	// Read were brought over. Lost could not be read; -1 where nobody can tell how many there were.
	Read, Lost int64
	// Loose rows were read, but belong to one that was not: they were left out, or what they refer to.
	Loose int64
}

// mostFailures bounds how many statements may fail in one table: what is left then counts as lost.
const mostFailures = 100_000

// Repair reads what can be read of a damaged database into a new file, which must not be there. The old one is not touched:
// a copy of it beside the new file is read. The caller keeps everybody else away.
func Repair(ctx context.Context, path, to string) (tables []RepairedTable, err error) {
	if _, err := os.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("repair database: %s: %w", to, fs.ErrExist)
	}
	reading, writing := to+".reading", to+".partial"
	remove := func() {
		for _, file := range []string{reading, writing} {
			for _, end := range []string{"", "-wal", "-shm", "-journal"} {
				_ = os.Remove(file + end) // most were never there
			}
		}
	}
	remove()
	defer remove()
	for _, end := range []string{"", "-wal"} {
		if err := copyFile(path+end, reading+end); err != nil && (end == "" || !errors.Is(err, fs.ErrNotExist)) {
			return nil, fmt.Errorf("repair database: %w", err)
		}
	}
	if tables, err = repair(ctx, reading, writing); err != nil {
		return tables, fmt.Errorf("repair database %s: %w", path, err)
	}
	if err := atomicfile.Rename(writing, to); err != nil {
		return tables, fmt.Errorf("repair database: %w", err)
	}
	return tables, nil
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

func repair(ctx context.Context, reading, writing string) (tables []RepairedTable, err error) {
	if err := create(writing); err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", address(writing, []string{"foreign_keys(OFF)", "journal_mode(DELETE)", "synchronous(FULL)", "cache_size(-4096)"}))
	if err != nil {
		return nil, err
	}
	defer db.Close()
	db.SetMaxOpenConns(1) // an attached database is the connection's
	if err := makeSchema(ctx, db, reading); err != nil {
		return nil, err
	}
	if _, err := db.ExecContext(ctx, "PRAGMA foreign_keys = OFF; ATTACH DATABASE ?1 AS old", reading); err != nil { // a migration turned them on
		return nil, err
	}
	names, err := texts(ctx, db, "SELECT name FROM main.sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'goose_%' ORDER BY name")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		table, err := bringOver(ctx, db, name)
		if err != nil {
			return tables, fmt.Errorf("table %s: %w", name, err)
		}
		tables = append(tables, table)
	}
	if err := dropLoose(ctx, db, tables); err != nil {
		return tables, err
	}
	if _, err := db.ExecContext(ctx, "DETACH DATABASE old"); err != nil {
		return tables, err
	}
	if _, err := (&dialect{path: writing}).Check(ctx, db); err != nil {
		return tables, fmt.Errorf("check the new file: %w", err)
	}
	return tables, db.Close()
}

// makeSchema gives the new database the schema of the old one, or the newest where that cannot be read.
func makeSchema(ctx context.Context, db *sql.DB, reading string) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	old, err := sql.Open("sqlite", address(reading, nil))
	if err != nil {
		return err
	}
	var version sql.NullInt64
	err = old.QueryRowContext(ctx, "SELECT MAX(version_id) FROM goose_db_version").Scan(&version)
	_ = old.Close() // it was only read
	var failure *driver.Error
	if errors.As(err, &failure) && failure.Code()&0xff == codes.SQLITE_NOTADB || ctx.Err() != nil {
		return err
	}
	sources := provider.ListSources()
	newest := sources[len(sources)-1].Version
	if version.Int64 > newest {
		return fmt.Errorf("%w: its schema has version %d, this program knows %d; install the newer program", store.ErrNewerSchema, version.Int64, newest)
	}
	if version.Int64 > 0 {
		newest = version.Int64
	}
	_, err = provider.UpTo(ctx, newest)
	return err
}

// bringOver copies the rows of a table by ranges of their numbers: a range that cannot be read is halved, until the rows
// that cannot be read are left.
func bringOver(ctx context.Context, db *sql.DB, name string) (RepairedTable, error) {
	table := RepairedTable{Name: name, Lost: -1}
	mine, err := texts(ctx, db, "SELECT name FROM pragma_table_info(?1, 'main')", name)
	if err != nil {
		return table, err
	}
	theirs, err := texts(ctx, db, "SELECT name FROM pragma_table_info(?1, 'old')", name)
	if err != nil || len(theirs) == 0 {
		return table, ctx.Err() // the table is lost as a whole
	}
	var columns []string
	for _, column := range mine {
		for _, other := range theirs {
			if column == other {
				columns = append(columns, column)
			}
		}
	}
	list := strings.Join(columns, ", ")
	statement := fmt.Sprintf("INSERT OR IGNORE INTO main.%[1]s (%[2]s) SELECT %[2]s FROM old.%[1]s NOT INDEXED WHERE rowid > ?1 AND rowid <= ?2", name, list) //nolint:gosec // names of our own schema
	failures := 0
	var copyRange func(low, high int64) error
	copyRange = func(low, high int64) error {
		_, err := db.ExecContext(ctx, statement, low, high)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case !unreadable(err):
			return err
		case high-low <= 1, failures >= mostFailures:
			return nil // lost
		}
		failures++
		middle := low + (high-low)/2
		if err := copyRange(low, middle); err != nil {
			return err
		}
		return copyRange(middle, high)
	}
	if err := copyRange(-1, lastRow(ctx, db, name)); err != nil {
		return table, err
	}
	if err := db.QueryRowContext(ctx, "SELECT COUNT(*) FROM main."+name).Scan(&table.Read); err != nil {
		return table, err
	}
	var there int64
	if err := db.QueryRowContext(ctx, "SELECT COUNT(*) FROM old."+name).Scan(&there); err == nil { // by an index, which may be whole
		table.Lost = max(0, there-table.Read)
	}
	return table, nil
}

// unreadable tells whether an error is that of a damaged file, or of its disk.
func unreadable(err error) bool {
	var failure *driver.Error
	if !errors.As(err, &failure) {
		return false
	}
	code := failure.Code() & 0xff
	return code == codes.SQLITE_CORRUPT || code == codes.SQLITE_NOTADB || code == codes.SQLITE_IOERR
}

// lastRow is the largest number of a row that a table may have.
func lastRow(ctx context.Context, db *sql.DB, name string) int64 {
	var last sql.NullInt64
	for _, query := range []string{"SELECT MAX(rowid) FROM old." + name, "SELECT seq FROM old.sqlite_sequence WHERE name = '" + name + "'"} {
		if err := db.QueryRowContext(ctx, query).Scan(&last); err == nil && last.Valid {
			return last.Int64
		}
	}
	return 1 << 32
}

// looseReference is a row that refers to one that is not there, by its foreign key of that number.
type looseReference struct {
	table string
	row   sql.NullInt64
	key   int
}

func looseReferences(ctx context.Context, db *sql.DB) (loose []looseReference, err error) {
	rows, err := db.QueryContext(ctx, "PRAGMA main.foreign_key_check")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var r looseReference
		var parent string
		if err := rows.Scan(&r.table, &r.row, &parent, &r.key); err != nil {
			return nil, err
		}
		loose = append(loose, r)
	}
	return loose, rows.Err()
}

// dropLoose takes out of the new database what refers to rows that were lost: the reference where it may be empty, else the
// row.
func dropLoose(ctx context.Context, db *sql.DB, tables []RepairedTable) error {
	for {
		loose, err := looseReferences(ctx, db)
		if err != nil || len(loose) == 0 {
			return err
		}
		for _, r := range loose {
			var column string
			var must bool
			err := db.QueryRowContext(ctx, `SELECT k."from", c."notnull" FROM pragma_foreign_key_list(?1, 'main') k JOIN pragma_table_info(?1, 'main') c ON c.name = k."from"
				WHERE k.id = ?2`, r.table, r.key).Scan(&column, &must)
			if err != nil {
				return err
			}
			statement := "DELETE FROM main." + r.table + " WHERE rowid = ?1" //nolint:gosec // a table of our own schema
			if !must {
				statement = "UPDATE main." + r.table + " SET " + column + " = NULL WHERE rowid = ?1"
			}
			if _, err := db.ExecContext(ctx, statement, r.row.Int64); err != nil {
				return err
			}
			for i := range tables {
				if tables[i].Name == r.table {
					tables[i].Loose++
					if must {
						tables[i].Read--
					}
				}
			}
		}
	}
}

func texts(ctx context.Context, db *sql.DB, query string, args ...any) (all []string, err error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return all, err
		}
		all = append(all, text)
	}
	return all, rows.Err()
}
