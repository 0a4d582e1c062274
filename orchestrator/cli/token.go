package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/cli/terminal"
	"github.com/chortle-audio/chortle/orchestrator/document"
	"github.com/chortle-audio/chortle/orchestrator/service/accounts"
)

func (a *app) tokenCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "token", Aliases: []string{"tokens"}, Short: "Let apps and devices in: the API, uploads, webhooks, feeds",
		Long: `A token lets one app or device in, on behalf of an account: it reaches the users that the account sees, or one of
them, and may read only, unless it is given more. Its secret is printed once and kept as a hash; a token can be revoked
at any time. docs/api.md says how it is used.`,
		Args: cobra.ArbitraryArgs, RunE: group,
	}
	cmd.AddCommand(a.tokenAddCommand(), a.tokenListCommand(), a.tokenRevokeCommand())
	return cmd
}

// tokenFlags say what a token may do, and for whom.
type tokenFlags struct {
	account, user             string
	write, upload, hook, feed bool
	life                      time.Duration
}

// scopes that were asked for. A secret that is a part of an address lets in there and nowhere else.
func (f *tokenFlags) scopes() ([]orchestrator.Scope, error) {
	if f.hook || f.feed {
		if f.hook && f.feed || f.write || f.upload {
			return nil, usage("--hook and --feed go with nothing else: make a token for each")
		}
		if f.hook {
			return []orchestrator.Scope{orchestrator.ScopeHook}, nil
		}
		return []orchestrator.Scope{orchestrator.ScopeFeed}, nil
	}
	var scopes []orchestrator.Scope
	if !f.upload || f.write {
		scopes = append(scopes, orchestrator.ScopeRead)
	}
	if f.write {
		scopes = append(scopes, orchestrator.ScopeWrite)
	}
	if f.upload {
		scopes = append(scopes, orchestrator.ScopeUpload)
	}
	return scopes, nil
}

func (a *app) tokenAddCommand() *cobra.Command {
	var flags tokenFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use: "add NAME", Short: "Make a token and print its secret",
		Long: "Makes a token for an app or a device and prints its secret, once. It may read, unless a flag says something else.",
		Example: `  orchestrator token add "Ann's phone" --account ann                    # reads
  orchestrator token add shortcut --account ann --write                 # reads and marks
  orchestrator token add recorder --account ann --user ann --upload     # sends recordings, and nothing else
  orchestrator token add omi --account ann --user ann --hook            # prints the address for the Omi app
  orchestrator token add podcasts --account ann --user ann --feed       # prints the address of a feed`,
		Args: oneArg("NAME"),
	}
	set := cmd.Flags()
	set.StringVar(&flags.account, "account", "", "`name` of the account (default: the only one there is)")
	set.StringVar(&flags.user, "user", "", "`name` of the one user that it reaches (default: all that the account sees)")
	set.BoolVar(&flags.write, "write", false, "it may mark, star, note and forget laughs, too")
	set.BoolVar(&flags.upload, "upload", false, "it may send recordings; without --write it reads nothing")
	set.BoolVar(&flags.hook, "hook", false, "its secret is a part of the address of a webhook, and lets in there only")
	set.BoolVar(&flags.feed, "feed", false, "its secret is a part of the address of a feed, and opens that only")
	set.DurationVar(&flags.life, "expires", 0, "for how `long` it lets in, such as 720h (default: until it is revoked)")
	jsonFlag(cmd, &asJSON)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return a.addToken(cmd.Context(), args[0], flags, asJSON)
	}
	return cmd
}

func (a *app) addToken(ctx context.Context, name string, flags tokenFlags, asJSON bool) error {
	scopes, err := flags.scopes()
	if err != nil {
		return err
	}
	if flags.life < 0 {
		return usage("--expires %s lies in the past", flags.life)
	}
	if flags.account == "" {
		if flags.account, err = a.onlyAccount(ctx); err != nil {
			return err
		}
	}
	return a.withAccount(ctx, flags.account, func(all *accounts.Accounts, account orchestrator.Account) error {
		users, err := all.Seen(ctx, account)
		if err != nil {
			return err
		}
		token := orchestrator.APIToken{Name: name, Scopes: scopes}
		if flags.user != "" {
			user, err := a.service.User(ctx, flags.user)
			if err != nil {
				return err
			}
			token.UserID = user.ID
		} else if (flags.hook || flags.feed) && len(users) == 1 {
			token.UserID = users[0].ID
		}
		if flags.life > 0 {
			token.ExpiresAt = a.now().Add(flags.life)
		}
		secret, token, err := all.AddToken(ctx, account, users, token)
		switch {
		case errors.Is(err, accounts.ErrOneUser):
			return usage("--hook and --feed are for one user: say whose with --user NAME")
		case errors.Is(err, accounts.ErrScope):
			return usage("account %s may only listen: --write, --upload and --hook need a member", account.Name)
		case errors.Is(err, orchestrator.ErrNotFound):
			return usage("account %s does not see user %s: orchestrator account set %[1]s --user %[2]s", account.Name, flags.user)
		case err != nil:
			return err
		}
		made := document.APITokenMade{APIToken: document.OfAPIToken(token, account, users), Secret: secret, Address: a.tokenAddress(token, secret)}
		if asJSON {
			return a.writeJSON(made)
		}
		fmt.Fprintf(a.stdout, "Token %d (%s) of account %s reaches %s.\n", made.ID, strings.Join(made.Scopes, ", "), account.Name, strings.Join(made.Users, ", "))
		if made.Address != "" {
			_, err = fmt.Fprintf(a.stdout, "Its secret address, which nobody sees again:\n%s\n", made.Address)
			return err
		}
		_, err = fmt.Fprintf(a.stdout, "Its secret, which nobody sees again:\n%s\n", secret)
		return err
	})
}

// onlyAccount is the name of the account where there is one and no other.
func (a *app) onlyAccount(ctx context.Context) (string, error) {
	all, err := a.service.Accounts(ctx)
	if err != nil {
		return "", err
	}
	entries, err := all.List(ctx)
	switch {
	case err != nil:
		return "", err
	case len(entries) == 0:
		return "", usage("there are no accounts yet; add one with orchestrator account add NAME --admin")
	case len(entries) > 1:
		return "", usage("--account is missing: there are %d accounts; see orchestrator account list", len(entries))
	}
	return entries[0].Name, nil
}

// tokenAddress is what a device or a player is given where the secret is a part of an address; else empty.
func (a *app) tokenAddress(token orchestrator.APIToken, secret string) string {
	switch {
	case token.May(orchestrator.ScopeHook):
		return a.address("/api/v1/hooks/omi/" + secret)
	case token.May(orchestrator.ScopeFeed):
		return a.address("/feed/" + secret + "/laughs.xml")
	}
	return ""
}

func (a *app) tokenListCommand() *cobra.Command {
	var account string
	var asJSON bool
	cmd := &cobra.Command{Use: "list", Short: "List the tokens, without their secrets", Args: noArgs}
	cmd.Flags().StringVar(&account, "account", "", "only those of the account of this `name`")
	jsonFlag(cmd, &asJSON)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		list := document.APITokens{Tokens: []document.APIToken{}}
		err := a.eachToken(cmd.Context(), account, func(_ *accounts.Accounts, token orchestrator.APIToken, of orchestrator.Account, users []orchestrator.User) error {
			list.Tokens = append(list.Tokens, document.OfAPIToken(token, of, users))
			return nil
		})
		if err != nil {
			return err
		}
		if asJSON {
			return a.writeJSON(list)
		}
		if len(list.Tokens) == 0 {
			fmt.Fprintln(a.stderr, "There are no tokens yet; make one with orchestrator token add NAME.")
			return nil
		}
		table := terminal.NewTable("id>", "name", "account", "may", "reaches", "last used", "expires")
		for _, t := range list.Tokens {
			table.Add(strconv.FormatInt(t.ID, 10), t.Name, t.Account, strings.Join(t.Scopes, ", "), strings.Join(t.Users, ", "), minuteOf(time.Time(t.UsedAt)), minuteOf(time.Time(t.ExpiresAt)))
		}
		return table.WriteTo(a.stdout)
	}
	return cmd
}

// eachToken goes over the tokens of an account, or of all where none is named.
func (a *app) eachToken(ctx context.Context, name string, do func(all *accounts.Accounts, token orchestrator.APIToken, of orchestrator.Account, users []orchestrator.User) error) error {
	each := func(all *accounts.Accounts, account orchestrator.Account) error {
		users, err := all.Seen(ctx, account)
		if err != nil {
			return err
		}
		tokens, err := all.Tokens(ctx, account.ID)
		for _, token := range tokens {
			err = errors.Join(err, do(all, token, account, users))
		}
		return err
	}
	if name != "" {
		return a.withAccount(ctx, name, each)
	}
	all, err := a.service.Accounts(ctx)
	if err != nil {
		return err
	}
	entries, err := all.List(ctx)
	for _, entry := range entries {
		err = errors.Join(err, each(all, entry.Account))
	}
	return err
}

func (a *app) tokenRevokeCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "revoke ID", Short: "Take a token away: what has its secret is not let in any more", Args: oneArg("ID")}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		id, err := strconv.ParseInt(args[0], 10, 64)
		if err != nil {
			return usage("%q is no number of a token; see orchestrator token list", args[0])
		}
		found := false
		err = a.eachToken(cmd.Context(), "", func(all *accounts.Accounts, token orchestrator.APIToken, of orchestrator.Account, _ []orchestrator.User) error {
			if token.ID != id {
				return nil
			}
			found = true
			if err := all.RemoveToken(cmd.Context(), of.ID, id); err != nil {
				return err
			}
			_, err := fmt.Fprintf(a.stdout, "Token %d (%s) of account %s does not let in any more.\n", id, token.Name, of.Name)
			return err
		})
		if err == nil && !found {
			return usage("there is no token %d; see orchestrator token list", id)
		}
		return err
	}
	return cmd
}
