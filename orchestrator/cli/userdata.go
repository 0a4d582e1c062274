package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/document"
)

// removal is what wipe and purge have in common.
type removal struct {
	yes, force, asJSON bool
	purge              bool
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

While a run is reading this user, purge refuses (exit code 11); with --force it deletes at once, and the run goes on
with the others.`,
		Args: oneArg("NAME"),
	}
	cmd.Flags().BoolVar(&flags.force, "force", false, "delete also while a run is reading the user")
	return a.removalCommand(cmd, &flags)
}

func (a *app) removalCommand(cmd *cobra.Command, flags *removal) *cobra.Command {
	cmd.Flags().BoolVar(&flags.yes, "yes", false, "do not ask")
	jsonFlag(cmd, &flags.asJSON)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		user, err := a.service.User(cmd.Context(), args[0])
		if errors.Is(err, orchestrator.ErrNotFound) && flags.purge {
			if finished, finishErr := a.service.FinishPurges(cmd.Context()); finishErr != nil || finished {
				return a.reportFinished(finishErr)
			}
		}
		if err != nil {
			return err
		}
		if !flags.yes {
			what, err := a.whatGoes(cmd.Context(), user, flags.purge)
			if err == nil {
				err = a.confirm(cmd.Context(), cmd.Name(), what, user.Name)
			}
			if err != nil {
				return err
			}
		}
		var removal document.Removal
		if flags.purge {
			removal, err = a.service.PurgeUser(cmd.Context(), user, flags.force)
		} else {
			removal, err = a.service.WipeUser(cmd.Context(), user)
		}
		if err != nil {
			return err
		}
		if flags.asJSON {
			return a.writeJSON(removal)
		}
		_, err = fmt.Fprintf(a.stdout, "Deleted %s and %s of %s.\n", plural(int(removal.Laughs), "laugh"), plural(removal.Clips, "clip"), user.Name)
		if err == nil && flags.purge {
			_, err = fmt.Fprintf(a.stdout, "%s is not known any more.\n", user.Name)
		}
		return err
	}
	return cmd
}

// reportFinished says how what was left of earlier purges was done.
func (a *app) reportFinished(err error) error {
	if err == nil {
		_, err = fmt.Fprintln(a.stdout, "Finished: the files of the database hold nothing more of users who were purged.")
	}
	return err
}

// confirm asks a person at a terminal to type a word; elsewhere --yes must say it. what is a sentence that says what is
// deleted.
func (a *app) confirm(ctx context.Context, verb, what, word string) error {
	file, ok := a.stdin.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return usage("%s: %s; add --yes to confirm", verb, lowerFirst(what))
	}
	fmt.Fprintf(a.stderr, "%s. Type %q to confirm: ", what, word)
	line, err := interruptible(ctx, func() (string, error) { return bufio.NewReader(file).ReadString('\n') })
	if ctx.Err() != nil {
		return err
	}
	if strings.TrimSpace(line) != word {
		return usage("nothing was deleted")
	}
	return nil
}

// whatGoes says what wipe or purge deletes of a user.
func (a *app) whatGoes(ctx context.Context, user orchestrator.User, purge bool) (string, error) {
	count, err := a.service.CountLaughs(ctx, user)
	if err != nil {
		return "", err
	}
	rest := " (the user stays)"
	if purge {
		rest = ", and the user with everything that is kept of them"
	}
	return fmt.Sprintf("This permanently deletes %s of %s with their clips%s", plural(count, "laugh"), user.Name, rest), nil
}

func lowerFirst(text string) string { return strings.ToLower(text[:1]) + text[1:] }

// interruptible returns what read returns, or ctx's cause as soon as ctx is canceled: a terminal that somebody is to type
// at cannot be read with a limit. read is then left behind; the process ends.
func interruptible(ctx context.Context, read func() (string, error)) (string, error) {
	type answer struct {
		line string
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		line, err := read()
		answers <- answer{line, err}
	}()
	select {
	case a := <-answers:
		return a.line, a.err
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}
