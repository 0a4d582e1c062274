package service

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/backup"
	"github.com/chortle-audio/chortle/orchestrator/document"
)

const (
	backupPrefix, backupSuffix = "chortle-", ".tar"
	backupTime                 = "20060102T150405Z"
)

// What a document says of who wrote a backup.
const (
	OriginKnown     = string(backup.OriginKnown)
	OriginUnmarked  = string(backup.OriginUnmarked)
	OriginOtherKey  = string(backup.OriginOtherKey)
	OriginUnchecked = string(backup.OriginUnchecked)
)

// BackUp writes database and clips into one file, a consistent snapshot, and reads it back. Where path is a folder,
// the file is named after the time, and all but the newest keep backups there are deleted afterwards (0: none). A
// *LockedError while a run is under way. With keep, a folder that is not there is made. A file that is no backup is
// replaced only with overwrite.
func (s *Service) BackUp(ctx context.Context, path string, keep int, overwrite bool) (document.Backup, error) {
	folder := ""
	if _, err := os.Stat(path); keep > 0 && errors.Is(err, fs.ErrNotExist) && filepath.Ext(path) != backupSuffix { // only a folder has older backups
		if err := guardOwner(path, os.Geteuid()); err != nil {
			return document.Backup{}, err
		}
		if err := os.MkdirAll(path, 0o700); err != nil {
			return document.Backup{}, fmt.Errorf("make folder for backups: %w", err)
		}
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		folder = path
		path = filepath.Join(folder, backupPrefix+s.Now().UTC().Format(backupTime)+backupSuffix)
	} else if keep > 0 {
		return document.Backup{}, invalid("--keep needs a folder, but %s is a file", path)
	} else if err == nil && !overwrite && !backup.IsBackup(path) {
		return document.Backup{}, invalid("%s exists and is not a backup of Chortle: choose another name, or add --force to overwrite it", path)
	}
	release, err := s.lockAlone(ctx)
	if err != nil {
		return document.Backup{}, err
	}
	defer release()
	note := orchestrator.BackupNote{StartedAt: s.Now().UTC(), Place: filepath.Dir(path), Name: filepath.Base(path)}
	made, err := s.writeBackup(ctx, path)
	if err != nil {
		return document.Backup{}, err
	}
	note.FinishedAt, note.Bytes = s.Now().UTC(), made.Bytes
	if err := s.noteBackup(ctx, note); err != nil {
		return document.Backup{}, err
	}
	if keep > 0 {
		if err := s.dropOldBackups(folder, filepath.Base(path), keep); err != nil {
			return document.Backup{}, err
		}
	}
	return made, nil
}

// writeBackup writes database and clips into a file and reads it back, under locks that the caller holds.
func (s *Service) writeBackup(ctx context.Context, path string) (document.Backup, error) {
	opened, err := s.Store(ctx)
	if err != nil {
		return document.Backup{}, err
	}
	kept, err := s.Clips(ctx)
	if err != nil {
		return document.Backup{}, err
	}
	key, err := s.backupKey()
	if err != nil {
		return document.Backup{}, err
	}
	contents, err := backup.Write(ctx, path, opened, kept, key, s.Version, s.Now())
	if err != nil {
		return document.Backup{}, err
	}
	return backupOf(path, contents)
}

func (s *Service) noteBackup(ctx context.Context, note orchestrator.BackupNote) error {
	opened, err := s.Store(ctx)
	if err != nil {
		return err
	}
	return opened.NoteBackup(ctx, note)
}

// backupKey marks backups and knows them again; its zero value where there is no secret key.
func (s *Service) backupKey() (backup.Key, error) {
	v, err := s.vault()
	if err != nil {
		return backup.Key{}, err
	}
	return backup.Key{ID: v.KeyID(), Secret: v.Derive("backup")}, nil
}

func backupOf(path string, contents backup.Contents) (document.Backup, error) {
	info, err := os.Stat(path)
	if err != nil {
		return document.Backup{}, fmt.Errorf("look at backup: %w", err)
	}
	count, bytes := contents.Clips()
	return document.Backup{File: path, Bytes: info.Size(), CreatedAt: document.Stamp(contents.CreatedAt), Schema: contents.Schema, Tables: contents.Tables,
		Clips:  document.BackupClips{Count: count, Bytes: bytes, Missing: append([]string{}, contents.Missing...)},
		Origin: string(contents.Origin), Key: contents.KeyID, Users: usersOf(contents.Users)}, nil
}

func usersOf(users []backup.User) []document.BackupUser {
	documents := []document.BackupUser{}
	for _, u := range users {
		documents = append(documents, document.BackupUser{User: u.Name, Source: u.Source, Model: u.Model})
	}
	return documents
}

// dropOldBackups deletes all but the newest backups that a folder has. The one that was just written is never deleted,
// and those whose names lie in the future, of a clock that was ahead, are neither counted nor deleted.
func (s *Service) dropOldBackups(folder, written string, keep int) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return fmt.Errorf("drop old backups: %w", err)
	}
	var names []string
	for _, entry := range entries {
		moment, isOurs := strings.CutPrefix(strings.TrimSuffix(entry.Name(), backupSuffix), backupPrefix)
		at, err := time.Parse(backupTime, moment)
		switch {
		case !isOurs || err != nil || !entry.Type().IsRegular() || entry.Name() == written:
		case at.After(s.Now()):
			s.Log.WithField("file", filepath.Join(folder, entry.Name())).Warn("a backup has a time in the future and is not counted; delete it yourself")
		default:
			names = append(names, entry.Name())
		}
	}
	slices.Sort(names) // by their time
	for _, name := range names[:max(0, len(names)-keep+1)] {
		err = errors.Join(err, os.Remove(filepath.Join(folder, name)))
	}
	return err
}

// VerifyBackup compares a backup with its hashes and its mark, and says what it holds. It needs no database.
func (s *Service) VerifyBackup(ctx context.Context, path string) (document.Restore, error) {
	key, err := s.backupKey()
	if err != nil {
		return document.Restore{}, err
	}
	contents, err := backup.Verify(ctx, path, key)
	if err != nil {
		return document.Restore{}, err
	}
	described, err := backupOf(path, contents)
	return document.Restore{Backup: described, DryRun: true, Restored: map[string]int64{}, LeftOut: []document.BackupUser{}}, err
}

// RestoreRequest says how a backup is restored. Its zero value believes nobody.
type RestoreRequest struct {
	// Replace deletes first what the database has; without it, it must be empty.
	Replace bool
	// Unauthenticated restores a backup that the secret key did not write.
	Unauthenticated bool
	// AcceptCommands restores the model commands of users also from such a backup.
	AcceptCommands bool
}

// Restore brings database and clips back from a backup, all of it or nothing. Users who were purged since do not come
// back. From a backup that this secret key did not write, the model command of a user comes back only if it is the one
// that the user has now, or the request accepts all. A *LockedError while a run is under way.
func (s *Service) Restore(ctx context.Context, path string, request RestoreRequest) (document.Restore, error) {
	release, err := s.lockAlone(ctx)
	if err != nil {
		return document.Restore{}, err
	}
	defer release()
	opened, err := s.Store(ctx)
	if err != nil {
		return document.Restore{}, err
	}
	kept, err := s.Clips(ctx)
	if err != nil {
		return document.Restore{}, err
	}
	key, err := s.backupKey()
	if err != nil {
		return document.Restore{}, err
	}
	users, err := opened.Users(ctx)
	if err != nil {
		return document.Restore{}, err
	}
	restored, contents, err := backup.Restore(ctx, path, opened, kept, backup.Options{
		Key: key, Replace: request.Replace, Anybody: request.Unauthenticated,
		Confirmed: func(b backup.User) bool {
			return request.AcceptCommands || slices.ContainsFunc(users, func(u orchestrator.User) bool { return u.Name == b.Name && u.Model == b.Model })
		},
	})
	if err != nil {
		return document.Restore{}, err
	}
	described, err := backupOf(path, contents)
	if restored.Rows == nil {
		restored.Rows = map[string]int64{}
	}
	return document.Restore{Backup: described, Restored: restored.Rows, Clips: restored.Clips, Purged: restored.Purged, LeftOut: usersOf(restored.LeftOut)}, err
}
