package cli

import (
	"bufio"
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
		user, err := a.service.User(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		if err := a.confirm(cmd.Name(), user, flags.yes); err != nil {
			return err
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
