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
	// ID is public and unique over all users; see LaughID. It stays the same when the recording is processed again
	// or its scores are judged under another policy, as long as the laugh is found again.
	ID       string
	UserID   int64
	User     string
	Timezone string
	// Day on which the laugh starts, in the user's zone.
	Day Date
	// Start and End in UTC, to the millisecond.
	Start, End time.Time
	Score      float64
	Class      string
	Tier       Tier
	// Certainty is how far the evidence is from the sure threshold of its class, 0..1.
	Certainty float64
	// Evidence is what was compared with the policy's thresholds; 0 where that is not known.
	Evidence float64
	// Around is what else was heard.
	Around Around
	// Policy that it was found under, such as "default-2"; empty where that is not known. See Store.LaughPolicy.
	Policy string
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

// MaxNote is the longest note, in bytes.
const MaxNote = 8000

// LaughOrder is an order of a list of laughs.
type LaughOrder string

// The orders. Laughs that are equal in them are in order of their IDs.
const (
	OrderOldest       LaughOrder = ""              // by start, the earliest first
	OrderNewest       LaughOrder = "newest"        // by start, the latest first
	OrderLeastCertain LaughOrder = "least-certain" // by certainty, the smallest first
	OrderBest         LaughOrder = "best"          // by score, the highest first
	OrderLongest      LaughOrder = "longest"       // by length, the longest first
)

// LaughFilter says which laughs are wanted; its zero value wants all, the oldest first. Conditions are joined by
// "and".
type LaughFilter struct {
	// Users by name; empty means all.
	Users []string
	// UserIDs of users; nil means all. An empty list that is not nil means nobody.
	UserIDs []int64
	// IDs of laughs; empty means all.
	IDs []string
	// Span in which a laugh starts; a zero Start or End leaves that side open.
	Span Span
	// From and To are the first and the last local day of each user's zone; zero leaves that side open.
	From, To Date
	// MinScore leaves out what is below it.
	MinScore float64
	// Model by name, Class by label, Recording by name; empty means all.
	Model, Class, Recording string
	// Tier that is wanted; empty means both.
	Tier Tier
	// With is what the laugh was heard with, as Around.With says; a laugh must have all of it. Empty means anything.
	With []string
	// Marks that are wanted, MarkNone for laughs that nobody marked; empty means all.
	Marks []Mark
	// Starred wants starred laughs only, WithClip those with sound.
	Starred, WithClip bool
	Order             LaughOrder
	// Limit is the largest number of laughs; 0 means all.
	Limit int
	// After is the Cursor of the last laugh of the page before, in the same order; empty starts at the beginning.
	After string
}

// NotWrong are the marks of everything but what was marked wrong.
func NotWrong() []Mark { return []Mark{MarkNone, MarkRight} }

// DayCount counts the laughs of one local day of a user.
type DayCount struct {
	Date Date
	// Sure and Maybe laughs by tier, without those that were marked wrong.
	Sure, Maybe int
	// Wrong laughs of both tiers.
	Wrong int
	// Unmarked laughs among Sure and Maybe: nobody marked them right.
	UnmarkedSure, UnmarkedMaybe int
	// Starred laughs, whatever their tier and mark.
	Starred int
}

// LaughCount counts laughs that were not marked wrong by hour and class.
type LaughCount struct {
	// Hour of the day in the user's zone, 0..23.
	Hour        int
	Class       string
	Sure, Maybe int
	// RightMaybe are those of Maybe that were marked right.
	RightMaybe int
}

// Forgotten tells what Forget took away.
type Forgotten struct {
	// Laughs that went: the one that was named, and what other models heard there.
	Laughs int
	// Orphans are the keys of clips that no row refers to any more: the caller deletes them.
	Orphans []string
}

// RecordingSpan is where a recording lies in time.
type RecordingSpan struct {
	Span
	// Name within the source.
	Name string
	// Done is false for a recording that could not be read; its End is its Start.
	Done bool
	// Reason why it could not be read.
	Reason string
}

// UserStatus is how a user stands, over all runs.
type UserStatus struct {
	User User
	// Survey is what the last run saw of the user's source; nil where none has looked.
	Survey *Survey
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
	// Ahead is when the last run began that began later than now, by a clock that was or is wrong; zero if there is none.
	Ahead time.Time
	Users []UserStatus
}

// LaughCopy is where else a laugh was heard that counts once: in a second device, a copy, another coding.
type LaughCopy struct {
	// Recording is the other recording's name, and Offset the laugh's onset in it.
	Recording string
	Offset    time.Duration
	Score     float64
	// Later is by how much the laugh comes later there, as the times of the two recordings have it; below 0 earlier.
	Later time.Duration
}
