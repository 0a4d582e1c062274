package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/cli/terminal"
	"github.com/chortle-audio/chortle/orchestrator/document"
)

// ids wants at least one public id of a laugh.
func ids(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usage("the ID of a laugh is missing; orchestrator laughs list shows them")
	}
	for _, id := range args {
		if !valid(id) {
			return usage("%q is not the ID of a laugh; orchestrator laughs list shows them", id)
		}
	}
	return nil
}

func valid(id string) bool {
	_, ok := orchestrator.ParseLaughID(id)
	return ok
}

// plainID is an id as it is stored, whatever capitals a person typed.
func plainID(text string) string {
	id, _ := orchestrator.ParseLaughID(text)
	return id
}

// laugh finds a laugh of any user by its id: who runs a command may read the database anyway.
func (a *app) laugh(ctx context.Context, id string) (orchestrator.StoredLaugh, error) {
	users, err := a.everybody(ctx)
	if err != nil {
		return orchestrator.StoredLaugh{}, err
	}
	laugh, err := a.service.Laugh(ctx, users, plainID(id))
	return laugh, unknownLaugh(id, err)
}

// everybody are the ids of all users.
func (a *app) everybody(ctx context.Context) ([]int64, error) {
	users, err := a.service.Users(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]int64, 0, len(users))
	for _, user := range users {
		all = append(all, user.ID)
	}
	return all, nil
}

func unknownLaugh(id string, err error) error {
	if errors.Is(err, orchestrator.ErrNotFound) {
		return usage("no laugh has the ID %q; orchestrator laughs list shows the IDs", id)
	}
	return err
}

// each calls change for every id, and prints what it did.
func (a *app) each(change func(ctx context.Context, users []int64, id string) (string, error)) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		users, err := a.everybody(cmd.Context())
		if err != nil {
			return err
		}
		for _, id := range args {
			done, err := change(cmd.Context(), users, plainID(id))
			if err != nil {
				return unknownLaugh(id, err)
			}
			if _, err := fmt.Fprintf(a.stdout, "%s: %s\n", plainID(id), done); err != nil {
				return err
			}
		}
		return nil
	}
}

func (a *app) laughsShowCommand() *cobra.Command {
	var asJSON, why bool
	cmd := &cobra.Command{
		Use: "show ID", Short: "Show everything about one laugh", Args: cobra.MatchAll(oneArg("ID"), ids),
		Example: "  orchestrator laughs show 7k3q9x2m4p\n  orchestrator laughs show 7k3q9x2m4p --why",
	}
	jsonFlag(cmd, &asJSON)
	cmd.Flags().BoolVar(&why, "why", false, "say why it was found: what was heard, what argued against it, and the thresholds")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if why {
			return a.whyLaugh(cmd.Context(), args[0], asJSON)
		}
		laugh, err := a.laugh(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		facts, copies, err := a.service.LaughOrigin(cmd.Context(), []int64{laugh.UserID}, laugh.ID)
		if err != nil {
			return err
		}
		if asJSON {
			return a.writeJSON(document.OfShownLaugh(laugh, facts, copies))
		}
		return a.showLaugh(laugh, facts, copies)
	}
	return cmd
}

// whyLaugh prints why a laugh was found.
func (a *app) whyLaugh(ctx context.Context, id string, asJSON bool) error {
	users, err := a.everybody(ctx)
	if err != nil {
		return err
	}
	why, err := a.service.WhyLaugh(ctx, users, plainID(id))
	switch {
	case err != nil:
		return unknownLaugh(id, err)
	case asJSON:
		return a.writeJSON(why)
	}
	return a.showWhy(why)
}

func (a *app) showLaugh(laugh orchestrator.StoredLaugh, facts orchestrator.RecordingFacts, copies []orchestrator.LaughCopy) error {
	start := localStart(laugh)
	when := start.Format("Monday 2 January 2006, 15:04:05 MST")
	if laugh.Uncertainty > 0 {
		when += fmt.Sprintf(" (up to %v later)", laugh.Uncertainty.Round(time.Second))
	}
	table := terminal.NewTable("", "")
	add := func(name, value string) {
		if value != "" {
			table.Add(name, terminal.Printable(value))
		}
	}
	add("id", laugh.ID)
	add("user", laugh.User)
	add("start", when)
	add("length", fmt.Sprintf("%.1f s", laugh.End.Sub(laugh.Start).Seconds()))
	add("heard as", fmt.Sprintf("%s %.2f (%s)", laugh.Class, laugh.Score, laugh.Tier))
	var others []string
	for class, score := range laugh.ClassScores {
		if class != laugh.Class && score >= 0.01 {
			others = append(others, fmt.Sprintf("%s %.2f", class, score))
		}
	}
	slices.Sort(others)
	add("also", strings.Join(others, ", "))
	var heard []string
	for _, other := range laugh.Around.Heard {
		heard = append(heard, fmt.Sprintf("%s %.2f", other.Class, other.Score))
	}
	add("around it", strings.Join(heard, ", "))
	add("with", strings.Join(laugh.Around.With(), ", "))
	add("policy", laugh.Policy)
	add("recording", laugh.Recording+", at "+clock(laugh.Offset))
	add("time from", timeSources[facts.TimeSource])
	for _, note := range facts.Notes {
		add("recording's note", note.String())
	}
	for _, c := range copies {
		add("also in", fmt.Sprintf("%s, at %s", c.Recording, clock(c.Offset)))
	}
	add("model", strings.TrimSpace(laugh.Model+" "+laugh.ModelVersion))
	add("clip", laugh.Clip)
	add("mark", string(laugh.Mark))
	if laugh.Star {
		add("star", "yes")
	}
	add("note", laugh.Note)
	return table.WriteTo(a.stdout)
}

// timeSources say how the start of a recording was found.
var timeSources = map[orchestrator.TimeSource]string{
	orchestrator.TimeFromSource:    "the source",
	orchestrator.TimeFromName:      "the file's name",
	orchestrator.TimeFromContainer: "inside the file",
	orchestrator.TimeFromModTime:   "the file's modification time",
}

// localStart is when a laugh begins, in the zone of who laughed.
func localStart(laugh orchestrator.StoredLaugh) time.Time {
	location, err := time.LoadLocation(laugh.Timezone)
	if err != nil {
		location = time.UTC
	}
	return laugh.Start.In(location)
}

func (a *app) laughsMarkCommand() *cobra.Command {
	marks := map[string]orchestrator.Mark{"right": orchestrator.MarkRight, "wrong": orchestrator.MarkWrong, "none": orchestrator.MarkNone}
	return &cobra.Command{
		Use: "mark right|wrong|none ID…", Short: "Say which laughs are right and which are not",
		Long: `Marks laughs as right or wrong; none takes the mark away. Counts leave out wrong ones, and marks stay when a day is
read again.`,
		Example: "  orchestrator laughs mark wrong 7k3q9x2m4p 2bw8n5t1qa",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage("the mark is missing: right, wrong or none; see %s --help", cmd.CommandPath())
			}
			if _, ok := marks[args[0]]; !ok {
				return usage("%q is not a mark: use right, wrong or none, before the IDs", args[0])
			}
			return ids(cmd, args[1:])
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			mark := marks[args[0]]
			return a.each(func(ctx context.Context, users []int64, id string) (string, error) {
				before, err := a.service.MarkLaugh(ctx, users, id, mark)
				if err == nil && before == mark {
					return "was " + args[0] + " already", nil
				}
				return args[0], err
			})(cmd, args[1:])
		},
	}
}

func (a *app) laughsStarCommand() *cobra.Command {
	var off bool
	cmd := &cobra.Command{
		Use: "star ID…", Short: "Star laughs, so that they are kept", Args: ids,
		Long: "Stars laughs, or takes the stars away. A starred laugh is among the last that retention deletes.",
	}
	cmd.Flags().BoolVar(&off, "off", false, "take the star away")
	cmd.RunE = a.each(func(ctx context.Context, users []int64, id string) (string, error) {
		if off {
			return "no star", a.service.StarLaugh(ctx, users, id, false)
		}
		return "starred", a.service.StarLaugh(ctx, users, id, true)
	})
	return cmd
}

func (a *app) laughsNoteCommand() *cobra.Command {
	return &cobra.Command{
		Use: "note ID TEXT", Short: "Write a note to a laugh",
		Long:    `Replaces the note of a laugh; an empty text removes it, and "-" reads it from standard input.`,
		Example: `  orchestrator laughs note 7k3q9x2m4p "the story about the goose"`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usage("%s takes an ID and a text in quotes; see %s --help", cmd.CommandPath(), cmd.CommandPath())
			}
			return ids(cmd, args[:1])
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			text := args[1]
			if text == "-" {
				read, err := io.ReadAll(io.LimitReader(a.stdin, orchestrator.MaxNote+1))
				if err != nil {
					return fmt.Errorf("read note: %w", err)
				}
				text = strings.TrimSpace(string(read))
			}
			if len(text) > orchestrator.MaxNote {
				return usage("the note is longer than %d bytes: shorten it", orchestrator.MaxNote)
			}
			return a.each(func(ctx context.Context, users []int64, id string) (string, error) {
				if text == "" {
					return "note removed", a.service.NoteLaugh(ctx, users, id, text)
				}
				return "note stored", a.service.NoteLaugh(ctx, users, id, text)
			})(cmd, args[:1])
		},
	}
}

func (a *app) laughsForgetCommand() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use: "forget ID…", Short: "Delete laughs with their sound, and never find them again", Args: ids,
		Long: `Deletes laughs and their clips. Nothing is found again at these moments, neither by rescore nor by run --reprocess.
The recordings themselves, and backups that were made before, are not touched.`,
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := a.agree(yes, fmt.Sprintf("This permanently deletes %s and the sound.", plural(len(args), "laugh"))); err != nil {
			return err
		}
		return a.each(func(ctx context.Context, users []int64, id string) (string, error) {
			n, err := a.service.ForgetLaugh(ctx, users, id)
			if n > 1 {
				return fmt.Sprintf("forgotten, with what other models heard there (%d in all)", n), err
			}
			return "forgotten", err
		})(cmd, args)
	}
	return cmd
}

// stdinIsTerminal tells whether a person types what is read.
func (a *app) stdinIsTerminal() bool {
	file, ok := a.stdin.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// agree asks a person at a terminal for a yes; elsewhere --yes must say it.
func (a *app) agree(yes bool, what string) error {
	if yes {
		return nil
	}
	if !a.stdinIsTerminal() {
		return usage("%s Add --yes to confirm.", what)
	}
	fmt.Fprintf(a.stderr, "%s Continue? [y/N] ", what)
	line, _ := bufio.NewReader(a.stdin).ReadString('\n')
	if answer := strings.ToLower(strings.TrimSpace(line)); answer != "y" && answer != "yes" {
		return usage("nothing was deleted")
	}
	return nil
}

// players play a file and end, the first that is installed is taken.
var players = [][]string{
	{"mpv", "--really-quiet", "--no-video"}, {"ffplay", "-loglevel", "error", "-nodisp", "-autoexit"}, {"play", "-q"}, {"afplay"},
	{"pw-play"}, {"paplay"},
}

func (a *app) laughsCollectCommand() *cobra.Command {
	var flags laughFlags
	cmd := &cobra.Command{
		Use: "collect FOLDER", Short: "Copy clips into a folder, under names that a person reads", Args: oneArg("FOLDER"),
		Long: `Copies the clips of the chosen laughs into a folder: named by local time, class and score, with tags that players
show, and with a playlist, laughs.m3u8. Clips that are there already are left alone.`,
		Example: "  orchestrator laughs collect --user alice --from 2026-11-20 ~/laughs",
	}
	flags.bind(cmd)
	flags.bindChoice(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		filter, err := flags.filter()
		if err != nil {
			return err
		}
		folder, err := a.settings.Path(args[0])
		if err != nil {
			return err
		}
		done, err := a.service.CollectLaughs(cmd.Context(), filter, folder)
		if err != nil {
			return err
		}
		fmt.Fprintf(a.stdout, "Copied %s to %s", plural(done.Copied, "clip"), folder)
		if done.Present > 0 {
			fmt.Fprintf(a.stdout, "; %d were there already", done.Present)
		}
		fmt.Fprintln(a.stdout, ".")
		if done.Missing > 0 {
			fmt.Fprintf(a.stderr, "%s missing from %s; see orchestrator doctor\n", plural(done.Missing, "clip")+" "+isAre(done.Missing), a.service.ClipsPlace())
			return exit(orchestrator.ExitIncomplete)
		}
		return nil
	}
	return cmd
}

func isAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

func (a *app) laughsPlayCommand() *cobra.Command {
	return &cobra.Command{
		Use: "play ID…", Short: "Play the sound of laughs on this machine", Args: ids,
		Long: `Plays clips with the first of these programs that is installed: mpv, ffplay, play (SoX), afplay, pw-play, paplay. On a
server without loudspeakers, open the page (orchestrator serve) or copy the clips (orchestrator laughs collect).`,
		RunE: func(cmd *cobra.Command, args []string) error {
			player := installed(players)
			if player == nil {
				return errors.New("find player: none of mpv, ffplay, play, afplay, pw-play and paplay is installed; install one, or copy the clips with orchestrator laughs collect")
			}
			for _, id := range args {
				laugh, err := a.laugh(cmd.Context(), id)
				if err != nil {
					return err
				}
				fmt.Fprintf(a.stderr, "%s %s, %s\n", laugh.User, localStart(laugh).Format("2006-01-02 15:04:05"), laugh.Class)
				if err := a.play(cmd.Context(), player, laugh); err != nil {
					return fmt.Errorf("play laugh %s: %w", laugh.ID, err)
				}
			}
			return nil
		},
	}
}

func installed(players [][]string) []string {
	for _, player := range players {
		if _, err := exec.LookPath(player[0]); err == nil {
			return player
		}
	}
	return nil
}

// play gives a copy to the player: where the clips are kept, a player may not be able to look.
func (a *app) play(ctx context.Context, player []string, laugh orchestrator.StoredLaugh) error {
	clip, err := a.service.Clip(ctx, laugh)
	if err != nil {
		return err
	}
	file, err := os.CreateTemp("", "laugh-*"+filepath.Ext(laugh.Clip))
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	_, err = file.Write(clip)
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, player[0], append(player[1:], file.Name())...)
	cmd.Stderr = a.stderr
	return cmd.Run()
}
