package service

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/backup/rclone"
	"github.com/chortle-audio/chortle/orchestrator/document"
	"github.com/chortle-audio/chortle/orchestrator/health"
	"github.com/chortle-audio/chortle/orchestrator/settings"
)

// autoPrefix begins the names of automatic backups: rotation looks at no other files.
const autoPrefix = "chortle-auto-"

// backupPlace keeps backups.
type backupPlace interface {
	// Put copies a file there under a name, and makes sure that it is there as it was.
	Put(ctx context.Context, file, name string) error
	// Names lists the files there.
	Names(ctx context.Context) ([]string, error)
	// Delete removes one of them.
	Delete(ctx context.Context, name string) error
}

// backupKind is a kind of place for automatic backups.
type backupKind struct {
	scheme string
	// folder says that what stands behind the scheme is a folder of this machine, into which backups are written at once.
	folder bool
	open   func(s *Service, rest string) (backupPlace, error)
}

// backupKinds are all kinds of places for automatic backups: a new one is an entry here.
var backupKinds = []backupKind{
	{scheme: "folder", folder: true, open: func(_ *Service, rest string) (backupPlace, error) { return backupFolder(rest), nil }},
	{scheme: "rclone", open: func(s *Service, rest string) (backupPlace, error) {
		if s.Config.Backup.Rclone == "" {
			return nil, orchestrator.WithCode(errors.New("find rclone: it is not installed"), orchestrator.CodeRcloneMissing)
		}
		return &rclone.Remote{Program: s.Config.Backup.Rclone, Address: rest, Env: s.Config.Backup.RcloneEnv}, nil
	}},
}

// backupFolder keeps backups in a folder of this machine.
type backupFolder string

// Put implements backupPlace: the backup was written there, and read back.
func (f backupFolder) Put(context.Context, string, string) error { return nil }

// Names implements backupPlace.
func (f backupFolder) Names(context.Context) (names []string, err error) {
	entries, err := os.ReadDir(string(f))
	for _, entry := range entries {
		if entry.Type().IsRegular() {
			names = append(names, entry.Name())
		}
	}
	return names, err
}

// Delete implements backupPlace.
func (f backupFolder) Delete(_ context.Context, name string) error {
	return os.Remove(filepath.Join(string(f), name))
}

// openBackupPlace opens the place that the settings name; dir is the folder into which a backup is written.
func (s *Service) openBackupPlace() (place backupPlace, dir string, err error) {
	scheme, rest, _ := strings.Cut(s.Config.Backup.To, ":")
	i := slices.IndexFunc(backupKinds, func(k backupKind) bool { return k.scheme == scheme })
	if i < 0 {
		return nil, "", invalid("no place for backups is set")
	}
	if place, err = backupKinds[i].open(s, rest); err != nil {
		return nil, "", err
	}
	dir = rest
	if !backupKinds[i].folder {
		dir = s.outgoingDir()
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, "", orchestrator.WithCode(fmt.Errorf("make backup folder: %w", err), orchestrator.CodeFolderUnwritable, "setting", "CHORTLE_BACKUP_TO")
	}
	return place, dir, nil
}

// outgoingDir is the folder for backups on their way to a remote.
func (s *Service) outgoingDir() string { return filepath.Join(s.Config.DataDir, "outgoing") }

// backupPlaceName is where automatic backups lie, for people: a path, or an address.
func (s *Service) backupPlaceName() string {
	if path, ok := strings.CutPrefix(s.Config.Backup.To, "folder:"); ok {
		return path
	}
	return settings.Mask(s.Config.Backup.To)
}

// BackUpThere backs up to the place that the settings name, reads the backup back, notes it, and deletes those that are not
// kept any longer. An *InvalidError where the settings name none; a *LockedError while a run is under way.
func (s *Service) BackUpThere(ctx context.Context) (document.Backup, error) {
	if s.Config.Backup.To == "" {
		return document.Backup{}, invalid("no place for backups is set: name a FILE or DIR, or set CHORTLE_BACKUP_TO")
	}
	release, err := s.lockAlone(ctx)
	if err != nil {
		return document.Backup{}, err
	}
	defer release()
	return s.backUpThere(ctx)
}

// backUpThere is BackUpThere, under locks that the caller holds.
func (s *Service) backUpThere(ctx context.Context) (made document.Backup, err error) {
	// A moment of whole seconds: it is also the name.
	note := orchestrator.BackupNote{StartedAt: s.Now().UTC().Truncate(time.Second), Place: s.backupPlaceName()}
	note.Name = autoPrefix + note.StartedAt.Format(backupTime) + backupSuffix
	made, err = s.makeBackup(ctx, note.Name)
	if ctx.Err() != nil {
		return made, context.Cause(ctx)
	}
	note.FinishedAt, note.Bytes = s.Now().UTC(), made.Bytes
	if err != nil {
		note.Error = err.Error()
	}
	if err = errors.Join(err, s.noteBackup(ctx, note)); err != nil {
		return made, err
	}
	return made, s.rotateBackups(ctx, note)
}

// makeBackup writes a backup, brings it to its place, and leaves nothing else behind.
func (s *Service) makeBackup(ctx context.Context, name string) (made document.Backup, err error) {
	place, dir, err := s.openBackupPlace()
	if err != nil {
		return made, err
	}
	if err := s.roomForBackup(ctx, dir); err != nil {
		return made, err
	}
	if _, here := place.(backupFolder); !here { // what a crash left
		if err := errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o700)); err != nil {
			return made, fmt.Errorf("empty the folder of backups on their way: %w", err)
		}
	}
	path := filepath.Join(dir, name)
	if made, err = s.writeBackup(ctx, path); err != nil {
		return made, err
	}
	if _, here := place.(backupFolder); here {
		return made, nil
	}
	err = errors.Join(place.Put(ctx, path, name), os.Remove(path))
	made.File = strings.TrimSuffix(s.backupPlaceName(), "/") + "/" + name
	return made, err
}

// roomForBackup wants room for a backup of the size of the last one, so that backups do not fill a disk.
func (s *Service) roomForBackup(ctx context.Context, dir string) error {
	opened, err := s.Store(ctx)
	if err != nil {
		return err
	}
	notes, err := opened.Backups(ctx, 20)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(notes, func(n orchestrator.BackupNote) bool { return n.Error == "" })
	if i < 0 {
		return nil
	}
	_, free, err := diskSpace(dir)
	if want := notes[i].Bytes + notes[i].Bytes/8; err == nil && free < want {
		return fmt.Errorf("write backup: %w: %s has %d MB free, and the last backup took %d MB; free some space, or keep fewer backups",
			syscall.ENOSPC, dir, free/1e6, notes[i].Bytes/1e6)
	}
	return err
}

// rotateBackups deletes the automatic backups that are not kept any longer. One that cannot be deleted is logged: the new
// one is good all the same.
func (s *Service) rotateBackups(ctx context.Context, made orchestrator.BackupNote) error {
	place, _, err := s.openBackupPlace()
	if err != nil {
		return err
	}
	names, err := place.Names(ctx)
	if err != nil {
		s.Log.WithError(err).Warn("look for old backups")
		return nil
	}
	for _, name := range oldBackups(names, made, s.Config.Backup.Days, s.Config.Backup.Weeks) {
		if err := place.Delete(ctx, name); err != nil {
			s.Log.WithError(err).Warn("delete an old backup")
			continue
		}
		s.Log.WithField(keyFile, name).Info("old backup deleted")
	}
	return nil
}

// oldBackups are the names of automatic backups that are not kept any longer once another was made: but for the last ones
// of so many days, and of so many weeks. Those of the future, of a clock that was wrong, are neither counted nor deleted.
func oldBackups(names []string, made orchestrator.BackupNote, days, weeks int) (old []string) {
	if days == 0 && weeks == 0 {
		return nil
	}
	names = slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		at, ours := timeOfBackup(name)
		return !ours || at.After(made.StartedAt)
	})
	slices.Sort(names)
	kept := map[string]bool{}
	full := func(most int, period func(time.Time) string) {
		var periods []string
		for _, name := range slices.Backward(names) { // the newest first
			at, _ := timeOfBackup(name)
			p := period(at)
			if slices.Contains(periods, p) {
				continue
			}
			if periods = append(periods, p); len(periods) > most {
				return
			}
			kept[name] = true
		}
	}
	full(days, func(at time.Time) string { return at.Format(time.DateOnly) })
	full(weeks, func(at time.Time) string { year, week := at.ISOWeek(); return fmt.Sprint(year, week) })
	for _, name := range names {
		if !kept[name] && name != made.Name {
			old = append(old, name)
		}
	}
	return old
}

// timeOfBackup is the moment of an automatic backup, by its name.
func timeOfBackup(name string) (at time.Time, ours bool) {
	moment, ours := strings.CutPrefix(strings.TrimSuffix(name, backupSuffix), autoPrefix)
	at, err := time.Parse(backupTime, moment)
	return at, ours && err == nil && strings.HasSuffix(name, backupSuffix)
}

// backUpAfter backs up at the end of a run, where the settings say where and the last good backup is old enough.
func (s *Service) backUpAfter(ctx context.Context) {
	if s.Config.Backup.To == "" {
		return
	}
	last, err := s.lastGoodBackup(ctx, s.backupPlaceName())
	if err == nil && !last.IsZero() && s.Now().Sub(last) < s.Config.Backup.Every {
		return
	}
	if err == nil {
		var made document.Backup
		if made, err = s.backUpThere(ctx); err == nil {
			s.Log.WithFields(fields{keyFile: made.File, "bytes": made.Bytes, "clips": made.Clips.Count, "missing": len(made.Clips.Missing)}).Info("backed up")
		}
	}
	if err != nil && ctx.Err() == nil {
		s.Log.WithError(err).Warn("back up")
	}
}

// backupStanding is how backups stand, for alerts; nil where none are made.
func (s *Service) backupStanding(ctx context.Context) (*health.Backups, error) {
	if s.Config.Backup.To == "" {
		return nil, nil //nolint:nilnil // there is nothing to judge
	}
	place := s.backupPlaceName()
	last, err := s.lastGoodBackup(ctx, place)
	if err != nil {
		return nil, err
	}
	opened, err := s.Store(ctx)
	if err != nil {
		return nil, err
	}
	notes, err := opened.Backups(ctx, 20)
	if err != nil {
		return nil, err
	}
	standing := &health.Backups{LastGood: last}
	if i := slices.IndexFunc(notes, func(n orchestrator.BackupNote) bool { return n.Place == place }); i >= 0 {
		standing.Problem = notes[i].Error
	}
	return standing, nil
}
