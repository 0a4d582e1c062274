// Package limits holds back who asks too often.
package limits

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limits is a bucket of tries for each key, such as a network or the name of an account. Safe for concurrent use.
type Limits struct {
	mu      sync.Mutex
	every   rate.Limit
	burst   int
	buckets map[string]*rate.Limiter
	most    int
}

// New makes buckets that hold burst tries and get one back every so often; most of them are kept at once.
func New(every time.Duration, burst, most int) *Limits {
	return &Limits{every: rate.Every(every), burst: burst, most: most, buckets: map[string]*rate.Limiter{}}
}

// Take takes a try from a bucket. refund gives it back, as for a sign-in that succeeds; wait is how long until there is another one,
// where there is none now.
func (l *Limits) Take(key string, now time.Time) (refund func(), wait time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	bucket := l.buckets[key]
	if bucket == nil {
		if len(l.buckets) >= l.most {
			l.sweep(now)
		}
		bucket = rate.NewLimiter(l.every, l.burst)
		l.buckets[key] = bucket
	}
	reservation := bucket.ReserveN(now, 1)
	if wait = reservation.DelayFrom(now); wait > 0 {
		reservation.CancelAt(now)
		return nil, wait, false
	}
	return func() { reservation.CancelAt(now) }, 0, true
}

// sweep forgets buckets that are full again, and anybody's where there are still too many: memory is bounded whoever comes.
func (l *Limits) sweep(now time.Time) {
	for key, bucket := range l.buckets {
		if bucket.TokensAt(now) >= float64(l.burst) {
			delete(l.buckets, key)
		}
	}
	for key := range l.buckets {
		if len(l.buckets) < l.most {
			return
		}
		delete(l.buckets, key)
	}
}
