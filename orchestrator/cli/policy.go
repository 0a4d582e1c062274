package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/cli/terminal"
	"github.com/chortle-audio/chortle/orchestrator/document"
	"github.com/chortle-audio/chortle/orchestrator/service"
	"github.com/chortle-audio/chortle/orchestrator/service/learn"
	"github.com/chortle-audio/chortle/orchestrator/service/quality"
)

func (a *app) policyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "policy", Short: "See and change what counts as a laugh, and learn it from marks",
		Long: `A policy says what counts as a laugh: thresholds by class, what argues against a laugh, pauses, and what was learned.
Everybody has the default unless their own says otherwise. A change counts for later runs; orchestrator rescore
--policy applies it to what was read before.`,
		Args: cobra.ArbitraryArgs, RunE: group,
	}
	cmd.AddCommand(a.policyShowCommand(), a.policySetCommand(), a.policyLearnCommand(), a.policyTrainCommand(), a.policyHistoryCommand(),
		a.policyUndoCommand(), a.policyExplainCommand())
	return cmd
}

// ofUser binds the flag of a command that is about one user.
func ofUser(cmd *cobra.Command, user *string, help string) {
	cmd.Flags().StringVar(user, "user", "", help)
}

func needsUser(user string) error {
	if user == "" {
		return usage("--user is missing: want the name of a user; orchestrator user list shows them")
	}
	return nil
}

func (a *app) policyShowCommand() *cobra.Command {
	var user string
	var asJSON bool
	cmd := &cobra.Command{Use: "show", Short: "Show the policy of a user, or of everybody", Args: noArgs,
		Example: "  orchestrator policy show --user alice"}
	ofUser(cmd, &user, "`name` of the user (default: what counts for everybody)")
	jsonFlag(cmd, &asJSON)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		policy, err := a.service.ShowPolicy(cmd.Context(), user)
		if err != nil {
			return err
		}
		if asJSON {
			return a.writeJSON(policy)
		}
		return a.showPolicy(policy.Policy, policy.Own)
	}
	return cmd
}

func (a *app) showPolicy(p orchestrator.Policy, own string) error {
	table := terminal.NewTable("policy", p.ID())
	for _, class := range p.ClassNames() {
		name := class
		if class == orchestrator.AnyClass {
			name = "every laughter class"
		}
		t := p.Classes[class]
		table.Add(terminal.Printable(name), fmt.Sprintf("sure from %v, maybe from %v", t.Sure, t.Maybe))
	}
	if p.Neighbours > 0 {
		table.Add("neighbouring frames", fmt.Sprintf("weigh %v each", p.Neighbours))
	}
	for _, c := range p.Against {
		where := "in the same frame"
		if c.Around > 0 {
			where = fmt.Sprintf("within %g s", c.Around)
		}
		table.Add("against", fmt.Sprintf("%s: weight %v, margin %v, %s", terminal.Printable(strings.Join(c.Classes, "; ")), c.Weight, c.Margin, where))
	}
	table.Add("release", fmt.Sprint(p.Release))
	table.Add("longest pause", fmt.Sprintf("%v s", p.LongestPause))
	table.Add("shortest laugh", fmt.Sprintf("%v s", p.ShortestLaugh))
	switch p.Clips.Keep {
	case orchestrator.KeepLaugh:
		table.Add("clips", "the laugh alone")
	case orchestrator.KeepNothing:
		table.Add("clips", "none")
	}
	if p.Clips.SpeechBelow > 0 {
		table.Add("clips", fmt.Sprintf("none where others' speech is %v or more", p.Clips.SpeechBelow))
	}
	if p.Head != nil {
		table.Add("learned", terminal.Printable(fmt.Sprintf("%s, weight %v, on %s", p.Head.ID(), p.Head.Weight, p.Head.TrainedOn)))
	}
	if own != "" {
		table.Add("the user's own", terminal.Printable(shortened(own, 60)))
	}
	return table.WriteTo(a.stdout)
}

func shortened(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

func (a *app) policySetCommand() *cobra.Command {
	var user, head string
	cmd := &cobra.Command{
		Use: "set --user NAME {POLICY | --head FILE}", Short: "Change the policy of a user",
		Long: `Replaces what a user's policy says other than everybody's: a JSON object, a file with one, or "" for nothing.
{"clips": {"keep": "none"}} keeps no sound of laughs, "laugh" the laugh alone, and {"clips": {"speech_below": 0.5}} none
where others talk; the rows stay. Clips that are stored already stay until their day is read again (run --reprocess).
--head gives the policy a head that was learned elsewhere (orchestrator policy train), or takes it away (none).`,
		Example: "  orchestrator policy set --user alice '{\"classes\": {\"Baby laughter\": {\"sure\": 0.1}}}'\n" +
			"  orchestrator policy set --user alice --head our-home.json",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 || (len(args) == 1) == (head != "") {
				return usage("want a POLICY or --head: a JSON object in quotes, or a file")
			}
			return nil
		},
	}
	ofUser(cmd, &user, "`name` of the user")
	cmd.Flags().StringVar(&head, "head", "", "`file` of a head, or none")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := needsUser(user); err != nil {
			return err
		}
		var err error
		switch {
		case head == "none":
			err = a.service.SetHead(cmd.Context(), user, nil)
		case head != "":
			var learned orchestrator.Head
			if err := readJSON(head, &learned); err != nil {
				return usage("--head: %w", err)
			}
			err = a.service.SetHead(cmd.Context(), user, &learned)
		default:
			object := args[0]
			if object != "" && !strings.HasPrefix(strings.TrimSpace(object), "{") {
				content, err := os.ReadFile(object)
				if err != nil {
					return usage("read policy: %w", err)
				}
				object = string(content)
			}
			err = a.service.SetPolicy(cmd.Context(), user, object, "set by hand")
		}
		if err != nil {
			return err
		}
		return a.policyChanged(user)
	}
	return cmd
}

// policyChanged prints what follows.
func (a *app) policyChanged(user string) error {
	_, err := fmt.Fprintf(a.stdout, "The policy of %s is changed for later runs; for what was read before: orchestrator rescore --policy --user %s\n", user, user)
	return err
}

// readJSON reads a small file of one JSON value without unknown fields.
func readJSON(path string, into any) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	decoder := json.NewDecoder(io.LimitReader(file, 1<<20))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	return nil
}

func (a *app) policyLearnCommand() *cobra.Command {
	var user string
	var accept, asJSON bool
	cmd := &cobra.Command{
		Use: "learn --user NAME", Short: "Propose a policy from a person's right and wrong marks",
		Long: `Learns from the marks of a user: thresholds by class, and a linear head over the sounds of people around each marked
laugh. It needs 30 marks, five of them right and five wrong at least. What it prints is cross-validated: each mark is
judged by what was learned of the marks in other recordings. Nothing is changed without --accept.`,
		Example: "  orchestrator policy learn --user alice\n  orchestrator policy learn --user alice --accept", Args: noArgs,
	}
	ofUser(cmd, &user, "`name` of the user")
	cmd.Flags().BoolVar(&accept, "accept", false, "make it the user's policy")
	jsonFlag(cmd, &asJSON)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := needsUser(user); err != nil {
			return err
		}
		proposal, err := a.service.LearnPolicy(cmd.Context(), user)
		if err == nil && accept && proposal.Policy != nil {
			proposal, err = a.service.AcceptPolicy(cmd.Context(), proposal)
		}
		if err != nil {
			return err
		}
		if asJSON {
			if err := a.writeJSON(proposal); err != nil {
				return err
			}
			return a.nothingLearned(proposal, true)
		}
		if len(proposal.Contradictions) > 0 {
			fmt.Fprintf(a.stderr, "Left out: %s of the same moments are marked differently: %s\n", plural(len(proposal.Contradictions), "laugh"), strings.Join(proposal.Contradictions, ", "))
		}
		if proposal.Policy == nil {
			return a.nothingLearned(proposal, false)
		}
		if err := a.showProposal(proposal, "mark"); err != nil {
			return err
		}
		if proposal.Accepted {
			return a.policyChanged(user)
		}
		_, err = fmt.Fprintf(a.stdout, "Nothing is changed. To accept: orchestrator policy learn --user %s --accept\n", user)
		return err
	}
	return cmd
}

// nothingLearned ends a command that has no proposal with exit code 3.
func (a *app) nothingLearned(p learn.Proposal, quiet bool) error {
	if p.Policy != nil {
		return nil
	}
	if !quiet {
		fmt.Fprintf(a.stderr, "Nothing can be learned yet: %s.\n", p.Reason)
	}
	return exit(orchestrator.ExitIncomplete)
}

func (a *app) showProposal(p learn.Proposal, what string) error {
	fmt.Fprintf(a.stdout, "%s, %d right and %d wrong, in %s\n\n", plural(p.Samples, what), p.Right, p.Wrong, plural(p.Groups, "group"))
	table := terminal.NewTable("cross-validated", "today>", "proposed>")
	of := func(n, all int) string { return fmt.Sprintf("%d of %d", n, all) }
	table.Add("right ones sure", of(p.Before.RightSure, p.Before.Right), of(p.After.RightSure, p.After.Right))
	table.Add("right ones sure or maybe", of(p.Before.RightEither, p.Before.Right), of(p.After.RightEither, p.After.Right))
	table.Add("wrong ones sure", of(p.Before.WrongSure, p.Before.Wrong), of(p.After.WrongSure, p.After.Wrong))
	table.Add("wrong ones sure or maybe", of(p.Before.WrongEither, p.Before.Wrong), of(p.After.WrongEither, p.After.Wrong))
	table.Add("average precision", fmt.Sprintf("%.3f", p.Before.Precision), fmt.Sprintf("%.3f", p.After.Precision))
	if err := table.WriteTo(a.stdout); err != nil {
		return err
	}
	fmt.Fprintln(a.stdout)
	return a.showPolicy(*p.Policy, "")
}

func (a *app) policyTrainCommand() *cobra.Command {
	var labels, name, output, policy string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "train --labels FILE [FOLDER]", Short: "Learn a head from labelled sound",
		Long: `Learns a linear head over the sounds of people around everything that may be a laugh in labelled sound, and writes it
into a small file: its name and version, what it was trained on, and its weights. The labels are as for orchestrator
models bench. The figures are cross-validated by source. Give it to a user with orchestrator policy set --head, and
pass it on only where the sound's licence allows what was learned of it to be passed on.`,
		Example: "  orchestrator policy train --labels sound/labels.tsv sound --name our-home --output our-home.json", Args: atMostOneFolder,
	}
	cmd.Flags().StringVar(&labels, "labels", "", "labels `file`, or a folder of them")
	cmd.Flags().StringVar(&name, "name", "trained", "`name` of the head")
	cmd.Flags().StringVar(&policy, "policy", "", "`policy` that the head is for (default: that of the settings)")
	cmd.Flags().StringVarP(&output, "output", "o", "", "`file` to write the head to; without it nothing is written")
	jsonFlag(cmd, &asJSON)
	bindModel(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if labels == "" {
			return usage("--labels is missing: want a file of labels, see orchestrator models bench --help")
		}
		progress := a.observer()
		proposal, _, err := a.service.TrainPolicy(cmd.Context(), name, service.QualityRequest{Labels: labels, Folder: strings.Join(args, ""), Policy: policy,
			Observe: progress.observe, Problem: func(p quality.Problem) {
				a.stderr.SetStatus("")
				fmt.Fprintf(a.stderr, "%s %s\n", a.stderr.Yellow("labels:"), terminal.Printable(problemText(p)))
			}})
		a.stderr.SetStatus("")
		if err != nil {
			return err
		}
		if output != "" && proposal.Policy != nil {
			err := writeFile(output, false, func(w io.Writer) error { return document.Write(w, proposal.Policy.Head) })
			if err != nil {
				return err
			}
		}
		switch {
		case asJSON:
			err = errors.Join(a.writeJSON(proposal), a.nothingLearned(proposal, true))
		case proposal.Policy == nil:
			err = a.nothingLearned(proposal, false)
		default:
			err = a.showProposal(proposal, "candidate")
		}
		if err == nil && output != "" && !asJSON {
			_, err = fmt.Fprintf(a.stdout, "Wrote %s. To use it: orchestrator policy set --user NAME --head %s\n", output, output)
		}
		return err
	}
	return cmd
}

func atMostOneFolder(cmd *cobra.Command, args []string) error {
	if len(args) > 1 {
		return usage("%s takes one FOLDER, and %q is one more", cmd.CommandPath(), args[1])
	}
	return nil
}

func (a *app) policyHistoryCommand() *cobra.Command {
	var user string
	var asJSON bool
	cmd := &cobra.Command{Use: "history --user NAME", Short: "List the changes of a user's policy", Args: noArgs}
	ofUser(cmd, &user, "`name` of the user")
	jsonFlag(cmd, &asJSON)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := needsUser(user); err != nil {
			return err
		}
		changes, err := a.service.PolicyHistory(cmd.Context(), user)
		if err != nil {
			return err
		}
		documents := []document.PolicyChange{}
		table := terminal.NewTable("changed", "policy", "threshold>", "what", "undone")
		for _, c := range changes {
			documents = append(documents, document.OfPolicyChange(c))
			threshold := ""
			if c.Threshold > 0 {
				threshold = fmt.Sprint(c.Threshold)
			}
			table.Add(c.At.UTC().Format("2006-01-02 15:04:05"), terminal.Printable(shortened(c.Policy, 40)), threshold, terminal.Printable(c.Note), a.yesNo(c.Undone))
		}
		if asJSON {
			return a.writeJSON(map[string]any{"user": user, "changes": documents})
		}
		if table.Len() == 0 {
			_, err := fmt.Fprintf(a.stdout, "The policy of %s was never changed.\n", user)
			return err
		}
		return table.WriteTo(a.stdout)
	}
	return cmd
}

func (a *app) policyUndoCommand() *cobra.Command {
	var user string
	cmd := &cobra.Command{Use: "undo --user NAME", Short: "Take back the last change of a user's policy", Args: noArgs}
	ofUser(cmd, &user, "`name` of the user")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := needsUser(user); err != nil {
			return err
		}
		if _, err := a.service.UndoPolicy(cmd.Context(), user); err != nil {
			return err
		}
		return a.policyChanged(user)
	}
	return cmd
}

func (a *app) policyExplainCommand() *cobra.Command {
	var user, at string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "explain --user NAME --at TIME", Short: "Say why a moment is a laugh, or is none",
		Long:    "Says what was heard at a moment, what argues against a laugh, and what the user's policy of today makes of it. It needs no sound.",
		Example: "  orchestrator policy explain --user alice --at '2026-11-22 14:30:12'", Args: noArgs,
	}
	ofUser(cmd, &user, "`name` of the user")
	cmd.Flags().StringVar(&at, "at", "", "`time` in the user's zone, as YYYY-MM-DD HH:MM:SS, or with a zone as RFC 3339")
	jsonFlag(cmd, &asJSON)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := needsUser(user); err != nil {
			return err
		}
		moment, err := a.moment(cmd, user, at)
		if err != nil {
			return err
		}
		whys, err := a.service.ExplainMoment(cmd.Context(), user, moment)
		if err != nil {
			return err
		}
		if asJSON {
			return a.writeJSON(map[string]any{"why": whys})
		}
		for _, why := range whys {
			if err := a.showWhy(why); err != nil {
				return err
			}
		}
		return nil
	}
	return cmd
}

// moment reads a time in a user's zone.
func (a *app) moment(cmd *cobra.Command, user, text string) (time.Time, error) {
	if moment, err := time.Parse(time.RFC3339, text); err == nil {
		return moment, nil
	}
	stored, err := a.service.User(cmd.Context(), user)
	if err != nil {
		return time.Time{}, err
	}
	location, err := stored.Location()
	if err != nil {
		return time.Time{}, err
	}
	for _, form := range []string{"2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04"} {
		if moment, err := time.ParseInLocation(form, text, location); err == nil {
			return moment, nil
		}
	}
	return time.Time{}, usage("--at %q is no time: want YYYY-MM-DD HH:MM:SS, or RFC 3339", text)
}

func (a *app) showWhy(why document.Why) error {
	fmt.Fprintln(a.stdout, a.stdout.Bold(terminal.Printable(why.Recording+", by "+why.Model)))
	for _, line := range why.Words {
		if _, err := fmt.Fprintf(a.stdout, "  %s\n", terminal.Printable(line)); err != nil {
			return err
		}
	}
	return nil
}
