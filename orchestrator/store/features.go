package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/chortle-audio/chortle/orchestrator"
)

// packedScores are the scores of a recording as they are stored, compressed.
type packedScores struct {
	data     []byte
	features []byte // nil where the scores are bytes, and nothing else was asked for
}

// featuresHead stands in front of the bytes of what else was heard, in one line. Those go class by class and not
// frame by frame, so that they take less.
type featuresHead struct {
	Step      float64                 `json:"step,omitempty"` // of the scores
	Classes   []string                `json:"classes,omitempty"`
	HeardStep float64                 `json:"heard_step,omitempty"`
	Runs      []orchestrator.FrameRun `json:"runs,omitempty"`
}

func packScores(s orchestrator.Scores) packedScores {
	packed := packedScores{data: pack(s.Data)}
	if s.Step == 0 && len(s.Heard.Classes) == 0 {
		return packed
	}
	head := featuresHead{Step: s.Step, Classes: s.Heard.Classes, HeardStep: s.Heard.Step, Runs: s.Heard.Runs}
	packed.features = pack(fmt.Appendf(nil, "%s\n%s", asJSON(head), turned(s.Heard.Data, len(s.Heard.Classes))))
	return packed
}

// unpack fills in what packScores took.
func (p packedScores) unpack(s *orchestrator.Scores) (err error) {
	if s.Data, err = unpack(p.data); err != nil || len(p.features) == 0 {
		return err
	}
	raw, err := unpack(p.features)
	if err != nil {
		return err
	}
	line, data, _ := bytes.Cut(raw, []byte("\n"))
	var head featuresHead
	if err := json.Unmarshal(line, &head); err != nil {
		return fmt.Errorf("features: %w", err)
	}
	frames, next := 0, 0
	for _, run := range head.Runs {
		if run.First < next || run.Frames < 1 || run.Frames > len(data) {
			return errors.New("features: runs out of order")
		}
		frames, next = frames+run.Frames, run.First+run.Frames
	}
	if len(data) != frames*len(head.Classes) {
		return fmt.Errorf("features: %d bytes of %d frames and %d classes", len(data), frames, len(head.Classes))
	}
	s.Step = head.Step
	s.Heard = orchestrator.Sounds{Classes: head.Classes, Step: head.HeardStep, Runs: head.Runs, Data: turned(data, frames)}
	return nil
}

// turned makes columns of rows of n bytes each.
func turned(data []byte, n int) []byte {
	if n == 0 {
		return nil
	}
	out := make([]byte, len(data))
	rows := len(data) / n
	for i, v := range data {
		out[i%n*rows+i/n] = v
	}
	return out
}
