package store

import (
	"bytes"
	"compress/zlib"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/chortle-audio/chortle/orchestrator"
)

// ErrBadRow marks a row of a dump that this program would not have stored.
var ErrBadRow = errors.New("invalid row")

const (
	// maxText bounds a text of a row, in bytes: the largest are surveys.
	maxText = 16 << 20
	// maxUnpacked bounds what the scores of a recording, or what else was heard in it, are unpacked: two days with a
	// frame of ten classes every 15 ms.
	maxUnpacked = 128 << 20
)

// checkRow holds a row, of which value tells by columns, to what this program stores in a table, and makes texts of what
// Postgres answers for JSON.
func checkRow(table string, kinds []*sql.ColumnType, row []any, value rowOf) error {
	for i, kind := range kinds {
		if data, isBytes := row[i].([]byte); isBytes && isText(kind) {
			row[i] = string(data)
		}
		if err := checkKind(kind, row[i]); err != nil {
			return err
		}
	}
	if check := checks[table]; check != nil {
		if err := check(value); err != nil {
			return fmt.Errorf("%w: %w", ErrBadRow, err)
		}
	}
	return nil
}

// checkKind holds a value to the type of its column, which SQLite does not.
func checkKind(column *sql.ColumnType, value any) error {
	kind := strings.ToUpper(column.DatabaseTypeName())
	fits := false
	switch value := value.(type) {
	case nil:
		fits = true // NOT NULL is the database's to hold
	case int64:
		fits = strings.Contains(kind, "INT") || isReal(kind)
	case float64:
		fits = isReal(kind)
	case bool:
		fits = strings.HasPrefix(kind, "BOOL")
	case time.Time:
		fits = strings.HasPrefix(kind, "TIMESTAMP")
	case []byte:
		fits = kind == "BLOB" || kind == "BYTEA"
	case string:
		fits = isText(column)
		if !utf8.ValidString(value) || strings.Contains(value, "\x00") || len(value) > maxText {
			return fmt.Errorf("%w: %s is no text, or longer than %d bytes", ErrBadRow, column.Name(), maxText)
		}
	}
	if !fits {
		return fmt.Errorf("%w: %s is %T for a column of type %s", ErrBadRow, column.Name(), value, kind)
	}
	return nil
}

func isText(column *sql.ColumnType) bool {
	kind := strings.ToUpper(column.DatabaseTypeName())
	return kind == "TEXT" || strings.HasPrefix(kind, "JSON") || strings.HasSuffix(kind, "CHAR")
}

func isReal(kind string) bool {
	return kind == "REAL" || strings.HasPrefix(kind, "DOUBLE") || strings.HasPrefix(kind, "FLOAT")
}

// rowOf looks at a row by its columns; what is not there is the zero value.
type rowOf func(column string) any

func (r rowOf) text(column string) string { v, _ := r(column).(string); return v }

func (r rowOf) number(column string) int64 { v, _ := r(column).(int64); return v }

// real is a number that a dump may have written as a whole one.
func (r rowOf) real(column string) float64 {
	if whole, ok := r(column).(int64); ok {
		return float64(whole)
	}
	v, _ := r(column).(float64)
	return v
}

// Forms of what is shown, or becomes part of a path.
var (
	runForm    = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,200}$`)
	uidForm    = regexp.MustCompile(`^[A-Za-z0-9-]{0,64}$`)
	publicForm = regexp.MustCompile(`^~?[A-Za-z0-9]{0,32}$`)
	dayForm    = regexp.MustCompile(`^(\d{4,5}-\d\d-\d\d)?$`)
)

// checks hold the rows of a table to what this program stores. A backup is a file: whoever wrote it may be somebody else.
var checks = map[string]func(rowOf) error{
	"tombstones":   func(r rowOf) error { return matches(r, "uid", uidForm) },
	"users":        checkUser,
	"former_names": func(r rowOf) error { return orchestrator.ValidateUserName(r.text("name")) },
	"models": func(r rowOf) error {
		return errors.Join(printable(r, "name", "version", "sha256"), labels(r, "laughter"))
	},
	"policies": func(r rowOf) error { return errors.Join(printable(r, "digest", "name"), isJSON(r, "body")) },
	"runs": func(r rowOf) error {
		return errors.Join(matches(r, "id", runForm), printable(r, "trigger_by", "status"))
	},
	"recordings": func(r rowOf) error {
		return errors.Join(printable(r, "sha256", "time_source"), atLeast(r, 0, "size", "samples", "attempts"))
	},
	"scores":  checkScores,
	"surveys": func(r rowOf) error { return isJSON(r, "survey") },
	"forgotten": func(r rowOf) error {
		return errors.Join(matches(r, "public_id", publicForm), atLeast(r, 0, "first_sample", "end_sample"))
	},
	"policy_changes": func(r rowOf) error {
		return errors.Join(orchestrator.ValidateThreshold(r.real("threshold")), orchestrator.ValidateThreshold(r.real("before_threshold")),
			orchestrator.CheckOverride(r.text("policy")), orchestrator.CheckOverride(r.text("before_policy")))
	},
	"laughs": checkLaugh,
	"run_users": func(r rowOf) error {
		return errors.Join(matches(r, "date", dayForm), printable(r, "timezone", "status", "model_version", "model_plugin"), isJSON(r, "calls_by_status", "stages"))
	},
	"run_errors":   func(r rowOf) error { return errors.Join(printable(r, "stage", "code"), isJSON(r, "facts")) },
	"accounts":     func(r rowOf) error { return printable(r, "name") },
	"share_laughs": func(r rowOf) error { return matches(r, "laugh", publicForm) },
}

func checkUser(r rowOf) error {
	user := orchestrator.User{Name: r.text("name"), Timezone: r.text("timezone"), Source: r.text("source"), Threshold: r.real("threshold"), Policy: r.text("policy")}
	return errors.Join(user.Validate(), printable(r, "source", "inferd"), matches(r, "uid", uidForm))
}

func checkLaugh(r rowOf) error {
	if key := r.text("clip"); key != "" && (!fs.ValidPath(key) || key == ".") {
		return fmt.Errorf("%w: clip %q is no key of one", ErrBadRow, key)
	}
	if r.number("end_sample") < r.number("first_sample") {
		return fmt.Errorf("%w: it ends before it begins", ErrBadRow)
	}
	if hour := r.number("hour"); hour < 0 || hour > 23 {
		return fmt.Errorf("%w: hour %d", ErrBadRow, hour)
	}
	return errors.Join(printable(r, "class", "clip"), matches(r, "public_id", publicForm), matches(r, "day", dayForm),
		atLeast(r, 0, "first_sample", "length_ms"), isJSON(r, "class_scores", "context"))
}

// checkScores unpacks what a rescore would, without keeping it.
func checkScores(r rowOf) error {
	if err := errors.Join(labels(r, "classes"), atLeast(r, 0, "samples"), atLeast(r, 1, "frame_window", "frame_hop")); err != nil {
		return err
	}
	for _, column := range []string{"data", "features"} {
		packed, _ := r(column).([]byte)
		if packed == nil {
			continue
		}
		if err := inflate(io.Discard, packed); err != nil {
			return fmt.Errorf("%w: %s: %w", ErrBadRow, column, err)
		}
	}
	return nil
}

// inflate unpacks to w, and no more than maxUnpacked bytes.
func inflate(w io.Writer, packed []byte) error {
	r, err := zlib.NewReader(bytes.NewReader(packed))
	if err != nil {
		return err
	}
	n, err := io.Copy(w, io.LimitReader(r, maxUnpacked+1))
	if err == nil && n > maxUnpacked {
		err = fmt.Errorf("more than %d bytes", maxUnpacked)
	}
	return err
}

func matches(r rowOf, column string, form *regexp.Regexp) error {
	if text := r.text(column); r(column) != nil && !form.MatchString(text) {
		return fmt.Errorf("%w: %s is %q", ErrBadRow, column, text)
	}
	return nil
}

// printable refuses what controls a terminal, a page or a log.
func printable(r rowOf, columns ...string) error {
	for _, column := range columns {
		if text := r.text(column); strings.ContainsFunc(text, func(c rune) bool { return !unicode.IsPrint(c) }) {
			return fmt.Errorf("%w: %s is %q", ErrBadRow, column, text)
		}
	}
	return nil
}

func atLeast(r rowOf, least int64, columns ...string) error {
	for _, column := range columns {
		if n := r.number(column); r(column) != nil && n < least {
			return fmt.Errorf("%w: %s is %d", ErrBadRow, column, n)
		}
	}
	return nil
}

func isJSON(r rowOf, columns ...string) error {
	for _, column := range columns {
		if text := r.text(column); r(column) != nil && !json.Valid([]byte(text)) {
			return fmt.Errorf("%w: %s is no JSON", ErrBadRow, column)
		}
	}
	return nil
}

// labels wants a list of classes that can be shown.
func labels(r rowOf, column string) error {
	var list []string
	if err := json.Unmarshal([]byte(r.text(column)), &list); err != nil {
		return fmt.Errorf("%w: %s is no list of labels", ErrBadRow, column)
	}
	for _, label := range list {
		if strings.ContainsFunc(label, func(c rune) bool { return !unicode.IsPrint(c) }) {
			return fmt.Errorf("%w: %s has %q", ErrBadRow, column, label)
		}
	}
	return nil
}
