package store

import (
	"context"
	"encoding/binary"
	"errors"
	"strconv"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

// Two recordings of a user may hold the same sound: two devices, a copy, another coding. The limits below were measured
// on laughs in scenes of other sounds, coded by Opus, MP3 and AAC at 16 to 48 kbit/s, resampled, shifted, equalised and
// put into an echo: those differ in 1 to 27 % of their bits from the original, and other laughs in 31 % or more.
const (
	// farthest is how far apart the times of the same sound may be, in milliseconds.
	farthest = 120_000
	// sameClock is how far apart they are where both recorders know the time, in milliseconds.
	sameClock = 1000
	// alike is the share of bits in which the same sound may differ; alikeThen where both clocks say the same, so that
	// few ways of laying one over the other are tried.
	alike, alikeThen = 0.28, 0.34
	// sameLag is how exactly the laughs of two recordings must tell by how much one is later, in samples.
	sameLag = orchestrator.SampleRateHz * 3 / 20
	// agreement is how many of the laughs that both recordings should hold must be the same.
	agreement = 0.6
	// clearlyBetter is how much better the score of a copy must be to count in place of the one that is stored.
	clearlyBetter = 0.1
	// unsure is an uncertainty from which on a recording's time is taken for a guess.
	unsure = 30 * time.Minute
)

// twin is what is known of a laugh's likeness to those of other recordings.
type twin struct {
	other int          // index of the one with the same sound; -1 where there is none
	blind map[int]bool // those that nobody can compare it with, so that their times must do
}

// sound is what is known of a recording.
type sound struct {
	begin   int64 // milliseconds since 1970
	length  int64 // samples
	trusted bool  // its time is no guess
	prints  []orchestrator.SoundPrint
}

// end is when the recording ends, in milliseconds since 1970.
func (s sound) end() int64 { return s.begin + s.length*1000/orchestrator.SampleRateHz }

type sounds map[int64]sound // by the recording's id

// soundsOf reads what is known of a recording and of those of other laughs.
func soundsOf(ctx context.Context, q querier, modelID, recordingID int64, others []laugh) (sounds, error) {
	if len(others) == 0 {
		return nil, nil
	}
	ids := []int64{recordingID}
	known := map[int64]bool{}
	for _, o := range others {
		if !known[o.recording] {
			known[o.recording] = true
			ids = append(ids, o.recording)
		}
	}
	all := make(sounds)
	for len(ids) > 0 {
		var w where
		n := min(len(ids), batchRows)
		in(&w, "r.id", ids[:n])
		ids = ids[n:]
		w.args = append(w.args, modelID)
		err := q.each(ctx, `SELECT r.id, r.started_at, r.samples, r.time_source, r.uncertain_ns, s.prints FROM recordings r
			LEFT JOIN scores s ON s.recording_id = r.id AND s.model_id = ?`+strconv.Itoa(len(w.args))+w.String(), w.args, func(scan func(...any) error) error {
			var id, uncertain int64
			var source orchestrator.TimeSource
			var s sound
			var packed []byte
			if err := scan(&id, millis{&s.begin}, &s.length, &source, &uncertain, &packed); err != nil {
				return err
			}
			s.trusted = source != orchestrator.TimeFromModTime && time.Duration(uncertain) < unsure
			var err error
			s.prints, err = unpackPrints(packed)
			all[id] = s
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// pair is a laugh of this recording and one of another that sound alike.
type pair struct {
	found, other int
	like         orchestrator.Likeness
}

// twins finds for each laugh of a recording the one of another recording that is the same sound.
func (s sounds) twins(recordingID int64, found, others []laugh) []twin {
	twins := make([]twin, len(found))
	best := make([]float64, len(found))
	for i := range twins {
		twins[i], best[i] = twin{other: -1, blind: map[int]bool{}}, 1
	}
	by := map[int64][]int{} // indices of other laughs by their recording
	var order []int64
	for k, o := range others {
		if by[o.recording] == nil {
			order = append(order, o.recording)
		}
		by[o.recording] = append(by[o.recording], k)
	}
	a := s[recordingID]
	for _, id := range order {
		b := s[id]
		pairs := s.compare(a, b, found, others, by[id], twins)
		for _, p := range pairs {
			if p.like.Laugh < best[p.found] && s.believe(a, b, p, pairs, found, others, by[id]) {
				best[p.found], twins[p.found].other = p.like.Laugh, p.other
			}
		}
	}
	return twins
}

// compare finds the pairs that sound alike, and notes those that cannot be compared.
func (sounds) compare(a, b sound, found, others []laugh, of []int, twins []twin) (pairs []pair) {
	const margin = orchestrator.SampleRateHz / 2
	for i, l := range found {
		for _, k := range of {
			o := others[k]
			if goesOn(o, l) || goesOn(l, o) || o.start > l.end+farthest || l.start > o.end+farthest {
				continue
			}
			p, q := printAt(a.prints, l.first), printAt(b.prints, o.first)
			if p == nil || q == nil {
				twins[i].blind[k] = a.trusted && b.trusted
				continue
			}
			span := orchestrator.SampleSpan{Start: l.first, End: min(l.last, a.length)}
			least, most := o.first-span.End-margin, min(o.last, b.length)-l.first+margin
			if like := orchestrator.Compare(*p, span, *q, least, most); like.Laugh <= alikeThen {
				pairs = append(pairs, pair{i, k, like})
			}
		}
	}
	return pairs
}

// believe tells whether a pair is the same sound: because both clocks say so, too, or because the other laughs that both
// recordings should hold agree. A time that is a guess is no witness: then what lies around the laugh must sound alike.
func (sounds) believe(a, b sound, p pair, pairs []pair, found, others []laugh, of []int) bool {
	const samples = orchestrator.SampleRateHz / 1000
	later := b.begin + p.like.Lag/samples - a.begin // of the same sound, by the clocks
	trusted := a.trusted && b.trusted
	together := min(a.end(), b.end()) - max(a.begin, b.begin) // milliseconds for which both ran, by the clocks
	switch {
	case together <= joint:
		return false // one after the other: the same may sound twice
	case trusted && max(later, -later) <= sameClock:
		return true
	case p.like.Laugh > alike, max(later, -later) > farthest:
		return false
	case 2*together < min(a.end()-a.begin, b.end()-b.begin):
		return false
	}
	agree, mine, theirs := map[int]bool{}, 0, 0
	for _, other := range pairs {
		if d := other.like.Lag - p.like.Lag; max(d, -d) <= sameLag && other.like.Laugh <= alike {
			agree[other.found] = true
		}
	}
	for _, l := range found {
		if at := l.first + p.like.Lag; at >= 0 && at < b.length {
			mine++
		}
	}
	for _, k := range of {
		if at := others[k].first - p.like.Lag; at >= 0 && at < a.length {
			theirs++
		}
	}
	if float64(len(agree)) < agreement*float64(min(mine, theirs)) {
		return false
	}
	return p.like.Around <= alikeThen || trusted && len(agree) > 1
}

// printAt is the print that holds a sample, or nil.
func printAt(prints []orchestrator.SoundPrint, sample int64) *orchestrator.SoundPrint {
	for i := range prints {
		if prints[i].Holds(sample) {
			return &prints[i]
		}
	}
	return nil
}

// packPrints makes one value of prints; nil of nil.
func packPrints(prints []orchestrator.SoundPrint) []byte {
	if prints == nil {
		return nil
	}
	var data []byte
	for _, p := range prints {
		data = binary.AppendUvarint(data, uint64(p.First))
		data = binary.AppendUvarint(data, uint64(len(p.Steps)))
		data = append(data, p.Steps...)
	}
	return pack(data)
}

func unpackPrints(packed []byte) ([]orchestrator.SoundPrint, error) {
	if len(packed) == 0 {
		return nil, nil
	}
	data, err := unpack(packed)
	if err != nil {
		return nil, err
	}
	prints := []orchestrator.SoundPrint{}
	for len(data) > 0 {
		first, n := binary.Uvarint(data)
		if n <= 0 || first > 1<<62 {
			return nil, errPrints
		}
		data = data[n:]
		length, n := binary.Uvarint(data)
		if n <= 0 || length > uint64(len(data)-n) {
			return nil, errPrints
		}
		data = data[n:]
		prints = append(prints, orchestrator.SoundPrint{First: int64(first), Steps: data[:length:length]})
		data = data[length:]
	}
	return prints, nil
}

var errPrints = errors.New("the prints of a recording are damaged")

// saveCopies stores where else laughs were heard: what was known of this recording is replaced, and so is what was known
// of another recording's laugh that does not count any more.
func saveCopies(ctx context.Context, q querier, userID, recordingID, modelID int64, copies []laughCopy) error {
	_, err := q.exec(ctx, "DELETE FROM laugh_copies WHERE recording_id = ?1 AND model_id = ?2", recordingID, modelID)
	if err != nil {
		return err
	}
	var rows [][]any
	for _, c := range copies {
		rows = append(rows, []any{userID, c.of, c.recording, modelID, c.first, c.last, c.score, c.later})
	}
	return q.insert(ctx, "INSERT INTO laugh_copies (user_id, public_id, recording_id, model_id, first_sample, end_sample, score, later_ms)", rows)
}

// Copies are where else a laugh of one of the users was heard, the best first; none where there is no such laugh.
func (s *Store) Copies(ctx context.Context, userIDs []int64, laughID string) (copies []orchestrator.LaughCopy, err error) {
	if len(userIDs) == 0 {
		return nil, nil
	}
	var w where
	w.add("c.public_id = ?", laughID)
	in(&w, "c.user_id", userIDs)
	err = s.read(ctx, "list copies of laugh", func(ctx context.Context, q querier) error {
		copies = nil
		return q.each(ctx, `SELECT r.name, c.first_sample, c.score, c.later_ms FROM laugh_copies c
			JOIN recordings r ON r.id = c.recording_id`+w.String()+" ORDER BY c.score DESC, c.id", w.args, func(scan func(...any) error) error {
			var c orchestrator.LaughCopy
			var first, later int64
			err := scan(&c.Recording, &first, &c.Score, &later)
			c.Offset, c.Later = orchestrator.SamplesToDuration(first), time.Duration(later)*time.Millisecond
			copies = append(copies, c)
			return err
		})
	})
	return copies, err
}
