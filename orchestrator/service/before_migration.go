package service

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/chortle-audio/chortle/internal/atomicfile"
	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/backup"
	"github.com/chortle-audio/chortle/orchestrator/store"
)

// migrationPrefix begins the names of what is kept of databases before they were migrated.
const migrationPrefix = "before-schema-"

// migrationDir is the folder for it.
func (s *Service) migrationDir() string { return filepath.Join(s.Config.DataDir, "backups") }

// beforeMigration keeps the database as it is before its schema changes: SQLite as a file of its own, Postgres as a backup
// without clips, which stay where they are. It returns the file; empty where the settings want none.
func (s *Service) beforeMigration(ctx context.Context, opened *store.Store, from, to int64) (path string, err error) {
	if s.Config.Backup.BeforeMigrations == 0 {
		return "", nil
	}
	dir := s.migrationDir()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	path = filepath.Join(dir, fmt.Sprintf("%s%d-%s", migrationPrefix, to, s.Now().UTC().Format(backupTime)))
	if database, local := strings.CutPrefix(s.Config.DatabaseURL, "sqlite:"); local {
		path += ".db"
		err = s.copyDatabase(ctx, opened, database, path)
	} else {
		path += backupSuffix
		var key backup.Key
		if key, err = s.backupKey(); err == nil {
			_, err = backup.Write(ctx, path, opened, withoutSound{}, key, s.Version, s.Now())
		}
	}
	if err != nil {
		return "", fmt.Errorf("%w; make room in %s, or let this user write there; without a copy: CHORTLE_MIGRATION_BACKUPS=0", err, dir)
	}
	s.Log.WithFields(fields{keyFile: path, "from": from, "to": to}).Info("kept the database as it is before its schema changes")
	return path, s.dropMigrationBackups(path)
}

// copyDatabase writes a SQLite database into a new file, durably and as a whole or not at all.
func (s *Service) copyDatabase(ctx context.Context, opened *store.Store, database, path string) error {
	var size int64
	for _, end := range []string{"", "-wal"} {
		if info, err := os.Stat(database + end); err == nil {
			size += info.Size()
		}
	}
	if _, free, err := diskSpace(filepath.Dir(path)); err == nil && free < size+size/8 {
		return fmt.Errorf("copy database: %w: it takes up to %d MB, and %d MB are free", syscall.ENOSPC, size/1e6, free/1e6)
	}
	partial := path + ".partial"
	file, err := os.OpenFile(partial, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600) // for this user's eyes only: SQLite takes an empty file
	if err == nil {
		err = file.Close()
	}
	if err == nil {
		if err = opened.CopyInto(ctx, partial); err == nil {
			err = atomicfile.Rename(partial, path)
		}
	}
	if err != nil {
		return errors.Join(err, os.Remove(partial))
	}
	return nil
}

// dropMigrationBackups keeps the newest: the one that was just made, whatever the clock says, and those before it.
func (s *Service) dropMigrationBackups(made string) error {
	type kept struct {
		path string
		info os.FileInfo
	}
	var all []kept
	entries, err := os.ReadDir(s.migrationDir())
	if err != nil {
		return err
	}
	for _, entry := range entries {
		path := filepath.Join(s.migrationDir(), entry.Name())
		if info, err := entry.Info(); err == nil && strings.HasPrefix(entry.Name(), migrationPrefix) && path != made && info.Mode().IsRegular() {
			all = append(all, kept{path, info})
		}
	}
	slices.SortFunc(all, func(a, b kept) int {
		return cmp.Or(b.info.ModTime().Compare(a.info.ModTime()), cmp.Compare(b.path, a.path))
	})
	for _, old := range all[min(len(all), s.Config.Backup.BeforeMigrations-1):] {
		err = errors.Join(err, os.Remove(old.path))
	}
	return err
}

// forgetCopies deletes what is kept of the database elsewhere in the data folder: whoever is purged is in it.
func (s *Service) forgetCopies() error {
	entries, err := os.ReadDir(s.migrationDir())
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), migrationPrefix) {
			err = errors.Join(err, os.RemoveAll(filepath.Join(s.migrationDir(), entry.Name()))) // also the locks of whoever opened it
		}
	}
	return errors.Join(err, os.RemoveAll(s.outgoingDir()))
}

// withoutSound are the clips of a backup that has none: it is of the rows alone.
type withoutSound struct{}

// errNoSound is what withoutSound cannot do: a backup only opens clips.
var errNoSound = errors.New("this backup has no clips")

// Put implements orchestrator.Clips.
func (withoutSound) Put(context.Context, string, []byte) error { return errNoSound }

// Open implements orchestrator.Clips.
func (withoutSound) Open(context.Context, string) (io.ReadSeekCloser, orchestrator.ClipInfo, error) {
	return nil, orchestrator.ClipInfo{}, orchestrator.ErrNotFound
}

// Delete implements orchestrator.Clips.
func (withoutSound) Delete(context.Context, string) error { return errNoSound }

// Keys implements orchestrator.Clips.
func (withoutSound) Keys(context.Context, string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) { yield("", errNoSound) }
}
