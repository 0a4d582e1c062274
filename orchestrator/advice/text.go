// Package advice makes words for people: for a terminal, a page or a message. The domain and the adapters report what
// is wrong by a code and facts; here stands what to say of it, and what a person can do.
package advice

import (
	"fmt"
	"strings"
	"time"
)

// Plural counts things whose plural ends with s: "1 laugh", "2 laughs".
func Plural(n int, what string) string {
	switch {
	case n == 1:
		return "1 " + what
	case strings.HasSuffix(what, "s"):
		return fmt.Sprintf("%d %ses", n, what)
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// Megabytes writes bytes as megabytes of 1,000,000, with one decimal and without the unit.
func Megabytes(n int64) string { return fmt.Sprintf("%.1f", float64(n)/1e6) }

// DidYouMean names what a person may have meant, as the end of a sentence; empty where names is.
func DidYouMean(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return ": did you mean " + strings.Join(names, " or ") + "?"
}

// Ago rounds a duration for people.
func Ago(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%.0f seconds", d.Seconds())
	case d < 2*time.Hour:
		return fmt.Sprintf("%.0f minutes", d.Minutes())
	case d < 48*time.Hour:
		return fmt.Sprintf("%.0f hours", d.Hours())
	}
	return fmt.Sprintf("%.0f days", d.Hours()/24)
}
