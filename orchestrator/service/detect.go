package service

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/detect"
	"github.com/chortle-audio/chortle/orchestrator/document"
)

// DetectRequest says in which files laughs are looked for.
type DetectRequest struct {
	Paths []string
	// Measure estimates each file's length before it is read, for Observe.
	Measure bool
	// Observe gets an event when a file begins and one after each chunk; nil means nobody listens.
	Observe func(orchestrator.Event)
	// Done gets each file when it was read, or could not be; err is then why. A damaged file has an error and laughs.
	Done func(file document.Detected, err error)
}

// Detect finds the laughs in audio files, one after another with one model. It needs no user and no database. failed
// counts the files that could not be read; one that is damaged is not among them. The error is one that ends it all.
func (s *Service) Detect(ctx context.Context, request DetectRequest) (found document.Detection, failed int, err error) {
	sound, err := s.Audio()
	if err != nil {
		return found, 0, err
	}
	spawner, err := s.Spawner(s.Config.Inferd)
	if err != nil {
		return found, 0, err
	}
	process, err := spawner.Spawn(ctx)
	if err != nil {
		return found, 0, fmt.Errorf("start model: %w", err)
	}
	defer func() { process.Stop() }()

	found = document.Detection{Model: document.OfModel(process.Model()), Threshold: s.Config.Threshold, Files: []document.Detected{}}
	for _, path := range request.Paths {
		file, err := s.detectFile(ctx, sound, process, path, request)
		if ctx.Err() != nil {
			return found, failed, ctx.Err()
		}
		damage := (*orchestrator.DamageError)(nil)
		if err != nil {
			file.Error = err.Error()
			if !errors.As(err, &damage) {
				failed++
			}
		}
		found.Files = append(found.Files, file)
		if request.Done != nil {
			request.Done(file, err)
		}
		// A model that ended, or broke its contract, costs the file that did it and no other.
		if exit := (*orchestrator.ExitError)(nil); errors.As(err, &exit) || errors.Is(err, orchestrator.ErrBadPlugin) {
			process.Stop()
			next, err := spawner.Spawn(ctx)
			if err != nil {
				return found, failed, fmt.Errorf("start model again: %w", err)
			}
			process = next
		}
	}
	return found, failed, nil
}

// detectFile finds the laughs of a file; of one that is damaged, it returns them with the DamageError.
func (s *Service) detectFile(ctx context.Context, sound orchestrator.Audio, process orchestrator.Process, path string, request DetectRequest) (document.Detected, error) {
	file := document.Detected{File: path, Laughs: []document.Found{}}
	began := s.Now()
	info, err := os.Stat(path)
	if err != nil {
		return file, err
	}
	rec := orchestrator.Recording{Path: path, Name: path, Start: info.ModTime(), Size: info.Size(), ModTime: info.ModTime()}
	event := orchestrator.Event{Kind: orchestrator.EventRecording, Recording: path}
	if request.Measure {
		event.Length = sound.Length(ctx, rec)
	}
	observe := request.Observe
	if observe == nil {
		observe = func(orchestrator.Event) {}
	}
	observe(event)
	event.Kind = orchestrator.EventProgress

	model := process.Model()
	scores := orchestrator.Scores{Classes: model.Laughter, Window: model.Window, Hop: model.Hop}
	var length int64
	var damage *orchestrator.DamageError
	chunks := iter.Seq2[orchestrator.Chunk, error](func(yield func(orchestrator.Chunk, error) bool) {
		for chunk, err := range sound.Decode(ctx, rec) {
			if errors.As(err, &damage) {
				return // all that there is was read
			}
			if err == nil {
				length = chunk.Offset + int64(len(chunk.Samples))
			}
			if !yield(chunk, err) || err != nil {
				return
			}
			event.Position = length
			observe(event)
		}
	})
	for frame, err := range process.Classify(ctx, chunks) {
		if err == nil {
			err = scores.Add(frame)
		}
		if err != nil {
			return file, err
		}
	}
	if length == 0 {
		return file, fmt.Errorf("%w: there is no sound in it", orchestrator.ErrBadRecording)
	}
	scores.Close(length)
	policy, err := s.Config.Policy().Base()
	if err != nil {
		return file, err
	}
	for _, laugh := range detect.Laughs(scores, policy) {
		file.Laughs = append(file.Laughs, document.OfFound(laugh, model.Laughter))
	}
	file.AudioSeconds = document.Seconds(orchestrator.SamplesToDuration(length))
	file.Seconds = document.Seconds(s.Now().Sub(began))
	if damage != nil {
		return file, damage
	}
	return file, nil
}
