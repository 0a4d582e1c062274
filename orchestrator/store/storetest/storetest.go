// Package storetest holds every database to the same behaviour: what orchestrator.Store says, and what
// package store promises beside it. A dialect's tests call Run.
package storetest

import (
	"context"
	"fmt"
	"iter"
	"testing"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/store"
)

// Database is a database of the test's own, empty at first.
type Database struct {
	// Open opens it, as often as it is called; the caller closes what it opened.
	Open func() (*store.Store, error)
	// Execute runs a statement past the store.
	Execute func(statement string) error
	// Holds tells where a word still is: a table or a file; empty where it is nowhere.
	Holds func(word string) (string, error)
}

// Place makes a database, until the end of the test.
type Place func(t testing.TB) Database

// Run runs the suite as subtests, each on a database of its own.
func Run(t *testing.T, place Place) {
	tests := map[string]func(t *testing.T, f *fixture){
		"users are added, found, changed and listed":          testUsers,
		"users that are not valid are refused":                testUserValidation,
		"secrets are kept, changed and sealed anew":           testSecrets,
		"defect 1: a wiped user is still there":               testWipe,
		"defect 1: a purged user leaves no row":               testPurge,
		"a recording is found by content or by file":          testFindRecording,
		"a clock that was ahead hides nothing":                testAhead,
		"what a run was killed with counts":                   testAttempts,
		"a failure counts once a run":                         testFailRecording,
		"a failure keeps what was stored before":              testFailureAfterSuccess,
		"a result is stored as a whole":                       testSaveRecording,
		"a result that makes no sense is refused":             testSaveRecordingValidation,
		"the same result twice changes nothing":               testSaveTwice,
		"the same content under another name is known":        testRename,
		"a new result replaces the old":                       testReprocess,
		"a window with other content is the same":             testWindowAgain,
		"judgements go over to the successor":                 testJudgementsGoOver,
		"a judged laugh without a successor stays":            testJudgedStays,
		"one laugh is one laugh where the sound is the same":  testOverlaps,
		"recordings are known by file and move with laughs":   testIndex,
		"a whole copy takes the place of a broken recording":  testBetterCopy,
		"the best copy of a laugh counts":                     testBestCopyCounts,
		"what overlaps another recording is a duplicate":      testDuplicates,
		"a laugh across a border is one, in any order":        testBorder,
		"what was said of half a laugh stays":                 testBorderJudged,
		"recordings hold what one recording would":            testBorderProperty,
		"users and models do not get in each other's way":     testApart,
		"a public id stays with its laugh":                    testPublicID,
		"nobody reads or changes another's laugh":             testScope,
		"mark, star and note change only what they name":      testSayings,
		"what is forgotten stays away":                        testForget,
		"a laugh across a border is forgotten on both sides":  testForgetBorder,
		"a copy of what is forgotten stays away":              testForgetCopies,
		"lists come in pages, in every order":                 testListOrders,
		"laughs are counted by local days":                    testDays,
		"a day and a user are told apart from the rest":       testDayStrip,
		"it is known which model read what":                   testReadBy,
		"clips that a row refers to are no orphans":           testOrphans,
		"scores come back as they were":                       testScores,
		"notes are kept with their recordings":                testNotes,
		"what else was heard comes back as it was":            testHeard,
		"defect: two laughs within a second are both kept":    testSameSecond,
		"laughs are filtered and ordered":                     testLaughFilter,
		"defect: more than 1000 laughs are read page by page": testLaughPages,
		"the list may be left in the middle":                  testLeaveList,
		"laughs never overlap across recordings":              testProperty,
		"the log of runs comes back as it was":                testRunLog,
		"defect: a day is replaced when it is stored again":   testSaveDayTwice,
		"runs that something killed are told from live ones":  testUnfinished,
		"a run of another system comes as a whole":            testImportRun,
		"the ledger keeps spans apart":                        testLedger,
		"the ledger knows what was never asked for":           testGaps,
		"the status sums up":                                  testStatus,
		"text from outside is stored":                         testForeignText,
		"one store at a time has a user":                      testLockUser,
		"a lock with a name is shared or had alone":           testNamedLocks,
		"many writers end up with every row":                  testWriters,
		"a database opens again, and many times at once":      testReopen,
		"a newer database is refused":                         testNewerSchema,
		"a canceled context ends what is under way":           testCanceled,
		"a check names the database":                          testCheck,
		"accounts are added, found, changed and removed":      testAccounts,
		"sessions are found, extended, listed and ended":      testSessions,
		"a link lets in once":                                 testInvitations,
		"passkeys and identities belong to one account":       testSignIns,
		"tokens reach what their account sees":                testTokens,
		"shares hold laughs of one user":                      testShares,
		"digests are sent once":                               testDigests,
		"clips are dropped, with their rows or without":       testDropClips,
		"laughs without clips say why":                        testNoRoom,
		"backups are noted":                                   testBackups,
		"changes of a policy are remembered and undone":       testPolicyChanges,
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fixture{Database: place(t)}
			f.Store = f.again(t)
			test(t, f)
		})
	}
	t.Run("a backup brings back nothing that was forgotten", func(t *testing.T) {
		t.Parallel()
		f := &fixture{Database: place(t)}
		f.Store = f.again(t)
		testForgottenDump(t, f)
	})
	t.Run("a dump of an older schema is filled", func(t *testing.T) {
		t.Parallel()
		f, other := &fixture{Database: place(t)}, &fixture{Database: place(t)}
		f.Store, other.Store = f.again(t), other.again(t)
		testOldDump(t, f, other)
	})
	t.Run("a dump is loaded as it was, without who was purged", func(t *testing.T) {
		t.Parallel()
		f, other := &fixture{Database: place(t)}, &fixture{Database: place(t)}
		f.Store, other.Store = f.again(t), other.again(t)
		testDump(t, f, other)
	})
	t.Run("a dump that somebody else wrote is held to what is stored", func(t *testing.T) {
		t.Parallel()
		f, other := &fixture{Database: place(t)}, &fixture{Database: place(t)}
		f.Store, other.Store = f.again(t), other.again(t)
		testHostileDump(t, f, other)
	})
	t.Run("accounts go with the only user that they saw", func(t *testing.T) {
		t.Parallel()
		f, other := &fixture{Database: place(t)}, &fixture{Database: place(t)}
		f.Store, other.Store = f.again(t), other.again(t)
		testAccountsOfPurged(t, f, other)
	})
}

// fixture is a database, open once already.
type fixture struct {
	*store.Store
	Database
}

// again opens the database once more, until the end of the test.
func (f *fixture) again(t *testing.T) *store.Store {
	t.Helper()
	opened, err := f.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := opened.Close(); err != nil {
			t.Error(err)
		}
	})
	return opened
}

// User is a valid user who is not stored yet.
func User(name string) orchestrator.User {
	return orchestrator.User{Name: name, Timezone: "Europe/London", Source: "folder:/sound/" + name, Priority: 5,
		Threshold: 0.25, Model: "inferd --fast", Enabled: true, KeepOriginals: true, Retention: `{"days":30}`}
}

func (f *fixture) user(t *testing.T, name string) orchestrator.User {
	t.Helper()
	user, err := f.AddUser(t.Context(), User(name))
	if err != nil {
		t.Fatal(err)
	}
	return user
}

// noon is the start of all recordings that do not say otherwise.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

const hour = 3600 * orchestrator.SampleRateHz

// Recording is a recording of an hour whose content is told by its name.
func Recording(name string, start time.Time) orchestrator.Recording {
	return orchestrator.Recording{Path: "/sound/" + name, Name: name, Start: start, TimeSource: orchestrator.TimeFromName,
		Size: int64(1000 + len(name)), ModTime: start.Add(time.Hour + 123456*time.Microsecond), SHA256: "sha-of-" + name}
}

// Model is a model of two laughter classes.
func Model() orchestrator.Model {
	return orchestrator.Model{Name: "yamnet", Version: "1", Plugin: "inferd", SHA256: "abc123", Window: 15600, Hop: 7680,
		Laughter: []string{"Laughter", "Giggle"}}
}

// At is a laugh from one second of the recording to another.
func At(from, to float64) orchestrator.Laugh {
	return orchestrator.Laugh{Onset: int64(from * orchestrator.SampleRateHz), Offset: int64(to * orchestrator.SampleRateHz),
		Peak: int64(from * orchestrator.SampleRateHz), Score: 0.75, Class: "Laughter", ClassScores: []float64{0.75, 0.125},
		Clip: fmt.Sprintf("clip-%v-%v", from, to)}
}

// Result is what a model found in a recording of an hour.
func Result(user orchestrator.User, rec orchestrator.Recording, laughs ...orchestrator.Laugh) orchestrator.Result {
	model := Model()
	scores := orchestrator.NewScores(model)
	scores.Close(hour)
	for _, laugh := range laughs {
		if i := int(laugh.Peak/model.Hop) * len(model.Laughter); i < len(scores.Data) {
			scores.Data[i] = orchestrator.Quantise(float32(laugh.Score))
		}
	}
	return orchestrator.Result{UserID: user.ID, Recording: rec, Model: model, Scores: scores, Laughs: laughs}
}

func (f *fixture) save(t *testing.T, result orchestrator.Result) orchestrator.Saved {
	t.Helper()
	saved, err := f.SaveRecording(t.Context(), result)
	if err != nil {
		t.Fatal(err)
	}
	return saved
}

func (f *fixture) laughs(t *testing.T, filter orchestrator.LaughFilter) []orchestrator.StoredLaugh {
	t.Helper()
	return collect(t, f.Laughs(t.Context(), filter))
}

func collect[T any](t *testing.T, list iter.Seq2[T, error]) (all []T) {
	t.Helper()
	for item, err := range list {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, item)
	}
	return all
}

// begin begins a run.
func (f *fixture) begin(t *testing.T, id string, at time.Time) orchestrator.Run {
	t.Helper()
	run := orchestrator.Run{ID: id, Trigger: orchestrator.TriggerCron, StartedAt: at, Status: orchestrator.StatusRunning}
	if err := f.BeginRun(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	return run
}

// must is for calls that only return an error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// background is for what outlives the test's own context.
func background() context.Context { return context.Background() }
