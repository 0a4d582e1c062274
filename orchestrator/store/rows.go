package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"strings"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

// A table's columns are named here, once, in the order in which the functions beside them take and give values.

const (
	userColumns   = "name, timezone, source, priority, threshold, policy, inferd, enabled, keep_originals, retention"
	selectUsers   = "SELECT id, " + userColumns + " FROM users"
	insertUser    = "INSERT INTO users (" + userColumns + ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) RETURNING id"
	updateUser    = "UPDATE users SET (" + userColumns + ") = (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) WHERE id = ?11"
	insertRec     = "INSERT INTO recordings AS old (" + recordingColumns + ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14) "
	laughsOfModel = "user_id, model_id, " + laughColumns
)

// userValues are those of userColumns.
func userValues(u orchestrator.User) []any {
	return []any{u.Name, u.Timezone, u.Source, u.Priority, u.Threshold, u.Policy, u.Model, u.Enabled, u.KeepOriginals, u.Retention}
}

// userFields takes a row of selectUsers.
func userFields(u *orchestrator.User) []any {
	return []any{&u.ID, &u.Name, &u.Timezone, &u.Source, &u.Priority, &u.Threshold, &u.Policy, &u.Model, &u.Enabled, &u.KeepOriginals, &u.Retention}
}

const recordingColumns = `user_id, sha256, name, size, modified_at, started_at, time_source, uncertain_ns, samples,
	status, attempts, error, run_id, notes`

// recordingState is what recordingColumns hold beside the recording itself.
type recordingState struct {
	samples  int64
	status   string
	attempts int
	cause    string // of the last failure
	runID    string // empty where it is not known
	notes    []orchestrator.Note
}

// recordingValues are those of recordingColumns.
func recordingValues(userID int64, rec orchestrator.Recording, state recordingState) []any {
	return []any{userID, rec.SHA256, rec.Name, rec.Size, rec.ModTime, rec.Start, string(rec.TimeSource), int64(rec.Uncertainty),
		state.samples, state.status, state.attempts, state.cause, optional(state.runID), notesText(state.notes)}
}

// notesText is how notes are stored: as JSON; empty for none.
func notesText(notes []orchestrator.Note) string {
	if len(notes) == 0 {
		return ""
	}
	text, err := json.Marshal(notes)
	if err != nil {
		return "" // it holds strings and numbers, which always have a form
	}
	return string(text)
}

// notes scans what notesText wrote.
type notes struct{ to *[]orchestrator.Note }

// Scan implements sql.Scanner.
func (n notes) Scan(src any) error {
	var text string
	switch src := src.(type) {
	case string:
		text = src
	case []byte:
		text = string(src)
	}
	*n.to = nil
	if text == "" {
		return nil
	}
	return json.Unmarshal([]byte(text), n.to)
}

const laughColumns = `recording_id, public_id, day, hour, start_at, end_at, length_ms, first_sample, end_sample,
	score, class, tier, certainty, policy_id, class_scores, context, clip, mark, star, note`

// laughValues are those of laughColumns.
func laughValues(l laugh) []any {
	return []any{l.recording, l.publicID, l.day, l.hour, fromMillis(l.start), fromMillis(l.end), l.end - l.start, l.first, l.last,
		l.score, l.class, string(l.tier), l.certainty, nullable(l.policy), l.classScores, l.context, l.clip, string(l.mark), l.star, l.note}
}

// laughFields takes a row of laughColumns. The length follows from start and end.
func laughFields(l *laugh) []any {
	var length int64
	return []any{&l.recording, &l.publicID, &l.day, &l.hour, millis{&l.start}, millis{&l.end}, &length, &l.first, &l.last,
		&l.score, &l.class, &l.tier, &l.certainty, orZero{&l.policy}, &l.classScores, &l.context, &l.clip, &l.mark, &l.star, &l.note}
}

// qualified puts a table's name before each column.
func qualified(table, columns string) string {
	names := strings.Split(columns, ",")
	for i, name := range names {
		names[i] = table + "." + strings.TrimSpace(name)
	}
	return strings.Join(names, ", ")
}

// insertLaughs adds rows; those without an id get one. end is what comes behind the values, such as ON CONFLICT.
func insertLaughs(ctx context.Context, q querier, userID, modelID int64, laughs []laugh, end string) (added int64, err error) {
	var fresh, kept [][]any
	for _, l := range laughs {
		row := append([]any{userID, modelID}, laughValues(l)...)
		if l.id == 0 {
			fresh = append(fresh, row)
		} else {
			kept = append(kept, append(row, l.id))
		}
	}
	if added, err = q.insertOr(ctx, "INSERT INTO laughs ("+laughsOfModel+")", fresh, end); err != nil {
		return added, err
	}
	n, err := q.insertOr(ctx, "INSERT INTO laughs ("+laughsOfModel+", id)", kept, end)
	return added + n, err
}

// nullable is NULL for no row.
func nullable(id int64) any {
	if id == 0 {
		return nil
	}
	return id
}

// orZero scans the id of a row; NULL is 0.
type orZero struct{ id *int64 }

// Scan implements sql.Scanner.
func (z orZero) Scan(src any) error {
	var n sql.NullInt64
	err := n.Scan(src)
	*z.id = n.Int64
	return err
}

// millis scans a time as milliseconds since 1970.
type millis struct{ ms *int64 }

// Scan implements sql.Scanner.
func (m millis) Scan(src any) error {
	var t time.Time
	err := instant{&t}.Scan(src)
	*m.ms = t.UnixMilli()
	return err
}

func fromMillis(ms int64) time.Time { return time.UnixMilli(ms) }

// day scans a local day.
type day struct{ d *orchestrator.Date }

// Scan implements sql.Scanner.
func (d day) Scan(src any) (err error) {
	text, _ := src.(string)
	if raw, ok := src.([]byte); ok {
		text = string(raw)
	}
	*d.d, err = orchestrator.ParseDate(text)
	return err
}
