package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/cli/terminal"
	"github.com/chortle-audio/chortle/orchestrator/store"
)

func (a *app) demoCommand() *cobra.Command {
	var dir string
	var minutes int
	cmd := &cobra.Command{
		Use: "demo", Short: "Make a day of sound for two users, and find its laughs",
		Long: `Makes a day of sound for two users in two time zones: laughs of several voices at known times, among noise,
tones, babble and silence. Then it runs the real thing on it and compares what was found with what is hidden.

Everything lies in a folder of its own, with its own database: nothing of yours is touched. A second demo makes
nothing and reads nothing again.`,
		Example: "  orchestrator demo\n  orchestrator demo --dir build/demo --minutes 10",
		Args:    noArgs,
	}
	cmd.Flags().StringVar(&dir, "dir", "", "`folder` of the demo (default: demo in the data folder)")
	cmd.Flags().IntVar(&minutes, "minutes", 66, "length of each user's recordings together")
	bind(cmd.Flags(), "CHORTLE_INFERD", "CHORTLE_MODEL", "CHORTLE_USERS_AT_ONCE")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if minutes < 5 || minutes > 1440 {
			return usage("--minutes %d: want a number from 5 to 1440", minutes)
		}
		config := &a.settings.Config
		if dir == "" {
			dir = filepath.Join(config.DataDir, "demo")
		}
		dir, err := a.settings.Path(dir)
		if err != nil {
			return fmt.Errorf("find demo folder: %w", err)
		}
		config.DataDir, config.DatabaseURL, config.ClipsURL = dir, "sqlite:"+filepath.Join(dir, "chortle.db"), "folder:"+filepath.Join(dir, "clips")
		config.Settle = 0 // the files are there as a whole or not at all
		return a.demo(cmd.Context(), minutes)
	}
	return cmd
}

func (a *app) demo(ctx context.Context, minutes int) error {
	release, err := a.lockDataDir()
	if err != nil {
		return err
	}
	defer release()
	if err := a.tryModel(ctx); err != nil { // before minutes go into making sound for it
		return err
	}
	dir := a.settings.Config.DataDir
	days := demoDays(time.Duration(minutes) * time.Minute)
	if err := a.makeSound(ctx, dir, days); err != nil {
		return err
	}
	runner, opened, closeAll, err := a.runner(ctx, reading{})
	if err != nil {
		return err
	}
	defer func() {
		if err := closeAll(); err != nil {
			a.log.WithError(err).Warn("close database and clips")
		}
	}()
	plan := orchestrator.Plan{From: demoDate, To: demoDate, Trigger: orchestrator.TriggerManual,
		UsersAtOnce: a.settings.Config.UsersAtOnce, Policy: a.settings.Config.Policy()}
	for _, day := range days {
		user, err := demoUser(ctx, opened, day, dir)
		if err != nil {
			return err
		}
		plan.Users = append(plan.Users, user)
	}
	run, err := a.observed(ctx, runner, plan)
	if err == nil && run.ExitCode != orchestrator.ExitInterrupted {
		err = a.reportDemo(ctx, opened, run, days)
	}
	return &exitError{run.ExitCode, err}
}

// tryModel starts the model once and stops it.
func (a *app) tryModel(ctx context.Context) error {
	spawner, err := a.spawner(a.settings.Config.Inferd)
	if err != nil {
		return err
	}
	process, err := spawner.Spawn(ctx)
	if err != nil {
		return fmt.Errorf("start model: %w", err)
	}
	process.Stop()
	return nil
}

// demoUser finds the user, or adds it; its folder is the demo's, also after the demo was moved.
func demoUser(ctx context.Context, s *store.Store, day demoDay, dir string) (orchestrator.User, error) {
	source := "folder:" + day.folder(dir)
	user, err := s.User(ctx, day.user)
	switch {
	case errors.Is(err, orchestrator.ErrNotFound):
		return s.AddUser(ctx, orchestrator.User{Name: day.user, Timezone: day.timezone, Source: source, Priority: 100, Enabled: true})
	case err != nil || user.Source == source:
		return user, err
	}
	user.Source = source
	return user, s.UpdateUser(ctx, user)
}

// reportDemo compares what is stored with what is hidden.
func (a *app) reportDemo(ctx context.Context, s *store.Store, run orchestrator.Run, days []demoDay) error {
	table := terminal.NewTable("user", "zone", "audio read>", "laughs hidden>", "found>", "false>", "took>", "real time>", "memory before, peak, after")
	for i, day := range days {
		hits, wrong, err := day.compare(s.Laughs(ctx, orchestrator.LaughFilter{Users: []string{day.user}}))
		if err != nil {
			return err
		}
		done := run.Days[i]
		found := fmt.Sprint(hits)
		if hits == day.hidden() {
			found = a.stdout.Green(found)
		}
		table.Add(day.user, day.timezone, audioOf(done), fmt.Sprint(day.hidden()), found, fmt.Sprint(wrong), tookOf(done.Took), speedOf(done), memoryOf(done.Memory))
	}
	if err := table.WriteTo(a.stdout); err != nil {
		return err
	}
	for _, day := range run.Days {
		for _, e := range day.Errors {
			fmt.Fprintf(a.stdout, "%s %s%s: %s\n", a.stdout.Red("error:"), day.User, before(" ", e.Recording), terminal.Printable(e.Message))
		}
	}
	if run.ExitCode == orchestrator.ExitOK && processed(run) == 0 && skipped(run) > 0 {
		fmt.Fprintln(a.stdout, "Everything was already processed: nothing was made and nothing was read again.")
	}
	dir, program := a.typed(a.settings.Config.DataDir), a.program()
	fmt.Fprintf(a.stdout, "\nThe clips are in %s\nWhat to type next:\n", dir+"/clips")
	steps := [][2]string{
		{"laughs list --data-dir " + dir, "every laugh"},
		{"runs show --data-dir " + dir, "what this run did"},
		{"user add NAME --timezone ZONE --source folder:PATH", "your own recordings"},
		{"doctor", "check that all is well"},
	}
	widest := 0
	for _, step := range steps {
		widest = max(widest, len(step[0]))
	}
	for _, step := range steps {
		fmt.Fprintf(a.stdout, "  %s %-*s  %s\n", program, widest, step[0], a.stdout.Dim("# "+step[1]))
	}
	return nil
}

// program is how a person may call this program from here.
func (a *app) program() string {
	directory, err := os.Getwd()
	path, pathErr := os.Executable()
	if err != nil || pathErr != nil {
		return "orchestrator"
	}
	if relative, err := filepath.Rel(directory, path); err == nil && !strings.HasPrefix(relative, "..") {
		path = relative
		if !strings.Contains(path, "/") {
			path = "./" + path
		}
	}
	return shellQuote(path)
}

// typed is how a person types a path, also in an option: short below the home folder.
func (a *app) typed(path string) string {
	home := a.getenv("HOME")
	if rest, below := strings.CutPrefix(path, home+"/"); below && home != "" {
		return "~/" + shellQuote(rest)
	}
	return shellQuote(path)
}

// shellQuote quotes a word for a shell where that is needed.
func shellQuote(word string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+:@%", r)
	}
	if word != "" && strings.IndexFunc(word, func(r rune) bool { return !plain(r) }) < 0 {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
