package cli_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/source/limitless/limitlesstest"
)

// shortDay is a user with little to read.
var shortDay = map[string][]recorded{"alice": {{9 * time.Hour, time.Minute}}}

// secretKey reads the key that the place's secrets are sealed with.
func (a *api) secretKey() string {
	a.Helper()
	content, err := os.ReadFile(a.path("secret.key"))
	if err != nil {
		a.Fatal(err)
	}
	return strings.TrimSpace(string(content))
}

// with is the place with settings changed; an empty value takes one away.
func (p *place) with(settings ...string) *place {
	other := *p
	other.environ = append(slices.Clone(p.environ), settings...)
	return &other
}

// Neither an API key nor the secret key is ever in a log, an error, a document, a file that others may
// read, the arguments of a process, or the environment of a child.
func TestSecretsAreNowhere(t *testing.T) {
	t.Parallel()
	a := newAPI(t, shortDay, "CHORTLE_LOG_LEVEL=debug")
	bin, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	secrets := []string{apiKeyOf("alice"), a.secretKey()}
	clean := func(where, text string) {
		t.Helper()
		for i, secret := range secrets {
			if strings.Contains(text, secret) {
				t.Errorf("secret %d is in %s:\n%s", i, where, text)
			}
		}
	}

	// The key itself in the environment is the worst case.
	run := exec.Command(bin+"/orchestrator", append(day, "--json")...)
	run.Env = append(slices.Clone(a.environ), "CHORTLE_SECRET_KEY_FILE=", "CHORTLE_SECRET_KEY="+a.secretKey())
	var stdout, stderr bytes.Buffer
	run.Stdout, run.Stderr = &stdout, &stderr
	looked := 0
	a.Fault = func(call limitlesstest.Call) limitlesstest.Fault {
		if call.Span.Start.Hour() != 10 || looked > 0 {
			return nil
		}
		looked++
		limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", run.Process.Pid))
		if err != nil || !strings.Contains(strings.Join(strings.Fields(string(limits)), " "), "Max core file size 0 0") {
			t.Errorf("core dumps are possible: %v\n%s", err, limits)
		}
		for _, pid := range family(run.Process.Pid) {
			if filter, err := os.ReadFile(fmt.Sprintf("/proc/%d/coredump_filter", pid)); err != nil || strings.Trim(string(filter), "0\n") != "" {
				t.Errorf("a core dump of process %d would hold memory: %q, %v", pid, filter, err)
			}
			cmdline, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
			clean("the arguments of a process", string(cmdline))
			if pid != run.Process.Pid {
				looked++
				environ, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
				clean("the environment of "+string(cmdline), string(environ))
			}
		}
		return limitlesstest.Status(401)
	}
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	a.meet()
	err = run.Wait()
	a.meet()
	if run.ProcessState.ExitCode() != orchestrator.ExitIncomplete {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	if looked != 2 {
		t.Errorf("looked at %d processes, want the program and inferd", looked)
	}
	clean("stdout", stdout.String())
	clean("the log", stderr.String())

	a.Fault = nil
	wrong := a.with("CHORTLE_SECRET_KEY_FILE=", "CHORTLE_SECRET_KEY="+strings.Repeat("ab", 32))
	none := a.with("CHORTLE_SECRET_KEY_FILE=")
	malformed := a.with("CHORTLE_SECRET_KEY_FILE=", "CHORTLE_SECRET_KEY=x"+a.secretKey())
	for _, p := range []*place{a.place, wrong, none, malformed} {
		for _, args := range [][]string{day, append(day, "--json"), {"config"}, {"config", "--json"}, {"doctor", "--json"}, {"user", "show", "alice", "--json"}, {"user", "list"},
			{"user", "key", "test", "alice"}, {"runs", "show", "--last", "--json"}, {"status"}, {"key", "rotate", "--new-key-file", p.path("secret.key")}} {
			r := p.run(args...)
			clean(strings.Join(args, " "), r.stdout+r.stderr)
		}
	}
	for _, name := range a.tree("data") {
		content, err := os.ReadFile(filepath.Join(a.path("data"), name))
		if err != nil {
			t.Fatal(err)
		}
		clean(name, string(content))
	}
}

// family is a process and all below it.
func family(pid int) []int {
	all := []int{pid}
	children, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, path := range children {
		content, _ := os.ReadFile(path)
		for _, word := range strings.Fields(string(content)) {
			if child, err := strconv.Atoi(word); err == nil {
				all = append(all, family(child)...)
			}
		}
	}
	return all
}

func TestSecretKeyWrongOrMissing(t *testing.T) {
	t.Parallel()
	a := newAPI(t, shortDay)
	for want, settings := range map[string][]string{
		"does not open it":       {"CHORTLE_SECRET_KEY_FILE=", "CHORTLE_SECRET_KEY=" + strings.Repeat("ab", 32)},
		"there is no secret key": {"CHORTLE_SECRET_KEY_FILE="},
	} {
		p := a.with(settings...)
		run := p.json(orchestrator.ExitIncomplete, day...)
		message, remedy := fmt.Sprint(at(run, "users", 0, "errors", 0, "message")), fmt.Sprint(at(run, "users", 0, "errors", 0, "remedy"))
		if !strings.Contains(message, want) || !strings.Contains(remedy, "CHORTLE_SECRET_KEY") || at(run, "users", 0, "errors", 1) != nil {
			t.Errorf("%s: %v", want, at(run, "users", 0, "errors"))
		}
		if at(run, "users", 0, "gaps", 0, "start") != "2026-11-22T00:00:00.000Z" || at(run, "users", 0, "gaps", 0, "end") != "2026-11-23T00:00:00.000Z" {
			t.Errorf("the day is no gap: %v", at(run, "users", 0, "gaps"))
		}
		if found := find(p.json(orchestrator.ExitFailed, "doctor"), "user alice"); at(found, "status") != "ERROR" {
			t.Errorf("doctor: %v", found)
		}
	}
	if len(a.Calls()) > 0 {
		t.Error("the API was called")
	}
	if run := a.json(0, day...); at(run, "users", 0, "laughs", "new") != 3.0 {
		t.Errorf("with the right key: %v", run)
	}
	if r := a.with("CHORTLE_SECRET_KEY_FILE=").run("user", "set", "alice", "--api-key-file", a.path("alice.key")); r.code != orchestrator.ExitUsage || !strings.Contains(r.stderr, "key new") && !strings.Contains(r.stderr, "openssl") {
		t.Errorf("to store a key without one: %+v", r)
	}
}

func TestKeysOfUsers(t *testing.T) {
	t.Parallel()
	a := newAPI(t, shortDay)
	for args, want := range map[string]string{
		"user set alice --api-key-file " + a.path("alice.key") + " --api-key-stdin":              "do not go together",
		"user set alice --api-key-file " + a.file("", "empty.key", nil):                          "not empty",
		"user set alice --api-key-file " + a.file("", "two.key", []byte("one\ntwo\n")):           "one line",
		"user add carol --timezone UTC --source folder:/x --api-key-file " + a.path("alice.key"): "--source limitless only",
		"user add carol --timezone UTC --source limitles":                                        "did you mean limitless?",
		"user add carol --timezone UTC --source limitless:x":                                     "want folder:PATH, limitless or upload",
		"user key test":           "NAME is missing",
		"key rotate":              "--new-key-file is missing",
		"archive --user alice":    "--from is missing",
		"archive --from 2026-1-1": "--user is missing",
	} {
		if r := a.run(strings.Fields(args)...); r.code != orchestrator.ExitUsage || !strings.Contains(r.stderr, want) {
			t.Errorf("%s: exit code %d, want %q in:\n%s", args, r.code, want, r.stderr)
		}
	}
	if r := a.run("user", "set", "alice", "--api-key-file", a.path("nowhere")); r.code != orchestrator.ExitFailed {
		t.Errorf("a file that is not there: %+v", r)
	}
	// A key over standard input, and one that the API does not know.
	if r := a.runAt(t.Context(), time.Now, "sk-unknown\n", "user", "set", "alice", "--api-key-stdin"); r.code != 0 {
		t.Fatalf("exit code %d: %s", r.code, r.stderr)
	}
	if run := a.json(orchestrator.ExitIncomplete, day...); at(run, "users", 0, "status") != "failed" || len(a.Calls()) != 1 {
		t.Errorf("%d calls: %v", len(a.Calls()), run)
	}
}

// The old system took an API that was busy or away for one that refused the key.
func TestDefectABadNightIsNoBadKey(t *testing.T) {
	t.Parallel()
	a := newAPI(t, shortDay)
	for status, want := range map[int]string{503: "could not check the key", 429: "could not check the key", 403: "refused the key"} {
		a.Fault = func(limitlesstest.Call) limitlesstest.Fault { return limitlesstest.Status(status) }
		if r := a.run("user", "key", "test", "alice"); r.code != orchestrator.ExitFailed || !strings.Contains(r.stderr, want) {
			t.Errorf("%d: %+v", status, r)
		}
	}
}

func TestKeyRotate(t *testing.T) {
	t.Parallel()
	a := newAPI(t, twoUsers)
	if r := a.run("key", "new", a.path("secret.key")); r.code != orchestrator.ExitFailed {
		t.Errorf("a key was written over: %+v", r)
	}
	a.must("key", "new", a.path("new.key"))
	if info, err := os.Stat(a.path("new.key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	old := at(a.json(0, "user", "show", "alice"), "api_key_sealed_with")
	// A secret that does not open leaves all as it was.
	other := a.with("CHORTLE_SECRET_KEY_FILE=", "CHORTLE_SECRET_KEY="+strings.Repeat("cd", 32))
	if r := other.run("key", "rotate", "--new-key-file", a.path("new.key")); r.code != orchestrator.ExitFailed || at(a.json(0, "user", "show", "bob"), "api_key_sealed_with") != old {
		t.Errorf("rotated with a wrong key: %+v", r)
	}
	if out := a.must("key", "rotate", "--new-key-file", a.path("new.key")); !strings.Contains(out, "2 secrets") {
		t.Error(out)
	}
	if r := a.run(day...); r.code != orchestrator.ExitIncomplete || !strings.Contains(r.stderr, "does not open it") {
		t.Errorf("the old key still opens: %+v", r)
	}
	rotated := a.with("CHORTLE_SECRET_KEY_FILE=" + a.path("new.key"))
	if at(rotated.json(0, "user", "show", "alice"), "api_key_sealed_with") == old {
		t.Error("the key's id is the old one")
	}
	// Once more does nothing, whichever key is set, for the work may have been done before an interruption.
	for _, p := range []*place{a.place, rotated} {
		if out := p.must("key", "rotate", "--new-key-file", a.path("new.key")); !strings.Contains(out, "0 secrets") {
			t.Error(out)
		}
	}
	rotated.must(day...)
}
