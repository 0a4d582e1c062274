package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/cli/terminal"
	"github.com/chortle-audio/chortle/orchestrator/document"
)

func (a *app) notifyCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "notify", Short: "Try where alerts and digests go", Args: cobra.ArbitraryArgs, RunE: group}
	cmd.AddCommand(a.notifyTestCommand())
	return cmd
}

func (a *app) notifyTestCommand() *cobra.Command {
	var users, addresses []string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "test", Short: "Send a test the way real notifications go",
		Long: `Sends a test message to every address of CHORTLE_NOTIFY_URLS; with --user a test letter to wherever that user's digests
go; with --address a message to that address, whether it is in use or not. Pings are not tried: one would hide a night
that did not start.

Exit codes: 0 every service took its message, 3 some did not.`,
		Example: `  orchestrator notify test
  orchestrator notify test --user alice
  orchestrator notify test --address ntfy://ntfy.sh/TOPIC`,
		Args: noArgs,
	}
	cmd.Flags().StringArrayVar(&users, "user", nil, "a test letter to where the digests of this `name` go; may be given several times")
	cmd.Flags().StringArrayVar(&addresses, "address", nil, "a message to this `address`; may be given several times")
	cmd.MarkFlagsMutuallyExclusive("user", "address")
	jsonFlag(cmd, &asJSON)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		tested, err := a.service.TestNotifications(cmd.Context(), users, addresses)
		if err != nil {
			return err
		}
		code := orchestrator.ExitOK
		documents := []document.Tested{}
		for _, one := range tested {
			d := document.Tested{To: one.To, For: one.For, OK: one.Err == nil}
			said := a.stdout.Green("delivered")
			if one.Err != nil {
				code, d.Cause = orchestrator.ExitIncomplete, one.Err.Error()
				said = a.stdout.Red("not delivered") + ": " + terminal.Printable(d.Cause)
			}
			documents = append(documents, d)
			if !asJSON {
				fmt.Fprintf(a.stdout, "%s, %s: %s\n", one.For, terminal.Printable(one.To), said)
			}
		}
		if asJSON {
			if err := a.writeJSON(map[string]any{"tests": documents}); err != nil {
				return err
			}
		}
		return exit(code)
	}
	return cmd
}
