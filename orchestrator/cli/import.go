package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chortle-audio/chortle/orchestrator/cli/terminal"
	"github.com/chortle-audio/chortle/orchestrator/document"
	"github.com/chortle-audio/chortle/orchestrator/service"
)

func (a *app) importCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "import", Short: "Bring over what another system has", Args: cobra.ArbitraryArgs, RunE: group}
	cmd.AddCommand(a.importGigglesCommand())
	return cmd
}

type importFlags struct {
	clips          string
	names          []string
	dryRun, asJSON bool
}

func (a *app) importGigglesCommand() *cobra.Command {
	var flags importFlags
	cmd := &cobra.Command{
		Use: "giggles", Short: "Bring over users, laughs, clips and the log of giggles-cli",
		Long: `Brings over what giggles-cli has in its Postgres database and its folder of clips: users with their API keys, the
audio that it read, its laughs with their sound and notes, one for one, and its processing log. It only reads there.
Importing again, also after an interruption, adds what is missing and changes nothing else: what was brought over
stays as it is here, also where giggles-cli has changed it since.

API keys are decrypted with its ENCRYPTION_KEY (CHORTLE_GIGGLES_ENCRYPTION_KEY or …_FILE) and encrypted anew with
CHORTLE_SECRET_KEY. A password in --database-url can be seen by other users of the machine while it runs:
better set CHORTLE_GIGGLES_DATABASE_URL, or …_FILE.

Exit codes: 0 all is here, 1 failed, 3 something could not be brought over, 11 a run is under way.`,
		Example: `  orchestrator import giggles --database-url postgres://giggles@localhost/giggles --clips /var/lib/giggles/uploads --dry-run
  orchestrator import giggles --clips /var/lib/giggles/uploads --name alice@example.com=alice`,
		Args: noArgs,
	}
	f := cmd.Flags()
	bind(f, "CHORTLE_GIGGLES_DATABASE_URL")
	f.StringVar(&flags.clips, "clips", "", "its `folder` of clips, or the upload folder above; without it, laughs come without sound")
	f.StringArrayVar(&flags.names, "name", nil, "import the account EMAIL as user NAME (created, or merged into the existing one): `EMAIL=NAME`; may be given several times")
	f.BoolVar(&flags.dryRun, "dry-run", false, "only count")
	jsonFlag(cmd, &flags.asJSON)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return a.importGiggles(cmd.Context(), flags) }
	return cmd
}

func (a *app) importGiggles(ctx context.Context, flags importFlags) error {
	request := service.ImportRequest{Names: map[string]string{}, DryRun: flags.dryRun}
	for _, pair := range flags.names {
		email, name, ok := strings.Cut(pair, "=")
		if !ok || email == "" || name == "" {
			return usage("--name %q: want EMAIL=NAME", pair)
		}
		request.Names[email] = name
	}
	if flags.clips != "" {
		path, err := a.settings.Path(flags.clips)
		if err != nil {
			return err
		}
		request.Clips = path
	}
	imported, err := a.service.ImportGiggles(ctx, request)
	if err != nil {
		return err
	}
	return a.reportImport(imported, flags)
}

func (a *app) reportImport(imported document.Import, flags importFlags) error {
	code := imported.ExitCode
	if flags.asJSON {
		return errors.Join(a.writeJSON(imported), exit(code))
	}
	table := terminal.NewTable("user", "e-mail", "", "key", "recordings>", "laughs>", "clips>", "clips missing>", "runs>")
	count := func(c document.ImportCount) string { return fmt.Sprintf("%d of %d", c.New, c.Found) }
	for _, r := range imported.Users {
		table.Add(terminal.Printable(r.User), terminal.Printable(r.Email), r.Status, r.Key, count(r.Recordings), count(r.Laughs), count(r.Clips),
			fmt.Sprint(r.ClipsMissing), count(r.Runs))
	}
	if err := table.WriteTo(a.stdout); err != nil {
		return err
	}
	for _, r := range imported.Users {
		for _, problem := range r.Problems {
			fmt.Fprintf(a.stdout, "%s %s: %s\n", a.stdout.Yellow("look:"), terminal.Printable(r.Email), terminal.Printable(problem))
		}
	}
	if flags.dryRun {
		fmt.Fprintln(a.stdout, "Nothing was brought over: this was a dry run.")
	} else {
		fmt.Fprintln(a.stdout, "Counts are of what is new, out of what the old system has.")
	}
	return exit(code)
}
