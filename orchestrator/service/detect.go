package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/detect"
	"github.com/chortle-audio/chortle/orchestrator/document"
)

// DetectRequest says in which files laughs are looked for.
type DetectRequest struct {
	// Paths of files; "-" is Input.
	Paths []string
	// Input is read where a path is "-": to its end, into a file of its own that is deleted afterwards.
	Input io.Reader
	// Maybe wants laughs that are not sure, too.
	Maybe bool
	// Observe gets the events of a Listener; nil means nobody listens.
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
	spawner, err := s.Spawner(s.Config.Model)
	if err != nil {
		return found, 0, err
	}
	listener := orchestrator.Listener{Audio: sound, Spawner: func() (orchestrator.Spawner, error) { return spawner, nil }, Now: s.Now, Observe: request.Observe}
	defer listener.Stop()
	model, err := listener.Start(ctx)
	if err != nil {
		return found, 0, err
	}
	policy, err := s.Config.Policy().Base()
	if err != nil {
		return found, 0, err
	}
	found = document.Detection{Model: document.OfModel(model), Policy: policy.ID(), Files: []document.Detected{}}
	if thresholds, ok := policy.Of(orchestrator.AnyClass); ok {
		found.Threshold = thresholds.Sure
	}
	for _, path := range request.Paths {
		file, err := s.detectPath(ctx, &listener, policy, request, path)
		if ctx.Err() != nil {
			return found, failed, ctx.Err()
		}
		if errors.Is(err, orchestrator.ErrModelStart) {
			return found, failed, err
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
	}
	return found, failed, nil
}

// detectPath is detectFile for a path as a person names it.
func (s *Service) detectPath(ctx context.Context, listener *orchestrator.Listener, policy orchestrator.Policy, request DetectRequest, path string) (document.Detected, error) {
	if path != "-" || request.Input == nil {
		return s.detectFile(ctx, listener, policy, request.Maybe, path)
	}
	spooled, err := spool(ctx, request.Input)
	if spooled != "" {
		defer os.Remove(spooled)
	}
	file := document.Detected{File: path, Laughs: []document.Found{}, Notes: []document.RecordingNote{}}
	if err != nil {
		return file, fmt.Errorf("read standard input: %w", err)
	}
	file, err = s.detectFile(ctx, listener, policy, request.Maybe, spooled)
	file.File = path
	return file, err
}

// spool copies a stream into a file, whose path it returns also with an error: most containers are read back and forth.
func spool(ctx context.Context, from io.Reader) (path string, err error) {
	file, err := os.CreateTemp("", "chortle-detect-*")
	if err != nil {
		return "", err
	}
	stop := context.AfterFunc(ctx, func() { _ = file.Close() })
	defer stop()
	_, err = io.Copy(file, from)
	if ctx.Err() != nil {
		return file.Name(), ctx.Err()
	}
	return file.Name(), errors.Join(err, file.Close())
}

// detectFile finds the laughs of a file; of one that is damaged, it returns them with the DamageError.
func (s *Service) detectFile(ctx context.Context, listener *orchestrator.Listener, policy orchestrator.Policy, maybe bool, path string) (document.Detected, error) {
	file := document.Detected{File: path, Laughs: []document.Found{}, Notes: []document.RecordingNote{}}
	began := s.Now()
	info, err := os.Stat(path)
	if err != nil {
		return file, err
	}
	heard, err := listener.Listen(ctx, orchestrator.Recording{Path: path, Name: path, Start: info.ModTime(), Size: info.Size(), ModTime: info.ModTime()})
	if err != nil {
		return file, err
	}
	laughs := detect.Laughs(heard.Scores, policy)
	if !maybe {
		laughs = detect.Sure(laughs)
	}
	for _, laugh := range laughs {
		file.Laughs = append(file.Laughs, document.OfFound(laugh, heard.Model.Laughter))
	}
	file.AudioSeconds = document.Seconds(orchestrator.SamplesToDuration(heard.Scores.Length))
	file.Seconds = document.Seconds(s.Now().Sub(began))
	for _, note := range heard.Notes {
		file.Notes = append(file.Notes, document.OfNotes([]orchestrator.RecordingNote{{Recording: path, Note: note}})...)
	}
	if heard.Damage != nil {
		return file, heard.Damage
	}
	return file, nil
}
