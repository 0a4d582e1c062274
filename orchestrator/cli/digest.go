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
	"github.com/chortle-audio/chortle/orchestrator/service/letters"
)

func (a *app) digestCommand() *cobra.Command {
	var users []string
	var dryRun, asJSON bool
	cmd := &cobra.Command{
		Use: "digest", Short: "Send the digests that are due: how the days went, with the best laughs",
		Long: `Sends the digests that are due, by mail, ntfy or any service that shoutrrr knows. Each is sent once, however often this
is called; "orchestrator run" does it at its end. Call it by itself where digests wait for the end of quiet hours and
no "orchestrator serve" runs.

Exit codes: 0 all that was due was delivered, 3 some was not.`,
		Example: `  orchestrator digest add alice --to alice@example.org --every weekly --on sunday
  orchestrator digest add alice --to ntfy://ntfy.sh/TOPIC --every daily --quiet-hours 22:00-08:00
  orchestrator digest --dry-run            # what would be sent now
  orchestrator digest stop 1`,
		Args: cobra.ArbitraryArgs,
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&users, "user", nil, "only of this `name`; may be given several times")
	flags.BoolVar(&dryRun, "dry-run", false, "print what would be sent, and send nothing")
	jsonFlag(cmd, &asJSON)
	cmd.AddCommand(a.digestAddCommand(), a.digestListCommand(), a.digestStopCommand())
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return group(cmd, args)
		}
		outcomes, err := a.service.SendDigests(cmd.Context(), users, dryRun)
		return errors.Join(a.tellDigests(outcomes, dryRun, asJSON), err)
	}
	return cmd
}

// said is what became of a digest, for a person.
var said = map[letters.Result]string{letters.Delivered: "sent", letters.Nothing: "nothing to say", letters.Already: "sent already", letters.NotYet: "no period is over yet",
	letters.Quiet: "waits for the end of quiet hours", letters.Unread: "waits for a run that reads the days", letters.Failed: "not delivered", letters.Uncertain: "may have arrived",
	letters.Would: "would be sent"}

func (a *app) tellDigests(outcomes []letters.Outcome, dryRun, asJSON bool) error {
	code := orchestrator.ExitOK
	documents := []document.Digest{}
	for _, o := range outcomes {
		if o.Cause != "" {
			code = orchestrator.ExitIncomplete
		}
		d := document.Digest{ID: o.Subscription.ID, User: o.User, To: o.Subscription.Address, From: o.From.String(), Until: o.To.String(), Result: string(o.Result), Cause: o.Cause}
		if o.Letter != nil {
			d.Subject, d.Text = o.Letter.Subject, o.Letter.Text
		}
		documents = append(documents, d)
		if asJSON {
			continue
		}
		fmt.Fprintf(a.stdout, "%s to %s, %s to %s: %s", o.User, terminal.Printable(o.Subscription.Address), o.From, o.To, said[o.Result])
		if o.Cause != "" {
			fmt.Fprintf(a.stdout, ": %s", terminal.Printable(o.Cause))
		}
		fmt.Fprintln(a.stdout)
		if dryRun && o.Letter != nil {
			fmt.Fprintf(a.stdout, "\n  %s\n\n  %s\n\n", terminal.Printable(o.Letter.Subject), strings.ReplaceAll(strings.TrimSpace(o.Letter.Text), "\n", "\n  "))
			for _, file := range o.Letter.Attachments {
				fmt.Fprintf(a.stdout, "  attached: %s (%d kB)\n", terminal.Printable(file.Name), (len(file.Data)+500)/1000)
			}
		}
	}
	if asJSON {
		return errors.Join(a.writeJSON(map[string]any{"digests": documents}), exit(code))
	}
	if len(outcomes) == 0 {
		fmt.Fprintln(a.stderr, "Nobody gets a digest yet; add one with orchestrator digest add NAME --to ADDRESS.")
	}
	return exit(code)
}

func (a *app) digestAddCommand() *cobra.Command {
	var to, every, on, quiet string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "add NAME --to ADDRESS", Short: "Send somebody the digests of a user",
		Long: `Sends somebody the digests of a user, from the first day or week on that is not over yet. Nothing is sent where there is
nothing to say. An address that is no e-mail address holds a secret and is stored encrypted (CHORTLE_SECRET_KEY).`,
		Example: "  orchestrator digest add alice --to alice@example.org\n  orchestrator digest add alice --to ntfy://ntfy.sh/TOPIC --every daily --quiet-hours 22:00-08:00",
		Args:    oneArg("NAME"),
	}
	flags := cmd.Flags()
	flags.StringVar(&to, "to", "", "`address`: alice@example.org, ntfy://HOST/TOPIC, or another of shoutrrr")
	flags.StringVar(&every, "every", "weekly", "daily or weekly")
	flags.StringVar(&on, "on", "sunday", "`weekday` on which a weekly one is sent, of the seven days before")
	flags.StringVar(&quiet, "quiet-hours", "", "`hours` of the user's day in which none is sent, such as 22:00-08:00")
	jsonFlag(cmd, &asJSON)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if to == "" {
			return usage("--to is missing; see %s --help", cmd.CommandPath())
		}
		user, err := a.service.User(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		request := service.SubscribeRequest{To: to, Period: orchestrator.Period(every)}
		if request.Weekday, err = letters.ParseWeekday(on); err != nil {
			return usage("--on: %w", err)
		}
		if request.Quiet, err = orchestrator.ParseQuiet(quiet); err != nil {
			return usage("--quiet-hours: %w", err)
		}
		if request.Period != orchestrator.PeriodDaily && request.Period != orchestrator.PeriodWeekly {
			return usage("--every %q is not known: use daily or weekly", every)
		}
		sub, err := a.service.Subscribe(cmd.Context(), user, request)
		if err != nil {
			return err
		}
		if asJSON {
			return a.writeJSON(document.OfSubscription(sub, user))
		}
		_, err = fmt.Fprintf(a.stdout, "Digest %d: %s, to %s. To see one now: orchestrator notify test --user %s\n", sub.ID, when(sub), terminal.Printable(sub.Address), user.Name)
		return err
	}
	return cmd
}

// when says how often a digest comes.
func when(sub orchestrator.Subscription) string {
	text := string(sub.Period)
	if sub.Period == orchestrator.PeriodWeekly {
		text += ", on " + sub.Weekday.String()
	}
	if q := sub.Quiet.String(); q != "" {
		text += ", not " + q
	}
	return text
}

func (a *app) digestListCommand() *cobra.Command {
	var users []string
	var asJSON bool
	cmd := &cobra.Command{Use: "list", Short: "List who gets which digests, and what became of the last ones", Args: noArgs}
	cmd.Flags().StringArrayVar(&users, "user", nil, "only of this `name`; may be given several times")
	jsonFlag(cmd, &asJSON)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		subs, byID, err := a.service.Subscriptions(cmd.Context(), users)
		if err != nil {
			return err
		}
		documents := []document.Subscription{}
		table := terminal.NewTable("id", "user", "to", "when", "last")
		for _, sub := range subs {
			user := byID[sub.UserID]
			documents = append(documents, document.OfSubscription(sub, user))
			last := "-"
			if sub.Last.State != "" {
				last = fmt.Sprintf("%s: %s", sub.Last.To, sub.Last.State)
			}
			table.Add(strconv.FormatInt(sub.ID, 10), user.Name, terminal.Printable(sub.Address), when(sub), last)
		}
		switch {
		case asJSON:
			return a.writeJSON(map[string]any{"subscriptions": documents})
		case table.Len() == 0:
			fmt.Fprintln(a.stderr, "Nobody gets a digest yet; add one with orchestrator digest add NAME --to ADDRESS.")
			return nil
		}
		return table.WriteTo(a.stdout)
	}
	return cmd
}

func (a *app) digestStopCommand() *cobra.Command {
	return &cobra.Command{
		Use: "stop ID…", Short: "End digests, by their ids in digest list", Args: cobra.MinimumNArgs(1),
		Example: "  orchestrator digest stop 1",
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, text := range args {
				if err := a.stopDigest(cmd.Context(), text); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func (a *app) stopDigest(ctx context.Context, text string) error {
	id, err := strconv.ParseInt(text, 10, 64)
	if err == nil {
		err = a.service.Unsubscribe(ctx, nil, id)
	} else {
		err = orchestrator.ErrNotFound
	}
	if errors.Is(err, orchestrator.ErrNotFound) {
		return usage("there is no digest %q; see orchestrator digest list", text)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.stdout, "Digest %d has ended.\n", id)
	return err
}
