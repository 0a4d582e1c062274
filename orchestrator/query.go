package orchestrator

import "time"

// Mark is a person's judgement of a laugh.
type Mark string

// The marks.
const (
	MarkNone  Mark = ""
	MarkRight Mark = "right"
	MarkWrong Mark = "wrong"
)

// StoredLaugh is a laugh as it is kept: with its place in the world and what people said of it.
type StoredLaugh struct {
	ID       int64
	User     string
	Timezone string
	// Start and End in UTC, to the millisecond.
	Start, End time.Time
	Score      float64
	Class      string
	// ClassScores holds the best score of each laughter class, by label.
	ClassScores map[string]float64
	// Recording is the original file's name; Offset is the laugh's onset within it.
	Recording string
	Offset    time.Duration
	// Uncertainty is by how much the time may be off; see Recording.
	Uncertainty time.Duration
	// Clip is the key in the clip store; empty where none was kept.
	Clip string
	// Model that heard it, its version, and the SHA-256 of its weights.
	Model, ModelVersion, ModelSHA256 string
	Mark                             Mark
	Star                             bool
	Note                             string
}

// LaughFilter says which laughs are wanted; its zero value wants all.
type LaughFilter struct {
	// Users by name; empty means all.
	Users []string
	// Span in which a laugh starts; a zero Start or End leaves that side open.
	Span Span
	// MinScore leaves out what is below it.
	MinScore float64
	// Model by name; empty means all.
	Model string
}

// UserStatus is how a user stands, over all runs.
type UserStatus struct {
	User User
	// FirstDay and LastDay are the first and the last day whose status was ok; zero if there are none.
	FirstDay, LastDay Date
	// LastGoodRun is when the last run finished in which a day of the user was ok, in UTC; zero if there is none.
	LastGoodRun time.Time
	// Latest is the latest day that was read, in whole, in part (incomplete) or not at all (failed), as the last run
	// that read it left it; its Date is zero if there is none.
	Latest UserDay
	// LastAudio and LastLaugh are when the newest sound and the newest laugh were recorded, in UTC;
	// zero if there are none.
	LastAudio, LastLaugh time.Time
	// Gaps are the spans that could not be read, oldest first.
	Gaps []LedgerSpan
	// GivenUp are the recordings that are not tried any more, oldest first.
	GivenUp []GivenUp
}

// GivenUp is a recording that failed in MaxAttempts runs. One that was since read under its name is none.
type GivenUp struct {
	// Recording is its name.
	Recording string
	Start     time.Time // UTC
	Attempts  int
	// Reason of the last attempt.
	Reason string
}

// ServiceStatus is how the whole service stands.
type ServiceStatus struct {
	// LastGoodRun is when the last run with exit code 0 finished, in UTC; zero if there is none.
	LastGoodRun time.Time
	Users       []UserStatus
}
