package limitless

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/chortle-audio/chortle/orchestrator"
)

const (
	// callsPerMinute is the API's limit for one key.
	callsPerMinute = 180
	// longestWait is how long a call waits at most because the API said so, in all its attempts. Beyond that
	// the night has better things to do.
	longestWait = time.Hour
)

// Limiter spaces out the calls of one key, whoever makes them: it keeps them below the API's limit, and where
// the API says all the same when to call again, none is made before. Safe for concurrent use.
type Limiter struct {
	rate *rate.Limiter

	mu   sync.Mutex
	held time.Time // no call before then
}

// NewLimiter lets so many calls pass in any minute, at least one.
func NewLimiter(callsPerMinute int) *Limiter {
	// In any minute a bucket lets its size and its refill pass: a tenth as bucket, the rest as refill.
	burst := max(1, callsPerMinute/10)
	return &Limiter{rate: rate.NewLimiter(rate.Limit(float64(max(1, callsPerMinute-burst))/60), burst)}
}

// HeldError means that the API refuses the key's calls for longer than a call waits. No call is made until then.
type HeldError struct {
	Until time.Time
}

func (e *HeldError) Error() string {
	return fmt.Sprintf("the API refuses all calls with this key until %s", orchestrator.Until(e.Until))
}

// Problem returns its code.
func (e *HeldError) Problem() (orchestrator.Code, orchestrator.Facts) {
	return orchestrator.CodeAPIHeld, orchestrator.Facts{"until": orchestrator.Until(e.Until)}
}

// hold keeps all calls of the key back for as long as the API said, and returns until when.
func (l *Limiter) hold(wait time.Duration) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = later(l.held, time.Now().Add(wait))
	return l.held
}

// heldUntil is the moment before which no call may be made.
func (l *Limiter) heldUntil() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.held
}

// wait returns when the next call may be made. Where the API's word is to wait for longer than patience, it is a
// *HeldError at once.
func (l *Limiter) wait(ctx context.Context, patience time.Duration) error {
	for counted := false; ; {
		held := l.heldUntil()
		left := time.Until(held)
		switch {
		case left > patience:
			return &HeldError{held}
		case left > 0:
			select {
			case <-time.After(left):
			case <-ctx.Done():
				return ctx.Err()
			}
		case counted:
			return nil
		default:
			if err := l.rate.Wait(ctx); err != nil {
				return err
			}
			counted = true // and look again: meanwhile another call of the key may have been refused
		}
	}
}

// retryAfter reads how long to wait from a 429: from the body, where it is a string or a number, else from the
// header. It is in seconds, or a moment by the clock that made the answer.
func retryAfter(header http.Header, body []byte) (time.Duration, bool) {
	var answer struct {
		RetryAfter json.RawMessage `json:"retryAfter"`
	}
	_ = json.Unmarshal(body, &answer) // a body that is no JSON says nothing
	for _, text := range []string{strings.Trim(string(answer.RetryAfter), `"`), header.Get("Retry-After")} {
		text = strings.TrimSpace(text)
		if seconds, err := strconv.ParseFloat(text, 64); err == nil && seconds >= 0 {
			const century = 100 * 365 * 24 * 60 * 60
			return time.Duration(min(seconds, century) * float64(time.Second)), true
		}
		if moment, err := http.ParseTime(text); err == nil {
			now, err := http.ParseTime(header.Get("Date"))
			if err != nil {
				now = time.Now()
			}
			return max(0, moment.Sub(now)), true
		}
	}
	return 0, false
}
