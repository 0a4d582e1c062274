package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/cli/terminal"
	"github.com/chortle-audio/chortle/orchestrator/document"
	"github.com/chortle-audio/chortle/orchestrator/service"
	"github.com/chortle-audio/chortle/orchestrator/settings"
)

func (a *app) backupCommand() *cobra.Command {
	var asJSON bool
	var keep int
	var force bool
	cmd := &cobra.Command{
		Use: "backup [FILE|DIR]", Short: "Write database and clips into one file",
		Long: `Writes database and clips into one tar file, as of one moment, reads it back and compares every hash. In a
folder the file gets the time as its name. It can be restored into SQLite and Postgres alike. Without FILE or DIR it
goes where runs back up to by themselves (CHORTLE_BACKUP_TO), and older ones there are deleted as after a run.

The settings are not in it, and so not the secret key (CHORTLE_SECRET_KEY): keep a copy of that elsewhere. The key
authenticates the backup: restore knows that nobody changed it, or wrote it in its place.

Exit codes: 0 all is in it, 1 failed, 3 the sound of some laugh was not there to be saved, 11 a run is under way.`,
		Example: "  orchestrator backup /mnt/backups --keep 14\n  orchestrator backup before-the-move.tar",
		Args:    cobra.MaximumNArgs(1),
	}
	jsonFlag(cmd, &asJSON)
	cmd.Flags().BoolVar(&force, "force", false, "overwrite FILE also where it is not a backup")
	cmd.Flags().IntVar(&keep, "keep", 0, "keep this `number` of the folder's backups, and delete older ones; 0 keeps all")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if keep < 0 {
			return usage("--keep %d: want 0 or more", keep)
		}
		if len(args) == 0 {
			if keep > 0 {
				return usage("--keep: want a DIR; without one CHORTLE_BACKUP_KEEP_DAYS and CHORTLE_BACKUP_KEEP_WEEKS say what is kept")
			}
			written, err := a.service.BackUpThere(cmd.Context())
			if err != nil {
				return err
			}
			return a.reportBackup(written, asJSON)
		}
		path, err := a.settings.Path(args[0])
		if err != nil {
			return err
		}
		written, err := a.service.BackUp(cmd.Context(), path, keep, force)
		if err != nil {
			return err
		}
		return a.reportBackup(written, asJSON)
	}
	return cmd
}

func (a *app) reportBackup(b document.Backup, asJSON bool) error {
	code := orchestrator.ExitOK
	if len(b.Clips.Missing) > 0 {
		code = orchestrator.ExitIncomplete
	}
	if asJSON {
		return errors.Join(a.writeJSON(b), exit(code))
	}
	fmt.Fprintf(a.stdout, "%s: %s, %s, %s; %s MB, verified.\n", terminal.Printable(b.File), plural(int(b.Tables["users"]), "user"),
		plural(int(b.Tables["laughs"]), "laugh"), plural(b.Clips.Count, "clip"), megabytes(b.Bytes))
	for _, key := range b.Clips.Missing {
		fmt.Fprintf(a.stdout, "%s the clip %s is not there: its laugh is saved without sound\n", a.stdout.Yellow("missing:"), terminal.Printable(key))
	}
	if b.Key == "" {
		fmt.Fprintln(a.stdout, "Not authenticated: there is no CHORTLE_SECRET_KEY, so restore cannot know who wrote it.")
	}
	if b.Tables["secrets"] > 0 {
		fmt.Fprintln(a.stdout, "The secret key is not in it: keep a copy of CHORTLE_SECRET_KEY elsewhere.")
	}
	return exit(code)
}

func (a *app) restoreCommand() *cobra.Command {
	var asJSON, dryRun, yes bool
	var request service.RestoreRequest
	cmd := &cobra.Command{
		Use: "restore FILE", Short: "Bring database and clips back from a backup",
		Long: `Compares every hash of a backup, then stores all of it, or nothing. The database must be empty; with --replace,
what it has is deleted first. Users who were purged since the backup was made do not come back.

A backup that was not written with this machine's CHORTLE_SECRET_KEY is refused; --unauthenticated restores it all the
same. Without a secret key here that cannot be told. In both cases the model commands of users (--model) are listed
and left out, because the next run would start them, unless the user here has the same one: --accept-commands.

Exit codes: 0 restored, 1 failed and nothing is changed, 11 a run is under way.`,
		Example: "  orchestrator restore /mnt/backups/chortle-20261122T040000Z.tar --dry-run    # only compare\n  orchestrator restore before-the-move.tar",
		Args:    oneArg("FILE"),
	}
	jsonFlag(cmd, &asJSON)
	cmd.Flags().BoolVar(&request.Replace, "replace", false, "delete first what the database has")
	cmd.Flags().BoolVar(&request.Unauthenticated, "unauthenticated", false, "restore a backup that the secret key did not write: by an older program, or by anybody")
	cmd.Flags().BoolVar(&request.AcceptCommands, "accept-commands", false, "also restore the model commands of such a backup: look at them with --dry-run first")
	cmd.Flags().BoolVar(&yes, "yes", false, "with --replace: do not ask")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "only compare the backup with its hashes, and say what it holds")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		path, err := a.settings.Path(args[0])
		if err != nil {
			return err
		}
		var restored document.Restore
		if dryRun {
			restored, err = a.service.VerifyBackup(cmd.Context(), path)
		} else if err = a.confirmReplace(cmd.Context(), request.Replace && !yes); err == nil {
			restored, err = a.service.Restore(cmd.Context(), path, request)
		}
		switch {
		case err != nil:
			return err
		case asJSON:
			return a.writeJSON(restored)
		}
		a.reportRestored(restored)
		return nil
	}
	return cmd
}

// confirmReplace asks before a restoration deletes what the database has.
func (a *app) confirmReplace(ctx context.Context, ask bool) error {
	if !ask {
		return nil
	}
	users, err := a.service.Users(ctx)
	if err != nil || len(users) == 0 {
		return err
	}
	return a.confirm(ctx, "replace", fmt.Sprintf("This permanently deletes %s with all laughs and clips from %s", plural(len(users), "user"),
		settings.Mask(a.settings.Config.DatabaseURL)), "replace")
}

func (a *app) reportRestored(r document.Restore) {
	b := r.Backup
	fmt.Fprintf(a.stdout, "%s of %s is whole: %s, %s, %s.\n", terminal.Printable(b.File), time.Time(b.CreatedAt).Local().Format("2006-01-02 15:04 MST"),
		plural(int(b.Tables["users"]), "user"), plural(int(b.Tables["laughs"]), "laugh"), plural(b.Clips.Count, "clip"))
	a.reportOrigin(r)
	if r.DryRun {
		fmt.Fprintln(a.stdout, "Nothing was restored: this was a dry run.")
		return
	}
	fmt.Fprintf(a.stdout, "Restored into %s: %s, %s, %s.\n", settings.Mask(a.settings.Config.DatabaseURL), plural(int(r.Restored["users"]), "user"),
		plural(int(r.Restored["laughs"]), "laugh"), plural(r.Clips, "clip"))
	if r.Purged > 0 {
		fmt.Fprintf(a.stdout, "%s purged since the backup was made, and left out.\n", wereOf(r.Purged))
	}
}

// reportOrigin says who wrote a backup, and where that is not known, what it would have run and read.
func (a *app) reportOrigin(r document.Restore) {
	switch r.Backup.Origin {
	case service.OriginKnown:
		fmt.Fprintf(a.stdout, "Authenticated: it was written with this secret key (%s).\n", r.Backup.Key)
		return
	case service.OriginOtherKey:
		fmt.Fprintf(a.stdout, "%s it says it was written with secret key %s, not with the one here.\n", a.stdout.Yellow("Not authenticated:"), terminal.Printable(r.Backup.Key))
	case service.OriginUnchecked:
		fmt.Fprintf(a.stdout, "%s there is no CHORTLE_SECRET_KEY here to check it with; it says %s.\n", a.stdout.Yellow("Not authenticated:"), terminal.Printable(r.Backup.Key))
	case service.OriginUnmarked:
		fmt.Fprintf(a.stdout, "%s it has no mark, so anybody may have written it.\n", a.stdout.Yellow("Not authenticated:"))
	}
	for _, user := range r.Backup.Users {
		fmt.Fprintf(a.stdout, "  %s reads %s\n", terminal.Printable(user.User), terminal.Printable(user.Source))
		if user.Model != "" && r.DryRun {
			fmt.Fprintf(a.stdout, "  %s runs %s: left out unless you say --accept-commands\n", terminal.Printable(user.User), terminal.Printable(user.Model))
		}
	}
	for _, user := range r.LeftOut {
		fmt.Fprintf(a.stdout, "%s the model command of %s; if it is yours: orchestrator user set %[2]s --model %[3]q\n",
			a.stdout.Yellow("left out:"), terminal.Printable(user.User), terminal.Printable(user.Model))
	}
}

func wereOf(n int) string {
	if n == 1 {
		return "1 user was"
	}
	return fmt.Sprintf("%d users were", n)
}
