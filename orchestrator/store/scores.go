package store

import (
	"bytes"
	"compress/zlib"
	"context"
	"fmt"
	"iter"

	"github.com/chortle-audio/chortle/orchestrator"
)

// scoresPage bounds how many recordings' scores are in memory at once.
const scoresPage = 4

// saveScores keeps the prints that are there where prints is nil.
func saveScores(ctx context.Context, q querier, recordingID, modelID, policyID int64, scores orchestrator.Scores, packed packedScores, prints []byte) error {
	_, err := q.exec(ctx, `INSERT INTO scores AS old (recording_id, model_id, classes, frame_window, frame_hop, samples, data, policy_id, features, prints)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
		ON CONFLICT (recording_id, model_id) DO UPDATE SET classes = excluded.classes,
			frame_window = excluded.frame_window, frame_hop = excluded.frame_hop, samples = excluded.samples, data = excluded.data,
			policy_id = excluded.policy_id, features = excluded.features, prints = COALESCE(excluded.prints, old.prints)`,
		recordingID, modelID, asJSON(scores.Classes), scores.Window, scores.Hop, scores.Length, packed.data, nullable(policyID), orNoBytes(packed.features), orNoBytes(prints))
	return err
}

// Scores yields what is stored of every recording that starts within the filter's span, by start: as
// the result that SaveRecording took, without its laughs, run and the model's plugin. The
// filter's users and model count; its score does not.
func (s *Store) Scores(ctx context.Context, filter orchestrator.LaughFilter) iter.Seq2[orchestrator.Result, error] {
	type stored struct {
		orchestrator.Result
		recordingID, modelID int64
	}
	found := pages(scoresPage, func(last *stored) (page []stored, err error) {
		var w where
		in(&w, "u.name", filter.Users)
		if filter.Model != "" {
			w.add("m.name = ?", filter.Model)
		}
		w.within("r.started_at", filter.Span)
		if last != nil {
			w.add("(r.started_at, r.id, m.id) > (?, ?, ?)", last.Recording.Start, last.recordingID, last.modelID)
		}
		err = s.read(ctx, "list scores", func(ctx context.Context, q querier) error {
			page = nil
			return q.each(ctx, `SELECT r.id, r.user_id, r.name, r.started_at, r.time_source, r.uncertain_ns, r.size, r.modified_at, r.sha256,
					m.id, m.name, m.version, m.sha256, m.laughter, s.classes, s.frame_window, s.frame_hop, s.samples, s.data, s.features
				FROM scores s JOIN recordings r ON r.id = s.recording_id JOIN users u ON u.id = r.user_id
					JOIN models m ON m.id = s.model_id`+w.String()+fmt.Sprintf(`
				ORDER BY r.started_at, r.id, m.id LIMIT %d`, scoresPage), w.args, func(scan func(...any) error) error {
				var one stored
				var packed packedScores
				rec, model, scores := &one.Recording, &one.Model, &one.Scores
				err := scan(&one.recordingID, &one.UserID, &rec.Name, instant{&rec.Start}, &rec.TimeSource, &rec.Uncertainty, &rec.Size,
					instant{&rec.ModTime}, &rec.SHA256, &one.modelID, &model.Name, &model.Version, &model.SHA256, fromJSON{&model.Laughter},
					fromJSON{&scores.Classes}, &scores.Window, &scores.Hop, &scores.Length, &packed.data, &packed.features)
				if err != nil {
					return err
				}
				model.Window, model.Hop = scores.Window, scores.Hop
				err = packed.unpack(scores)
				model.LogitStep, model.Heard = scores.Step, scores.Heard.Classes
				if err != nil {
					return fmt.Errorf("scores of recording %q: %w", rec.Name, err)
				}
				page = append(page, one)
				return nil
			})
		})
		return page, err
	})
	return func(yield func(orchestrator.Result, error) bool) {
		for one, err := range found {
			if !yield(one.Result, err) {
				return
			}
		}
	}
}

// pack compresses scores; most frames of a day are silent.
func pack(data []byte) []byte {
	var packed bytes.Buffer
	w := zlib.NewWriter(&packed)
	// A buffer takes everything.
	_, _ = w.Write(data)
	_ = w.Close()
	return packed.Bytes()
}

// unpack takes back what pack made, and no more than maxUnpacked bytes of it.
func unpack(packed []byte) ([]byte, error) {
	var data bytes.Buffer
	err := inflate(&data, packed)
	return data.Bytes(), err
}

// orNoBytes is NULL where there are none.
func orNoBytes(data []byte) any {
	if data == nil {
		return nil
	}
	return data
}
