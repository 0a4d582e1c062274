package orchestrator

import (
	"context"
	"errors"
	"io"
	"iter"
	"time"
)

// Source finds a user's recordings.
type Source interface {
	// Recordings yields the recordings that start within span, in order of their start. An error with
	// a named recording is that recording's (ErrBadRecording, ErrNotSettled); a *SpanError is that of a
	// stretch of time; any other error ends the sequence and fails the user's day, a *StoppedError with
	// what that leaves unread.
	Recordings(ctx context.Context, span Span) iter.Seq2[Recording, error]
}

// Dayless is a Source that may hold what belongs to no day: what is wrong whatever the day, such as a part
// of it that cannot be read.
type Dayless interface {
	// Strays yields the errors of what belongs to no day, each with a named recording, or one that the source
	// itself failed. It is asked once a run, after the last day.
	Strays(ctx context.Context) iter.Seq2[Recording, error]
}

// ErrNotSettled marks a recording that is still being written: it is left for the next run.
var ErrNotSettled = errors.New("still being written")

// Audio reads and cuts files of sound. Safe for concurrent use. Errors that are the file's fault wrap
// ErrBadRecording.
type Audio interface {
	// Decode yields the recording as chunks of 16 kHz mono, in order, however long it is, in memory
	// that does not grow. Quiet stretches are brought up (see the audio package). A *DamageError comes
	// behind all sound that a damaged recording still has.
	Decode(ctx context.Context, rec Recording) iter.Seq2[Chunk, error]
	// Cut yields one clip for each span, in order; spans are sorted by their start. What lies outside
	// the recording is left away.
	Cut(ctx context.Context, rec Recording, spans []SampleSpan) iter.Seq2[Clip, error]
	// Length estimates the recording's length in samples without decoding it; 0 where that is unknown.
	Length(ctx context.Context, rec Recording) int64
}

// Clips keeps the sound of laughs under keys such as "alice/2026/11/22/143002.120-8f3a91c2.opus". Safe for concurrent
// use. A key that no clip can have is an error of every method.
type Clips interface {
	// Put stores data under key, durably and as a whole or not at all, and replaces what was there.
	Put(ctx context.Context, key string, data []byte) error
	// Open opens a clip for reading; the caller closes it. ErrNotFound where there is none.
	Open(ctx context.Context, key string) (io.ReadSeekCloser, ClipInfo, error)
	// Delete removes a clip; one that is not there is no error.
	Delete(ctx context.Context, key string) error
	// Keys yields the keys of the clips below a folder, such as "alice", in order; below "" all. An error ends the
	// sequence. Clips that are put or deleted meanwhile may be missing or not.
	Keys(ctx context.Context, below string) iter.Seq2[string, error]
}

// ClipInfo describes a stored clip.
type ClipInfo struct {
	// Size in bytes.
	Size int64
	// ModTime is when it was put.
	ModTime time.Time
}

// RecordingState is what the store knows of a recording.
type RecordingState struct {
	// SHA256 is empty where the recording is not known.
	SHA256 string
	// Done is true when its results are stored.
	Done bool
	// Attempts that failed so far.
	Attempts int
}

// Result is everything that one recording yielded.
type Result struct {
	RunID     string
	UserID    int64
	Recording Recording
	Model     Model
	Scores    Scores
	Laughs    []Laugh
	// Policy that the laughs were found under; its zero value where that is not known.
	Policy Policy
	// Prints of the stretches that may hold laughs, in order and apart; nil where nobody made any, so that those that are
	// stored stay.
	Prints []SoundPrint
	// Lost says why laughs of it have no clip that should have one; empty where all that should have one do.
	Lost ClipLoss
	// Notes of the recording, which replace those that are stored.
	Notes []Note
	// Damage is what the recording lacks; nil where it is whole. It is told once; what is stored is a note.
	Damage *DamageError
}

// Saved tells what became of a Result.
type Saved struct {
	// New rows, and Duplicates: laughs that the same model heard in another recording of the user, too: the same sound,
	// or the other half of one that lies across the border of the two.
	New, Duplicates int
	// Orphans are the keys of clips that no row refers to any more.
	Orphans []string
}

// Store keeps results. Safe for concurrent use. ErrStoreUnavailable means that the database could not
// be reached for as long as the implementation retries; the run then ends.
type Store interface {
	// BeginRun writes the run, with its ID, trigger and start. Until EndRun, or the end of this process, everybody
	// who shares the store can tell that it is under way.
	BeginRun(ctx context.Context, run Run) error
	// LockUser keeps every other orchestrator away from the user until release is called or this
	// process ends. ErrLocked when another one has it.
	LockUser(ctx context.Context, userID int64) (release func(), err error)
	// FindRecording looks a recording up: by SHA256 where it is set, else by name, size and
	// modification time together. A recording that is not known is the zero state.
	FindRecording(ctx context.Context, userID int64, rec Recording) (RecordingState, error)
	// SaveRecording stores a result in one transaction and marks the recording done, and its Window,
	// unless that is zero, as read in the ledger. The laughs that
	// the same model found in the same recording before are replaced; their marks, stars and notes
	// go over to the laugh that overlaps them, and a laugh with one that has no successor stays.
	SaveRecording(ctx context.Context, result Result) (Saved, error)
	// FailRecording counts an attempt that failed. The recording must have its SHA256.
	FailRecording(ctx context.Context, runID string, userID int64, rec Recording, cause string) error
	// SaveDay writes what the run did for a user's day, and its Spans into the ledger: a span that was
	// there before counts one more attempt; one that overlaps others replaces what it covers of them.
	SaveDay(ctx context.Context, runID string, day UserDay) error
	// EndRun writes the run's end, status and exit code.
	EndRun(ctx context.Context, run Run) error
}

// Conditions of a store that a caller branches on.
var (
	ErrStoreUnavailable = errors.New("database unavailable")
	ErrLocked           = errors.New("locked by another orchestrator")
	ErrNotFound         = errors.New("not found")
	ErrExists           = errors.New("exists already")
	// ErrNoRoom is that of clips: their disk is nearly full.
	ErrNoRoom = errors.New("too little room on the disk")
)
