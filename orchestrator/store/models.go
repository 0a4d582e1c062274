package store

import (
	"context"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

// ModelRef tells a model from all others.
type ModelRef struct{ Name, Version, SHA256 string }

// RecordingRef tells a recording from all others: its content, and whose it is. Name is for people.
type RecordingRef struct{ User, Name, SHA256 string }

// ReadBy returns which model has read which recordings that overlap the filter's span, of the filter's
// users, by start; also those in which it heard nothing.
func (s *Store) ReadBy(ctx context.Context, filter orchestrator.LaughFilter) (read map[ModelRef][]RecordingRef, err error) {
	var w where
	in(&w, "u.name", filter.Users)
	w.within("r.started_at", orchestrator.Span{End: filter.Span.End})
	err = s.read(ctx, "list what models read", func(ctx context.Context, q querier) error {
		read = map[ModelRef][]RecordingRef{}
		return q.each(ctx, `SELECT m.name, m.version, m.sha256, u.name, r.name, r.sha256, r.started_at, r.samples
			FROM scores s JOIN models m ON m.id = s.model_id JOIN recordings r ON r.id = s.recording_id
				JOIN users u ON u.id = r.user_id`+w.String()+` ORDER BY r.started_at, r.id`, w.args, func(scan func(...any) error) error {
			var m ModelRef
			var r RecordingRef
			var start time.Time
			var samples int64
			err := scan(&m.Name, &m.Version, &m.SHA256, &r.User, &r.Name, &r.SHA256, instant{&start}, &samples)
			if start.Add(orchestrator.SamplesToDuration(samples)).After(filter.Span.Start) {
				read[m] = append(read[m], r)
			}
			return err
		})
	})
	return read, err
}
