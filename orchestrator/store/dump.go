package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pressly/goose/v3"

	"github.com/chortle-audio/chortle/orchestrator"
)

// storedTable is a table of the database. A row whose owner column names a row of another table that a dump leaves out is
// left out too.
type storedTable struct {
	name, owner, of string
	// live tables are not dumped.
	live bool
}

// tables are all tables, each behind those that it refers to.
var tables = []storedTable{
	{name: "tombstones"},
	{name: "users"},
	{name: "former_names", owner: "user_id", of: "users"},
	{name: "secrets", owner: "user_id", of: "users"},
	{name: "models"},
	{name: "policies"},
	{name: "runs"},
	{name: "recordings", owner: "user_id", of: "users"},
	{name: "scores", owner: "recording_id", of: "recordings"},
	{name: "recording_files", owner: "recording_id", of: "recordings"},
	{name: "surveys", owner: "user_id", of: "users"},
	{name: "forgotten", owner: "user_id", of: "users"},
	{name: "policy_changes", owner: "user_id", of: "users"},
	{name: "laughs", owner: "user_id", of: "users"},
	{name: "laugh_copies", owner: "user_id", of: "users"},
	{name: "lost_clips", owner: "user_id", of: "users"},
	{name: "run_users", owner: "user_id", of: "users"},
	{name: "run_errors", owner: "run_user_id", of: "run_users"},
	{name: "run_spans", owner: "run_user_id", of: "run_users"},
	{name: "ledger", owner: "user_id", of: "users"},
	{name: "accounts"},
	{name: "account_users", owner: "user_id", of: "users"},
	{name: "passkeys"},
	{name: "identities"},
	{name: "shares", owner: "user_id", of: "users"},
	{name: "share_laughs", owner: "share_id", of: "shares"},
	{name: "api_tokens", owner: "user_id", of: "users"},
	{name: "subscriptions", owner: "user_id", of: "users"},
	{name: "digests", owner: "subscription_id", of: "subscriptions"},
	{name: "devices", live: true},  // what a broker knows is no part of a backup
	{name: "sessions", live: true}, // a backup lets nobody in
	{name: "invitations", live: true},
	{name: "attempts", owner: "user_id", of: "users", live: true}, // nobody is reading what is restored
	{name: "backups", live: true},                                 // of which it is one
}

// dumped are the tables of a dump.
var dumped = slices.DeleteFunc(slices.Clone(tables), func(t storedTable) bool { return t.live })

// tableNames are the names of all tables.
func tableNames() (names []string) {
	for _, t := range tables {
		names = append(names, t.name)
	}
	return names
}

// Dump passes every table to write, all as of one moment, whatever is stored meanwhile, and returns the
// version of the schema. It is not tried again: what was written would be there twice.
func (s *Store) Dump(ctx context.Context, write func(orchestrator.Table) error) (schema int64, err error) {
	if schema, _, err = s.Version(ctx); err != nil {
		return 0, err
	}
	tx, err := s.db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return 0, fmt.Errorf("dump database: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // nothing was written
	q := querier{tx, s.dialect}
	if err := s.patient(ctx, q); err != nil {
		return 0, fmt.Errorf("dump database: %w", err)
	}
	there, err := s.tableNames(ctx, q)
	if err != nil {
		return 0, fmt.Errorf("dump database: %w", err)
	}
	for _, table := range dumped {
		if !there[table.name] { // an older schema, which is about to change
			continue
		}
		if err := dumpTable(ctx, q, table.name, write); err != nil {
			return 0, fmt.Errorf("dump table %s: %w", table.name, err)
		}
	}
	return schema, nil
}

// tableNames are the tables that the database has.
func (s *Store) tableNames(ctx context.Context, q querier) (map[string]bool, error) {
	query := "SELECT name FROM sqlite_master WHERE type = 'table'"
	if s.goose == goose.DialectPostgres {
		query = "SELECT tablename FROM pg_tables WHERE schemaname = ANY (current_schemas(FALSE))"
	}
	there := map[string]bool{}
	err := q.each(ctx, query, nil, func(scan func(...any) error) error {
		var name string
		err := scan(&name)
		there[name] = true
		return err
	})
	return there, err
}

// CopyInto writes a SQLite database into an empty file, a consistent snapshot, and syncs it.
func (s *Store) CopyInto(ctx context.Context, path string) error {
	return s.retry(ctx, "copy database", func(ctx context.Context) error {
		_, err := s.db.ExecContext(ctx, "VACUUM INTO ?1", path)
		return err
	})
}

// patient lifts the server's limits on how long a transaction takes, where it has any.
func (s *Store) patient(ctx context.Context, q querier) error {
	if s.goose != goose.DialectPostgres {
		return nil
	}
	_, err := q.exec(ctx, "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0")
	return err
}

func dumpTable(ctx context.Context, q querier, name string, write func(orchestrator.Table) error) error {
	columns, err := q.columns(ctx, name)
	if err != nil {
		return err
	}
	table := orchestrator.Table{Name: name, Columns: names(columns)}
	rows, err := q.on.QueryContext(ctx, "SELECT "+strings.Join(table.Columns, ", ")+" FROM "+name) //nolint:sqlclosecheck // the closure hides from the linter that it is closed
	if err != nil {
		return err
	}
	defer rows.Close()
	table.Rows = func(yield func([]any, error) bool) {
		row, to := make([]any, len(table.Columns)), make([]any, len(table.Columns))
		for i := range row {
			to[i] = &row[i]
		}
		for rows.Next() {
			if err := rows.Scan(to...); err != nil {
				yield(nil, err)
				return
			}
			for i, column := range columns {
				if n, isNumber := row[i].(int64); isNumber && column.DatabaseTypeName() == "BOOLEAN" { // SQLite has none
					row[i] = n != 0
				}
			}
			if !yield(row, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(nil, err)
		}
	}
	return errors.Join(write(table), rows.Err())
}

// columns of a table.
func (q querier) columns(ctx context.Context, table string) ([]*sql.ColumnType, error) {
	rows, err := q.on.QueryContext(ctx, fmt.Sprintf("SELECT * FROM %s WHERE 1 = 0", table)) //nolint:unqueryvet // their names are what is asked for
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns, err := rows.ColumnTypes()
	return columns, errors.Join(err, rows.Err())
}

func names(columns []*sql.ColumnType) (names []string) {
	for _, column := range columns {
		names = append(names, column.Name())
	}
	return names
}

// Load stores a dump in one transaction. Users who were purged, here or before the dump was taken, are
// left out with all that is theirs. It is not tried again.
//
// Errors: orchestrator.ErrExists where the database is not empty and is not to be replaced;
// ErrNewerSchema where the dump was taken by a newer program.
func (s *Store) Load(ctx context.Context, dump orchestrator.Dump) (orchestrator.Loaded, error) {
	loaded, err := s.load(ctx, dump)
	if err != nil {
		return orchestrator.Loaded{}, fmt.Errorf("load database: %w", err)
	}
	return loaded, nil
}

func (s *Store) load(ctx context.Context, dump orchestrator.Dump) (loaded orchestrator.Loaded, err error) {
	current, _, err := s.Version(ctx)
	if err != nil {
		return loaded, err
	}
	if dump.Schema > current {
		return loaded, fmt.Errorf("%w: the backup has schema version %d, this program knows %d; install the newer program",
			ErrNewerSchema, dump.Schema, current)
	}
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return loaded, err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after the commit
	l := loader{querier: querier{tx, s.dialect}, skipped: map[string]map[int64]bool{}, tombstones: map[string]bool{},
		loaded: orchestrator.Loaded{Rows: map[string]int64{}}, clips: map[string]bool{}}
	if err := s.patient(ctx, l.querier); err != nil {
		return loaded, err
	}
	before, err := l.clear(ctx, dump.Replace)
	if err != nil {
		return loaded, err
	}
	for table, err := range dump.Tables {
		if err != nil {
			return loaded, err
		}
		if err := l.load(ctx, table); err != nil {
			return loaded, fmt.Errorf("table %s: %w", table.Name, err)
		}
	}
	for more := true; more; { // what an older schema does not have
		if more, err = fillLaughs(ctx, l.querier); err != nil {
			return loaded, err
		}
	}
	if err := l.forgetAgain(ctx); err != nil {
		return loaded, err
	}
	if _, err := dropBereft(ctx, l.querier, l.bereft); err != nil {
		return loaded, err
	}
	if s.goose == goose.DialectPostgres {
		if err := l.advanceSequences(ctx); err != nil {
			return loaded, err
		}
	}
	var kept []string
	for key := range l.clips {
		kept = append(kept, key)
	}
	slices.Sort(kept)
	if dump.Commit != nil {
		if err := dump.Commit(kept); err != nil {
			return loaded, err
		}
	}
	if err := tx.Commit(); err != nil {
		return loaded, err
	}
	for _, key := range before {
		if !l.clips[key] {
			l.loaded.Replaced = append(l.loaded.Replaced, key)
		}
	}
	return l.loaded, nil
}

// loader is a Load under way.
type loader struct {
	querier
	tombstones map[string]bool           // uids of accounts that were purged
	skipped    map[string]map[int64]bool // ids of rows that were left out, by table
	names      []string                  // of users who were left out, former ones included
	bereft     []int64                   // accounts that such a user was given to
	clips      map[string]bool
	forgotten  []forgottenLaugh // in the database that is replaced
	loaded     orchestrator.Loaded
}

// clear makes sure that the database is empty. It returns the clips that it referred to.
func (l *loader) clear(ctx context.Context, replace bool) (clips []string, err error) {
	err = l.each(ctx, "SELECT uid FROM tombstones", nil, func(scan func(...any) error) error {
		var uid string
		err := scan(&uid)
		l.tombstones[uid] = true
		return err
	})
	if err != nil {
		return nil, err
	}
	var users, runs, accounts int64
	if err := l.one(ctx, "SELECT (SELECT COUNT(*) FROM users), (SELECT COUNT(*) FROM runs), (SELECT COUNT(*) FROM accounts)", nil, &users, &runs, &accounts); err != nil {
		return nil, err
	}
	if users+runs+accounts == 0 {
		return nil, nil
	}
	if !replace {
		return nil, orchestrator.WithCode(fmt.Errorf("%w: the database has %d users, %d runs and %d accounts", orchestrator.ErrExists, users, runs, accounts), orchestrator.CodeStoreNotEmpty)
	}
	err = l.each(ctx, "SELECT DISTINCT clip FROM laughs WHERE clip <> ''", nil, func(scan func(...any) error) error {
		var key string
		err := scan(&key)
		clips = append(clips, key)
		return err
	})
	if err != nil {
		return nil, err
	}
	if l.forgotten, err = findForgotten(ctx, l.querier); err != nil {
		return nil, err
	}
	buried := make([]string, 0, len(l.tombstones))
	for uid := range l.tombstones {
		buried = append(buried, uid)
	}
	for _, table := range slices.Backward(dumped) {
		if table.name == "tombstones" {
			continue
		}
		if _, err := l.exec(ctx, "DELETE FROM "+table.name); err != nil {
			return nil, err
		}
	}
	// Nobody was purged by this: only the tombstones from before stay.
	var w where
	if len(buried) > 0 {
		in(&w, "uid", buried)
		w.conditions[0] = "NOT (" + w.conditions[0] + ")"
	}
	_, err = l.exec(ctx, "DELETE FROM tombstones"+w.String(), w.args...)
	return clips, err
}

// load stores one table.
func (l *loader) load(ctx context.Context, table orchestrator.Table) error {
	known := slices.IndexFunc(dumped, func(d storedTable) bool { return d.name == table.Name })
	if known < 0 {
		return fmt.Errorf("%w: there is no such table", ErrNewerSchema)
	}
	columns, err := l.columns(ctx, table.Name)
	if err != nil {
		return err
	}
	at, kinds := map[string]int{}, make([]*sql.ColumnType, len(table.Columns))
	for i, column := range table.Columns {
		if at[column] = i; !slices.Contains(names(columns), column) {
			return fmt.Errorf("%w: there is no column %q", ErrNewerSchema, column)
		}
		kinds[i] = columns[slices.IndexFunc(columns, func(c *sql.ColumnType) bool { return c.Name() == column })]
	}
	if table.Name == "laughs" && !slices.Contains(table.Columns, "public_id") {
		table = withoutNames(table)
	}
	head := "INSERT INTO " + table.Name + " (" + strings.Join(table.Columns, ", ") + ")"
	var batch [][]any
	flush := func() error {
		l.loaded.Rows[table.Name] += int64(len(batch))
		err := l.insert(ctx, head, batch)
		batch = batch[:0]
		return err
	}
	for row, err := range table.Rows {
		if err != nil {
			return err
		}
		value := func(column string) any {
			if i, ok := at[column]; ok && i < len(row) {
				return row[i]
			}
			return nil
		}
		if len(row) != len(table.Columns) {
			return fmt.Errorf("a row has %d values for %d columns", len(row), len(table.Columns))
		}
		row = slices.Clone(row)
		if err := checkRow(table.Name, kinds, row, value); err != nil {
			return err
		}
		if l.leaves(table.Name, dumped[known].owner, dumped[known].of, value) {
			continue
		}
		l.look(table.Name, row, at)
		if batch = append(batch, row); len(batch) == batchRows {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

// leaves decides whether a row is left out, and remembers it.
func (l *loader) leaves(table, owner, of string, value func(string) any) (leave bool) {
	switch table {
	case "tombstones":
		uid, _ := value("uid").(string)
		leave = l.tombstones[uid] // it is there already
		l.tombstones[uid] = true
		return leave
	case "users":
		uid, _ := value("uid").(string)
		if leave = l.tombstones[uid]; leave {
			l.loaded.Purged++
			name, _ := value("name").(string)
			l.names = append(l.names, name)
		}
	default:
		id, _ := value(owner).(int64)
		leave = owner != "" && l.skipped[of][id]
		if account, _ := value("account_id").(int64); leave && table == "account_users" {
			l.bereft = append(l.bereft, account)
		}
		if name, _ := value("name").(string); leave && table == "former_names" {
			l.names = append(l.names, name)
		}
	}
	if id, ok := value("id").(int64); ok && leave {
		if l.skipped[table] == nil {
			l.skipped[table] = map[int64]bool{}
		}
		l.skipped[table][id] = true
	}
	return leave
}

// look takes from a row what the loader has to know, and out of it what tells of users who are left out.
func (l *loader) look(table string, row []any, at map[string]int) {
	switch table {
	case "laughs":
		if i, ok := at["clip"]; ok {
			if key, _ := row[i].(string); key != "" {
				l.clips[key] = true
			}
		}
	case "runs":
		if i, ok := at["error"]; ok {
			text, _ := row[i].(string)
			if slices.ContainsFunc(l.names, func(name string) bool { return strings.Contains(text, name) }) {
				row[i] = ""
			}
		}
	}
}

// advanceSequences makes Postgres give ids behind those that were loaded.
func (l *loader) advanceSequences(ctx context.Context) error {
	for _, table := range dumped {
		columns, err := l.columns(ctx, table.name)
		if err != nil {
			return err
		}
		if !slices.Contains(names(columns), "id") || table.name == "runs" { // its ids are texts
			continue
		}
		_, err = l.exec(ctx, fmt.Sprintf("SELECT setval(pg_get_serial_sequence('%[1]s', 'id'), GREATEST((SELECT COALESCE(MAX(id), 0) FROM %[1]s), 1))", table.name))
		if err != nil {
			return err
		}
	}
	return nil
}
