package web

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// limits holds back who tries to sign in again and again: one bucket for each account name, and one for each network. The network
// counts first, so that nobody locks somebody else out from one place.
type limits struct {
	mu      sync.Mutex
	every   rate.Limit
	burst   int
	buckets map[string]*rate.Limiter
	most    int
}

func newLimits(every time.Duration, burst, most int) *limits {
	return &limits{every: rate.Every(every), burst: burst, most: most, buckets: map[string]*rate.Limiter{}}
}

// take takes a try from a bucket. refund gives it back, as for a sign-in that succeeds; wait is how long until there is another one,
// where there is none now.
func (l *limits) take(key string, now time.Time) (refund func(), wait time.Duration, ok bool) {
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
func (l *limits) sweep(now time.Time) {
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
