// Package notify tells people and machines how the nights went: alerts by shoutrrr addresses,
// healthchecks-style pings, and a metrics file for node_exporter. Nothing here can fail a run.
package notify

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

// Limits are the values above which an alert is raised; 0 turns an alert off.
type Limits struct {
	// FailedCalls is the share of failed calls to a source in a run, in (0, 1].
	FailedCalls float64
	// MemoryAfter and MemoryPeak of a user's day, in bytes.
	MemoryAfter, MemoryPeak int64
	// Quiet is for how long a user may be without audio, or without a laugh, at first since the first day that was read.
	Quiet time.Duration
	// GapAge is how old a gap may grow before it is filled.
	GapAge time.Duration
	// LastGoodRun is how long ago the last run may be that read a user without failure.
	LastGoodRun time.Duration
}

// DefaultLimits are the ones that a small server starts with.
var DefaultLimits = Limits{
	FailedCalls: 0.10,
	MemoryAfter: 64e6,
	MemoryPeak:  256e6,
	Quiet:       7 * 24 * time.Hour,
	GapAge:      3 * 24 * time.Hour,
	LastGoodRun: 36 * time.Hour,
}

// Alert is one thing that a person should know. Kind is stable, for filters and metrics.
type Alert struct {
	Kind    string
	User    string // empty where it concerns the whole service
	Message string
	Remedy  string
}

// The kinds of alerts.
const (
	KindFailedCalls = "failed_calls"
	KindMemoryAfter = "memory_after"
	KindMemoryPeak  = "memory_peak"
	KindOutOfMemory = "out_of_memory"
	KindNoAudio     = "no_audio"
	KindNoLaughs    = "no_laughs"
	KindOldGap      = "old_gap"
	KindNoGoodRun   = "no_good_run"
	KindRunFailed   = "run_failed"
	KindUserFailed  = "user_failed"
	KindUnfinished  = "run_unfinished"
)

// Unfinished is the alert for a run that was begun and never ended, and is not under way any more.
func Unfinished(run orchestrator.Run) Alert {
	return Alert{Kind: KindUnfinished, Message: fmt.Sprintf("the run of %s never ended: something killed it", run.StartedAt.UTC().Format("2006-01-02 15:04 MST")),
		Remedy: "look for out-of-memory in the kernel's log (journalctl -k); the next run goes on from there"}
}

// CheckRun returns what one run gives cause for.
func CheckRun(run orchestrator.Run, limits Limits) (alerts []Alert) {
	if run.Status == orchestrator.StatusFailed {
		alerts = append(alerts, Alert{Kind: KindRunFailed, Message: "the run failed: " + run.Error, Remedy: "look at `orchestrator doctor`"})
	}
	total, failed := 0, 0 // calls
	for _, day := range run.Days {
		total, failed = total+day.Calls.Total, failed+day.Calls.Failed
		add := func(kind, remedy, format string, args ...any) {
			alerts = append(alerts, Alert{Kind: kind, User: day.User, Remedy: remedy,
				Message: fmt.Sprintf("%s, %s: ", day.User, day.Date) + fmt.Sprintf(format, args...)})
		}
		if day.Status == orchestrator.StatusFailed {
			alerts = append(alerts, failedDay(day))
		}
		if limits.MemoryAfter > 0 && day.Memory.After > limits.MemoryAfter {
			add(KindMemoryAfter, "restart whatever keeps the orchestrator alive, and tell the developers",
				"%d MB are held after the user, the limit is %d MB", day.Memory.After/1e6, limits.MemoryAfter/1e6)
		}
		if limits.MemoryPeak > 0 && day.Memory.Peak > limits.MemoryPeak {
			add(KindMemoryPeak, "set CHORTLE_INFERD_THREADS=1, or raise the limit",
				"%d MB at peak, the limit is %d MB", day.Memory.Peak/1e6, limits.MemoryPeak/1e6)
		}
		if day.OutOfMemory {
			add(KindOutOfMemory, "give the machine swap or more memory, or set CHORTLE_INFERD_THREADS=1",
				"the kernel killed the model for want of memory")
		}
	}
	if share := float64(failed) / float64(max(1, total)); limits.FailedCalls > 0 && share > limits.FailedCalls {
		alerts = append(alerts, Alert{Kind: KindFailedCalls, Message: fmt.Sprintf("%d of %d calls to sources failed (%.0f %%)", failed, total, 100*share),
			Remedy: "nothing is lost: what failed is asked for again; look at `orchestrator runs show --last`"})
	}
	return alerts
}

// CheckService returns what the standing of the service gives cause for, at a time.
func CheckService(status orchestrator.ServiceStatus, limits Limits, now time.Time) (alerts []Alert) {
	if limits.LastGoodRun > 0 {
		alerts = noGoodRun(status, limits, now)
	}
	for _, user := range status.Users {
		if !user.User.Enabled {
			continue
		}
		add := func(kind, remedy, format string, args ...any) {
			alerts = append(alerts, Alert{Kind: kind, User: user.User.Name, Remedy: remedy,
				Message: user.User.Name + ": " + fmt.Sprintf(format, args...)})
		}
		if s := user.Latest.Status; s == orchestrator.StatusFailed || s == orchestrator.StatusIncomplete {
			alerts = append(alerts, failedDay(user.Latest))
		}
		quiet := func(last time.Time) (long time.Duration, raise bool) {
			if last.IsZero() {
				last = firstRead(user)
			}
			long = now.Sub(last)
			return long, limits.Quiet > 0 && !last.IsZero() && long > limits.Quiet
		}
		if long, raise := quiet(user.LastAudio); raise {
			add(KindNoAudio, "is the recorder on, and does it sync?", "no audio for %s", Ago(long))
		} else if long, raise := quiet(user.LastLaugh); raise {
			add(KindNoLaughs, "is the recorder covered, or the threshold too high?", "no laugh for %s", Ago(long))
		}
		if len(user.Gaps) > 0 && limits.GapAge > 0 {
			if oldest := user.Gaps[0]; now.Sub(oldest.End) > limits.GapAge {
				add(KindOldGap, "look at `orchestrator status`", "a gap of %s is %s old: %s",
					oldest.Duration().Round(time.Second), Ago(now.Sub(oldest.End)), oldest.Reason)
			}
		}
	}
	return alerts
}

// failedDay is the alert for a user's day that could not be read, or only in part.
func failedDay(day orchestrator.UserDay) Alert {
	var last orchestrator.RunError
	if n := len(day.Errors); n > 0 {
		last = day.Errors[n-1]
	}
	what := cmp.Or(last.Message, string(day.Status))
	if day.Status == orchestrator.StatusIncomplete && last.Message != "" {
		what = "a part could not be read: " + what
	}
	return Alert{Kind: KindUserFailed, User: day.User, Message: fmt.Sprintf("%s, %s: %s", day.User, day.Date, what),
		Remedy: cmp.Or(last.Remedy, "look at `orchestrator doctor`")}
}

// noGoodRun returns one alert where it is too long ago that a run did any of the users well, else one for each user
// of whom that is so. One whom no run has tried to read yet is left out: the next night does.
func noGoodRun(status orchestrator.ServiceStatus, limits Limits, now time.Time) (alerts []Alert) {
	late := func(last time.Time) (what string, late bool) {
		if last.IsZero() {
			return "no run has succeeded yet", true
		}
		return fmt.Sprintf("the last good run was %s ago", Ago(now.Sub(last))), now.Sub(last) > limits.LastGoodRun
	}
	users := slices.DeleteFunc(slices.Clone(status.Users), func(u orchestrator.UserStatus) bool { return !u.User.Enabled })
	last := status.LastGoodRun
	if len(users) > 0 {
		last = slices.MaxFunc(users, func(a, b orchestrator.UserStatus) int { return a.LastGoodRun.Compare(b.LastGoodRun) }).LastGoodRun
	}
	if what, late := late(last); late {
		return []Alert{{Kind: KindNoGoodRun, Message: what, Remedy: "look at `orchestrator runs list`, then at the crontab or timer"}}
	}
	for _, user := range users {
		if what, late := late(user.LastGoodRun); late && user.Latest.Date != (orchestrator.Date{}) {
			alerts = append(alerts, Alert{Kind: KindNoGoodRun, User: user.User.Name, Message: user.User.Name + ": " + what,
				Remedy: "look at `orchestrator runs list`, then at those in which the user failed"})
		}
	}
	return alerts
}

// firstRead is when the first day of a user began that was read; zero if there is none.
func firstRead(user orchestrator.UserStatus) time.Time {
	if user.FirstDay == (orchestrator.Date{}) {
		return time.Time{}
	}
	location, err := user.User.Location()
	if err != nil {
		location = time.UTC
	}
	return user.FirstDay.Span(location).Start
}

// Join puts alerts together, each of them once.
func Join(lists ...[]Alert) (all []Alert) {
	for _, alert := range slices.Concat(lists...) {
		if !slices.Contains(all, alert) {
			all = append(all, alert)
		}
	}
	return all
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
