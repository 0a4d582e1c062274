package giggles

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/jackc/pgx/v5"
)

// connectTimeout bounds the wait for the old database.
const connectTimeout = 10 * time.Second

// The rows of the old tables, as far as they are of use. A column that an older version of its schema
// lacks has its zero value.
type (
	oldUser struct {
		ID       string `json:"id"`
		Email    string `json:"email"`
		Active   bool   `json:"is_active"`
		Timezone string `json:"timezone"`
		Key      string `json:"encrypted_api_key"` // the active one; empty where there is none
	}
	oldSegment struct {
		ID        string    `json:"id"`
		Start     time.Time `json:"start_time"`
		End       time.Time `json:"end_time"`
		Path      string    `json:"file_path"`
		Processed bool      `json:"processed"`
	}
	oldDetection struct {
		SegmentID   string    `json:"audio_segment_id"`
		At          time.Time `json:"timestamp"`
		Probability float64   `json:"probability"`
		Clip        string    `json:"clip_path"`
		Note        string    `json:"notes"`
		ClassID     *int      `json:"class_id"`
		ClassName   string    `json:"class_name"`
	}
	oldLog struct {
		ID         string                `json:"id"`
		Date       string                `json:"date"`
		Status     string                `json:"status"`
		Message    string                `json:"message"`
		Last       *time.Time            `json:"last_processed"`
		Created    time.Time             `json:"created_at"`
		Calls      []oldCall             `json:"api_calls"`
		Errors     map[string]oldFailure `json:"error_details"`
		Trigger    string                `json:"trigger_type"`
		Seconds    float64               `json:"processing_duration_seconds"`
		Files      int                   `json:"audio_files_downloaded"`
		Found      int                   `json:"laughter_events_found"`
		Duplicates int                   `json:"duplicates_skipped"`
	}
	oldCall struct {
		Status *int  `json:"status_code"`
		Bytes  int64 `json:"response_size_bytes"`
	}
	oldFailure struct {
		Message string `json:"message"`
	}
)

// Source is the old database. Not safe for concurrent use.
type Source struct {
	conn *pgx.Conn
	tx   pgx.Tx
}

// Open connects to the old database, for reading only and as of one moment. Its errors do not hold the
// address, which has a password in it.
func Open(ctx context.Context, address string) (*Source, error) {
	config, err := pgx.ParseConfig(address)
	if err != nil {
		return nil, errors.New("open the old database: its address cannot be read; want postgres://USER:PASSWORD@HOST/DATABASE")
	}
	config.ConnectTimeout = connectTimeout
	config.RuntimeParams["timezone"] = "UTC"
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open the old database %s on %s: %w; see whether its server can be reached and lets you in", config.Database, config.Host, err)
	}
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the old database: %w", err), conn.Close(ctx))
	}
	return &Source{conn, tx}, nil
}

// Close ends the connection.
func (s *Source) Close() error { return s.conn.Close(context.Background()) }

// rows reads rows as JSON, so that a column that is missing or new does no harm.
func rows[T any](ctx context.Context, s *Source, query string, args ...any) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		answer, err := s.tx.Query(ctx, query, args...)
		if err != nil {
			yield(none, err)
			return
		}
		defer answer.Close()
		for answer.Next() {
			var text []byte
			var row T
			if err = answer.Scan(&text); err == nil {
				err = json.Unmarshal(text, &row)
			}
			if !yield(row, err) || err != nil {
				return
			}
		}
		if err := answer.Err(); err != nil {
			yield(none, err)
		}
	}
}

func all[T any](list iter.Seq2[T, error]) (items []T, err error) {
	for item, err := range list {
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, nil
}

// users come in order of their e-mail, each with the newest active key.
func (s *Source) users(ctx context.Context) ([]oldUser, error) {
	return all(rows[oldUser](ctx, s, `SELECT to_jsonb(u) || jsonb_build_object('encrypted_api_key', COALESCE((
			SELECT k.encrypted_api_key FROM limitless_keys k WHERE k.user_id = u.id AND k.is_active ORDER BY k.created_at DESC LIMIT 1), ''))
		FROM users u ORDER BY lower(u.email), u.id`))
}

func (s *Source) segments(ctx context.Context, userID string) ([]oldSegment, error) {
	return all(rows[oldSegment](ctx, s, "SELECT to_jsonb(s) FROM audio_segments s WHERE user_id = $1 ORDER BY start_time, id", userID))
}

// detections come segment by segment, in the order of the segments.
func (s *Source) detections(ctx context.Context, userID string) iter.Seq2[oldDetection, error] {
	return rows[oldDetection](ctx, s, `SELECT to_jsonb(d) FROM laughter_detections d JOIN audio_segments s ON s.id = d.audio_segment_id
		WHERE d.user_id = $1 ORDER BY s.start_time, s.id, d.timestamp, d.id`, userID)
}

func (s *Source) logs(ctx context.Context, userID string) ([]oldLog, error) {
	return all(rows[oldLog](ctx, s, "SELECT to_jsonb(l) FROM processing_logs l WHERE user_id = $1 ORDER BY created_at, id", userID))
}
