// Package health judges how things stand from the log of runs and the status of users: which alerts there are, by which
// limits. It is pure: the command line, the page and notifications show the same.
package health

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/advice"
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
	// LastBackup is how long ago the last good backup may be.
	LastBackup time.Duration
	// Stuck is for how long a lock may be held that keeps runs away.
	Stuck time.Duration
	// DiskFree is what must be free on each disk that is written to, in bytes.
	DiskFree int64
}

// Disk is one that is written to.
type Disk struct {
	// What lies on it, such as "clips and database"; Path is a folder there.
	What, Path string
	// Free is what this user may still write, in bytes.
	Free int64
}

// Backups is how automatic backups stand.
type Backups struct {
	// LastGood is the moment of the last one that was read back; zero where there is none. One of the future is none.
	LastGood time.Time
	// Problem is why the last one that was tried is none; empty where it is good.
	Problem string
}

// ClockMargin is by how much a time may lie ahead and still count: clocks of two machines differ.
const ClockMargin = time.Hour

// Facts are what is judged.
type Facts struct {
	// Run is the last run; nil where there was none.
	Run *orchestrator.Run
	// Status is how the service stands; nil where that could not be read.
	Status *orchestrator.ServiceStatus
	// Unfinished are runs that were begun and never ended, and are not under way any more.
	Unfinished []orchestrator.Run
	// Backups is nil where none are made by themselves, or it is not known how they stand.
	Backups *Backups
	// Disks are those that are written to.
	Disks []Disk
	// Digests are the subscriptions of the users, each with its latest digest.
	Digests []orchestrator.Subscription
	// Broker is why the home's broker was not told; empty where it was, or there is none.
	Broker string
}

// Alerts are all that the facts give cause for at a time, each once.
func Alerts(facts Facts, limits Limits, now time.Time) (alerts []orchestrator.Alert) {
	add := func(more ...orchestrator.Alert) {
		for _, alert := range more {
			same := func(a orchestrator.Alert) bool {
				return a.Kind == alert.Kind && a.User == alert.User && a.Message == alert.Message
			}
			if !slices.ContainsFunc(alerts, same) {
				alerts = append(alerts, alert)
			}
		}
	}
	for _, run := range facts.Unfinished {
		add(unfinished(run))
	}
	add(checkDigests(facts, now)...)
	if facts.Broker != "" {
		add(orchestrator.Alert{Kind: orchestrator.AlertBroker, Message: "the broker could not be told of the nights: " + facts.Broker})
	}
	if facts.Run != nil {
		add(checkRun(*facts.Run, limits)...)
	}
	if facts.Backups != nil && limits.LastBackup > 0 {
		add(checkBackups(*facts.Backups, limits, now)...)
	}
	for _, disk := range facts.Disks {
		if disk.Free < limits.DiskFree {
			add(orchestrator.Alert{Kind: orchestrator.AlertDiskLow, Message: fmt.Sprintf("the disk of %s (%s) has %d MB free, the limit is %d MB",
				disk.What, disk.Path, disk.Free/1e6, limits.DiskFree/1e6)})
		}
	}
	if facts.Status != nil {
		add(checkService(*facts.Status, limits, now)...)
	}
	return alerts
}

// KnownDays leaves out the days of users who were purged meanwhile, and names them; the others have the names that
// their users have now.
func KnownDays(days []orchestrator.UserDay, users []orchestrator.UserStatus) (known []orchestrator.UserDay, purged []string) {
	names := map[int64]string{}
	for _, user := range users {
		names[user.User.ID] = user.User.Name
	}
	for _, day := range days {
		if name, found := names[day.UserID]; found {
			day.User = name
			known = append(known, day)
		} else {
			purged = append(purged, day.User)
		}
	}
	return known, slices.Compact(purged)
}

// Of a digest that nobody knows the end of, people hear for a day; until then somebody may still be sending it.
const (
	digestGone = time.Hour
	digestOld  = 24 * time.Hour
)

// checkDigests returns what digests give cause for that did not arrive.
func checkDigests(facts Facts, now time.Time) (alerts []orchestrator.Alert) {
	names := map[int64]string{}
	if facts.Status != nil {
		for _, user := range facts.Status.Users {
			names[user.User.ID] = user.User.Name
		}
	}
	for _, sub := range facts.Digests {
		last, name := sub.Last, names[sub.UserID]
		what := fmt.Sprintf("%s: the digest to %s of the days until %s ", name, sub.Address, last.To)
		age := now.Sub(last.At)
		switch {
		case name == "":
		case last.State == orchestrator.SentFailed:
			alerts = append(alerts, orchestrator.Alert{Kind: orchestrator.AlertDigest, User: name, Message: what + "could not be sent: " + last.Cause})
		case last.State == orchestrator.SentBegun && last.Cause != "" && age < digestOld:
			alerts = append(alerts, orchestrator.Alert{Kind: orchestrator.AlertDigest, User: name, Message: what + "is not sent again: " + last.Cause})
		case last.State == orchestrator.SentBegun && last.Cause == "" && age > digestGone && age < digestOld:
			alerts = append(alerts, orchestrator.Alert{Kind: orchestrator.AlertDigest, User: name, Message: what + "is not sent again: what sent it was ended in the middle"})
		}
	}
	return alerts
}

// unfinished is the alert for a run that was begun and never ended, and is not under way any more.
func unfinished(run orchestrator.Run) orchestrator.Alert {
	return orchestrator.Alert{Kind: orchestrator.AlertUnfinished, Message: fmt.Sprintf("the run of %s never ended: it was killed, or lost its database", run.StartedAt.UTC().Format("2006-01-02 15:04 MST"))}
}

// Stuck is the alert for a lock that keeps runs away since a time; ok is false where that is not too long yet, or
// limits want none. A time that lies ahead is one of a clock that was wrong.
func Stuck(holder string, since time.Time, limits Limits, now time.Time) (alert orchestrator.Alert, ok bool) {
	held := now.Sub(since)
	if limits.Stuck == 0 || since.IsZero() || held <= limits.Stuck && held >= -ClockMargin {
		return alert, false
	}
	return orchestrator.Alert{Kind: orchestrator.AlertRunStuck, Message: fmt.Sprintf("this run could not begin: %s", holder)}, true
}

// checkRun returns what one run gives cause for.
func checkRun(run orchestrator.Run, limits Limits) (alerts []orchestrator.Alert) {
	if run.Status == orchestrator.StatusFailed {
		alerts = append(alerts, orchestrator.Alert{Kind: orchestrator.AlertRunFailed, Message: "the run failed: " + run.Error})
	}
	total, failed := 0, 0           // calls
	reported := map[[2]string]int{} // where the alert of a cause is: one cause on several days is one alert
	for _, day := range run.Days {
		total, failed = total+day.Calls.Total, failed+day.Calls.Failed
		add := func(kind, format string, args ...any) {
			alerts = append(alerts, orchestrator.Alert{Kind: kind, User: day.User,
				Message: fmt.Sprintf("%s, %s: ", day.User, day.Date) + fmt.Sprintf(format, args...)})
		}
		if day.Status == orchestrator.StatusFailed {
			alert := failedDay(day)
			cause := [2]string{day.User, strings.TrimPrefix(alert.Message, dayOf(day))}
			if at, again := reported[cause]; again {
				alerts[at] = alert // the latest day, as in the status
			} else {
				reported[cause] = len(alerts)
				alerts = append(alerts, alert)
			}
		}
		if limits.MemoryAfter > 0 && day.Memory.After > limits.MemoryAfter {
			add(orchestrator.AlertMemoryAfter, "%d MB are held after the user, the limit is %d MB", day.Memory.After/1e6, limits.MemoryAfter/1e6)
		}
		if limits.MemoryPeak > 0 && day.Memory.Peak > limits.MemoryPeak {
			add(orchestrator.AlertMemoryPeak, "%d MB at peak, the limit is %d MB", day.Memory.Peak/1e6, limits.MemoryPeak/1e6)
		}
		if day.OutOfMemory {
			add(orchestrator.AlertOutOfMemory, "the kernel killed the model: the machine is out of memory")
			alerts[len(alerts)-1].Code = orchestrator.CodeModelOutOfMemory
		}
	}
	if share := float64(failed) / float64(max(1, total)); limits.FailedCalls > 0 && share > limits.FailedCalls {
		alerts = append(alerts, orchestrator.Alert{Kind: orchestrator.AlertFailedCalls, Message: fmt.Sprintf("%d of %d calls to sources failed (%.0f %%)", failed, total, 100*share)})
	}
	return alerts
}

// checkService returns what the standing of the service gives cause for, at a time.
func checkService(status orchestrator.ServiceStatus, limits Limits, now time.Time) (alerts []orchestrator.Alert) {
	if !status.Ahead.IsZero() {
		alerts = append(alerts, orchestrator.Alert{Kind: orchestrator.AlertClock, Message: fmt.Sprintf(
			"a run began at %s, which is later than now: a clock was or is wrong, and what is later than now does not count", status.Ahead.UTC().Format("2006-01-02 15:04 MST"))})
	}
	if limits.LastGoodRun > 0 {
		alerts = append(alerts, noGoodRun(status, limits, now)...)
	}
	for _, user := range status.Users {
		if !user.User.Enabled {
			continue
		}
		add := func(kind, format string, args ...any) {
			alerts = append(alerts, orchestrator.Alert{Kind: kind, User: user.User.Name,
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
			add(orchestrator.AlertNoAudio, "no audio for %s", advice.Ago(long))
		} else if long, raise := quiet(user.LastLaugh); raise {
			add(orchestrator.AlertNoLaughs, "no laugh for %s", advice.Ago(long))
		}
		if len(user.Gaps) > 0 && limits.GapAge > 0 {
			if oldest := user.Gaps[0]; now.Sub(oldest.End) > limits.GapAge {
				add(orchestrator.AlertOldGap, "a gap of %s is %s old: %s",
					oldest.Duration().Round(time.Second), advice.Ago(now.Sub(oldest.End)), oldest.Reason)
			}
		}
	}
	return alerts
}

// checkBackups returns an alert where the last good backup is too old.
func checkBackups(b Backups, limits Limits, now time.Time) []orchestrator.Alert {
	var what string
	switch age := now.Sub(b.LastGood); {
	case b.LastGood.IsZero(), b.LastGood.After(now):
		what = "there is no good backup"
	case age > limits.LastBackup:
		what = fmt.Sprintf("the last good backup was %s ago", advice.Ago(age))
	default:
		return nil
	}
	if b.Problem != "" {
		what += ": " + b.Problem
	}
	return []orchestrator.Alert{{Kind: orchestrator.AlertNoBackup, Message: what}}
}

// dayOf begins a message about a user's day.
func dayOf(day orchestrator.UserDay) string { return fmt.Sprintf("%s, %s: ", day.User, day.Date) }

// failedDay is the alert for a user's day that could not be read, or only in part.
func failedDay(day orchestrator.UserDay) orchestrator.Alert {
	var last orchestrator.RunError
	if n := len(day.Errors); n > 0 {
		last = day.Errors[n-1]
	}
	what := cmp.Or(last.Message, string(day.Status))
	if day.Status == orchestrator.StatusIncomplete && last.Message != "" {
		what = "a part could not be read: " + what
	}
	return orchestrator.Alert{Kind: orchestrator.AlertUserFailed, User: day.User, Message: dayOf(day) + what,
		Code: last.Code, Facts: last.Facts, Remedy: last.Remedy}
}

// noGoodRun returns one alert where it is too long ago that a run did any of the users well, else one for each user
// of whom that is so. One whom no run has tried to read yet is left out: the next night does.
func noGoodRun(status orchestrator.ServiceStatus, limits Limits, now time.Time) (alerts []orchestrator.Alert) {
	late := func(last time.Time) (what string, late bool) {
		if last.IsZero() {
			return "no run has succeeded yet", true
		}
		return fmt.Sprintf("the last good run was %s ago", advice.Ago(now.Sub(last))), now.Sub(last) > limits.LastGoodRun
	}
	users := slices.DeleteFunc(slices.Clone(status.Users), func(u orchestrator.UserStatus) bool { return !u.User.Enabled })
	last := status.LastGoodRun
	if len(users) > 0 {
		last = slices.MaxFunc(users, func(a, b orchestrator.UserStatus) int { return a.LastGoodRun.Compare(b.LastGoodRun) }).LastGoodRun
	}
	tried := func(u orchestrator.UserStatus) bool { // a part of the day was read: what failed of it has an alert of its own
		return u.LastGoodRun.IsZero() && u.Latest.Status == orchestrator.StatusIncomplete && u.Latest.Processed+u.Latest.Skipped > 0
	}
	if what, late := late(last); late && (!last.IsZero() || !slices.ContainsFunc(users, tried)) {
		return []orchestrator.Alert{{Kind: orchestrator.AlertNoGoodRun, Message: what}}
	}
	for _, user := range users {
		if what, late := late(user.LastGoodRun); late && user.Latest.Date != (orchestrator.Date{}) && !tried(user) {
			alerts = append(alerts, orchestrator.Alert{Kind: orchestrator.AlertNoGoodRun, User: user.User.Name, Message: user.User.Name + ": " + what})
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
