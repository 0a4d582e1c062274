package keeping

import (
	"cmp"
	"slices"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

// clip is a laugh with what its sound takes.
type clip struct {
	orchestrator.StoredLaugh
	orchestrator.ClipInfo
	// unknown says why its sound cannot be looked at; nil where it can, or there is none.
	unknown error
}

// verdict is what becomes of a clip: the rule by which it goes, or why it stays. Both are empty where only a limit of
// bytes could take it.
type verdict struct {
	rule orchestrator.RetentionRule
	hold orchestrator.RetentionHold
}

// judge asks the rules that need no more than one day's clips of a user: age and number. backup is the moment of the last
// good backup; zero where there is none. limited says that a limit of bytes could take what they leave.
func judge(day []clip, r orchestrator.Retention, now, backup time.Time, limited bool) []verdict {
	verdicts := make([]verdict, len(day))
	recent := func(c clip) bool { return now.Sub(c.Start) < time.Duration(r.Recent)*24*time.Hour }
	for i, c := range day {
		v := &verdicts[i]
		switch v.hold = c.Held(); {
		case v.hold != "":
		case c.unknown != nil:
			v.hold = orchestrator.HoldError
		default:
			v.rule = r.AgeRule(c.StoredLaugh, now)
		}
	}
	if r.ADay > 0 {
		for _, i := range surplus(day, verdicts, r.ADay) {
			verdicts[i].rule = orchestrator.RuleNumber
			if recent(day[i]) {
				verdicts[i] = verdict{hold: orchestrator.HoldRecent}
			}
		}
	}
	for i, c := range day {
		v := &verdicts[i]
		switch {
		case v.hold != "":
		case r.BackedUp && (backup.IsZero() || !c.ModTime.Before(backup)) && c.Clip != "":
			if v.rule != "" || limited {
				*v = verdict{hold: orchestrator.HoldNoBackup}
			} else {
				v.hold = orchestrator.HoldWithin
			}
		case v.rule == "" && c.Clip == "":
			v.hold = orchestrator.HoldWithin
		case v.rule == "" && recent(c):
			if v.hold = orchestrator.HoldWithin; limited {
				v.hold = orchestrator.HoldRecent
			}
		}
	}
	return verdicts
}

// surplus are the clips of a day that are more than most of their class: those of the least worth, and among them those of
// the lowest scores. What a person holds counts, and never goes.
func surplus(day []clip, verdicts []verdict, most int) (more []int) {
	classes := map[string][]int{}
	for i, c := range day {
		if c.Clip != "" && verdicts[i].rule == "" {
			classes[c.Class] = append(classes[c.Class], i)
		}
	}
	for _, all := range classes {
		slices.SortStableFunc(all, func(a, b int) int {
			held := func(i int) int { return boolean(verdicts[i].hold != "") }
			return cmp.Or(cmp.Compare(held(b), held(a)), cmp.Compare(day[b].Worth(), day[a].Worth()), cmp.Compare(day[b].Score, day[a].Score))
		})
		for _, i := range all[min(most, len(all)):] {
			if verdicts[i].hold == "" {
				more = append(more, i)
			}
		}
	}
	return more
}

func boolean(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// bin is what goes together where bytes are to be freed: the clips of one worth of one day.
type bin struct {
	worth int
	day   orchestrator.Date
}

func (b bin) compare(c bin) int {
	return cmp.Or(cmp.Compare(b.worth, c.worth), boolean(c.day.Before(b.day))-boolean(b.day.Before(c.day)))
}

// limit is how far clips go: all of the bins before last, and of last itself as many as take rest bytes.
type limit struct {
	rule orchestrator.RetentionRule
	last bin
	rest int64
}

// free finds the limit by which need bytes are freed, what goes first. short is what cannot be freed.
func free(bins map[bin]int64, need int64, rule orchestrator.RetentionRule) (found *limit, short int64) {
	if need <= 0 {
		return nil, 0
	}
	all := make([]bin, 0, len(bins))
	for b := range bins {
		all = append(all, b)
	}
	slices.SortFunc(all, bin.compare)
	for _, b := range all {
		found = &limit{rule, b, min(need, bins[b])}
		if need -= bins[b]; need <= 0 {
			return found, 0
		}
	}
	return found, need
}

// takes tells whether a clip goes, and counts its bytes.
func (l *limit) takes(b bin, bytes int64) bool {
	if l == nil {
		return false
	}
	switch order := b.compare(l.last); {
	case order < 0:
		return true
	case order > 0, l.rest <= 0:
		return false
	}
	l.rest -= bytes
	return true
}

// leaves is what of the bins is left by a limit.
func (l *limit) leaves(bins map[bin]int64) map[bin]int64 {
	if l == nil {
		return bins
	}
	left := map[bin]int64{}
	for b, bytes := range bins {
		switch order := b.compare(l.last); {
		case order == 0 && bytes > l.rest:
			left[b] = bytes - l.rest
		case order > 0:
			left[b] = bytes
		}
	}
	return left
}
