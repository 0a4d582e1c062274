package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chortle-audio/chortle/orchestrator"
)

// Every mistake of whoever wrote the command line ends with exit code 2 and names the remedy.
func TestUsageErrors(t *testing.T) { //nolint:tparallel // a run has the data folder to itself
	t.Parallel()
	p := newPlace(t).alice()
	for _, c := range []struct {
		args string
		want string
	}{
		{"rnu", "did you mean run?"},
		{"user ad", "did you mean add?"},
		{"laughs lst", "did you mean list?"},
		{"runs sow", "did you mean show?"},
		{"frobnicate", "see orchestrator --help"},
		{"run --nonsense", "unknown flag: --nonsense"},
		{"run extra", "takes no arguments"},
		{"run --user alcie", "did you mean alice?"},
		{"run --user zebra", "known users: alice"},
		{"run --date 2026-02-30", "YYYY-MM-DD"},
		{"run --date yesterday", "YYYY-MM-DD"},
		{"run --date 2026-11-22 --to 2026-11-23", "--date goes without"},
		{"run --from 2026-11-22 --to 2026-11-21", "exchange them"},
		{"run --to 2026-11-22", "--to needs --from"},
		{"run --from then --to 2026-11-22", "--from"},
		{"run --from 2026-11-22 --to then", "--to"},
		{"run --trigger moon", "manual, cron, scheduled"},
		{"run --users-at-once 0", "1 to 64"},
		{"run --users-at-once many", "CHORTLE_USERS_AT_ONCE (flag --users-at-once)"},
		{"run --data-dir", "needs an argument"},
		{"run --log-level loud", "CHORTLE_LOG_LEVEL"},
		{"run --env-file /nowhere/.env", "--env-file"},
		{"detect", "FILE is missing"},
		{"detect x.wav --threshold 2", "above 0 and up to 1"},
		{"detect x.wav --threshold=-1", "above 0 and up to 1"},
		{"user add", "NAME is missing"},
		{"user add bob", "--timezone is missing"},
		{"user add bob --timezone Europe/Paris", "--source is missing"},
		{"user add bob carol --timezone Europe/Paris --source folder:/x", "takes one NAME"},
		{"user add Bob --timezone Europe/Paris --source folder:/x", "a-z"},
		{"user add alice --timezone Europe/Paris --source folder:/x", "orchestrator user set alice"},
		{"user add bob --timezone Europe/Pariss --source folder:/x", "did you mean Europe/Paris?"},
		{"user add bob --timezone Paris --source folder:/x", "did you mean Europe/Paris?"},
		{"user add bob --timezone Local --source folder:/x", "Europe/London"},
		{"user add bob --timezone= --source folder:/x", "Europe/London"},
		{"user add bob --timezone Europe/Paris --source /", "did you mean folder:/?"},
		{"user add bob --timezone Europe/Paris --source ftp:/x", "want folder:PATH"},
		{"user add bob --timezone Europe/Paris --source folder:", "want folder:PATH"},
		{"user add bob --timezone Europe/Paris --source folder:/x --threshold 1.1", "between 0 and 1"},
		{"user add bob --timezone Europe/Paris --source folder:/x --priority first", "invalid argument"},
		{"user add bob --timezone Europe/Paris --source folder:/x --model 'open", "close it"},
		{"user set alcie --priority 1", "did you mean alice?"},
		{"user set alice --threshold -1", "between 0 and 1"},
		{"user show nobody", "known users: alice"},
		{"laughs list --user nobody", "known users: alice"},
		{"laughs list --min-score 7", "--min-score"},
		{"laughs export", "use one of csv, jsonl"},
		{"laughs export --format cvs", "did you mean csv?"},
		{"laughs export --format csv --date 22.11.2026", "YYYY-MM-DD"},
		{"runs list --limit 0", "1 to 1000"},
		{"runs show 123", "see orchestrator runs list"},
		{"runs show", "there was no run yet"},
		{"runs show a --last", "name one run, or --last"},
		{"rescore", "--threshold is missing"},
		{"rescore --threshold 1.2", "above 0 and up to 1"},
		{"rescore --threshold 0.3 --user nobody", "known users: alice"},
		{"config extra", "takes no arguments"},
		{"migrate extra", "takes no arguments"},
		{"doctor extra", "takes no arguments"},
		{"version extra", "takes no arguments"},
		{"demo extra", "takes no arguments"},
		{"man", "DIR is missing"},
	} {
		t.Run(c.args, func(t *testing.T) {
			r := (&place{TB: t, dir: p.dir, environ: p.environ}).run(strings.Fields(c.args)...)
			if r.code != orchestrator.ExitUsage || !strings.Contains(r.stderr, c.want) {
				t.Errorf("exit code %d, want 2, and %q in:\n%s", r.code, c.want, r.stderr)
			}
			if r.stdout != "" {
				t.Errorf("wrote to stdout: %s", r.stdout)
			}
			if strings.Contains(r.stderr, "failed to") {
				t.Errorf("style: %s", r.stderr)
			}
		})
	}
}

func TestNobodyToRun(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	if r := p.run("run"); r.code != orchestrator.ExitUsage || !strings.Contains(r.stderr, "orchestrator user add") {
		t.Errorf("without users: %+v", r)
	}
	p.alice().must("user", "set", "alice", "--enabled=false")
	if r := p.run("run"); r.code != orchestrator.ExitOK || !strings.Contains(r.stderr, "no user is enabled") {
		t.Errorf("with nobody enabled: %+v", r)
	}
}

// Whatever cannot be opened ends with exit code 1 and the remedy, never with "nothing to do".
func TestNothingWorksWithoutItsParts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		set  func(p *place) string
		want []string
	}{
		"data folder below a file": {func(p *place) string {
			return "CHORTLE_DATA_DIR=" + filepath.Join(p.file("", "file", nil), "data")
		}, []string{"make data folder", "not a directory", "CHORTLE_DATA_DIR"}},
		"database that is down": {func(*place) string { return "CHORTLE_DATABASE_URL=postgres://u:hunter2@127.0.0.1:1/x" }, []string{"database unavailable", "u:****@127.0.0.1:1"}},
		"damaged database": {func(p *place) string {
			return "CHORTLE_DATABASE_URL=sqlite:" + p.file("", "bad.db", []byte(strings.Repeat("no database ", 1000)))
		}, []string{"bad.db", "database unavailable"}},
		"clip folder below a file": {func(p *place) string {
			return "CHORTLE_CLIPS_URL=folder:" + filepath.Join(p.file("", "file", nil), "clips")
		}, []string{"clip folder"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, "CHORTLE_STORE_RETRY=0s")
			p.environ = append(p.environ, c.set(p))
			if name == "clip folder below a file" {
				p.alice()
			}
			r := p.run("run")
			if r.code != orchestrator.ExitFailed {
				t.Errorf("exit code %d", r.code)
			}
			for _, want := range c.want {
				if !strings.Contains(r.stderr, want) {
					t.Errorf("%q is not in:\n%s", want, r.stderr)
				}
			}
			if strings.Contains(r.stderr, "hunter2") {
				t.Errorf("the password is in:\n%s", r.stderr)
			}
		})
	}
}

func TestDataFolderIsPrivate(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.must("migrate")
	info, err := os.Stat(p.path("data"))
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	for _, args := range [][]string{{}, {"--help"}, {"user"}, {"run", "--help"}, {"help", "laughs"}, {"laughs", "export", "-h"}} {
		if r := p.run(args...); r.code != 0 || !strings.Contains(r.stdout, "Usage:") || r.stderr != "" {
			t.Errorf("%v: %+v", args, r)
		}
	}
	if out := p.must("version"); out != "orchestrator test\n" {
		t.Errorf("version: %q", out)
	}
	if out := p.must("completion", "bash"); !strings.Contains(out, "__start_orchestrator") {
		t.Error("the completion is no completion")
	}
}

func TestManPages(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.must("man", p.path("man"))
	for _, name := range []string{"orchestrator", "orchestrator-run", "orchestrator-user-add", "orchestrator-laughs-export"} {
		page, err := os.ReadFile(p.path("man/" + name + ".1"))
		if err != nil || !strings.HasPrefix(string(page), ".TH "+strings.ToUpper(name)+" 1") || !strings.Contains(string(page), ".SH OPTIONS") {
			t.Errorf("%s: %v\n%s", name, err, page)
		}
	}
	if _, err := os.Stat(p.path("man/orchestrator-man.1")); err == nil {
		t.Error("the hidden command has a page")
	}
}
