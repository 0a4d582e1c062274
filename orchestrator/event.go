package orchestrator

// EventKind says what an Event tells.
type EventKind int

// The kinds of events, in the order in which they come for one user's day.
const (
	// EventDay: a user's day begins. Only days with something to do have one.
	EventDay EventKind = iota
	// EventModel: a model process is ready; Model and PID are set.
	EventModel
	// EventRecording: a recording begins; Recording and Length are set.
	EventRecording
	// EventProgress: another chunk was decoded; Position and Length are set.
	EventProgress
	// EventRecordingDone: a recording was stored (Laughs, Duplicates, Damage), or failed (Err).
	EventRecordingDone
	// EventLeft: a recording is left for the next run, with the reason in Err.
	EventLeft
	// EventModelEnd: the model process is gone; Exit is set.
	EventModelEnd
	// EventDayDone: the day is stored; Day is set.
	EventDayDone
	// EventSurvey: a user's source was looked at as a whole; Survey is set. It comes before the user's first day.
	EventSurvey
)

// Event tells an observer what a run is doing: for progress, for the log. What a field means, and
// whether it is set, depends on Kind; User and Date always are.
type Event struct {
	Kind      EventKind
	User      string
	Date      Date
	Recording string
	// Position reached and Length of the recording, in samples; Length is 0 where it is not known.
	Position, Length int64
	// Laughs that are new, and Duplicates.
	Laughs, Duplicates int
	Model              Model
	PID                int
	Exit               Exit
	Day                *UserDay
	Survey             *Survey
	// Damage is what a recording that was stored lacks; nil where it is whole.
	Damage *DamageError
	Err    error
}
