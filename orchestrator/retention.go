package orchestrator

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Retention says for how long sound is kept. Its zero value keeps everything for ever. What a person starred, marked
// right or wrote a note on goes by no rule.
type Retention struct {
	// Days after which the clip of a laugh goes, by the time of the laugh; MaybeDays is the same for maybes and for
	// laughs that were marked wrong. 0: never.
	Days      int `json:"days,omitempty"`
	MaybeDays int `json:"maybe_days,omitempty"`
	// ADay is the most clips of a class in a day; those with the lowest scores go. 0: no limit.
	ADay int `json:"a_day,omitempty"`
	// Bytes is the most that a user's clips may take. Wrong ones go first, then maybes, then sure ones, the oldest first.
	// 0: no limit.
	Bytes int64 `json:"bytes,omitempty"`
	// Recent are days in which nothing goes by ADay, Bytes, or for the disk.
	Recent int `json:"recent,omitempty"`
	// Rows says that the row of a laugh goes with its clip, and that of one without a clip by its age.
	Rows bool `json:"rows,omitempty"`
	// OriginalDays after which downloads go that are kept, and the files of an archive, once the sound of their laughs is
	// safe. 0: never.
	OriginalDays int `json:"original_days,omitempty"`
	// BackedUp says that nothing goes that is not in a backup which was read back.
	BackedUp bool `json:"backed_up,omitempty"`
}

// Limits tells whether there is any rule by which something could go.
func (r Retention) Limits() bool {
	return r.Days > 0 || r.MaybeDays > 0 || r.ADay > 0 || r.Bytes > 0 || r.OriginalDays > 0
}

// Validate returns an error that names the first field that cannot be used.
func (r Retention) Validate() error {
	for _, field := range []struct {
		name  string
		value int64
	}{{"days", int64(r.Days)}, {"maybe_days", int64(r.MaybeDays)}, {"a_day", int64(r.ADay)}, {"bytes", r.Bytes}, {"recent", int64(r.Recent)}, {"original_days", int64(r.OriginalDays)}} {
		if field.value < 0 || field.name != "bytes" && field.value > maxKeep {
			return fmt.Errorf("check retention: %s is %d; want 0 to %d", field.name, field.value, maxKeep)
		}
	}
	return nil
}

// maxKeep bounds numbers of days and of clips.
const maxKeep = 100_000

// Override returns the retention with what a JSON object says otherwise; an empty text says nothing.
func (r Retention) Override(object string) (Retention, error) {
	if strings.TrimSpace(object) == "" {
		return r, nil
	}
	decoder := json.NewDecoder(strings.NewReader(object))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&r); err != nil {
		return Retention{}, fmt.Errorf("read retention: %w", err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return Retention{}, errors.New("read retention: want one JSON object and nothing behind it")
	}
	return r, r.Validate()
}

// RetentionRule is why a clip goes.
type RetentionRule string

// The rules, in the order in which they are asked.
const (
	RuleAge      RetentionRule = "age"       // Days
	RuleMaybeAge RetentionRule = "maybe_age" // MaybeDays
	RuleNumber   RetentionRule = "number"    // ADay
	RuleSize     RetentionRule = "size"      // Bytes
	RuleDisk     RetentionRule = "disk"      // the share of the disk
)

// RetentionHold is why something stays.
type RetentionHold string

// The holds.
const (
	HoldStarred     RetentionHold = "starred"
	HoldMarkedRight RetentionHold = "marked_right"
	HoldNoted       RetentionHold = "noted"
	HoldRecent      RetentionHold = "recent"         // a rule would take it, but for Recent
	HoldNoBackup    RetentionHold = "not_backed_up"  // a rule would take it, but for BackedUp
	HoldWithin      RetentionHold = "within_limits"  // no rule takes it
	HoldUnread      RetentionHold = "not_read"       // an original that was not read yet, or not wholly
	HoldNoClip      RetentionHold = "clip_not_there" // an original whose laugh has no sound yet
	HoldError       RetentionHold = "error"          // it could not be deleted, or not be looked at
)

// Held is why no rule may ever take a laugh; empty where one may.
func (l StoredLaugh) Held() RetentionHold {
	switch {
	case l.Star:
		return HoldStarred
	case l.Mark == MarkRight:
		return HoldMarkedRight
	case l.Note != "":
		return HoldNoted
	}
	return ""
}

// Worth orders laughs by what goes first, from 0: wrong ones, maybes, sure ones.
func (l StoredLaugh) Worth() int {
	switch {
	case l.Mark == MarkWrong:
		return 0
	case l.Tier == TierMaybe:
		return 1
	}
	return 2
}

// AgeRule is the rule by which a laugh is too old at a time; empty where it is not.
func (r Retention) AgeRule(l StoredLaugh, now time.Time) RetentionRule {
	older := func(days int) bool { return days > 0 && now.Sub(l.Start) > time.Duration(days)*24*time.Hour }
	switch {
	case older(r.Days):
		return RuleAge
	case l.Worth() < 2 && older(r.MaybeDays):
		return RuleMaybeAge
	}
	return ""
}

// ClipLoss is why a laugh has no sound any more, or never had.
type ClipLoss string

// The losses. They are stored: they are added, never changed.
const (
	ClipPruned ClipLoss = "pruned"  // deleted by the rules of retention
	ClipNoRoom ClipLoss = "no_room" // not cut, because the disk was full
)

// LostClip tells of the sound of a laugh that is not there.
type LostClip struct {
	Why ClipLoss
	At  time.Time // UTC
}

// BackupNote is what is known of a backup that was made.
type BackupNote struct {
	// StartedAt is the moment of which it is; in UTC, as FinishedAt is.
	StartedAt, FinishedAt time.Time
	// Place is where it lies, without secrets; Name is its file there.
	Place, Name string
	Bytes       int64
	// Error is why it is none; empty where it was read back and is whole.
	Error string
}
