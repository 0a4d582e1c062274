package settings

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/chortle-audio/chortle/orchestrator/health"
)

// Alerts are the values above which a person is notified, and how. A limit of 0 is none.
type Alerts struct {
	health.Limits
	// NotifyURLs are addresses as shoutrrr knows them; PingURL is that of a check. They hold secrets.
	NotifyURLs []string
	PingURL    string
	// MetricsFile is a path; empty means that none is written.
	MetricsFile string
}

// alertTable holds the settings of the log and of being told.
var alertTable = []Definition{
	{Name: "CHORTLE_LOG_DIR", Help: "folder for the log, one file a day; empty: the log goes to stderr only",
		fallback: fixed(""),
		set:      func(s *Settings, v string) error { return s.file(v, &s.Config.LogDir) }},
	{Name: "CHORTLE_LOG_KEEP_DAYS", Help: "days after which a file of the log is deleted; 0: never",
		fallback: fixed("30"),
		set:      func(s *Settings, v string) error { return whole(v, &s.Config.LogKeepDays, 0, 36500) }},
	{Name: "CHORTLE_ALERT_FAILED_CALLS", Help: "alert when more of a run's calls to a source fail, such as 10%; 0: never",
		fallback: fixed("10%"),
		set:      func(s *Settings, v string) error { return share(v, &s.Config.Alerts.FailedCalls) }},
	{Name: "CHORTLE_ALERT_MEMORY_AFTER", Help: "alert when more memory is held after a user; 0: never",
		fallback: fixed("64MB"),
		set: func(s *Settings, v string) (err error) {
			s.Config.Alerts.MemoryAfter, err = ParseBytes(v)
			return err
		}},
	{Name: "CHORTLE_ALERT_MEMORY_PEAK", Help: "alert when a user's day takes more memory; 0: never",
		fallback: fixed("256MB"),
		set: func(s *Settings, v string) (err error) {
			s.Config.Alerts.MemoryPeak, err = ParseBytes(v)
			return err
		}},
	{Name: "CHORTLE_ALERT_QUIET_DAYS", Help: "alert when a user has had no audio, or no laugh, for more days, at first since the first day that was read; 0: never",
		fallback: fixed("7"),
		set:      func(s *Settings, v string) error { return days(v, &s.Config.Alerts.Quiet) }},
	{Name: "CHORTLE_ALERT_GAP_DAYS", Help: "alert when a gap stays open for more days; 0: never",
		fallback: fixed("3"),
		set:      func(s *Settings, v string) error { return days(v, &s.Config.Alerts.GapAge) }},
	{Name: "CHORTLE_ALERT_LAST_RUN", Flag: "last-run", Help: "alert when a user's last good run is longer ago, such as 36h; 0: never",
		fallback: fixed("36h"),
		set:      func(s *Settings, v string) error { return longDuration(v, &s.Config.Alerts.LastGoodRun) }},
	{Name: "CHORTLE_ALERT_STUCK", Help: "alert when another run or command has kept a run away for longer, such as 8h; 0: never",
		fallback: fixed("8h"),
		set:      func(s *Settings, v string) error { return longDuration(v, &s.Config.Alerts.Stuck) }},
	{Name: "CHORTLE_NOTIFY_URLS", Secret: true, Hidden: true, Help: "where alerts go: shoutrrr addresses, with spaces between, such as ntfy://ntfy.sh/TOPIC",
		fallback: fixed(""),
		set: func(s *Settings, v string) error {
			s.Config.Alerts.NotifyURLs = strings.Fields(v)
			return nil
		}},
	{Name: "CHORTLE_PING_URL", Secret: true, Hidden: true, Help: "check that each run tells of its start, success or failure, such as https://hc-ping.com/UUID",
		fallback: fixed(""),
		set: func(s *Settings, v string) error {
			s.Config.Alerts.PingURL = v // a run that cannot ping says so, and does its work
			return nil
		}},
	{Name: "CHORTLE_METRICS_FILE", Help: "file for node_exporter's textfile collector, written after each run; empty: none",
		fallback: fixed(""),
		set:      func(s *Settings, v string) error { return s.file(v, &s.Config.Alerts.MetricsFile) }},
}

// days accepts a whole number of days.
func days(text string, to *time.Duration) error {
	var n int
	if err := whole(text, &n, 0, 3650); err != nil {
		return err
	}
	*to = time.Duration(n) * 24 * time.Hour
	return nil
}

// share accepts "10%" and "0.1".
func share(text string, to *float64) error {
	digits, percent := strings.CutSuffix(strings.TrimSpace(text), "%")
	number, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
	if percent {
		number /= 100
	}
	if err != nil || !(number >= 0 && number <= 1) {
		return fmt.Errorf("%q is not a valid share: use 0%% to 100%%, such as 10%%", text)
	}
	*to = number
	return nil
}

// longDuration accepts a duration of up to a year, also one in days, such as 2d.
func longDuration(text string, to *time.Duration) error {
	d, err := time.ParseDuration(text)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		var n float64
		n, err = strconv.ParseFloat(days, 64)
		d = time.Duration(n * 24 * float64(time.Hour))
	}
	if err != nil || d < 0 || d > 366*24*time.Hour {
		return fmt.Errorf("%q is not a valid duration: use 0s to 366d, with a unit, such as 36h", text)
	}
	*to = d
	return nil
}

// hide masks a secret as a whole; of addresses the scheme stays.
func hide(text string) string {
	words := strings.Fields(text)
	for i, word := range words {
		scheme, _, isAddress := strings.Cut(word, "://")
		if words[i] = masked; isAddress {
			words[i] = scheme + "://" + masked
		}
	}
	return strings.Join(words, " ")
}
