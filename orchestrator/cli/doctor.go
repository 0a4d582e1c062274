package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/cli/terminal"
	"github.com/chortle-audio/chortle/orchestrator/document"
	"github.com/chortle-audio/chortle/orchestrator/service/setup"
	"github.com/chortle-audio/chortle/orchestrator/settings"
)

func (a *app) doctorCommand() *cobra.Command {
	var asJSON, fix, repair bool
	cmd := &cobra.Command{
		Use: "doctor", Short: "Check everything that a run needs",
		Long: `Checks everything that a run needs: settings and where each comes from, the database, the model, libraries and
programs, the users' sources, folders and their rights, disk and memory, clock and zones. It really starts a
model and stops it again.

With --repair nothing is checked: what can be read of a damaged SQLite database is read into a new file beside it, with
a count of what could not, and how to put it in the old one's place.

Each is OK, WARNING or ERROR, with the remedy. Exit code: 0 without errors, else 1.`,
		Args: noArgs,
	}
	jsonFlag(cmd, &asJSON)
	cmd.Flags().BoolVar(&fix, "fix", false, "first fetch what is missing or damaged, as setup does")
	cmd.Flags().BoolVar(&repair, "repair", false, "read what can be read of a damaged SQLite database into a new file beside it")
	bindModel(cmd.Flags())
	cmd.MarkFlagsMutuallyExclusive("fix", "repair")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if repair {
			repaired, err := a.service.Repair(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return a.writeJSON(repaired)
			}
			return a.reportRepair(repaired)
		}
		var findings []document.Finding
		if fix {
			findings = a.fix(cmd.Context())
			if err := a.load(cmd); err != nil { // some name what is there now
				return err
			}
			a.openService()
		}
		findings = append(findings, a.service.Doctor(cmd.Context(), a.settings)...)
		code := orchestrator.ExitOK
		for _, f := range findings {
			if f.Status == document.HealthError {
				code = orchestrator.ExitFailed
			}
		}
		if asJSON {
			report := struct {
				ExitCode int                `json:"exit_code"`
				Settings []document.Setting `json:"settings"`
				Checks   []document.Finding `json:"checks"`
			}{code, nil, findings}
			for _, value := range a.settings.Values {
				report.Settings = append(report.Settings, document.OfSetting(value))
			}
			if err := a.writeJSON(report); err != nil {
				return err
			}
			return exit(code)
		}
		a.reportFindings(findings)
		return exit(code)
	}
	return cmd
}

func (a *app) reportRepair(r document.Repair) error {
	table := terminal.NewTable("table", "rows read>", "lost>", "without what they belong to>")
	for _, t := range r.Tables {
		lost := "not known"
		if t.Lost != nil {
			lost = strconv.FormatInt(*t.Lost, 10)
		}
		if t.Read > 0 || lost != "0" || t.Loose > 0 {
			table.Add(t.Table, strconv.FormatInt(t.Read, 10), lost, strconv.FormatInt(t.Loose, 10))
		}
	}
	if err := table.WriteTo(a.stdout); err != nil {
		return err
	}
	old, repaired := terminal.Printable(r.File), terminal.Printable(r.New)
	fmt.Fprintf(a.stdout, "\nWhat could be read is in %s; %s is as it was. A backup is better, if there is one: orchestrator restore FILE --replace.\nTo go on with the new file:\n\n  mkdir %[2]s-damaged && mv %[2]s %[2]s-wal %[2]s-shm %[2]s-damaged/\n  mv %[1]s %[2]s\n  orchestrator doctor\n", repaired, old)
	return nil
}

// fix runs a set-up; the checks after it find what it could not mend.
func (a *app) fix(ctx context.Context) (failed []document.Finding) {
	parts, err := a.setUp(ctx, false, false)
	for _, part := range parts {
		if part.State == setup.Fetched {
			fmt.Fprintf(a.stderr, "fetched %s from %s\n", part.Title, terminal.Printable(part.Source))
		}
		if part.Err != nil {
			fmt.Fprintf(a.stderr, "%v\n", part.Err)
		}
	}
	if err != nil && !errors.Is(err, setup.ErrIncomplete) {
		failed = append(failed, document.Finding{Check: "setup", Status: document.HealthError, Detail: err.Error(), Remedy: "do what the message says"})
	}
	return failed
}

func (a *app) reportFindings(findings []document.Finding) {
	counts := map[document.Health]int{}
	table := terminal.NewTable("", "check", "what was found")
	for _, f := range findings {
		counts[f.Status]++
		status := a.stdout.Green(string(f.Status))
		switch f.Status {
		case document.HealthWarning:
			status = a.stdout.Yellow(string(f.Status))
		case document.HealthError:
			status = a.stdout.Red(string(f.Status))
		}
		table.Add(status, f.Check, terminal.Printable(settings.Mask(f.Detail)))
		if f.Remedy != "" {
			table.Add("", "", "→ "+terminal.Printable(f.Remedy))
		}
	}
	_ = table.WriteTo(a.stdout)
	fmt.Fprintf(a.stdout, "%d OK, %s, %s.\n", counts[document.HealthOK], plural(counts[document.HealthWarning], "warning"), plural(counts[document.HealthError], "error"))
}
