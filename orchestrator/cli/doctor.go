package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/cli/terminal"
	"github.com/chortle-audio/chortle/orchestrator/service/setup"
	"github.com/chortle-audio/chortle/orchestrator/settings"
)

// health is what doctor thinks of a thing.
type health string

const (
	healthOK      health = "OK"
	healthWarning health = "WARNING"
	healthError   health = "ERROR"
)

// finding is one line of doctor.
type finding struct {
	Check  string `json:"check"`
	Status health `json:"status"`
	Detail string `json:"detail"`
	// Remedy is what to do; empty where all is well.
	Remedy string `json:"remedy"`
}

// doctor collects findings.
type doctor struct {
	*app
	findings []finding
}

func (d *doctor) ok(check, format string, args ...any) {
	d.findings = append(d.findings, finding{check, healthOK, fmt.Sprintf(format, args...), ""})
}

func (d *doctor) warn(check, detail, remedy string) {
	d.findings = append(d.findings, finding{check, healthWarning, detail, remedy})
}

func (d *doctor) wrong(check, detail, remedy string) {
	d.findings = append(d.findings, finding{check, healthError, detail, remedy})
}

func (a *app) doctorCommand() *cobra.Command {
	var asJSON, fix bool
	cmd := &cobra.Command{
		Use: "doctor", Short: "Check everything that a run needs",
		Long: `Checks everything that a run needs: settings and where each comes from, the database, the model, libraries and
programs, the users' sources, folders and their rights, disk and memory, clock and zones. It really starts a
model and stops it again.

Each is OK, WARNING or ERROR, with the remedy. Exit code: 0 without errors, else 1.`,
		Args: noArgs,
	}
	jsonFlag(cmd, &asJSON)
	cmd.Flags().BoolVar(&fix, "fix", false, "first fetch what is missing or damaged, as setup does")
	bind(cmd.Flags(), "CHORTLE_INFERD", "CHORTLE_MODELS", "CHORTLE_MODEL")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		d := doctor{app: a}
		if fix {
			d.fix(cmd.Context())
			if err := a.load(cmd); err != nil { // some name what is there now
				return err
			}
		}
		d.examine(cmd.Context())
		code := orchestrator.ExitOK
		for _, f := range d.findings {
			if f.Status == healthError {
				code = orchestrator.ExitFailed
			}
		}
		if asJSON {
			document := struct {
				ExitCode int               `json:"exit_code"`
				Settings []settingDocument `json:"settings"`
				Checks   []finding         `json:"checks"`
			}{code, nil, d.findings}
			for _, value := range a.settings.Values {
				document.Settings = append(document.Settings, settingOfValue(value))
			}
			if err := a.writeJSON(document); err != nil {
				return err
			}
			return exit(code)
		}
		d.report()
		return exit(code)
	}
	return cmd
}

func (d *doctor) examine(ctx context.Context) {
	d.checkSettings()
	d.checkDataFolder()
	d.checkClipFolder(ctx)
	d.checkDatabase(ctx)
	d.checkTelling()
	if command := d.settings.Config.Inferd; len(command) == 0 || filepath.Base(command[0]) == "inferd" {
		d.checkModelFile() // any other program brings its own
		d.checkTFLite()
	}
	d.checkOpus()
	d.checkFFmpeg(ctx)
	d.checkInferd(ctx)
	d.checkMemory()
	d.checkClock()
}

// fix runs a set-up; the checks after it find what it could not mend.
func (d *doctor) fix(ctx context.Context) {
	parts, err := d.setUp(ctx, false, false)
	for _, part := range parts {
		if part.State == setup.Fetched {
			fmt.Fprintf(d.stderr, "fetched %s from %s\n", part.Title, terminal.Printable(part.Source))
		}
		if part.Err != nil {
			fmt.Fprintf(d.stderr, "%v\n", part.Err)
		}
	}
	if err != nil && !errors.Is(err, setup.ErrIncomplete) {
		d.wrong("setup", err.Error(), "do what the message says")
	}
}

func (d *doctor) checkSettings() {
	if file := d.settings.EnvFile; file != "" {
		d.ok("settings file", "%s", file)
	} else {
		d.ok("settings file", "none found; none is needed")
	}
	for _, value := range d.settings.Values {
		if value.Problem != nil {
			d.wrong(value.Name, value.Problem.Error(), "correct it; until then nothing but doctor runs")
			continue
		}
		shown := value.Shown()
		if shown == "" {
			shown = "none"
		}
		d.ok(value.Name, "%s (%s)", shown, value.Source)
	}
	if d.settings.EnvFileProblem != nil {
		d.wrong("settings file", d.settings.EnvFileProblem.Error(), "correct the file; until then nothing but doctor runs")
	}
	for _, warning := range d.settings.Warnings {
		d.warn("settings", warning, "correct the name, or remove it")
	}
}

func (d *doctor) report() {
	counts := map[health]int{}
	table := terminal.NewTable("", "check", "what was found")
	for _, f := range d.findings {
		counts[f.Status]++
		status := d.stdout.Green(string(f.Status))
		switch f.Status {
		case healthWarning:
			status = d.stdout.Yellow(string(f.Status))
		case healthError:
			status = d.stdout.Red(string(f.Status))
		}
		table.Add(status, f.Check, terminal.Printable(settings.Mask(f.Detail)))
		if f.Remedy != "" {
			table.Add("", "", "→ "+terminal.Printable(f.Remedy))
		}
	}
	_ = table.WriteTo(d.stdout)
	fmt.Fprintf(d.stdout, "%d OK, %s, %s.\n", counts[healthOK], plural(counts[healthWarning], "warning"), plural(counts[healthError], "error"))
}
