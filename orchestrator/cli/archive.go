package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/service"
	"github.com/chortle-audio/chortle/orchestrator/settings"
)

type archiveFlags struct {
	user, output, keepFree string
	days                   dates
	asJSON                 bool
}

func (a *app) archiveCommand() *cobra.Command {
	var flags archiveFlags
	cmd := &cobra.Command{
		Use: "archive --user NAME --from DAY", Short: "Download a user's original recordings, for keeps",
		Long: `Downloads the original recordings of a user from the Limitless API into a folder, untouched: one folder a day (in
UTC), files that are named after the time at which they start, and a manifest with their SHA-256. A user
whose source is folder:THAT-FOLDER reads them as any other recordings, when the API is no more.

It may be interrupted, and started again: it goes on where it was, and asks again for what failed. The days are those
of the user's time zone; of one that is under way, what has not ended (CHORTLE_CHUNK_MINUTES) is left for the next time.

The API joins what it has: where an answer is shorter than the time that was asked for, that is halved until each file
starts at the time in its name. The manifest tells by how many seconds it may be off where that is not known exactly.

Exit codes: 0 all there, 1 failed (the key, the disk), 3 incomplete: some of it could not be had, start again.`,
		Example: `  orchestrator archive --user alice --from 2025-01-01
  orchestrator archive --user alice --from 2025-01-01 --to 2025-12-31 --output /mnt/disk/alice --keep-free 20GB`,
		Args: noArgs,
	}
	f := cmd.Flags()
	f.StringVar(&flags.user, "user", "", "`name` of the user")
	flags.days.bind(cmd, false)
	f.StringVar(&flags.output, "output", "", "`folder` of the archive (default: in the data folder, where user purge deletes it)")
	f.StringVar(&flags.keepFree, "keep-free", "1GB", "`size` that must stay free on the disk")
	jsonFlag(cmd, &flags.asJSON)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		switch {
		case flags.user == "":
			return usage("--user is missing; see %s --help", cmd.CommandPath())
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
	request := service.ArchiveRequest{User: user}
	if request.From, request.To, err = flags.days.parse(); err != nil {
		return err
	}
	if request.KeepFree, err = settings.ParseBytes(flags.keepFree); err != nil {
		return usage("--keep-free: %w", err)
	}
	if flags.output != "" {
		if request.Dir, err = a.settings.Path(flags.output); err != nil {
			return fmt.Errorf("find archive folder: %w", err)
		}
	}
	archived, err := a.service.Archive(ctx, request, func(p service.ArchiveProgress) { a.stderr.SetStatus(archiveStatus(p)) })
	a.stderr.SetStatus("")
	if archived.Folder == "" {
		return err
	}
	code := service.ExitCode(ctx, err)
	switch {
	case ctx.Err() != nil:
		code = orchestrator.ExitInterrupted
	case errors.Is(err, service.ErrIncomplete), err == nil && archived.Failed > 0:
		code = orchestrator.ExitIncomplete
	}
	if flags.asJSON {
		return &exitError{code, errors.Join(err, a.writeJSON(archived))}
	}
	fmt.Fprintf(a.stdout, "%s, %.1f MB; %s without audio, %d failed; %d of %d windows were there before.\nThe archive is in %s\n",
		plural(archived.Files, "new file"), float64(archived.Bytes)/1e6, plural(archived.Empty, "piece"), archived.Failed, archived.Skipped, archived.Windows, shellQuote(archived.Folder))
	if code == orchestrator.ExitIncomplete && err == nil {
		fmt.Fprintln(a.stdout, "Start again to get what failed.")
	}
	return &exitError{code, err}
}

func archiveStatus(p service.ArchiveProgress) string {
	line := fmt.Sprintf("archiving  %s  %s, %.1f MB", bar(int64(p.Done), int64(p.Total)), plural(p.Files, "file"), float64(p.Bytes)/1e6)
	if p.Remaining > 0 {
		line += fmt.Sprintf("  about %s left", clock(p.Remaining.Round(time.Second)))
	}
	return line
}
