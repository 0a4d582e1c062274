package service

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/document"
	"github.com/chortle-audio/chortle/orchestrator/settings"
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
	// Verify reads every file of the archive back afterwards.
	Verify bool
}

// ArchivableUsers are those whose recordings are nobody's own until they are archived, in the order of their priority.
func (s *Service) ArchivableUsers(ctx context.Context) ([]orchestrator.User, error) {
	users, err := s.Users(ctx)
	if err != nil {
		return nil, err
	}
	users = slices.DeleteFunc(users, func(u orchestrator.User) bool {
		kind, _, err := kindOf(u)
		return err != nil || kind.archive == nil
	})
	slices.SortStableFunc(users, func(a, b orchestrator.User) int { return cmp.Compare(a.Priority, b.Priority) })
	return users, nil
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
	kind, _, err := kindOf(request.User)
	switch {
	case err != nil:
		return document.Archive{}, err
	case kind.archive == nil:
		return document.Archive{}, invalid("user %s has recordings of their own already: the source is %s", request.User.Name, settings.Mask(request.User.Source))
	}
	days, err := s.archiveDays(request)
	if err != nil {
		return document.Archive{}, err
	}
	if request.Dir == "" {
		request.Dir = filepath.Join(s.userDir(request.User), "archive")
	}
	archived, err := kind.archive(ctx, s, archiveRequest{request, days, report})
	if err != nil && archived.Folder != "" {
		err = fmt.Errorf("archive recordings of user %s: %w", request.User.Name, err)
	}
	return archived, err
}

// archiveRequest is an ArchiveRequest that was checked.
type archiveRequest struct {
	ArchiveRequest
	days   []orchestrator.Span
	report func(ArchiveProgress)
}

// incompleteError is an error that is an ErrIncomplete, too.
type incompleteError struct{ error }

func (e *incompleteError) Unwrap() error        { return e.error }
func (e *incompleteError) Is(target error) bool { return target == ErrIncomplete }

// archiveDays are the days that are asked for and have begun.
func (s *Service) archiveDays(request ArchiveRequest) (days []orchestrator.Span, err error) {
	location, err := request.User.Location()
	if err != nil {
		return nil, err
	}
	if request.To == (orchestrator.Date{}) {
		request.To = orchestrator.Yesterday(s.Now(), location)
	}
	for date := request.From; !request.To.Before(date); date = date.Add(1) {
		day := date.Span(location)
		if !day.Start.Before(s.Now()) {
			break
		}
		days = append(days, day)
	}
	if len(days) == 0 {
		return nil, invalidCode(orchestrator.CodeDayNotOver, "%s has not come yet, or not ended", request.From)
	}
	return days, nil
}

// freeSpace is how many bytes this user may still write where dir lies.
func freeSpace(dir string) (int64, error) {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(dir, &disk); err != nil {
		return 0, err
	}
	return int64(disk.Bavail) * int64(disk.Bsize), nil //nolint:unconvert // it is not 64 bits long everywhere
}
