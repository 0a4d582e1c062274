package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/clips"
	"github.com/chortle-audio/chortle/orchestrator/store"
)

// removal is what wipe and purge have in common.
type removal struct {
	yes, force, asJSON bool
	purge              bool
}

type removalDocument struct {
	User       string `json:"user"`
	Purged     bool   `json:"purged"`
	Laughs     int64  `json:"laughs"`
	Clips      int    `json:"clips"`
	Recordings int64  `json:"recordings"`
	Runs       int64  `json:"runs"`
}

func (a *app) userWipeCommand() *cobra.Command {
	var flags removal
	cmd := &cobra.Command{
		Use: "wipe NAME", Short: "Delete what was heard of a user: laughs, clips, scores",
		Long: `Deletes a user's laughs with all that people said of them, their clips, and the scores. The user stays, and so
does the knowledge which recordings were read: the next run does not hear it all again, unless it is told to with
--reprocess. Originals and recordings are not touched.`,
		Args: oneArg("NAME"),
	}
	return a.removalCommand(cmd, &flags)
}

func (a *app) userPurgeCommand() *cobra.Command {
	flags := removal{purge: true}
	cmd := &cobra.Command{
		Use: "purge NAME", Short: "Delete a user and everything that is kept of them",
		Long: `Deletes a user: name and former names, API key, laughs, clips, scores, the names of recordings, the log of what
runs did for them, downloads and kept originals, and every line of the log and of the metrics file that names them.
A former name that another user has by now is left alone. Files of a folder source are the user's own and stay.
Backups that were made before are not touched, nor is what another program keeps of the log.

A run that reads the user makes it wait (exit code 11); with --force the run learns that the user is gone,
and goes on with the others.`,
		Args: oneArg("NAME"),
	}
	cmd.Flags().BoolVar(&flags.force, "force", false, "do not wait for a run that reads the user")
	return a.removalCommand(cmd, &flags)
}

func (a *app) removalCommand(cmd *cobra.Command, flags *removal) *cobra.Command {
	cmd.Flags().BoolVar(&flags.yes, "yes", false, "do not ask")
	jsonFlag(cmd, &flags.asJSON)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return a.withStore(cmd.Context(), func(s *store.Store) error {
			user, err := a.findUser(cmd, s, args[0])
			if err != nil {
				return err
			}
			if err := a.confirm(cmd.Name(), user, flags.yes); err != nil {
				return err
			}
			release, err := a.lockForRemoval(cmd.Context(), s, user, flags.force)
			if err != nil {
				return err
			}
			defer release()
			document, err := a.remove(cmd.Context(), s, user, flags.purge)
			if err != nil {
				return fmt.Errorf("%s user %s: %w; start again: it goes on where it was", cmd.Name(), user.Name, err)
			}
			if flags.asJSON {
				return a.writeJSON(document)
			}
			_, err = fmt.Fprintf(a.stdout, "Deleted %s and %s of %s.\n", plural(int(document.Laughs), "laugh"), plural(document.Clips, "clip"), user.Name)
			if err == nil && flags.purge {
				_, err = fmt.Fprintf(a.stdout, "%s is not known any more.\n", user.Name)
			}
			return err
		})
	}
	return cmd
}

// confirm asks a person at a terminal to type the name; elsewhere --yes must say it.
func (a *app) confirm(verb string, user orchestrator.User, yes bool) error {
	if yes {
		return nil
	}
	file, ok := a.stdin.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return usage("%s deletes for good: say --yes", verb)
	}
	fmt.Fprintf(a.stderr, "This deletes for good what is kept of %s. Type the name to go on: ", user.Name)
	line, _ := bufio.NewReader(file).ReadString('\n')
	if strings.TrimSpace(line) != user.Name {
		return usage("nothing was deleted")
	}
	return nil
}

// lockForRemoval keeps runs away, or lets them be where force says so.
func (a *app) lockForRemoval(ctx context.Context, s *store.Store, user orchestrator.User, force bool) (release func(), err error) {
	releaseDir, err := a.lockDataDir()
	if locked := (*exitError)(nil); force && errors.As(err, &locked) && locked.code == orchestrator.ExitLocked {
		releaseDir, err = func() {}, nil
	}
	if err != nil {
		return nil, err
	}
	releaseUser, err := a.lockUser(ctx, s, user)
	if locked := (*exitError)(nil); force && errors.As(err, &locked) && locked.code == orchestrator.ExitLocked {
		releaseUser, err = func() {}, nil
	}
	if err != nil {
		releaseDir()
		return nil, err
	}
	return func() {
		releaseUser()
		releaseDir()
	}, nil
}

// remove deletes files before rows: what an interruption leaves is still known, and found by the next call.
func (a *app) remove(ctx context.Context, s *store.Store, user orchestrator.User, purge bool) (document removalDocument, err error) {
	document = removalDocument{User: user.Name, Purged: purge}
	kept, err := a.openClips()
	if err != nil {
		return document, err
	}
	defer kept.Close()
	names, err := s.FormerNames(ctx, user.ID)
	if err != nil {
		return document, err
	}
	names = append(names, user.Name)
	if document.Clips, err = removeClips(ctx, s, kept, user, names); err != nil {
		return document, err
	}
	var removed store.Removed
	if purge {
		if err := os.RemoveAll(a.userDir(user)); err != nil {
			return document, fmt.Errorf("remove downloads: %w", err)
		}
		if removed, err = s.PurgeUser(ctx, user); err == nil {
			var late int // a run that was under way may have written some meanwhile
			late, err = removeClips(ctx, s, kept, user, names)
			document.Clips += late
			err = errors.Join(err, a.forget(names))
		}
	} else {
		removed, err = s.WipeUser(ctx, user.ID)
	}
	document.Laughs, document.Recordings, document.Runs = removed.Laughs, removed.Recordings, removed.Runs
	return document, err
}

// removeClips deletes the user's clips: those of their laughs, and those below their names that no laugh has,
// which a crash left.
func removeClips(ctx context.Context, s *store.Store, kept *clips.Folder, user orchestrator.User, names []string) (count int, err error) {
	mine, err := s.UserClips(ctx, user.ID)
	if err != nil {
		return 0, err
	}
	for _, key := range mine {
		if err := kept.Delete(ctx, key); err != nil {
			return count, err
		}
		count++
	}
	others := map[string]bool{}
	for key, err := range s.ClipKeys(ctx) {
		if err != nil {
			return count, err
		}
		if name, _, _ := strings.Cut(key, "/"); slices.Contains(names, name) {
			others[key] = true
		}
	}
	for _, name := range names {
		left, err := kept.Keys(name)
		if err != nil {
			return count, err
		}
		for _, key := range left {
			if others[key] {
				continue
			}
			if err := kept.Delete(ctx, key); err != nil {
				return count, err
			}
			count++
		}
	}
	return count, nil
}
