package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/backup"
	"github.com/chortle-audio/chortle/orchestrator/cli/terminal"
	"github.com/chortle-audio/chortle/orchestrator/clips"
	"github.com/chortle-audio/chortle/orchestrator/settings"
	"github.com/chortle-audio/chortle/orchestrator/store"
)

const (
	backupPrefix, backupSuffix = "chortle-", ".tar"
	backupTime                 = "20060102T150405Z"
)

type backupDocument struct {
	File      string              `json:"file"`
	Bytes     int64               `json:"bytes"`
	CreatedAt stamp               `json:"created_at"`
	Schema    int64               `json:"schema"`
	Tables    map[string]int64    `json:"tables"`
	Clips     backupClipsDocument `json:"clips"`
}

type backupClipsDocument struct {
	Count   int      `json:"count"`
	Bytes   int64    `json:"bytes"`
	Missing []string `json:"missing"`
}

func (a *app) backupCommand() *cobra.Command {
	var asJSON bool
	var keep int
	cmd := &cobra.Command{
		Use: "backup FILE|DIR", Short: "Write database and clips into one file",
		Long: `Writes database and clips into one tar file, as of one moment, reads it back and compares every hash. In a
folder the file gets the time as its name. It can be restored into SQLite and Postgres alike.

The settings are not in it, and so not the secret key (CHORTLE_SECRET_KEY): keep a copy of that elsewhere.

Exit codes: 0 all is in it, 1 failed, 3 the sound of some laugh was not there to be saved, 11 a run is under way.`,
		Example: "  orchestrator backup /mnt/backups --keep 14\n  orchestrator backup before-the-move.tar",
		Args:    oneArg("FILE or DIR"),
	}
	jsonFlag(cmd, &asJSON)
	cmd.Flags().IntVar(&keep, "keep", 0, "keep this `number` of the folder's backups, and delete older ones; 0 keeps all")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if keep < 0 {
			return usage("--keep %d: want 0 or more", keep)
		}
		path, err := a.settings.Path(args[0])
		if err != nil {
			return err
		}
		folder := ""
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			folder = path
			path = filepath.Join(folder, backupPrefix+a.now().UTC().Format(backupTime)+backupSuffix)
		} else if keep > 0 {
			return usage("--keep is for a folder, and %s is none", path)
		}
		return a.withAll(cmd.Context(), func(s *store.Store, kept *clips.Folder) error {
			return a.backUp(cmd.Context(), s, kept, path, folder, keep, asJSON)
		})
	}
	return cmd
}

// withAll opens database and clips for the time of work, and keeps every run away.
func (a *app) withAll(ctx context.Context, work func(*store.Store, *clips.Folder) error) error {
	release, err := a.lockDataDir()
	if err != nil {
		return err
	}
	defer release()
	return a.withStore(ctx, func(s *store.Store) error {
		kept, err := a.openClips()
		if err != nil {
			return err
		}
		return errors.Join(work(s, kept), kept.Close())
	})
}

func (a *app) backUp(ctx context.Context, s *store.Store, kept *clips.Folder, path, folder string, keep int, asJSON bool) error {
	manifest, err := backup.Write(ctx, path, s, kept, a.version, a.now())
	if err != nil {
		return err
	}
	if keep > 0 {
		if err := dropOldBackups(folder, keep); err != nil {
			return err
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("look at backup: %w", err)
	}
	code := orchestrator.ExitOK
	if len(manifest.Missing) > 0 {
		code = orchestrator.ExitIncomplete
	}
	if asJSON {
		return errors.Join(a.writeJSON(backupOf(path, info.Size(), manifest)), exit(code))
	}
	count, _ := manifest.Clips()
	fmt.Fprintf(a.stdout, "%s: %s, %s, %s; %s MB, verified.\n", terminal.Printable(path), plural(int(manifest.Tables["users"]), "user"),
		plural(int(manifest.Tables["laughs"]), "laugh"), plural(count, "clip"), megabytes(info.Size()))
	for _, key := range manifest.Missing {
		fmt.Fprintf(a.stdout, "%s the clip %s is not there: its laugh is saved without sound\n", a.stdout.Yellow("missing:"), terminal.Printable(key))
	}
	if manifest.Tables["secrets"] > 0 {
		fmt.Fprintln(a.stdout, "The secret key is not in it: keep a copy of CHORTLE_SECRET_KEY elsewhere.")
	}
	return exit(code)
}

func backupOf(path string, size int64, manifest backup.Manifest) backupDocument {
	count, bytes := manifest.Clips()
	return backupDocument{path, size, stamp(manifest.CreatedAt), manifest.Schema, manifest.Tables,
		backupClipsDocument{count, bytes, append([]string{}, manifest.Missing...)}}
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

type restoreDocument struct {
	Backup   backupDocument   `json:"backup"`
	DryRun   bool             `json:"dry_run"`
	Restored map[string]int64 `json:"restored"`
	Clips    int              `json:"clips"`
	Purged   int              `json:"purged_users"`
}

func (a *app) restoreCommand() *cobra.Command {
	var asJSON, replace, dryRun bool
	cmd := &cobra.Command{
		Use: "restore FILE", Short: "Bring database and clips back from a backup",
		Long: `Compares every hash of a backup, then stores all of it, or nothing. The database must be empty; with --replace,
what it has is deleted first. Users who were purged since the backup was made do not come back.

Exit codes: 0 restored, 1 failed and nothing is changed, 11 a run is under way.`,
		Example: "  orchestrator restore /mnt/backups/chortle-20261122T040000Z.tar --dry-run    # only compare\n  orchestrator restore before-the-move.tar",
		Args:    oneArg("FILE"),
	}
	jsonFlag(cmd, &asJSON)
	cmd.Flags().BoolVar(&replace, "replace", false, "delete first what the database has")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "only compare the backup with its hashes, and say what it holds")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		path, err := a.settings.Path(args[0])
		if err != nil {
			return err
		}
		if dryRun {
			manifest, err := backup.Verify(cmd.Context(), path)
			if err != nil {
				return err
			}
			return a.reportRestored(path, manifest, backup.Restored{}, true, asJSON)
		}
		return a.withAll(cmd.Context(), func(s *store.Store, kept *clips.Folder) error {
			restored, manifest, err := backup.Restore(cmd.Context(), path, s, kept, replace)
			if err != nil {
				return err
			}
			return a.reportRestored(path, manifest, restored, false, asJSON)
		})
	}
	return cmd
}

func (a *app) reportRestored(path string, manifest backup.Manifest, restored backup.Restored, dryRun, asJSON bool) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("look at backup: %w", err)
	}
	if asJSON {
		rows := restored.Rows
		if rows == nil {
			rows = map[string]int64{}
		}
		return a.writeJSON(restoreDocument{backupOf(path, info.Size(), manifest), dryRun, rows, restored.Clips, restored.Purged})
	}
	count, _ := manifest.Clips()
	fmt.Fprintf(a.stdout, "%s of %s is whole: %s, %s, %s.\n", terminal.Printable(path), manifest.CreatedAt.Local().Format("2006-01-02 15:04 MST"),
		plural(int(manifest.Tables["users"]), "user"), plural(int(manifest.Tables["laughs"]), "laugh"), plural(count, "clip"))
	if dryRun {
		fmt.Fprintln(a.stdout, "Nothing was restored: this was a dry run.")
		return nil
	}
	fmt.Fprintf(a.stdout, "Restored into %s: %s, %s, %s.\n", settings.Mask(a.settings.Config.DatabaseURL), plural(int(restored.Rows["users"]), "user"),
		plural(int(restored.Rows["laughs"]), "laugh"), plural(restored.Clips, "clip"))
	if restored.Purged > 0 {
		fmt.Fprintf(a.stdout, "%s purged since the backup was made, and left out.\n", wereOf(restored.Purged))
	}
	return nil
}

func wereOf(n int) string {
	if n == 1 {
		return "1 user was"
	}
	return fmt.Sprintf("%d users were", n)
}
