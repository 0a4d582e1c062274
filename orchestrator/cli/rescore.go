package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/cli/terminal"
	"github.com/chortle-audio/chortle/orchestrator/clips"
	"github.com/chortle-audio/chortle/orchestrator/detect"
	"github.com/chortle-audio/chortle/orchestrator/store"
)

type rescoreDocument struct {
	Threshold float64               `json:"threshold"`
	DryRun    bool                  `json:"dry_run"`
	Users     []rescoreUserDocument `json:"users"`
}

type rescoreUserDocument struct {
	User       string `json:"user"`
	Recordings int    `json:"recordings"`
	Before     int    `json:"laughs_before"`
	After      int    `json:"laughs_after"`
	Silent     int    `json:"without_clip"`
}

func (a *app) rescoreCommand() *cobra.Command {
	var users []string
	var days dates
	var dryRun, asJSON bool
	cmd := &cobra.Command{
		Use: "rescore --threshold SCORE", Short: "Find the laughs again under another threshold, without the sound",
		Long: `Finds the laughs again in the stored scores, under another threshold. No model runs and no recording is read.

Laughs that are found again keep their clips, marks, stars and notes. A laugh that is new has no clip:
orchestrator run --reprocess cuts it, where the recording is still there. The threshold of later runs is not
changed: that is CHORTLE_THRESHOLD, or orchestrator user set NAME --threshold.`,
		Example: "  orchestrator rescore --threshold 0.3 --dry-run      # only count\n  orchestrator rescore --threshold 0.3 --user alice",
		Args:    noArgs,
	}
	cmd.Flags().StringArrayVar(&users, "user", nil, "only this `name`; may be given several times")
	days.bind(cmd, true)
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "only count")
	jsonFlag(cmd, &asJSON)
	bind(cmd.Flags(), "CHORTLE_THRESHOLD")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if !a.settings.FromFlag("CHORTLE_THRESHOLD") {
			return usage("--threshold is missing: want a score above 0 and up to 1, such as 0.3")
		}
		from, to, err := days.parse()
		if err != nil {
			return err
		}
		release, err := a.lockDataDir()
		if err != nil {
			return err
		}
		defer release()
		kept, err := a.openClips()
		if err != nil {
			return err
		}
		document := rescoreDocument{a.settings.Config.Threshold, dryRun, []rescoreUserDocument{}}
		err = a.withStore(cmd.Context(), func(s *store.Store) error {
			all, err := s.Users(cmd.Context())
			if err != nil {
				return err
			}
			if len(users) > 0 {
				if all, err = chooseUsers(all, users); err != nil {
					return err
				}
			}
			for _, user := range all {
				one, err := a.rescore(cmd.Context(), s, kept, user, from, to, dryRun)
				if err != nil {
					return fmt.Errorf("rescore user %s: %w", user.Name, err)
				}
				document.Users = append(document.Users, one)
			}
			return nil
		})
		if err = errors.Join(err, kept.Close()); err != nil {
			return err
		}
		if asJSON {
			return a.writeJSON(document)
		}
		table := terminal.NewTable("user", "recordings>", "laughs before>", "laughs now>", "without clip>")
		for _, u := range document.Users {
			table.Add(u.User, fmt.Sprint(u.Recordings), fmt.Sprint(u.Before), fmt.Sprint(u.After), fmt.Sprint(u.Silent))
		}
		return table.WriteTo(a.stdout)
	}
	return cmd
}

// rescore does one user, while no run may.
func (a *app) rescore(ctx context.Context, s *store.Store, kept *clips.Folder, user orchestrator.User, from, to orchestrator.Date, dryRun bool) (rescoreUserDocument, error) {
	document := rescoreUserDocument{User: user.Name}
	location, err := user.Location()
	if err != nil {
		return document, err
	}
	policy, err := a.settings.Config.Policy().Base() // the flag's threshold goes before the user's
	if err != nil {
		return document, err
	}
	release, err := s.LockUser(ctx, user.ID)
	if err != nil {
		return document, err
	}
	defer release()
	filter := orchestrator.LaughFilter{Users: []string{user.Name}}
	if from != (orchestrator.Date{}) {
		filter.Span.Start = from.Span(location).Start
	}
	if to != (orchestrator.Date{}) {
		filter.Span.End = to.Span(location).End
	}
	for result, err := range s.Scores(ctx, filter) {
		if err != nil {
			return document, err
		}
		before, err := laughsOf(ctx, s, user.Name, result)
		if err != nil {
			return document, err
		}
		result.Laughs, result.Policy = detect.Laughs(result.Scores, policy), policy
		keepClips(result.Laughs, before)
		document.Recordings++
		document.Before += len(before)
		document.After += len(result.Laughs)
		for _, laugh := range result.Laughs {
			if laugh.Clip == "" {
				document.Silent++
			}
		}
		if dryRun {
			continue
		}
		saved, err := s.SaveRecording(ctx, result)
		if err != nil {
			return document, err
		}
		for _, key := range saved.Orphans {
			if err := kept.Delete(ctx, key); err != nil {
				return document, err
			}
		}
	}
	return document, nil
}

// laughsOf finds what is stored of a recording.
func laughsOf(ctx context.Context, s *store.Store, user string, result orchestrator.Result) (laughs []orchestrator.StoredLaugh, err error) {
	start := result.Recording.Start
	span := orchestrator.Span{Start: start, End: start.Add(orchestrator.SamplesToDuration(result.Scores.Length) + time.Millisecond)}
	filter := orchestrator.LaughFilter{Users: []string{user}, Span: span, Model: result.Model.Name}
	for laugh, err := range s.Laughs(ctx, filter) {
		if err != nil {
			return nil, err
		}
		if laugh.Recording == result.Recording.Name && laugh.ModelVersion == result.Model.Version && laugh.ModelSHA256 == result.Model.SHA256 {
			laughs = append(laughs, laugh)
		}
	}
	return laughs, nil
}

// keepClips gives each laugh the clip of the stored one that it overlaps most.
func keepClips(laughs []orchestrator.Laugh, before []orchestrator.StoredLaugh) {
	for i := range laughs {
		var most time.Duration
		onset, offset := orchestrator.SamplesToDuration(laughs[i].Onset), orchestrator.SamplesToDuration(laughs[i].Offset)
		for _, old := range before {
			common := min(offset, old.Offset+old.End.Sub(old.Start)) - max(onset, old.Offset)
			if common > most && old.Clip != "" {
				most, laughs[i].Clip = common, old.Clip
			}
		}
	}
}
