package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/cli/terminal"
	"github.com/chortle-audio/chortle/orchestrator/document"
)

func (a *app) modelsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "models", Short: "See which models there are, whether they work, and how fast they are",
		Long: `A model is a program that hears laughter: inferd, or one of your own (docs/writing-a-plugin.md). It is named by
its command or, shorter, by its name in models.toml, which is the first of: CHORTLE_MODELS_FILE, the working directory,
this program's directory, ~/.config/chortle, /etc/chortle, /var/lib/chortle. Such an entry is:

  [yamnet-python]
  about = "the same weights, served from Python"
  command = ".venv/bin/python -m chortle_yamnet"      # runs in the folder of models.toml
  env = { CHORTLE_MODEL_THREADS = "1" }
  sha256 = "10c95ea3eb9a7bb4cb8bddf6feb023250381008177ac162ce169694d05c317de"

Such a name can be used wherever a model is named: --model, CHORTLE_MODEL and orchestrator user set NAME --model.`,
		Args: cobra.ArbitraryArgs, RunE: group,
	}
	cmd.AddCommand(a.modelsListCommand(), a.modelsCheckCommand(), a.modelsBenchCommand())
	return cmd
}

func (a *app) modelsListCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{Use: "list", Short: "List the models that have a name, and the one that is used", Args: noArgs}
	jsonFlag(cmd, &asJSON)
	bindModel(cmd.Flags())
	cmd.RunE = func(*cobra.Command, []string) error {
		file := a.settings.Config.ModelsFile
		documents, err := a.service.Models()
		if err != nil {
			return err
		}
		if asJSON {
			return a.writeJSON(map[string]any{"file": file, "models": documents})
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
		if file == "" {
			fmt.Fprintln(a.stderr, "There is no models.toml; orchestrator models --help shows what it may hold.")
		}
		return nil
	}
	return cmd
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
	bindModel(cmd.Flags())
	_ = cmd.Flags().MarkHidden("model") // the argument names it
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		checks := []document.Finding{}
		model, failed, err := a.service.CheckModel(cmd.Context(), strings.Join(args, ""), func(f document.Finding) {
			checks = append(checks, f)
			shown := a.stdout.Green("OK   ")
			if f.Status != document.HealthOK {
				shown = a.stdout.Red("ERROR")
			}
			if !asJSON {
				fmt.Fprintf(a.stdout, "%s  %-14s  %s\n", shown, f.Check, terminal.Printable(f.Detail))
			}
		})
		if err != nil {
			return err
		}
		code := orchestrator.ExitOK
		if failed > 0 {
			code = orchestrator.ExitFailed
		}
		switch {
		case asJSON:
			err = a.writeJSON(map[string]any{"exit_code": code, "model": document.OfModel(model), "checks": checks})
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

func (a *app) modelsBenchCommand() *cobra.Command {
	var asJSON bool
	var length time.Duration
	var measure qualityFlags
	cmd := &cobra.Command{
		Use: "bench [NAME|COMMAND | --labels FILE FOLDER]", Short: "Measure how fast a model is, and how well it finds laughs",
		Long: `Starts a model, streams sound through it that was made before, and stops it. Without an argument: the model that is used.

With --labels it measures how well laughs are found in labelled sound: recall by tier, source and length, false laughs
an hour by what was heard, the metrics of the field, and with --curve how recall and false laughs depend on the
threshold. FOLDER is where the labelled files are (default: where the labels are); --model chooses the model.
With --against or --against-model a second policy or model is measured on the same sound, and what changes is listed
file by file. Nothing is stored.

The labels are a table with a column "file" and any of onset, offset, label, class and from; or rows of file, onset,
offset, label (sed_eval); or an export of Audacity beside the recording of its name. A label is laugh, nolaugh or
unsure, or the name of an event. See docs/quality.md.

A policy is "default", that of an earlier version such as "default-2", a threshold, user:NAME, a JSON object that
changes the settings' policy, or a file with one.`,
		Example: "  orchestrator models bench\n  orchestrator models bench yamnet-python --length 1h\n" +
			"  orchestrator models bench --labels sound/labels.tsv sound --policy default-2 --against default",
		Args: atMostOneModel,
	}
	jsonFlag(cmd, &asJSON)
	cmd.Flags().DurationVar(&length, "length", 10*time.Minute, "sound that is streamed, as a `duration` such as 10m")
	bindModel(cmd.Flags())
	measure.bind(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if measure.labels != "" {
			return a.benchQuality(cmd.Context(), measure, strings.Join(args, ""), asJSON)
		}
		if measure != (qualityFlags{}) {
			return usage("--policy, --against, --against-model and --curve go with --labels")
		}
		if length < time.Second || length > 24*time.Hour {
			return usage("--length %v: want a duration from 1s to 24h", length)
		}
		b, err := a.service.BenchModel(cmd.Context(), strings.Join(args, ""), length)
		if err != nil {
			return err
		}
		if asJSON {
			return a.writeJSON(b)
		}
		_, err = fmt.Fprintf(a.stdout, "%s %s by %s: ready in %.2f s, %s of sound in %.2f s (%.0f times real time), gone in %.3f s; it took %s MB\n",
			b.Model.Name, b.Model.Version, b.Model.Plugin, b.Ready, clock(length), b.Seconds, b.RealTime, b.Stop, megabytes(b.PeakBytes))
		return err
	}
	return cmd
}
