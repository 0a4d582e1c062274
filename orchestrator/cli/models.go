package cli

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/cli/terminal"
	"github.com/chortle-audio/chortle/orchestrator/service/models"
	"github.com/chortle-audio/chortle/orchestrator/service/trial"
	"github.com/chortle-audio/chortle/orchestrator/settings"
)

func (a *app) modelsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "models", Short: "See which models there are, whether they work, and how fast they are",
		Long: `A model is a program that hears laughter: inferd, or one of your own (docs/writing-a-plugin.md). It is named by
its command or, shorter, by its name in models.toml, which is the first of: CHORTLE_MODELS, the working directory,
this program's directory, ~/.config/chortle, /etc/chortle, /var/lib/chortle. Such an entry is:

  [yamnet-python]
  about = "the same weights, served from Python"
  command = ".venv/bin/python -m chortle_yamnet"      # runs in the folder of models.toml
  env = { CHORTLE_INFERD_THREADS = "1" }
  sha256 = "10c95ea3eb9a7bb4cb8bddf6feb023250381008177ac162ce169694d05c317de"

Whatever --inferd, CHORTLE_INFERD and a user's own model may be, such a name may be too.`,
		Args: cobra.ArbitraryArgs, RunE: group,
	}
	cmd.AddCommand(a.modelsListCommand(), a.modelsCheckCommand(), a.modelsBenchCommand())
	return cmd
}

type modelEntryDocument struct {
	Name    string   `json:"name"`
	About   string   `json:"about"`
	Command []string `json:"command"`
	Dir     string   `json:"dir"`
	Env     []string `json:"env"`
	SHA256  string   `json:"sha256"`
	Used    bool     `json:"used"`
	Problem string   `json:"problem"`
}

func (a *app) modelsListCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{Use: "list", Short: "List the models that have a name, and the one that is used", Args: noArgs}
	jsonFlag(cmd, &asJSON)
	bind(cmd.Flags(), "CHORTLE_MODELS", "CHORTLE_INFERD")
	cmd.RunE = func(*cobra.Command, []string) error {
		config := a.settings.Config
		entries, err := models.Read(config.Models)
		if err != nil {
			return err
		}
		if _, named := models.Find(entries, config.Inferd); !named && len(config.Inferd) > 0 {
			entries = slices.Insert(entries, 0, models.Entry{Command: config.Inferd})
		}
		documents := []modelEntryDocument{}
		for _, e := range entries {
			documents = append(documents, a.modelEntryOf(e))
		}
		if asJSON {
			return a.writeJSON(map[string]any{"file": config.Models, "models": documents})
		}
		table := terminal.NewTable("name", "command", "used", "about")
		for _, d := range documents {
			about := d.About
			if d.Problem != "" {
				about = a.stdout.Red(d.Problem)
			}
			table.Add(d.Name, terminal.Printable(strings.Join(d.Command, " ")), a.yesNo(d.Used), terminal.Printable(about))
		}
		if err := table.WriteTo(a.stdout); err != nil {
			return err
		}
		if config.Models == "" {
			fmt.Fprintln(a.stderr, "There is no models.toml; orchestrator models --help shows what it may hold.")
		}
		return nil
	}
	return cmd
}

func (a *app) modelEntryOf(e models.Entry) modelEntryDocument {
	inferd := a.settings.Config.Inferd
	d := modelEntryDocument{Name: e.Name, About: e.About, Command: e.Command, Dir: e.Dir, Env: []string{}, SHA256: e.SHA256,
		Used: e.Name == "" || slices.Equal(inferd, []string{e.Name})}
	for _, setting := range e.Env { // a value may be a secret
		name, _, _ := strings.Cut(setting, "=")
		d.Env = append(d.Env, name)
	}
	if _, err := exec.LookPath(e.Command[0]); err != nil {
		d.Problem = err.Error()
	}
	return d
}

// namedModel is the model that an argument names, or the setting's.
func (a *app) namedModel(args []string) (orchestrator.Spawner, error) {
	command := a.settings.Config.Inferd
	if len(args) > 0 {
		words, err := settings.SplitCommand(args[0])
		if err != nil {
			return nil, usage("MODEL %q: %w", args[0], err)
		}
		command = words
	}
	return a.spawner(command)
}

func atMostOneModel(cmd *cobra.Command, args []string) error {
	if len(args) > 1 {
		return usage("%s takes one model, and %q is one more; put a command of several words into quotes", cmd.CommandPath(), args[1])
	}
	return nil
}

func (a *app) modelsCheckCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "check [NAME|COMMAND]", Short: "See whether a model keeps the contract",
		Long: `Starts a model as a run would, and sees whether it keeps the contract (docs/writing-a-plugin.md), with sound made
on the spot. Without an argument: the model that is used.

Exit codes: 0 it does, 1 it does not.`,
		Example: "  orchestrator models check yamnet-python\n  orchestrator models check 'python my_model.py'",
		Args:    atMostOneModel,
	}
	jsonFlag(cmd, &asJSON)
	bind(cmd.Flags(), "CHORTLE_MODELS", "CHORTLE_MODEL")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		spawner, err := a.namedModel(args)
		if err != nil {
			return err
		}
		checks := []finding{}
		model, failed := trial.Check(cmd.Context(), spawner, func(v trial.Verdict) {
			f, shown := finding{Check: v.Check, Status: healthOK, Detail: v.Detail}, a.stdout.Green("OK   ")
			if !v.OK {
				f.Status, shown = healthError, a.stdout.Red("ERROR")
				f.Remedy = "see docs/writing-a-plugin.md"
			}
			checks = append(checks, f)
			if !asJSON {
				fmt.Fprintf(a.stdout, "%s  %-14s  %s\n", shown, v.Check, terminal.Printable(v.Detail))
			}
		})
		if err := cmd.Context().Err(); err != nil {
			return err
		}
		code := orchestrator.ExitOK
		if failed > 0 {
			code = orchestrator.ExitFailed
		}
		switch {
		case asJSON:
			err = a.writeJSON(map[string]any{"exit_code": code, "model": modelOf(model), "checks": checks})
		case failed == 0:
			_, err = fmt.Fprintln(a.stdout, "The model keeps the contract.")
		default:
			_, err = fmt.Fprintf(a.stdout, "%s failed.\n", plural(failed, "check"))
		}
		if err != nil {
			return err
		}
		return exit(code)
	}
	return cmd
}

type modelBenchDocument struct {
	Model        modelDocument `json:"model"`
	AudioSeconds float64       `json:"audio_seconds"`
	Seconds      float64       `json:"seconds"`
	RealTime     float64       `json:"times_real_time"`
	Ready        float64       `json:"ready_seconds"`
	Stop         float64       `json:"stop_seconds"`
	PeakBytes    int64         `json:"model_peak_bytes"`
}

func (a *app) modelsBenchCommand() *cobra.Command {
	var asJSON bool
	var length time.Duration
	cmd := &cobra.Command{
		Use: "bench [NAME|COMMAND]", Short: "Measure how fast a model is, and what it takes",
		Long:    "Starts a model, streams sound through it that was made before, and stops it. Without an argument: the model that is used.",
		Example: "  orchestrator models bench\n  orchestrator models bench yamnet-python --length 1h",
		Args:    atMostOneModel,
	}
	jsonFlag(cmd, &asJSON)
	cmd.Flags().DurationVar(&length, "length", 10*time.Minute, "sound that is streamed, as a `duration` such as 10m")
	bind(cmd.Flags(), "CHORTLE_MODELS", "CHORTLE_MODEL")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if length < time.Second || length > 24*time.Hour {
			return usage("--length %v: want a duration from 1s to 24h", length)
		}
		spawner, err := a.namedModel(args)
		if err != nil {
			return err
		}
		f, err := trial.Bench(cmd.Context(), spawner, length)
		if err != nil {
			return err
		}
		speed := f.Sound.Seconds() / f.Took.Seconds()
		if asJSON {
			return a.writeJSON(modelBenchDocument{modelOf(f.Model), seconds(f.Sound), seconds(f.Took), speed, seconds(f.Ready), seconds(f.Stop), f.ModelBytes})
		}
		_, err = fmt.Fprintf(a.stdout, "%s %s by %s: ready in %.2f s, %s of sound in %.2f s (%.0f times real time), gone in %.3f s; it took %s MB\n",
			f.Model.Name, f.Model.Version, f.Model.Plugin, f.Ready.Seconds(), clock(f.Sound), f.Took.Seconds(), speed, f.Stop.Seconds(), megabytes(f.ModelBytes))
		return err
	}
	return cmd
}
