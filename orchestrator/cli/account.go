package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/cli/terminal"
	"github.com/chortle-audio/chortle/orchestrator/document"
	"github.com/chortle-audio/chortle/orchestrator/service/accounts"
	"github.com/chortle-audio/chortle/orchestrator/settings"
)

func (a *app) accountCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "account", Aliases: []string{"accounts"}, Short: "Say who may open the page, and what they see there",
		Long: `An account is a login of the page. It sees the users that were given to it and nobody else, and it has a role:
admin (runs the server), member (changes what belongs to its users) or listener (reads and hears only).

A new account gets a link that works once, to choose how to sign in. There is no default password.`,
		Args: cobra.ArbitraryArgs, RunE: group,
	}
	cmd.AddCommand(a.accountAddCommand(), a.accountListCommand(), a.accountSetCommand(), a.accountPasswordCommand(), a.accountInviteCommand(),
		a.accountLinkCommand(), a.accountRevokeCommand())
	return cmd
}

// accountFlags say what an account may do and see.
type accountFlags struct {
	admin     bool
	role      string
	users     []string
	everyUser bool
}

func (f *accountFlags) bind(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&f.admin, "admin", false, "the role admin; without --user it sees every user")
	flags.StringVar(&f.role, "role", "", "`role`: admin, member or listener (default: member)")
	flags.StringSliceVar(&f.users, "user", nil, "`name` of a user that it sees; may be given several times")
	flags.BoolVar(&f.everyUser, "every-user", false, "it sees all users, also those that are added later")
}

// apply sets what was given.
func (f *accountFlags) apply(ctx context.Context, a *app, cmd *cobra.Command, account *orchestrator.Account) error {
	changed := cmd.Flags().Changed
	if f.admin && f.role != "" && f.role != string(orchestrator.RoleAdmin) {
		return usage("--admin and --role %s do not go together: give one", f.role)
	}
	switch {
	case f.admin:
		account.Role = orchestrator.RoleAdmin
	case f.role != "":
		account.Role = orchestrator.Role(f.role)
	}
	if f.everyUser && len(f.users) > 0 {
		return usage("--every-user and --user do not go together: give one")
	}
	if changed("every-user") {
		account.EveryUser = f.everyUser
	}
	if changed("user") {
		account.EveryUser, account.Users = false, nil
		for _, name := range f.users {
			user, err := a.service.User(ctx, name)
			if err != nil {
				return err
			}
			if !slices.Contains(account.Users, user.ID) {
				account.Users = append(account.Users, user.ID)
			}
		}
	}
	if account.EveryUser {
		account.Users = nil
	}
	if err := account.Validate(); err != nil {
		return &exitError{orchestrator.ExitUsage, err}
	}
	return nil
}

func (a *app) accountAddCommand() *cobra.Command {
	var flags accountFlags
	var passwordFile string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "add NAME", Short: "Add an account and print its link",
		Example: `  orchestrator account add alice --admin
  orchestrator account add grandma --role listener --user alice --user bob
  orchestrator account add script --user alice --password-file password.txt`,
		Args: oneArg("NAME"),
	}
	flags.bind(cmd)
	cmd.Flags().StringVar(&passwordFile, "password-file", "", "read the password from this `file` instead of making a link")
	jsonFlag(cmd, &asJSON)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ctx := cmd.Context()
		account := orchestrator.Account{Name: args[0], Role: orchestrator.RoleMember, EveryUser: flags.admin && len(flags.users) == 0}
		if err := flags.apply(ctx, a, cmd, &account); err != nil {
			return err
		}
		password, err := a.password(cmd.Context(), passwordFile)
		if err != nil {
			return err
		}
		all, err := a.service.Accounts(ctx)
		if err != nil {
			return err
		}
		account, err = all.Add(ctx, account, password)
		switch {
		case errors.Is(err, orchestrator.ErrExists):
			return usage("account %q exists already: change it with orchestrator account set %s", args[0], args[0])
		case errors.Is(err, accounts.ErrPassword):
			return usage("%w", accounts.ErrPassword)
		case err != nil:
			return err
		}
		return a.showAdded(ctx, all, account, password == "", asJSON)
	}
	return cmd
}

// password reads one from a file; empty where none is named.
func (a *app) password(ctx context.Context, path string) (string, error) {
	if path == "" {
		return "", nil
	}
	text, err := a.readSecret(ctx, path, "")
	if err != nil {
		return "", fmt.Errorf("read password: %w", err)
	}
	if text == "" {
		return "", usage("read password: %s is empty", path)
	}
	return text, nil
}

// showAdded prints a new account, with a link where it needs one.
func (a *app) showAdded(ctx context.Context, all *accounts.Accounts, account orchestrator.Account, invite, asJSON bool) error {
	var link string
	var until time.Time
	if invite {
		secret, expires, err := all.Invite(ctx, account.ID)
		if err != nil {
			return fmt.Errorf("account %s was added without a link: %w; make one with: orchestrator account invite %[1]s", account.Name, err)
		}
		link, until = a.joinLink(secret), expires
	}
	names, err := a.userNames(ctx)
	if err != nil {
		return err
	}
	if asJSON {
		return a.writeJSON(document.Invitation{Account: document.OfAccount(account, until, time.Time{}, names), Link: link})
	}
	fmt.Fprintf(a.stdout, "Account %s (%s) sees %s.\n", account.Name, account.Role, seen(account, names))
	if invite {
		fmt.Fprintf(a.stdout, "Let them open this link, which works once, until %s:\n%s\n", until.Local().Format("Mon 2 Jan 15:04"), link)
	}
	return nil
}

// joinLink is the address of a link that lets in once.
func (a *app) joinLink(secret string) string { return a.address("/join/" + secret) }

// address is an address of the page's.
func (a *app) address(rest string) string {
	page := a.settings.Config.Page
	base := page.BaseURL
	if base == "" {
		base = "http://localhost"
		if host, port, err := net.SplitHostPort(page.Listen); err == nil {
			if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
				host = "localhost"
			}
			base = "http://" + net.JoinHostPort(host, port)
		}
	}
	return base + rest
}

func (a *app) userNames(ctx context.Context) (map[int64]string, error) {
	users, err := a.service.Users(ctx)
	names := map[int64]string{}
	for _, user := range users {
		names[user.ID] = user.Name
	}
	return names, err
}

// seen says whom an account sees.
func seen(account orchestrator.Account, names map[int64]string) string {
	if account.EveryUser {
		return "every user"
	}
	var list []string
	for _, id := range account.Users {
		list = append(list, names[id])
	}
	if len(list) == 0 {
		return "nobody yet"
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}

func (a *app) accountListCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{Use: "list", Short: "List the accounts", Args: noArgs}
	jsonFlag(cmd, &asJSON)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		ctx := cmd.Context()
		all, err := a.service.Accounts(ctx)
		if err != nil {
			return err
		}
		entries, err := all.List(ctx)
		if err != nil {
			return err
		}
		names, err := a.userNames(ctx)
		if err != nil {
			return err
		}
		if asJSON {
			list := document.Accounts{Accounts: []document.Account{}}
			for _, e := range entries {
				list.Accounts = append(list.Accounts, document.OfAccount(e.Account, e.InvitedUntil, e.SeenAt, names))
			}
			return a.writeJSON(list)
		}
		if len(entries) == 0 {
			fmt.Fprintln(a.stderr, "There are no accounts yet; add one with orchestrator account add NAME --admin.")
			return nil
		}
		table := terminal.NewTable("name", "role", "sees", "password", "last seen", "open link until")
		for _, e := range entries {
			table.Add(e.Name, string(e.Role), seen(e.Account, names), a.yesNo(e.HasPassword), minuteOf(e.SeenAt), minuteOf(e.InvitedUntil))
		}
		return table.WriteTo(a.stdout)
	}
	return cmd
}

func minuteOf(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format("2006-01-02 15:04")
}

// withAccount finds the account of a command, for the time of work.
func (a *app) withAccount(ctx context.Context, name string, work func(*accounts.Accounts, orchestrator.Account) error) error {
	all, err := a.service.Accounts(ctx)
	if err != nil {
		return err
	}
	account, err := all.Account(ctx, name)
	if !errors.Is(err, orchestrator.ErrNotFound) {
		if err != nil {
			return err
		}
		return work(all, account)
	}
	entries, err := all.List(ctx)
	if err != nil {
		return err
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name)
	}
	hint := didYouMean(settings.Nearest(name, names))
	if hint == "" {
		hint = "; see orchestrator account list"
	}
	return usage("unknown account %q%s", name, hint)
}

func (a *app) accountSetCommand() *cobra.Command {
	var flags accountFlags
	var name string
	cmd := &cobra.Command{
		Use: "set NAME", Short: "Change role or users of an account; what is not named stays as it is",
		Example: "  orchestrator account set grandma --user alice --user bob\n  orchestrator account set bob --role admin",
		Args:    oneArg("NAME"),
	}
	flags.bind(cmd)
	cmd.Flags().StringVar(&name, "name", "", "new `name`")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ctx := cmd.Context()
		return a.withAccount(ctx, args[0], func(all *accounts.Accounts, account orchestrator.Account) error {
			if name != "" {
				account.Name = name
			}
			if err := flags.apply(ctx, a, cmd, &account); err != nil {
				return err
			}
			err := all.Update(ctx, account)
			if errors.Is(err, orchestrator.ErrExists) {
				return usage("account %q exists already: choose another --name", account.Name)
			}
			if err != nil {
				return err
			}
			return a.showAdded(ctx, all, account, false, false)
		})
	}
	return cmd
}

func (a *app) accountPasswordCommand() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use: "password NAME", Short: "Set the password of an account, and end its sessions",
		Long: "Reads the new password from a file, or from standard input, unseen at a terminal. All sessions of the account end.",
		Args: oneArg("NAME"),
	}
	cmd.Flags().StringVar(&file, "password-file", "", "read the password from this `file`")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return a.withAccount(cmd.Context(), args[0], func(all *accounts.Accounts, account orchestrator.Account) error {
			password, err := a.readSecret(cmd.Context(), file, "New password: ")
			if err != nil {
				return fmt.Errorf("read password: %w", err)
			}
			err = all.SetPassword(cmd.Context(), account.ID, password, 0)
			if errors.Is(err, accounts.ErrPassword) {
				return usage("%w", accounts.ErrPassword)
			}
			if err == nil {
				fmt.Fprintf(a.stdout, "The password of %s is set; all sessions have ended.\n", account.Name)
			}
			return err
		})
	}
	return cmd
}

func (a *app) accountInviteCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "invite NAME", Short: "Print a new link with which an account gets in once",
		Long: "Prints a link with which the account gets in once, to choose a new password: for whoever forgot the old one. A link that was printed before is void.",
		Args: oneArg("NAME"),
	}
	jsonFlag(cmd, &asJSON)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return a.withAccount(cmd.Context(), args[0], func(all *accounts.Accounts, account orchestrator.Account) error {
			return a.showAdded(cmd.Context(), all, account, true, asJSON)
		})
	}
	return cmd
}

func (a *app) accountLinkCommand() *cobra.Command {
	var proxy bool
	cmd := &cobra.Command{
		Use: "link NAME SUBJECT", Short: "Say as whom an issuer or a proxy knows an account",
		Long: `Links an account with what the OpenID Connect issuer of the settings calls it (the claim sub), or, with --proxy,
with what a trusted proxy sends in CHORTLE_PROXY_HEADER where that is not the account's own name.`,
		Example: "  orchestrator account link alice 248289761001\n  orchestrator account link alice alice@example.org --proxy",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usage("NAME and SUBJECT are needed; see %s --help", cmd.CommandPath())
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&proxy, "proxy", false, "SUBJECT is what the proxy sends")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		issuer := a.settings.Config.Page.OIDC.Issuer
		if proxy {
			issuer = accounts.ProxyIssuer
		} else if issuer == "" {
			return usage("there is no issuer: set CHORTLE_OIDC_ISSUER, or say --proxy")
		}
		return a.withAccount(cmd.Context(), args[0], func(all *accounts.Accounts, account orchestrator.Account) error {
			err := all.Link(cmd.Context(), account.ID, issuer, args[1])
			if errors.Is(err, orchestrator.ErrExists) {
				return usage("%q is linked with an account already", args[1])
			}
			if err == nil {
				fmt.Fprintf(a.stdout, "%s is %s of %s.\n", args[1], account.Name, issuer)
			}
			return err
		})
	}
	return cmd
}

func (a *app) accountRevokeCommand() *cobra.Command {
	var sessions bool
	cmd := &cobra.Command{
		Use: "revoke NAME", Short: "Delete an account with everything that lets it in",
		Long: `Deletes an account: its password, passkeys, sessions, links and tokens. Users and their laughs are not touched, and
what the account shared stays open until it expires or is revoked. With --sessions, the account stays and is only signed
out everywhere.`,
		Args: oneArg("NAME"),
	}
	cmd.Flags().BoolVar(&sessions, "sessions", false, "only sign the account out everywhere")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return a.withAccount(cmd.Context(), args[0], func(all *accounts.Accounts, account orchestrator.Account) error {
			if sessions {
				n, err := all.EndAll(cmd.Context(), account.ID, 0)
				if err == nil {
					fmt.Fprintf(a.stdout, "%s of %s ended.\n", plural(int(n), "session"), account.Name)
				}
				return err
			}
			err := all.Remove(cmd.Context(), account.ID)
			if err == nil {
				fmt.Fprintf(a.stdout, "Account %s is deleted.\n", account.Name)
			}
			return err
		})
	}
	return cmd
}
