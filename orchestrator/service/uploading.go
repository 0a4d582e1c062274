package service

import (
	"context"
	"encoding/hex"
	"io"
	"path/filepath"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/service/uploads"
	"github.com/chortle-audio/chortle/orchestrator/source/folder"
)

// Spool returns what a user's devices send.
func (s *Service) Spool(user orchestrator.User) *uploads.Spool {
	return &uploads.Spool{Dir: s.ReceivedDir(user), Quota: s.Config.Page.UploadQuota, Reads: folder.Reads, Free: freeSpace, Now: s.Now}
}

// Upload takes in a piece of a recording of a user's, or all of it: see uploads.Spool.Receive. A recording that was read
// already, as its hash tells, is complete without being sent again.
func (s *Service) Upload(ctx context.Context, user orchestrator.User, piece uploads.Piece, body io.Reader) (uploads.State, error) {
	spool := s.Spool(user)
	if err := spool.CheckName(piece.Name); err != nil {
		return uploads.State{}, err
	}
	if piece.SHA256 != nil && !user.KeepOriginals {
		opened, err := s.Store(ctx)
		if err != nil {
			return uploads.State{}, err
		}
		known, err := opened.FindRecording(ctx, user.ID, orchestrator.Recording{Name: piece.Name, SHA256: hex.EncodeToString(piece.SHA256)})
		if err != nil {
			return uploads.State{}, err
		}
		if known.Done {
			return uploads.State{Name: piece.Name, Offset: piece.Total, Total: piece.Total, At: s.Now(), Again: true}, nil
		}
	}
	return spool.Receive(ctx, piece, body)
}

// UploadState says how far an upload is.
func (s *Service) UploadState(_ context.Context, user orchestrator.User, name string) (uploads.State, error) {
	return s.Spool(user).State(name)
}

// RemoveUpload takes back a recording that was not read yet.
func (s *Service) RemoveUpload(_ context.Context, user orchestrator.User, name string) error {
	return s.Spool(user).Remove(name)
}

// Waiting returns what a user's devices sent that was not read yet, how much it is with what is under way, and how much it
// may be, in bytes.
func (s *Service) Waiting(_ context.Context, user orchestrator.User) (list []uploads.State, used, quota int64, err error) {
	spool := s.Spool(user)
	if list, err = spool.List(); err != nil {
		return nil, 0, 0, err
	}
	used, err = spool.Used()
	return list, used, spool.Quota, err
}

// DayOfUpload returns the day to which a recording that waits to be read belongs, in the user's zone.
// orchestrator.ErrNotFound where it is not there, or tells no time.
func (s *Service) DayOfUpload(ctx context.Context, user orchestrator.User, name string) (orchestrator.Date, error) {
	location, err := user.Location()
	if err != nil {
		return orchestrator.Date{}, err
	}
	sound, err := s.Audio()
	if err != nil {
		return orchestrator.Date{}, err
	}
	sent, err := (&sources{Service: s, audio: sound, dryRun: true}).received(user)
	if err != nil {
		return orchestrator.Date{}, err
	}
	for rec, err := range sent.All(ctx) {
		if err != nil {
			return orchestrator.Date{}, err
		}
		if filepath.Base(rec.Path) != name {
			continue
		}
		if rec.Start.IsZero() {
			if rec, err = sent.Place(ctx, rec); err != nil {
				return orchestrator.Date{}, err
			}
		}
		if !rec.Start.IsZero() {
			return orchestrator.DayIn(rec.Start, location), nil
		}
	}
	return orchestrator.Date{}, orchestrator.ErrNotFound
}

// Stream takes in a piece of a stream of a user's: see uploads.Spool.Stream.
func (s *Service) Stream(ctx context.Context, user orchestrator.User, who string, rate int, piece []byte) error {
	return s.Spool(user).Stream(ctx, who, rate, piece)
}

// TidyUploads gives streams that have ended their names, of all users.
func (s *Service) TidyUploads(ctx context.Context) error {
	users, err := s.Users(ctx)
	for _, user := range users {
		if tidyErr := s.Spool(user).Tidy(); tidyErr != nil {
			s.Log.WithError(tidyErr).WithField(keyUser, user.Name).Warn("tidy up what devices send")
		}
	}
	return err
}
