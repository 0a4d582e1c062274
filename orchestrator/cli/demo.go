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
	"github.com/chortle-audio/chortle/orchestrator/service"
)

func (a *app) demoCommand() *cobra.Command {
	var dir string
	var minutes int
	var serve bool
	cmd := &cobra.Command{
		Use: "demo", Short: "Make a day of sound for two users, and find its laughs",
		Long: `Makes a day of sound for two users in two time zones: laughs of several voices at known times, among noise,
tones, babble and silence. Then it runs the real thing on it and compares what was found with what is hidden.

Everything lies in a folder of its own, with its own database: nothing of yours is touched. A second demo makes
nothing and reads nothing again.`,
		Example: "  orchestrator demo\n  orchestrator demo --serve       # and open the page on it\n  orchestrator demo --dir build/demo --minutes 10",
		Args:    noArgs,
	}
	cmd.Flags().StringVar(&dir, "dir", "", "`folder` of the demo (default: demo in the data folder)")
	cmd.Flags().IntVar(&minutes, "minutes", 66, "length of each user's recordings together")
	cmd.Flags().BoolVar(&serve, "serve", false, "serve the page on the demo's laughs, until a signal ends it")
	bindModel(cmd.Flags())
	bind(cmd.Flags(), "CHORTLE_USERS_AT_ONCE", "CHORTLE_LISTEN")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if minutes < 5 || minutes > 1440 {
			return usage("--minutes %d: want a number from 5 to 1440", minutes)
		}
		if dir == "" {
			dir = filepath.Join(a.settings.Config.DataDir, "demo")
		}
		dir, err := a.settings.Path(dir)
		if err != nil {
			return fmt.Errorf("find demo folder: %w", err)
		}
		return a.demo(cmd.Context(), dir, minutes, serve)
	}
	return cmd
}

func (a *app) demo(ctx context.Context, dir string, minutes int, serve bool) error {
	in := a.service.At(dir)
	in.Config.Settle = 0 // the files are there as a whole or not at all
	defer func() {
		if err := in.Close(); err != nil {
			a.log.WithError(err).Warn("close database and clips")
		}
	}()
	result, err := in.Demo(ctx, service.DemoRequest{Length: time.Duration(minutes) * time.Minute, Progress: a.showMaking(), Observe: a.observer().observe})
	a.stderr.SetStatus("")
	if result.Run.ID == "" {
		return err
	}
	if err == nil && result.Users != nil {
		err = a.reportDemo(dir, result)
	}
	if serve && err == nil && result.Run.ExitCode == orchestrator.ExitOK {
		return a.serveDemo(ctx, in)
	}
	return &exitError{result.Run.ExitCode, err}
}

// demoAccount opens the page of the demo.
const demoAccount = "demo"

// serveDemo serves the page on the demo's database. Who opens it chooses a password: there is none by default, not even here.
func (a *app) serveDemo(ctx context.Context, in *service.Service) error {
	all, err := in.Accounts(ctx)
	if err != nil {
		return err
	}
	account, err := all.Account(ctx, demoAccount)
	if errors.Is(err, orchestrator.ErrNotFound) {
		account, err = all.Add(ctx, orchestrator.Account{Name: demoAccount, Role: orchestrator.RoleAdmin, EveryUser: true}, "")
	}
	if err != nil {
		return err
	}
	secret, _, err := all.Invite(ctx, account.ID)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "\nOpen this link, choose a password, and listen (account %s):\n%s\n\n", demoAccount, a.joinLink(secret))
	return a.serve(ctx, in)
}

// showMaking shows how much sound is made.
func (a *app) showMaking() func(done, total int64, files int) {
	return func(done, total int64, files int) {
		of := clock(orchestrator.SamplesToDuration(total))
		if done == 0 {
			fmt.Fprintf(a.stderr, "Making %s of sound in %s …\n", of, plural(files, "file"))
			return
		}
		a.stderr.SetStatus(fmt.Sprintf("making sound  %s  %s of %s", bar(done, total), clock(orchestrator.SamplesToDuration(done)), of))
	}
}

// reportDemo compares what is stored with what is hidden.
func (a *app) reportDemo(dir string, result service.Demo) error {
	run := result.Run
	table := terminal.NewTable("user", "zone", "audio read>", "laughs hidden>", "found>", "false>", "took>", "real time>", "memory before, peak, after")
	for _, user := range result.Users {
		found := fmt.Sprint(user.Found)
		if user.Found == user.Hidden() {
			found = a.stdout.Green(found)
		}
		table.Add(user.User, user.Timezone, audioOf(user.Done), fmt.Sprint(user.Hidden()), found, fmt.Sprint(user.False), tookOf(user.Done.Took), speedOf(user.Done), memoryOf(user.Done.Memory))
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
	dir, program := a.typed(dir), a.program()
	fmt.Fprintf(a.stdout, "\nThe clips are in %s\nWhat to type next:\n", dir+"/clips")
	steps := [][2]string{
		{"demo --serve", "open the page, and hear them"},
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
