package cli_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/chortle-audio/chortle/orchestrator"
)

// A run that cannot begin prints its document, too.
func TestARunThatCannotBeginPrintsItsDocument(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		spoil func(p *place)
		code  int
		says  string
	}{
		"no server": {func(p *place) {
			p.environ = append(p.environ, "CHORTLE_DATABASE_URL=postgres://u:hunter2@127.0.0.1:1/x", "CHORTLE_STORE_RETRY=0s")
		}, orchestrator.ExitFailed, "see whether the server of database"},
		"a damaged file":   {func(p *place) { p.damage() }, orchestrator.ExitFailed, "is damaged: put a backup in its place"},
		"no such user":     {func(p *place) { p.must("user", "purge", "alice", "--yes") }, orchestrator.ExitUsage, "there are no users yet"},
		"not the only one": {func(p *place) { p.block() }, orchestrator.ExitLocked, "wait until it ends"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t).alice()
			test.spoil(p)
			run := p.json(test.code, day...)
			if at(run, "run_id") != "" || at(run, "exit_code") != float64(test.code) || at(run, "status") != "failed" || at(run, "users", 0) != nil ||
				at(run, "started_at") == nil || at(run, "finished_at") == nil || !strings.Contains(fmt.Sprint(at(run, "error")), test.says) {
				t.Errorf("%v", run)
			}
			if got, want := fieldsOf("", run), documentedFields(t)["run"]; len(got) == 0 || len(got) > len(want) {
				t.Errorf("fields %v", got)
			}
			if strings.Contains(fmt.Sprint(run), "hunter2") {
				t.Error("it tells a password")
			}
		})
	}
}

// damage makes noise of the database's second page.
func (p *place) damage() {
	p.Helper()
	file, err := os.OpenFile(p.path("data/chortle.db"), os.O_WRONLY, 0)
	if err != nil {
		p.Fatal(err)
	}
	noise := make([]byte, 4096)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range noise {
		noise[i] = byte(random.Uint32())
	}
	_, err = file.WriteAt(noise, 4096)
	if closeErr := file.Close(); err != nil || closeErr != nil {
		p.Fatal(err, closeErr)
	}
}

func TestDoctorNamesTheRemedyOfADamagedDatabase(t *testing.T) {
	t.Parallel()
	p := newPlace(t).alice()
	p.damage()
	if found := find(p.json(orchestrator.ExitFailed, "doctor"), "database"); at(found, "status") != "ERROR" || !strings.Contains(fmt.Sprint(at(found, "remedy")), "put a backup in its place") {
		t.Errorf("doctor: %v", found)
	}
}

// The data folder's disk is full, and what the run needs is elsewhere: the lock counts, not what it tells.
func TestAFullDataFolderDoesNotKeepARunFromItsLock(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.environ = append(p.environ, "CHORTLE_DATABASE_URL=sqlite:"+p.path("db/chortle.db"), "CHORTLE_CLIPS_URL=folder:"+p.path("clips"))
	p.alice()
	code, output := p.onSmallDisk("data", "cat /dev/zero > full 2> /dev/null || touch run.lock", day...)
	if code != 0 || strings.Contains(output, "no space left") {
		t.Errorf("exit code %d\n%s", code, output)
	}
}
