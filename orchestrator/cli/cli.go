// Package cli is the orchestrator's command line: it reads flags and settings, wires the parts
// together by the schemes of their addresses, and writes what people and programs read.
//
// Results go to stdout, logs and progress to stderr. Exit codes are those of the orchestrator package.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/advice"
	"github.com/chortle-audio/chortle/orchestrator/cli/terminal"
	"github.com/chortle-audio/chortle/orchestrator/document"
	"github.com/chortle-audio/chortle/orchestrator/logfile"
	"github.com/chortle-audio/chortle/orchestrator/service"
	"github.com/chortle-audio/chortle/orchestrator/settings"
)

// app is one call of the program.
type app struct {
	version string
	environ []string
	args    []string
	stdin   io.Reader
	stdout  *terminal.Screen
	stderr  *terminal.Screen
	now     func() time.Time

	log      *logrus.Logger
	logKept  *logfile.Log // nil where it only goes to the screen
	settings *settings.Settings
	service  *service.Service
	faces    Faces
	// unusable says which settings cannot be used; doctor goes on with it, nobody else does.
	unusable error
	debug    debugging
	// begun is true once the command line was understood: errors before that are the caller's.
	begun bool
	// quiet and verbose are what -q and -v say; renamed are warnings of old flags; helpError is a help that was refused.
	quiet     bool
	verbose   int
	renamed   []string
	helpError error
}

// ExitInterrupted is the exit code of a run that a signal ended.
const ExitInterrupted = orchestrator.ExitInterrupted

// Run does what args say (the program's name is not among them) and returns the exit code. environ is as of
// os.Environ; version is what the build calls itself; faces are what commands start that are no command line. A canceled
// ctx ends what is under way within two seconds.
func Run(ctx context.Context, version string, args, environ []string, stdout, stderr io.Writer, faces Faces) int {
	forbidCoreDumps()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	a := newApp(version, args, environ, stdout, stderr)
	a.stdout.OnBroken(cancel) // nobody reads any more, as behind | head: what is under way ends as by a signal
	a.faces = faces
	return a.execute(ctx)
}

// forbidCoreDumps keeps what is in memory, keys and sound, out of files: for this process and its children. The limit
// does not hold where Linux pipes dumps to a program, as systemd has it do: what gets there has no memory in it.
func forbidCoreDumps() {
	_ = syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{})  // to lower a limit is always allowed
	_ = os.WriteFile("/proc/self/coredump_filter", []byte("0"), 0) // there is none but on Linux
}

func newApp(version string, args, environ []string, stdout, stderr io.Writer) *app {
	a := &app{version: version, environ: environ, args: args, stdin: os.Stdin, now: time.Now, log: logrus.New()}
	a.stdout, a.stderr = terminal.NewScreen(stdout, a.getenv), terminal.NewScreen(stderr, a.getenv)
	a.log.SetOutput(a.stderr)
	return a
}

func (a *app) execute(ctx context.Context) int {
	root := a.root()
	root.SetArgs(a.args)
	err := root.ExecuteContext(ctx)
	err = errors.Join(err, a.helpError)
	a.stderr.SetStatus("")
	if a.service != nil {
		if err := a.service.Close(); err != nil { // every change is stored: nothing else hangs on the closing
			a.log.WithError(err).Warn("close database and clips")
		}
	}
	err = errors.Join(err, a.logKept.Close())

	code, coded := service.ExitCode(ctx, err), (*exitError)(nil)
	switch {
	case errors.As(err, &coded):
		code, err = coded.code, coded.err
	case err != nil && !a.begun:
		code = orchestrator.ExitUsage
	}
	if a.stdout.Broken() && (err == nil || errors.Is(err, syscall.EPIPE) || errors.Is(err, context.Canceled)) {
		return orchestrator.ExitInterrupted
	}
	if err != nil {
		fmt.Fprintf(a.stderr, "%s %s\n", a.stderr.Red("orchestrator:"), message(err))
	}
	return code
}

// getenv answers for this call's environment. The last of several entries counts, as for a shell.
func (a *app) getenv(name string) (value string) {
	for _, entry := range a.environ {
		if rest, ok := strings.CutPrefix(entry, name+"="); ok {
			value = rest
		}
	}
	return value
}

// exitError ends the program with a code. A nil err prints nothing: it was told already.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return fmt.Sprintf("exit %d: %v", e.code, e.err) }
func (e *exitError) Unwrap() error { return e.err }

// usage is an error of whoever wrote the command line or the settings.
func usage(format string, args ...any) error {
	return &exitError{orchestrator.ExitUsage, fmt.Errorf(format, args...)}
}

// exit ends the program with a code and no message; 0 is no error.
func exit(code int) error {
	if code == orchestrator.ExitOK {
		return nil
	}
	return &exitError{code, nil}
}

// message is an error with what a person can do about it.
func message(err error) string {
	lines := strings.Split(strings.TrimRight(err.Error(), "\n"), "\n")
	for i, line := range lines { // servers, backups and old databases have their say in it
		lines[i] = terminal.Printable(line)
	}
	text := strings.Join(lines, "\n")
	if remedy := advice.OfError(advice.Terminal, err); remedy != "" {
		text += "; " + remedy
	}
	return text
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "orchestrator",
		Short: "Finds the laughter in a person's day",
		Long: `Chortle finds the laughter in a person's day.

Every night "orchestrator run" reads yesterday's recordings of each user, finds every laugh, keeps a
few seconds of sound around it, and gives back all the memory that it took.`,
		Example: `  orchestrator demo                        # see it work, on sound that it makes itself
  orchestrator user add alice --timezone Europe/London --source folder:/home/alice/recordings
  orchestrator run                         # yesterday, for everybody
  orchestrator laughs list --user alice
  orchestrator detect party.ogg            # any audio file, without user and database`,
		SilenceErrors: true, SilenceUsage: true,
		Args: cobra.ArbitraryArgs, RunE: group,
		PersistentPreRunE: a.begin,
	}
	root.SetOut(a.stdout) // before the completion's commands take it
	root.SetErr(a.stderr)
	root.PersistentFlags().String("env-file", "", "read settings from this `file` instead of looking for a .env")
	bind(root.PersistentFlags(), "CHORTLE_DATA_DIR", "CHORTLE_DATABASE_URL", "CHORTLE_LOG_LEVEL", "CHORTLE_LOG_FORMAT")
	root.AddCommand(a.runCommand(), a.detectCommand(), a.userCommand(), a.laughsCommand(), a.runsCommand(), a.rescoreCommand(), a.policyCommand(),
		a.demoCommand(), a.setupCommand(), a.doctorCommand(), a.configCommand(), a.migrateCommand(), a.versionCommand(), manCommand())
	root.AddCommand(a.modelsCommand(), a.keyCommand(), a.sourceCommand(), a.archiveCommand())
	root.AddCommand(a.statusCommand(), a.backupCommand(), a.restoreCommand(), a.pruneCommand(), a.importCommand(), a.serveCommand(), a.accountCommand(), a.tokenCommand(), a.clipsCommand())
	root.AddCommand(a.digestCommand(), a.notifyCommand())
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd(a.args...)
	a.frame(root)
	return root
}

// didYouMean names what a person may have meant, as the end of a sentence.
func didYouMean(names []string) string { return advice.DidYouMean(names) }

// without lists commands that need no settings.
var without = map[string]bool{"version": true, "man": true, "help": true, "completion": true, cobra.ShellCompRequestCmd: true, cobra.ShellCompNoDescRequestCmd: true}

// mends lists commands that go on with settings that cannot be used: they say what is wrong, or mend it.
var mends = map[string]bool{"orchestrator doctor": true, "orchestrator key new": true}

// begin reads the settings before any command runs.
func (a *app) begin(cmd *cobra.Command, _ []string) error {
	if without[cmd.Name()] || cmd.HasParent() && without[cmd.Parent().Name()] {
		a.begun = true
		return nil
	}
	if err := a.load(cmd); err != nil {
		return err
	}
	if a.unusable != nil && !mends[cmd.CommandPath()] {
		return &exitError{orchestrator.ExitUsage, a.unusable}
	}
	if trigger, _ := cmd.Flags().GetString("trigger"); trigger == string(orchestrator.TriggerCron) && !cmd.Flags().Changed("quiet") {
		a.quiet = true // cron mails whatever is printed
	}
	a.setUpLog()
	a.openService()
	a.begun = true
	return nil
}

// load reads the settings.
func (a *app) load(cmd *cobra.Command) error {
	directory, err := os.Getwd()
	if err != nil {
		directory = "" // closed to this user, as under sudo -u: nothing is looked for there
	}
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find own program: %w", err)
	}
	flags := given(cmd.Flags())
	if level := a.verbosity(); level != "" && flags["CHORTLE_LOG_LEVEL"] == "" {
		flags["CHORTLE_LOG_LEVEL"] = level
	}
	envFile, _ := cmd.Flags().GetString("env-file")
	a.settings, a.unusable = settings.Load(settings.Input{Flags: flags, Environ: a.environ,
		EnvFile: envFile, WorkingDir: directory, Executable: program})
	return nil
}

// setUpLog sends the log where the settings say: to stderr, at a terminal only what is wrong; to a file a
// day; and, where a ping reports failures, to memory.
func (a *app) setUpLog() {
	config := a.settings.Config
	if service.ForeignFolder(config.LogDir) { // root's file would keep the service from its log
		config.LogDir = ""
	}
	a.logKept = logfile.SetUp(a.log, logfile.Options{Screen: a.stderr, Brief: a.stderr.Terminal || a.quiet, Level: config.LogLevel, Format: config.LogFormat,
		Dir: config.LogDir, KeepDays: config.LogKeepDays, Tail: config.Alerts.PingURL != "", Now: a.now})
	if a.settings.EnvFile != "" {
		a.log.WithField(keyFile, a.settings.EnvFile).Info("settings read")
	}
	for _, warning := range append(a.renamed, a.settings.Warnings...) {
		a.log.Warn(warning)
	}
}

// openService makes the service of this call. It opens nothing yet.
func (a *app) openService() {
	words := append([]string{"orchestrator"}, a.args...)
	for i, word := range words {
		words[i] = settings.Mask(word)
	}
	a.service = service.New(service.Options{Config: a.settings.Config, Log: a.log, Kept: a.logKept, Now: a.now, Version: a.version,
		Command: strings.Join(words, " "), Debug: a.debug.options(a)})
}

func jsonFlag(cmd *cobra.Command, to *bool) {
	cmd.Flags().BoolVar(to, "json", false, "print one JSON document (docs/json.md)")
}

func (a *app) writeJSON(v any) error { return document.Write(a.stdout.Raw(), v) }
