package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/cli/terminal"
	"github.com/chortle-audio/chortle/orchestrator/document"
	"github.com/chortle-audio/chortle/orchestrator/service"
	"github.com/chortle-audio/chortle/orchestrator/settings"
)

type archiveFlags struct {
	user, output, keepFree string
	days                   dates
	allUsers, verify       bool
	asJSON                 bool
}

// firstLimitless is before the first recording that the API can have.
const firstLimitless = "2024-08-01"

func (a *app) archiveCommand() *cobra.Command {
	var flags archiveFlags
	cmd := &cobra.Command{
		Use: "archive --user NAME --from DAY | --all-users", Short: "Download users' original recordings, for keeps",
		Long: `Downloads the original recordings of a user from the Limitless API into a folder, untouched: one folder a day (in
UTC), files that are named after the time at which they start, and a manifest with their SHA-256. A user
whose source is folder:THAT-FOLDER reads them as any other recordings, when the API is no more.

It may be interrupted, and started again: it goes on where it was, and asks again for what failed. The days are those
of the user's time zone; of one that is under way, what has not ended (CHORTLE_CHUNK_MINUTES) is left for the next time.

The API joins what it has: where an answer is shorter than the time that was asked for, that is halved until each file
starts at the time in its name. The manifest tells by how many seconds it may be off where that is not known exactly.

With --all-users it does so for everybody whose recordings come from the API, each into a folder of their own, from the
first day that the API can have something of, and reads every file back. One user who fails does not stop the others.

Exit codes: 0 all there, 1 failed (the key, the disk), 3 incomplete: some of it could not be had, start again.`,
		Example: `  orchestrator archive --user alice --from 2025-01-01
  orchestrator archive --all-users --output /mnt/disk/limitless     # everything that every key can still give
  orchestrator archive --user alice --from 2025-01-01 --to 2025-12-31 --output /mnt/disk/alice --keep-free 20GB`,
		Args: noArgs,
	}
	f := cmd.Flags()
	f.StringVar(&flags.user, "user", "", "`name` of the user")
	flags.days.bind(cmd, false)
	f.BoolVar(&flags.allUsers, "all-users", false, "every user whose recordings come from the API, with --verify")
	f.BoolVar(&flags.verify, "verify", false, "read every file of the archive back afterwards, and compare its SHA-256")
	f.StringVar(&flags.output, "output", "", "`folder` of the archive, or with --all-users of those of everybody (default: in the data folder, where user purge deletes it)")
	f.StringVar(&flags.keepFree, "keep-free", "1GB", "`size` that must stay free on the disk")
	jsonFlag(cmd, &flags.asJSON)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		switch {
		case flags.allUsers && flags.user != "":
			return usage("--all-users archives everybody; leave out --user")
		case flags.allUsers:
			flags.verify = true
			if flags.days.from == "" {
				flags.days.from = firstLimitless
			}
			return a.archiveAll(cmd.Context(), flags)
		case flags.user == "":
			return usage("--user is missing, or --all-users; see %s --help", cmd.CommandPath())
		case flags.days.from == "":
			return usage("--from is missing: the first day to archive")
		}
		return a.archive(cmd.Context(), flags)
	}
	return cmd
}

func (a *app) archive(ctx context.Context, flags archiveFlags) error {
	user, err := a.service.User(ctx, flags.user)
	if err != nil {
		return err
	}
	archived, code, err := a.archiveUser(ctx, user, flags)
	if archived.Folder == "" {
		return err
	}
	if flags.asJSON {
		return &exitError{code, errors.Join(err, a.writeJSON(archived))}
	}
	a.reportArchive(archived)
	if code == orchestrator.ExitIncomplete && err == nil {
		fmt.Fprintln(a.stdout, "Start again to get what failed.")
	}
	return &exitError{code, err}
}

// archiveAll archives everybody's recordings, one after another. Who fails does not stop the others.
func (a *app) archiveAll(ctx context.Context, flags archiveFlags) error {
	users, err := a.service.ArchivableUsers(ctx)
	if err != nil {
		return err
	}
	all, worst, output := []document.Archive{}, orchestrator.ExitOK, flags.output
	for _, user := range users {
		if ctx.Err() != nil {
			worst = orchestrator.ExitInterrupted
			break
		}
		if output != "" {
			flags.output = filepath.Join(output, user.Name)
		}
		archived, code, err := a.archiveUser(ctx, user, flags)
		if archived.User, archived.Error = user.Name, ""; err != nil {
			archived.Error = err.Error()
		}
		if code != orchestrator.ExitOK {
			worst = orchestrator.ExitIncomplete
		}
		if code == orchestrator.ExitInterrupted {
			worst = code
		}
		all = append(all, archived)
		if !flags.asJSON {
			a.reportArchive(archived)
		}
	}
	if flags.asJSON {
		return &exitError{worst, a.writeJSON(all)}
	}
	switch {
	case len(users) == 0:
		fmt.Fprintln(a.stdout, "Nobody's recordings come from the API.")
	case worst == orchestrator.ExitIncomplete:
		fmt.Fprintln(a.stdout, "Start again to get what failed.")
	}
	return &exitError{worst, nil}
}

// archiveUser archives the recordings of one user.
func (a *app) archiveUser(ctx context.Context, user orchestrator.User, flags archiveFlags) (archived document.Archive, code int, err error) {
	request := service.ArchiveRequest{User: user, Verify: flags.verify}
	if request.From, request.To, err = flags.days.parse(); err != nil {
		return archived, orchestrator.ExitUsage, err
	}
	if request.KeepFree, err = settings.ParseBytes(flags.keepFree); err != nil {
		return archived, orchestrator.ExitUsage, usage("--keep-free: %w", err)
	}
	if flags.output != "" {
		if request.Dir, err = a.settings.Path(flags.output); err != nil {
			return archived, orchestrator.ExitFailed, fmt.Errorf("find archive folder: %w", err)
		}
	}
	archived, err = a.service.Archive(ctx, request, func(p service.ArchiveProgress) { a.stderr.SetStatus(user.Name + "  " + archiveStatus(p)) })
	a.stderr.SetStatus("")
	code = service.ExitCode(ctx, err)
	switch {
	case ctx.Err() != nil:
		code = orchestrator.ExitInterrupted
	case errors.Is(err, service.ErrIncomplete), err == nil && (archived.Failed > 0 || len(archived.Damaged) > 0):
		code = orchestrator.ExitIncomplete
	}
	return archived, code, err
}

// mostMissing bounds how many windows are named that could not be had.
const mostMissing = 10

// reportArchive tells a person what an archive holds, and what it lacks.
func (a *app) reportArchive(archived document.Archive) {
	if archived.Folder != "" {
		fmt.Fprintf(a.stdout, "%s: %s, %.1f MB; %s without audio, %d failed; %d of %d windows were there before.\nThe archive is in %s\n", archived.User,
			plural(archived.Files, "new file"), float64(archived.Bytes)/1e6, plural(archived.Empty, "piece"), archived.Failed, archived.Skipped, archived.Windows, shellQuote(archived.Folder))
	}
	for i, missing := range archived.Missing {
		if i == mostMissing {
			fmt.Fprintf(a.stdout, "  … and %d more\n", len(archived.Missing)-i)
			break
		}
		fmt.Fprintf(a.stdout, "%s %s to %s: %s\n", a.stdout.Yellow("missing:"), time.Time(missing.Start).UTC().Format("2006-01-02 15:04Z"),
			time.Time(missing.End).UTC().Format("2006-01-02 15:04Z"), terminal.Printable(missing.Reason))
	}
	if archived.Verified > 0 || len(archived.Damaged) > 0 {
		fmt.Fprintf(a.stdout, "%s read back and whole, %d damaged\n", plural(archived.Verified, "file"), len(archived.Damaged))
	}
	if archived.Error != "" {
		fmt.Fprintf(a.stdout, "%s %s: %s\n", a.stdout.Red("error:"), archived.User, terminal.Printable(archived.Error))
	}
}

func archiveStatus(p service.ArchiveProgress) string {
	line := fmt.Sprintf("archiving  %s  %s, %.1f MB", bar(int64(p.Done), int64(p.Total)), plural(p.Files, "file"), float64(p.Bytes)/1e6)
	if p.Remaining > 0 {
		line += fmt.Sprintf("  about %s left", clock(p.Remaining.Round(time.Second)))
	}
	return line
}
