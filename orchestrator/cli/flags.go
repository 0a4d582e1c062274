package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/settings"
)

// bind gives settings their flags. A flag is text here: the settings check it, wherever it comes from.
func bind(flags *pflag.FlagSet, names ...string) {
	for _, name := range names {
		d := settings.Find(name)
		flags.String(d.Flag, "", fmt.Sprintf("%s (%s)", d.Help, d.Name))
		_ = flags.SetAnnotation(d.Flag, settingOf, []string{name})
	}
}

// bindModel gives the settings of a model their flags.
func bindModel(flags *pflag.FlagSet) {
	bind(flags, "CHORTLE_MODEL", "CHORTLE_WEIGHTS", "CHORTLE_MODELS_FILE")
}

// settingOf annotates a flag with the name of its setting.
const settingOf = "setting"

// given collects the flags of settings that are on the command line.
func given(flags *pflag.FlagSet) map[string]string {
	values := map[string]string{}
	flags.Visit(func(f *pflag.Flag) {
		if names := f.Annotations[settingOf]; len(names) == 1 {
			values[names[0]] = f.Value.String()
		}
	})
	return values
}

// dates are the days that a command is about.
type dates struct{ date, from, to string }

func (d *dates) bind(cmd *cobra.Command, withDate bool) {
	if withDate {
		cmd.Flags().StringVar(&d.date, "date", "", "one `day`, as YYYY-MM-DD")
	}
	cmd.Flags().StringVar(&d.from, "from", "", "first `day`, as YYYY-MM-DD")
	cmd.Flags().StringVar(&d.to, "to", "", "last `day`, included")
}

// parse returns the first and the last day; zero where that side was left open.
func (d *dates) parse() (from, to orchestrator.Date, err error) {
	if d.date != "" {
		if d.from != "" || d.to != "" {
			return from, to, usage("--date goes without --from and --to: name one day, or the first and the last")
		}
		from, err = parseDate("--date", d.date)
		return from, from, err
	}
	if from, err = parseDate("--from", d.from); err != nil {
		return from, to, err
	}
	if to, err = parseDate("--to", d.to); err != nil {
		return from, to, err
	}
	if d.from != "" && d.to != "" && to.Before(from) {
		return from, to, usage("--to %s is before --from %s: exchange them", to, from)
	}
	return from, to, nil
}

func parseDate(flag, text string) (date orchestrator.Date, err error) {
	if text == "" {
		return date, nil
	}
	if date, err = orchestrator.ParseDate(text); err != nil {
		return date, usage("%s: %w, such as %s, and a day that exists", flag, err, time.DateOnly)
	}
	return date, nil
}

func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage("%s takes no arguments, and %q is one; see %s --help", cmd.CommandPath(), args[0], cmd.CommandPath())
	}
	return nil
}

func oneArg(name string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch len(args) {
		case 0:
			return usage("%s is missing; see %s --help", name, cmd.CommandPath())
		case 1:
			return nil
		}
		return usage("%s takes one %s, and %q is one more; see %s --help", cmd.CommandPath(), name, args[1], cmd.CommandPath())
	}
}
