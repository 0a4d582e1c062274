package web

import (
	"context"
	"io"
	"iter"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/service/listening"
)

// Laughs finds laughs and counts them. Every question names the users that it is about.
type Laughs interface {
	LaughsOf(ctx context.Context, userIDs []int64, filter orchestrator.LaughFilter) iter.Seq2[orchestrator.StoredLaugh, error]
	// Laugh returns one laugh; orchestrator.ErrNotFound where it is none of these users'.
	Laugh(ctx context.Context, userIDs []int64, id string) (orchestrator.StoredLaugh, error)
	// LaughPolicy is what the laugh was found under; orchestrator.ErrNotFound where that is not known.
	LaughPolicy(ctx context.Context, userIDs []int64, id string) (orchestrator.Policy, error)
	// Days and Hours count over local days, both ends included.
	Days(ctx context.Context, userID int64, from, to orchestrator.Date) ([]orchestrator.DayCount, error)
	Hours(ctx context.Context, userID int64, from, to orchestrator.Date) ([]orchestrator.LaughCount, error)
	// Unreviewed counts what nobody marked, up to limit.
	Unreviewed(ctx context.Context, userID int64, tier orchestrator.Tier, limit int) (int, error)
	// BestOfDays returns the laugh of each day that is worth playing first.
	BestOfDays(ctx context.Context, userID int64, from, to orchestrator.Date) (map[orchestrator.Date]orchestrator.StoredLaugh, error)
}

// Tokens are those of apps and devices, for the API, webhooks and feeds.
type Tokens interface {
	// Token returns the token of a secret, its account, and the users that it reaches; orchestrator.ErrNotFound where it is unknown,
	// expired or revoked.
	Token(ctx context.Context, secret string) (orchestrator.APIToken, orchestrator.Account, []orchestrator.User, error)
	Tokens(ctx context.Context, accountID int64) ([]orchestrator.APIToken, error)
	// AddToken makes a token and returns its secret: accounts.ErrScope, accounts.ErrOneUser.
	AddToken(ctx context.Context, account orchestrator.Account, users []orchestrator.User, token orchestrator.APIToken) (secret string, made orchestrator.APIToken, err error)
	RemoveToken(ctx context.Context, accountID, id int64) error
}

// Heard says where there was sound, and where it is missing.
type Heard interface {
	Recordings(ctx context.Context, userID int64, span orchestrator.Span) ([]orchestrator.RecordingSpan, error)
	Ledger(ctx context.Context, userID int64, span orchestrator.Span) ([]orchestrator.LedgerSpan, error)
	// UserStatus is how the nights so far went.
	UserStatus(ctx context.Context, userID int64) (orchestrator.UserStatus, error)
}

// Judging stores what a person says of a laugh, each thing by itself. orchestrator.ErrNotFound where it is none of these users'.
type Judging interface {
	Mark(ctx context.Context, userIDs []int64, id string, mark orchestrator.Mark) (before orchestrator.Mark, err error)
	Star(ctx context.Context, userIDs []int64, id string, star bool) error
	Note(ctx context.Context, userIDs []int64, id, note string) error
	// Forget removes a laugh for good, and its sound.
	Forget(ctx context.Context, userIDs []int64, id string) error
}

// Sounds makes what a browser plays and shows of a clip, by the clip's key. The work is bounded: a caller may have to wait.
// orchestrator.ErrNotFound where the clip is gone.
type Sounds interface {
	// Original opens the clip as it was cut.
	Original(ctx context.Context, key string) (io.ReadSeekCloser, error)
	// WAV is the same sound in the form that every browser plays.
	WAV(ctx context.Context, key string) ([]byte, error)
	// Waveform is the outline of the clip in so many parts.
	Waveform(ctx context.Context, key string, parts int) (listening.Wave, error)
	// Spectrogram is a PNG of the clip for a light or a dark page.
	Spectrogram(ctx context.Context, key string, dark bool) ([]byte, error)
}
