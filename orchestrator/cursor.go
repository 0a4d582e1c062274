package orchestrator

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// LaughCursor is a place in a list of laughs, in any order: what the laugh there is sorted by.
type LaughCursor struct {
	Start            time.Time // to the microsecond
	Length           time.Duration
	Score, Certainty float64
	ID               string
}

// Cursor returns the place of the laugh in lists, for the After of the next page. It holds no secret and may be part
// of an address; a laugh that is gone meanwhile makes it no less valid.
func (l StoredLaugh) Cursor() string {
	number := func(n uint64) string { return strconv.FormatUint(n, 36) }
	return strings.Join([]string{number(uint64(l.Start.UnixMicro())), number(uint64(l.End.Sub(l.Start).Microseconds())),
		number(math.Float64bits(l.Score)), number(math.Float64bits(l.Certainty)), l.ID}, "-")
}

// ParseLaughCursor reads a Cursor.
func ParseLaughCursor(text string) (c LaughCursor, err error) {
	parts := strings.Split(text, "-")
	var n [4]uint64
	if len(parts) != len(n)+1 {
		return c, fmt.Errorf("parse place in list %q: want the one of the page before", text)
	}
	for i := range n {
		if n[i], err = strconv.ParseUint(parts[i], 36, 64); err != nil {
			return c, fmt.Errorf("parse place in list %q: want the one of the page before", text)
		}
	}
	c = LaughCursor{time.UnixMicro(int64(n[0])).UTC(), time.Duration(int64(n[1])) * time.Microsecond,
		math.Float64frombits(n[2]), math.Float64frombits(n[3]), parts[len(n)]}
	if _, ok := ParseLaughID(c.ID); !ok || math.IsNaN(c.Score) || math.IsNaN(c.Certainty) {
		return LaughCursor{}, fmt.Errorf("parse place in list %q: want the one of the page before", text)
	}
	return c, nil
}
