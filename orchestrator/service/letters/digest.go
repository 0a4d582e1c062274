package letters

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

// Diary is what is known of a user's days.
type Diary interface {
	LaughsOf(ctx context.Context, userIDs []int64, filter orchestrator.LaughFilter) iter.Seq2[orchestrator.StoredLaugh, error]
	Days(ctx context.Context, userID int64, from, to orchestrator.Date) ([]orchestrator.DayCount, error)
	Recordings(ctx context.Context, userID int64, span orchestrator.Span) ([]orchestrator.RecordingSpan, error)
	UserStatus(ctx context.Context, userID int64) (orchestrator.UserStatus, error)
}

const (
	// worth is how many laughs a letter names, and candidates how many it chooses from.
	worth, candidates = 3, 24
	// apart is how far apart laughs are, so that a letter does not have the same joke three times.
	apart = 10 * time.Minute
	// leastUsual is how many earlier periods it takes to know what is usual.
	leastUsual = 3
)

// Digest sums up the days of a user from one to another. Its questions to the store are as many for a day as for a year.
func Digest(ctx context.Context, diary Diary, user orchestrator.User, period orchestrator.Period, from, to orchestrator.Date) (d orchestrator.Digest, err error) {
	location, err := user.Location()
	if err != nil {
		return d, err
	}
	d = orchestrator.Digest{User: user.Name, Timezone: user.Timezone, Period: period, From: from, To: to}
	if err := count(ctx, diary, user.ID, &d); err != nil {
		return d, err
	}
	if err := unheard(ctx, diary, user.ID, location, &d); err != nil {
		return d, err
	}
	if d.Laughs == 0 {
		return d, nil
	}
	filter := orchestrator.LaughFilter{From: from, To: to, Tier: orchestrator.TierSure, Marks: orchestrator.NotWrong()}
	longest, best := filter, filter
	longest.Order, longest.Limit = orchestrator.OrderLongest, 1
	best.Order, best.Limit, best.WithClip = orchestrator.OrderBest, candidates, true
	found, err := collect(diary.LaughsOf(ctx, []int64{user.ID}, longest))
	if err != nil {
		return d, err
	}
	if len(found) > 0 {
		d.Longest = &found[0]
	}
	if found, err = collect(diary.LaughsOf(ctx, []int64{user.ID}, best)); err != nil {
		return d, err
	}
	d.Best = choose(found)
	return d, nil
}

func collect(laughs iter.Seq2[orchestrator.StoredLaugh, error]) (all []orchestrator.StoredLaugh, err error) {
	for laugh, err := range laughs {
		if err != nil {
			return nil, err
		}
		all = append(all, laugh)
	}
	return all, nil
}

// choose takes laughs from the best on, first those that are apart from each other.
func choose(found []orchestrator.StoredLaugh) (best []orchestrator.StoredLaugh) {
	near := func(laugh orchestrator.StoredLaugh) bool {
		return slices.ContainsFunc(best, func(b orchestrator.StoredLaugh) bool { return laugh.Start.Sub(b.Start).Abs() < apart })
	}
	var rest []orchestrator.StoredLaugh
	for _, laugh := range found {
		if len(best) < worth && !near(laugh) {
			best = append(best, laugh)
		} else {
			rest = append(rest, laugh)
		}
	}
	return append(best, rest[:min(len(rest), worth-len(best))]...)
}

// count fills in the laughs of each day, and what is usual: the median of the periods of the same length before, of
// those in which anything was found.
func count(ctx context.Context, diary Diary, userID int64, d *orchestrator.Digest) error {
	length := 1
	for day := d.From; day.Before(d.To); day = day.Add(1) {
		length++
	}
	earlier := d.Period.Earlier()
	counts, err := diary.Days(ctx, userID, d.From.Add(-length*earlier), d.To)
	if err != nil {
		return err
	}
	of := map[orchestrator.Date]orchestrator.DayCount{}
	for _, c := range counts {
		of[c.Date] = c
	}
	for day := d.From; !d.To.Before(day); day = day.Add(1) {
		d.Days = append(d.Days, orchestrator.DayLaughs{Date: day, Laughs: of[day].Sure})
		d.Laughs += of[day].Sure
	}
	var before []int
	for k := range earlier {
		end := d.From.Add(-k * length)
		sure, anything := 0, 0
		for i := 1; i <= length; i++ {
			c := of[end.Add(-i)]
			sure, anything = sure+c.Sure, anything+c.Sure+c.Maybe+c.Wrong
		}
		if anything > 0 {
			before = append(before, sure)
		}
	}
	if len(before) >= leastUsual {
		slices.Sort(before)
		d.Usual, d.HasUsual = before[len(before)/2], true
	}
	return nil
}

// unheard fills in how much was heard, and what was not: gaps, recordings that were given up, and days without sound.
func unheard(ctx context.Context, diary Diary, userID int64, location *time.Location, d *orchestrator.Digest) error {
	span := orchestrator.Span{Start: d.From.Span(location).Start, End: d.To.Span(location).End}
	recordings, err := diary.Recordings(ctx, userID, span)
	if err != nil {
		return err
	}
	sound := make([]bool, len(d.Days))
	at := 0                  // the day in which the sound before ended
	heardUntil := span.Start // recordings come by start, and may overlap
	for _, r := range recordings {
		start, end := r.Start, r.End
		if !r.Done || !end.After(span.Start) || !start.Before(span.End) {
			continue
		}
		if start.Before(heardUntil) {
			start = heardUntil
		}
		if end.After(span.End) {
			end = span.End
		}
		if !end.After(start) {
			continue
		}
		d.Heard += end.Sub(start)
		heardUntil = end
		for ; at < len(d.Days) && !d.Days[at].Date.Span(location).End.After(start); at++ {
		}
		for i := at; i < len(d.Days) && d.Days[i].Date.Span(location).Start.Before(end); i++ {
			sound[i] = true
		}
	}
	for i := range d.Days {
		d.Days[i].Silent = !sound[i] && d.Days[i].Laughs == 0
	}
	status, err := diary.UserStatus(ctx, userID)
	if err != nil {
		return err
	}
	for _, gap := range status.Gaps {
		start, end := gap.Start, gap.End
		if start.Before(span.Start) {
			start = span.Start
		}
		if end.After(span.End) {
			end = span.End
		}
		d.Unheard += max(0, end.Sub(start))
	}
	for _, lost := range status.GivenUp {
		if span.Contains(lost.Start) {
			d.Lost++
		}
	}
	return nil
}
