package service

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/chortle-audio/chortle/orchestrator/backup"
	"github.com/chortle-audio/chortle/orchestrator/document"
)

const (
	backupPrefix, backupSuffix = "chortle-", ".tar"
	backupTime                 = "20060102T150405Z"
)

// BackUp writes database and clips into one file, a consistent snapshot, and reads it back. Where path is a folder,
// the file is named after the time, and all but the newest keep backups there are deleted afterwards (0: none). A
// *LockedError while a run is under way.
func (s *Service) BackUp(ctx context.Context, path string, keep int) (document.Backup, error) {
	folder := ""
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		folder = path
		path = filepath.Join(folder, backupPrefix+s.Now().UTC().Format(backupTime)+backupSuffix)
	} else if keep > 0 {
		return document.Backup{}, invalid("only a folder has older backups to delete, and %s is none", path)
	}
	release, err := s.lockAlone(ctx)
	if err != nil {
		return document.Backup{}, err
	}
	defer release()
	opened, err := s.Store(ctx)
	if err != nil {
		return document.Backup{}, err
	}
	kept, err := s.Clips(ctx)
	if err != nil {
		return document.Backup{}, err
	}
	manifest, err := backup.Write(ctx, path, opened, kept, s.Version, s.Now())
	if err != nil {
		return document.Backup{}, err
	}
	if keep > 0 {
		if err := dropOldBackups(folder, keep); err != nil {
			return document.Backup{}, err
		}
	}
	return backupOf(path, manifest)
}

func backupOf(path string, manifest backup.Manifest) (document.Backup, error) {
	info, err := os.Stat(path)
	if err != nil {
		return document.Backup{}, fmt.Errorf("look at backup: %w", err)
	}
	count, bytes := manifest.Clips()
	return document.Backup{File: path, Bytes: info.Size(), CreatedAt: document.Stamp(manifest.CreatedAt), Schema: manifest.Schema, Tables: manifest.Tables,
		Clips: document.BackupClips{Count: count, Bytes: bytes, Missing: append([]string{}, manifest.Missing...)}}, nil
}

// dropOldBackups deletes all but the newest backups that a folder has.
func dropOldBackups(folder string, keep int) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return fmt.Errorf("drop old backups: %w", err)
	}
	var names []string
	for _, entry := range entries {
		moment, isOurs := strings.CutPrefix(strings.TrimSuffix(entry.Name(), backupSuffix), backupPrefix)
		if _, err := time.Parse(backupTime, moment); isOurs && err == nil && entry.Type().IsRegular() {
			names = append(names, entry.Name())
		}
	}
	slices.Sort(names) // by their time
	for _, name := range names[:max(0, len(names)-keep)] {
		err = errors.Join(err, os.Remove(filepath.Join(folder, name)))
	}
	return err
}

// VerifyBackup compares a backup with its hashes, and says what it holds. It needs no database.
func (s *Service) VerifyBackup(ctx context.Context, path string) (document.Restore, error) {
	manifest, err := backup.Verify(ctx, path)
	if err != nil {
		return document.Restore{}, err
	}
	described, err := backupOf(path, manifest)
	return document.Restore{Backup: described, DryRun: true, Restored: map[string]int64{}}, err
}

// Restore brings database and clips back from a backup, all of it or nothing. The database must be empty; with
// replace, what it has is deleted first. Users who were purged since do not come back. A *LockedError while a run is
// under way.
func (s *Service) Restore(ctx context.Context, path string, replace bool) (document.Restore, error) {
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
	restored, manifest, err := backup.Restore(ctx, path, opened, kept, replace)
	if err != nil {
		return document.Restore{}, err
	}
	described, err := backupOf(path, manifest)
	if restored.Rows == nil {
		restored.Rows = map[string]int64{}
	}
	return document.Restore{Backup: described, Restored: restored.Rows, Clips: restored.Clips, Purged: restored.Purged}, err
}
