package service

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"syscall"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/document"
	"github.com/chortle-audio/chortle/orchestrator/settings"
	"github.com/chortle-audio/chortle/orchestrator/source/limitless"
)

// ArchiveRequest says what is downloaded, for keeps.
type ArchiveRequest struct {
	User orchestrator.User
	// From and To are the first and the last day in the user's zone; a zero To means yesterday.
	From, To orchestrator.Date
	// Dir is the folder of the archive, absolute; empty means one in the data folder.
	Dir string
	// KeepFree is how many bytes must stay free on the disk.
	KeepFree int64
}

// ArchiveProgress is how far a download is. Remaining is 0 where it is not known.
type ArchiveProgress struct {
	Done, Total, Files int
	Bytes              int64
	Remaining          time.Duration
}

// ErrIncomplete marks a result that lacks something that may be had later.
var ErrIncomplete = errors.New("incomplete")

// Archive downloads the original recordings of a user. It may be interrupted and started again. The document tells
// what was done, also where the error is not nil; an ErrIncomplete is one that passes.
func (s *Service) Archive(ctx context.Context, request ArchiveRequest, report func(ArchiveProgress)) (document.Archive, error) {
	user := request.User
	options, err := s.archiveOptions(request)
	if err != nil {
		return document.Archive{}, err
	}
	if !NeedsKey(user) {
		return document.Archive{}, invalid("user %s has recordings of their own already: the source is %s", user.Name, settings.Mask(user.Source))
	}
	if options.Client, err = s.limitlessClient(ctx, user); err != nil {
		return document.Archive{}, err
	}
	defer options.Client.Close()
	options.Progress = func(p limitless.ArchiveProgress) {
		report(ArchiveProgress{Done: p.Done, Total: p.Total, Files: p.Files, Bytes: p.Bytes, Remaining: p.Remaining})
	}
	progress, err := limitless.Archive(ctx, options)
	archived := document.Archive{User: user.Name, Folder: options.Dir, Windows: progress.Total, Files: progress.Files, Empty: progress.Empty,
		Skipped: progress.Skipped, Failed: progress.Failed, Bytes: progress.Bytes}
	if err == nil {
		return archived, nil
	}
	err = fmt.Errorf("archive recordings of user %s: %w", user.Name, err)
	if held := (*limitless.HeldError)(nil); errors.Is(err, limitless.ErrAway) || errors.As(err, &held) {
		err = &incompleteError{err}
	}
	return archived, err
}

// incompleteError is an error that is an ErrIncomplete, too.
type incompleteError struct{ error }

func (e *incompleteError) Unwrap() error        { return e.error }
func (e *incompleteError) Is(target error) bool { return target == ErrIncomplete }

// archiveOptions checks what is asked for; the client is still missing.
func (s *Service) archiveOptions(request ArchiveRequest) (options limitless.ArchiveOptions, err error) {
	location, err := request.User.Location()
	if err != nil {
		return options, err
	}
	if request.To == (orchestrator.Date{}) {
		request.To = orchestrator.Yesterday(s.Now(), location)
	}
	if request.Dir == "" {
		request.Dir = filepath.Join(s.userDir(request.User), "archive")
	}
	var days []orchestrator.Span
	for date := request.From; !request.To.Before(date); date = date.Add(1) {
		day := date.Span(location)
		if !day.Start.Before(s.Now()) {
			break
		}
		days = append(days, day)
	}
	if len(days) == 0 {
		return options, invalid("--from %s has not come yet, or not ended: then name it with --to, too", request.From)
	}
	sound, err := s.Audio()
	if err != nil {
		return options, err
	}
	return limitless.ArchiveOptions{User: request.User.Name, Dir: request.Dir, Days: days, Chunk: s.Config.LimitlessChunk, Length: lengthOf(sound),
		EmptyNights: s.Config.EmptyNights, KeepFree: request.KeepFree, Free: freeSpace, Now: s.Now}, nil
}

// freeSpace is how many bytes this user may still write where dir lies.
func freeSpace(dir string) (int64, error) {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(dir, &disk); err != nil {
		return 0, err
	}
	return int64(disk.Bavail) * int64(disk.Bsize), nil //nolint:unconvert // it is not 64 bits long everywhere
}
