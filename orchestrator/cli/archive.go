package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/settings"
	"github.com/chortle-audio/chortle/orchestrator/source/limitless"
	"github.com/chortle-audio/chortle/orchestrator/store"
)

type archiveFlags struct {
	user, output, keepFree string
	days                   dates
	asJSON                 bool
}

type archiveDocument struct {
	User    string `json:"user"`
	Folder  string `json:"folder"`
	Windows int    `json:"windows"`
	Files   int    `json:"files"`
	Empty   int    `json:"empty"`
	Skipped int    `json:"skipped"`
	Failed  int    `json:"failed"`
	Bytes   int64  `json:"bytes"`
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
		return a.withStore(cmd.Context(), func(s *store.Store) error {
			user, err := a.findUser(cmd, s, flags.user)
			if err != nil {
				return err
			}
			return a.archive(cmd.Context(), s, user, flags)
		})
	}
	return cmd
}

func (a *app) archive(ctx context.Context, s *store.Store, user orchestrator.User, flags archiveFlags) error {
	options, err := a.archiveOptions(user, flags)
	if err != nil {
		return err
	}
	if len(limitlessUsers([]orchestrator.User{user})) == 0 {
		return usage("user %s has recordings of their own already: the source is %s", user.Name, settings.Mask(user.Source))
	}
	if options.Client, err = a.limitlessClient(ctx, s, user); err != nil {
		return err
	}
	defer options.Client.Close()
	options.Progress = func(p limitless.ArchiveProgress) { a.stderr.SetStatus(archiveStatus(p)) }
	progress, err := limitless.Archive(ctx, options)
	a.stderr.SetStatus("")

	code, held := orchestrator.ExitOK, (*limitless.HeldError)(nil)
	switch {
	case ctx.Err() != nil:
		code = orchestrator.ExitInterrupted
	case errors.Is(err, limitless.ErrAway), errors.As(err, &held), err == nil && progress.Failed > 0:
		code = orchestrator.ExitIncomplete
	case err != nil:
		code = orchestrator.ExitFailed
	}
	if err != nil {
		err = fmt.Errorf("archive recordings of user %s: %w", user.Name, err)
	}
	if flags.asJSON {
		return &exitError{code, errors.Join(err, a.writeJSON(archiveDocument{user.Name, options.Dir, progress.Total,
			progress.Files, progress.Empty, progress.Skipped, progress.Failed, progress.Bytes}))}
	}
	fmt.Fprintf(a.stdout, "%s, %.1f MB; %s without audio, %d failed; %d of %d windows were there before.\nThe archive is in %s\n",
		plural(progress.Files, "new file"), float64(progress.Bytes)/1e6, plural(progress.Empty, "piece"), progress.Failed, progress.Skipped, progress.Total, shellQuote(options.Dir))
	if code == orchestrator.ExitIncomplete && err == nil {
		fmt.Fprintln(a.stdout, "Start again to get what failed.")
	}
	return &exitError{code, err}
}

// archiveOptions reads what the flags say; the client is still missing.
func (a *app) archiveOptions(user orchestrator.User, flags archiveFlags) (options limitless.ArchiveOptions, err error) {
	from, to, err := flags.days.parse()
	if err != nil {
		return options, err
	}
	location, err := user.Location()
	if err != nil {
		return options, err
	}
	if to == (orchestrator.Date{}) {
		to = orchestrator.Yesterday(a.now(), location)
	}
	keepFree, err := settings.ParseBytes(flags.keepFree)
	if err != nil {
		return options, usage("--keep-free: %w", err)
	}
	dir := filepath.Join(a.userDir(user), "archive")
	if flags.output != "" {
		if dir, err = a.settings.Path(flags.output); err != nil {
			return options, fmt.Errorf("find archive folder: %w", err)
		}
	}
	var days []orchestrator.Span
	for date := from; !to.Before(date); date = date.Add(1) {
		day := date.Span(location)
		if !day.Start.Before(a.now()) {
			break
		}
		days = append(days, day)
	}
	if len(days) == 0 {
		return options, usage("--from %s has not come yet, or not ended: then name it with --to, too", from)
	}
	sound, err := a.openAudio()
	if err != nil {
		return options, err
	}
	return limitless.ArchiveOptions{User: user.Name, Dir: dir, Days: days, Chunk: a.settings.Config.LimitlessChunk, Length: lengthOf(sound),
		EmptyNights: a.settings.Config.EmptyNights, KeepFree: keepFree, Free: freeSpace, Now: a.now}, nil
}

func archiveStatus(p limitless.ArchiveProgress) string {
	line := fmt.Sprintf("archiving  %s  %s, %.1f MB", bar(int64(p.Done), int64(p.Total)), plural(p.Files, "file"), float64(p.Bytes)/1e6)
	if p.Remaining > 0 {
		line += fmt.Sprintf("  about %s left", clock(p.Remaining.Round(time.Second)))
	}
	return line
}

// freeSpace is how many bytes this user may still write where dir lies.
func freeSpace(dir string) (int64, error) {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(dir, &disk); err != nil {
		return 0, err
	}
	return int64(disk.Bavail) * int64(disk.Bsize), nil //nolint:unconvert // it is not 64 bits long everywhere
}
