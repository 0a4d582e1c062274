package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/chortle-audio/chortle/internal/atomicfile"
	"github.com/chortle-audio/chortle/orchestrator/document"
)

func (a *app) userExportCommand() *cobra.Command {
	var force, asJSON bool
	cmd := &cobra.Command{
		Use: "export NAME FILE.zip", Short: "Write everything that is kept of a user into a zip",
		Long: `Writes everything that is kept of a user into a zip: laughs with marks, stars and notes as CSV and JSON, recordings, the
policy, and every clip under a name that a person reads. It is for people; to move an installation, use orchestrator backup.`,
		Example: "  orchestrator user export alice alice.zip",
		Args:    cobra.MatchAll(cobra.ExactArgs(2)),
	}
	cmd.Flags().BoolVar(&force, "force", false, "replace a file that is there")
	jsonFlag(cmd, &asJSON)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		user, err := a.service.User(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		path, err := a.settings.Path(args[1])
		if err != nil {
			return err
		}
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) && !force {
			return usage("%s is there already: choose another file, or say --force", args[1])
		}
		var done document.PersonExport
		err = atomicfile.Write(path, 0o600, func(file *os.File) error {
			done, err = a.service.ExportPerson(cmd.Context(), user, file)
			return err
		})
		if err != nil {
			return err
		}
		if asJSON {
			return a.writeJSON(done)
		}
		_, err = fmt.Fprintf(a.stdout, "%s: %s, %s, %s of %s.\n", path, plural(done.Laughs, "laugh"), plural(done.Clips, "clip"), plural(done.Recordings, "recording"), user.Name)
		if err == nil && done.MissingClips > 0 {
			fmt.Fprintf(a.stderr, "%s have no sound any more: manifest.json names them.\n", plural(done.MissingClips, "laugh"))
		}
		return err
	}
	return cmd
}
