package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/settings"
)

// groups of the commands, as the help shows them. A command that none names is shown under "Other commands".
var groups = []struct {
	id, title string
	commands  []string
}{
	{"day", "Every day:", []string{"run", "laughs", "serve", "detect", "status", "digest", "runs"}},
	{"setup", "Set-up:", []string{"setup", "demo", "doctor", "config", "migrate", "user", "account", "token", "key", "source", "notify", "uninstall"}},
	{"models", "Models:", []string{"models", "policy", "rescore"}},
	{"data", "Data:", []string{"backup", "restore", "prune", "clips", "archive", "import"}},
	{"fleet", "More machines:", []string{"worker", "queue"}},
}

// oldFlags are names that flags had before 0.1. They still work, with a warning.
var oldFlags = map[string]string{"inferd": "model", "models": "models-file", "heard-by": "model", "keep-inferd": "keep-model"}

// synonyms are words that people try for a command, by the command's name.
var synonyms = map[string][]string{
	"purge": {"delete", "remove", "rm", "del"}, "forget": {"delete", "remove", "rm"}, "revoke": {"delete", "remove", "rm"},
	"set": {"edit", "change", "update", "modify"}, "add": {"create", "new"}, "list": {"ls"}, "show": {"info", "get"},
	"setup": {"install", "init"}, "serve": {"server", "web"}, "play": {"listen"},
}

// plurals are those that an s does not make.
var plurals = map[string]string{"policy": "policies"}

// frame gives the root its groups, its general flags, and the other number of every noun. It is called after the
// commands were added.
func (a *app) frame(root *cobra.Command) {
	for _, group := range groups {
		root.AddGroup(&cobra.Group{ID: group.id, Title: group.title})
	}
	for _, cmd := range root.Commands() {
		for _, group := range groups {
			if slices.Contains(group.commands, cmd.Name()) {
				cmd.GroupID = group.id
			}
		}
		if other := otherNumber(cmd.Name()); cmd.HasSubCommands() && !taken(root, other) {
			cmd.Aliases = append(cmd.Aliases, other)
		}
	}
	flags := root.PersistentFlags()
	flags.BoolVarP(&a.quiet, "quiet", "q", false, "print no progress, and of a run only what needs a person")
	flags.CountVarP(&a.verbose, "verbose", "v", "log more: -v what is done, -vv all")
	root.Flags().Bool("version", false, "print the version")
	root.SetGlobalNormalizationFunc(a.currentFlag)
	root.SetFlagErrorFunc(flagError)
	help := root.HelpFunc()
	root.SetHelpFunc(func(cmd *cobra.Command, args []string) {
		if a.helpError = unknownHelp(cmd, args); a.helpError == nil {
			help(cmd, args)
		}
	})
}

// otherNumber returns the plural of a singular noun, and the other way round.
func otherNumber(noun string) string {
	for one, many := range plurals {
		switch noun {
		case one:
			return many
		case many:
			return one
		}
	}
	if one, ok := strings.CutSuffix(noun, "s"); ok {
		return one
	}
	return noun + "s"
}

// taken reports whether a name is already that of a command, or another name of one.
func taken(root *cobra.Command, name string) bool {
	return slices.ContainsFunc(root.Commands(), func(cmd *cobra.Command) bool { return cmd.Name() == name || cmd.HasAlias(name) })
}

// currentFlag translates the old name of a flag, and remembers that it was used.
func (a *app) currentFlag(_ *pflag.FlagSet, name string) pflag.NormalizedName {
	now, old := oldFlags[name]
	if !old {
		return pflag.NormalizedName(name)
	}
	warning := fmt.Sprintf("--%s is called --%s now", name, now)
	if !slices.Contains(a.renamed, warning) {
		a.renamed = append(a.renamed, warning)
	}
	return pflag.NormalizedName(now)
}

// flagError names the flag that a person may have meant.
func flagError(cmd *cobra.Command, err error) error {
	hint, unknown := "", (*pflag.NotExistError)(nil)
	if errors.As(err, &unknown) {
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if !f.Hidden {
				names = append(names, "--"+f.Name)
			}
		})
		hint = didYouMean(settings.Nearest("--"+unknown.GetSpecifiedName(), names))
	}
	return usage("%w%s; see %s --help", err, hint, cmd.CommandPath())
}

// unknownHelp refuses to show the help of a group for a command that it does not have.
func unknownHelp(cmd *cobra.Command, args []string) error {
	found, rest, err := cmd.Root().Find(args)
	if err != nil || found != cmd || !cmd.HasSubCommands() {
		return nil //nolint:nilerr // then it is the help of the root, or of what help names
	}
	for i, arg := range rest {
		value := i > 0 && strings.HasPrefix(rest[i-1], "-") && !strings.Contains(rest[i-1], "=") // of a flag, perhaps
		if !strings.HasPrefix(arg, "-") && !value {
			return unknownCommand(cmd, arg)
		}
	}
	return nil
}

// group is a command that only holds others: alone it shows its help.
func group(cmd *cobra.Command, args []string) error {
	if version, _ := cmd.Flags().GetBool("version"); version {
		args = []string{"version"}
		cmd.Root().SetArgs(args)
		return cmd.Root().ExecuteContext(cmd.Context())
	}
	if len(args) == 0 {
		return cmd.Help()
	}
	return unknownCommand(cmd, args[0])
}

// unknownCommand names the command that a person may have meant.
func unknownCommand(cmd *cobra.Command, name string) error {
	var names, meant []string
	for _, sub := range cmd.Commands() {
		if !sub.IsAvailableCommand() {
			continue
		}
		names = append(names, sub.Name())
		if slices.Contains(synonyms[sub.Name()], name) {
			meant = append(meant, sub.Name())
		}
	}
	if len(meant) == 0 {
		meant = settings.Nearest(name, names)
	}
	return &exitError{orchestrator.ExitUsage, fmt.Errorf("unknown command %q for %s%s; see %s --help", name, cmd.CommandPath(),
		didYouMean(meant), cmd.CommandPath())}
}

// verbosity is the log level that -v asks for; empty where it asks for none.
func (a *app) verbosity() string {
	switch {
	case a.verbose > 1:
		return "debug"
	case a.verbose == 1:
		return "info"
	}
	return ""
}
