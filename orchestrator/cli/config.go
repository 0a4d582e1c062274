package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/chortle-audio/chortle/orchestrator/cli/terminal"
	"github.com/chortle-audio/chortle/orchestrator/document"
	"github.com/chortle-audio/chortle/orchestrator/settings"
)

func (a *app) configCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "config", Short: "Show every setting, its value and where that comes from",
		Long: `Shows every setting, its value and where that comes from. Passwords are masked.

Flags override environment variables, which override the .env file, which overrides the defaults. The .env file
is the first of: --env-file, the working directory, this program's directory, ~/.config/chortle,
/etc/chortle, /var/lib/chortle.`,
		Args: noArgs,
	}
	jsonFlag(cmd, &asJSON)
	bindModel(cmd.Flags())
	bind(cmd.Flags(), "CHORTLE_THRESHOLD", "CHORTLE_USERS_AT_ONCE", "CHORTLE_SANDBOX")
	cmd.RunE = func(*cobra.Command, []string) error {
		if asJSON {
			report := struct {
				EnvFile  string             `json:"env_file"`
				Settings []document.Setting `json:"settings"`
				Warnings []string           `json:"warnings"`
			}{a.settings.EnvFile, nil, append([]string{}, a.settings.Warnings...)}
			for _, value := range a.settings.Values {
				report.Settings = append(report.Settings, document.OfSetting(value))
			}
			return a.writeJSON(report)
		}
		table := terminal.NewTable("setting", "value", "from")
		for _, value := range a.settings.Values {
			table.Add(value.Name, terminal.Printable(value.Shown()), terminal.Printable(value.Source))
		}
		return table.WriteTo(a.stdout)
	}
	return cmd
}

func (a *app) migrateCommand() *cobra.Command {
	return &cobra.Command{
		Use: "migrate", Short: "Bring the database up to date",
		Long: "Brings the database to the schema that this program wants. Every other command does so by itself;\nthis one does nothing else, for those who want it to happen at a time of their own.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			current, err := a.service.SchemaVersion(cmd.Context())
			if err == nil {
				_, err = fmt.Fprintf(a.stdout, "%s is up to date: schema version %d.\n", settings.Mask(a.settings.Config.DatabaseURL), current)
			}
			return err
		},
	}
}

func (a *app) versionCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{Use: "version", Short: "Print the version", Args: noArgs}
	jsonFlag(cmd, &asJSON)
	cmd.RunE = func(*cobra.Command, []string) error {
		if asJSON {
			return a.writeJSON(map[string]string{"version": a.version})
		}
		_, err := fmt.Fprintln(a.stdout, "orchestrator", a.version)
		return err
	}
	return cmd
}
