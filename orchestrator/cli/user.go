package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/cli/terminal"
	"github.com/chortle-audio/chortle/orchestrator/document"
	"github.com/chortle-audio/chortle/orchestrator/service"
	"github.com/chortle-audio/chortle/orchestrator/settings"
)

func (a *app) userCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "user", Short: "Say whose recordings are read, and where they are",
		Long: "A user is a person whose recordings are read. Each has a short name, a time zone in which their days\nare cut, and a source: where the recordings come from.",
		Args: cobra.ArbitraryArgs, RunE: group,
	}
	cmd.AddCommand(a.userAddCommand(), a.userSetCommand(), a.userListCommand(), a.userShowCommand(),
		a.userKeyCommand(), a.userWipeCommand(), a.userPurgeCommand(), a.userExportCommand())
	return cmd
}

// userFlags are what may be said of a user.
type userFlags struct {
	timezone, source, model string
	keep                    string
	priority                int
	threshold               float64
	enabled, keepOriginals  bool
	key                     keyFlags
}

func (f *userFlags) bind(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.timezone, "timezone", "", "IANA time `zone`, such as Europe/London")
	flags.StringVar(&f.source, "source", "", "`address` of the recordings: "+service.SourceForms(false))
	flags.IntVar(&f.priority, "priority", service.DefaultPriority, "users with a smaller `number` are read first")
	flags.Float64Var(&f.threshold, "threshold", 0, "minimum `score` for a laugh, up to 1 (default: CHORTLE_THRESHOLD, or the policy)")
	flags.StringVar(&f.model, "model", "", "this user's `model`: its name in models.toml, or the command that starts it (default: CHORTLE_MODEL)")
	flags.BoolVar(&f.keepOriginals, "keep-originals", false, "keep what is downloaded, in the data folder; --keep-originals=false: delete it once it is read")
	flags.StringVar(&f.keep, "keep", "", "for how long sound is kept, other than the settings CHORTLE_KEEP_… say: `words` such as \"days=365 size=5GB\"; empty: the settings'")
	f.key.bind(cmd)
	flags.BoolVar(&f.enabled, "enabled", true, "--enabled=false: leave this user out of runs that name nobody")
}

// apply sets what was given on the command line, and checks it.
func (f *userFlags) apply(a *app, cmd *cobra.Command, user *orchestrator.User) error {
	changed := cmd.Flags().Changed
	if changed("timezone") {
		user.Timezone = f.timezone
	}
	if changed("source") {
		source, err := service.ParseSource(f.source, a.settings.Path)
		if err != nil {
			return err
		}
		user.Source = source
	}
	if changed("priority") {
		user.Priority = f.priority
	}
	if changed("threshold") {
		user.Threshold = f.threshold
	}
	if changed("model") {
		if _, err := settings.SplitCommand(f.model); err != nil {
			return usage("--model: %w", err)
		}
		user.Model = f.model
	}
	if changed("enabled") {
		user.Enabled = f.enabled
	}
	if changed("keep-originals") {
		user.KeepOriginals = f.keepOriginals
	}
	if changed("keep") {
		keep, err := settings.ParseKeep(f.keep)
		if err != nil {
			return usage("--keep: %w", err)
		}
		user.Retention = keep
	}
	return service.CheckUser(*user)
}

func (a *app) userAddCommand() *cobra.Command {
	var flags userFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use: "add NAME --timezone ZONE --source SOURCE", Short: "Add a user",
		Example: `  orchestrator user add alice --timezone Europe/London --source folder:/home/alice/recordings
  orchestrator user add bob --timezone America/Los_Angeles --source folder:~/Sync/bob --priority 10
  orchestrator user add carol --timezone Asia/Tokyo --source limitless --api-key-file carol.key`,
		Args: oneArg("NAME"),
	}
	flags.bind(cmd)
	jsonFlag(cmd, &asJSON)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		for _, flag := range []string{"timezone", "source"} {
			if !cmd.Flags().Changed(flag) {
				return usage("--%s is missing; see %s --help", flag, cmd.CommandPath())
			}
		}
		user := orchestrator.User{Name: args[0], Priority: flags.priority, Enabled: true}
		if err := flags.apply(a, cmd, &user); err != nil {
			return err
		}
		key, err := flags.key.read(cmd.Context(), a, user)
		if err != nil {
			return err
		}
		user, err = a.service.AddUser(cmd.Context(), user)
		if errors.Is(err, orchestrator.ErrExists) {
			return usage("user %q exists already: change it with orchestrator user set %s", user.Name, args[0])
		}
		if err != nil {
			return err
		}
		if key != "" {
			if err := a.service.SetAPIKey(cmd.Context(), user, key); err != nil {
				return fmt.Errorf("user %s was added without the API key: %w; give it again with: orchestrator user set %[1]s", user.Name, err)
			}
		}
		a.service.WarnOfSource(cmd.Context(), user)
		return a.showUser(cmd.Context(), user, asJSON)
	}
	return cmd
}

func (a *app) userSetCommand() *cobra.Command {
	var flags userFlags
	var asJSON bool
	var name string
	cmd := &cobra.Command{
		Use: "set NAME", Short: "Change a user; what is not named stays as it is",
		Example: `  orchestrator user set alice --threshold 0.3
  orchestrator user set alice --enabled=false      # leave alice out for now
  orchestrator user set alice --name alicia
  orchestrator user set carol --api-key-stdin      # asks for a new key`,
		Args: oneArg("NAME"),
	}
	flags.bind(cmd)
	jsonFlag(cmd, &asJSON)
	cmd.Flags().StringVar(&name, "name", "", "new `name`")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		user, err := a.service.User(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		if cmd.Flags().Changed("name") {
			user.Name = name
		}
		zone := user.Timezone
		if err := flags.apply(a, cmd, &user); err != nil {
			return err
		}
		key, err := flags.key.read(cmd.Context(), a, user)
		if err != nil {
			return err
		}
		err = a.service.UpdateUser(cmd.Context(), user)
		if errors.Is(err, orchestrator.ErrExists) {
			return usage("user %q exists already: choose another --name", user.Name)
		}
		if err != nil {
			return err
		}
		if key != "" {
			if err := a.service.SetAPIKey(cmd.Context(), user, key); err != nil {
				return err
			}
		}
		if cmd.Flags().Changed("source") {
			a.service.WarnOfSource(cmd.Context(), user)
		}
		if zone != user.Timezone && !service.NeedsKey(user) {
			a.log.Warnf("times in names that tell no zone were read as %s, and are %s from now on: what is stored keeps its times until the next run, "+
				"which moves recordings and laughs without reading them again; to move them now: orchestrator run --user %s", zone, user.Timezone, user.Name)
		}
		return a.showUser(cmd.Context(), user, asJSON)
	}
	return cmd
}

func (a *app) userListCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{Use: "list", Short: "List the users, in the order in which they are read", Args: noArgs}
	jsonFlag(cmd, &asJSON)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		users, err := a.service.Users(cmd.Context())
		if err != nil {
			return err
		}
		sealed, err := a.service.SealedWith(cmd.Context())
		if err != nil {
			return err
		}
		if asJSON {
			documents := []document.User{}
			for _, user := range users {
				documents = append(documents, document.OfUser(user, sealed[user.ID]))
			}
			return a.writeJSON(map[string]any{"users": documents})
		}
		if len(users) == 0 {
			fmt.Fprintln(a.stderr, "There are no users yet; add one with orchestrator user add.")
			return nil
		}
		table := terminal.NewTable("name", "time zone", "source", "priority>", "threshold>", "enabled")
		for _, u := range users {
			table.Add(u.Name, u.Timezone, terminal.Printable(settings.Mask(u.Source)), strconv.Itoa(u.Priority), a.thresholdOf(u), a.yesNo(u.Enabled))
		}
		return table.WriteTo(a.stdout)
	}
	return cmd
}

func (a *app) userShowCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{Use: "show NAME", Short: "Show one user", Args: oneArg("NAME")}
	jsonFlag(cmd, &asJSON)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		user, err := a.service.User(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		return a.showUser(cmd.Context(), user, asJSON)
	}
	return cmd
}

func (a *app) showUser(ctx context.Context, u orchestrator.User, asJSON bool) error {
	all, err := a.service.SealedWith(ctx)
	if err != nil {
		return err
	}
	sealed, hasKey := all[u.ID]
	if asJSON {
		return a.writeJSON(document.OfUser(u, sealed))
	}
	model := u.Model
	if model == "" {
		model = strings.Join(a.settings.Config.Model, " ") + " (default)"
	}
	table := terminal.NewTable("user", u.Name)
	table.Add("time zone", u.Timezone)
	table.Add("source", terminal.Printable(settings.Mask(u.Source)))
	if hasKey {
		table.Add("API key", "stored, encrypted with key "+sealed)
	}
	if u.KeepOriginals {
		table.Add("originals", terminal.Printable(a.service.OriginalsDir(u)))
	}
	if keep, err := settings.KeepText(u.Retention); err == nil && keep != "" {
		table.Add("kept", keep)
	}
	table.Add("priority", strconv.Itoa(u.Priority))
	table.Add("threshold", a.thresholdOf(u))
	table.Add("model", terminal.Printable(model))
	table.Add("enabled", a.yesNo(u.Enabled))
	return table.WriteTo(a.stdout)
}

func (a *app) thresholdOf(u orchestrator.User) string {
	if u.Threshold == 0 {
		return strconv.FormatFloat(a.settings.Config.Threshold, 'g', -1, 64) + " (default)"
	}
	return strconv.FormatFloat(u.Threshold, 'g', -1, 64)
}

func (a *app) yesNo(yes bool) string {
	if yes {
		return a.stdout.Green("yes")
	}
	return a.stdout.Dim("no")
}
