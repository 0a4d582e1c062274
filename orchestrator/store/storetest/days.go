package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/store"
)

func date(month time.Month, day int) orchestrator.Date {
	return orchestrator.Date{Year: 2026, Month: month, Day: day}
}

// storeForeign is a recording of another system.
func storeForeign(rec orchestrator.Recording, laughs ...orchestrator.Laugh) store.Foreign {
	foreign := store.Foreign{Recording: rec, Samples: hour}
	for _, l := range laughs {
		foreign.Laughs = append(foreign.Laughs, store.ForeignLaugh{Laugh: l})
	}
	return foreign
}

// testDays: laughs are counted by the days and hours of the zone that the user has now.
func testDays(t *testing.T, f *fixture) {
	ctx := t.Context()
	alice, bob := f.user(t, "alice"), f.user(t, "bob")
	of := []int64{alice.ID}
	late := time.Date(2026, 11, 22, 23, 30, 0, 0, time.UTC) // in London, too
	maybe, giggle := At(1000, 1002), At(2000, 2001)
	maybe.Tier, maybe.Score = orchestrator.TierMaybe, 0.2
	giggle.Class, giggle.Clip = "Giggle", ""
	f.save(t, Result(alice, Recording("a.ogg", late), At(10, 11), At(100, 101), maybe, giggle)) // giggle at 00:03:20
	f.save(t, Result(bob, Recording("b.ogg", late), At(10, 11)))
	summer := time.Date(2026, 7, 1, 22, 30, 0, 0, time.UTC) // 23:30 in London
	f.save(t, Result(alice, Recording("s.ogg", summer), At(10, 11), At(2000, 2001)))
	stored := f.laughs(t, orchestrator.LaughFilter{UserIDs: of})
	_, err := f.Mark(ctx, of, stored[2].ID, orchestrator.MarkWrong)
	must(t, err)
	_, err = f.Mark(ctx, of, stored[3].ID, orchestrator.MarkRight)
	must(t, err)
	must(t, f.Star(ctx, of, stored[5].ID, true))

	count := func(what string, from, to orchestrator.Date, want ...orchestrator.DayCount) {
		t.Helper()
		days, err := f.Days(ctx, alice.ID, from, to)
		must(t, err)
		expect(t, what, days, want)
	}
	november := []orchestrator.DayCount{
		{Date: date(11, 22), Sure: 1, Maybe: 1, Wrong: 1, UnmarkedMaybe: 1},
		{Date: date(11, 23), Sure: 1, UnmarkedSure: 1, Starred: 1},
	}
	july := []orchestrator.DayCount{{Date: date(7, 1), Sure: 1, UnmarkedSure: 1}, {Date: date(7, 2), Sure: 1, UnmarkedSure: 1}}
	count("November", date(11, 1), date(11, 30), november...)
	count("a day", date(11, 23), date(11, 23), november[1])
	count("from", date(7, 2), orchestrator.Date{}, append([]orchestrator.DayCount{july[1]}, november...)...)
	count("to", orchestrator.Date{}, date(7, 2), july...)
	count("no day", date(8, 1), date(9, 1))
	hours, err := f.Hours(ctx, alice.ID, date(11, 1), date(11, 30))
	must(t, err)
	expect(t, "hours", hours, []orchestrator.LaughCount{{Hour: 0, Class: "Giggle", Sure: 1}, {Hour: 23, Class: "Laughter", Sure: 1, Maybe: 1}})
	for filter, want := range map[*orchestrator.LaughFilter]int{
		{From: date(11, 22), To: date(11, 22)}: 3, {From: date(11, 23)}: 1, {To: date(7, 1)}: 1, {From: date(7, 2), To: date(11, 22)}: 4,
		{From: date(11, 22), Tier: orchestrator.TierSure}: 3, {From: date(11, 22), Tier: orchestrator.TierMaybe}: 1, {Class: "Giggle"}: 1, {Recording: "s.ogg"}: 2, {Starred: true}: 1, {WithClip: true}: 5,
		{Marks: orchestrator.NotWrong()}: 5, {Marks: []orchestrator.Mark{orchestrator.MarkRight}}: 1, {From: date(11, 22), Span: orchestrator.Span{End: late.Add(time.Minute)}}: 1,
	} {
		filter.UserIDs = of
		if got := len(f.laughs(t, *filter)); got != want {
			t.Errorf("%+v: %d laughs, want %d", *filter, got, want)
		}
	}
	for tier, want := range map[orchestrator.Tier]int{"": 4, orchestrator.TierSure: 3, orchestrator.TierMaybe: 1} {
		n, err := f.Unreviewed(ctx, alice.ID, tier, 100)
		must(t, err)
		expect(t, "to review, "+string(tier), n, want)
	}
	n, err := f.Unreviewed(ctx, alice.ID, "", 2)
	must(t, err)
	expect(t, "to review, bounded", n, 2)

	best, err := f.BestOfDays(ctx, alice.ID, date(11, 1), date(11, 30))
	must(t, err)
	expect(t, "days with a laugh to play", len(best), 1) // the one of the 23rd has no clip
	expect(t, "the best of the 22nd", best[date(11, 22)].ID, stored[3].ID)
	best, err = f.BestOfDays(ctx, 999, date(11, 1), date(11, 30))
	must(t, err)
	expect(t, "nobody's best", len(best), 0)

	// She moves to Tokyo: every laugh is nine hours later, or eight in the summer.
	alice.Timezone = "Asia/Tokyo"
	must(t, f.UpdateUser(ctx, alice))
	count("in Tokyo", orchestrator.Date{}, orchestrator.Date{}, orchestrator.DayCount{Date: date(7, 2), Sure: 2, UnmarkedSure: 2},
		orchestrator.DayCount{Date: date(11, 23), Sure: 2, Maybe: 1, Wrong: 1, UnmarkedSure: 1, UnmarkedMaybe: 1, Starred: 1})
	hours, err = f.Hours(ctx, alice.ID, date(11, 1), date(11, 30))
	must(t, err)
	expect(t, "hours in Tokyo", hours, []orchestrator.LaughCount{{Hour: 8, Class: "Laughter", Sure: 1, Maybe: 1}, {Hour: 9, Class: "Giggle", Sure: 1}})
	unsure := f.laughs(t, orchestrator.LaughFilter{UserIDs: of, Tier: orchestrator.TierMaybe})[0]
	_, err = f.Mark(ctx, of, unsure.ID, orchestrator.MarkRight)
	must(t, err)
	hours, err = f.Hours(ctx, alice.ID, date(11, 1), date(11, 30))
	must(t, err)
	expect(t, "hours with a maybe that is right", hours, []orchestrator.LaughCount{{Hour: 8, Class: "Laughter", Sure: 1, Maybe: 1, RightMaybe: 1}, {Hour: 9, Class: "Giggle", Sure: 1}})
	moved := f.laughs(t, orchestrator.LaughFilter{UserIDs: of, From: date(11, 23)})
	expect(t, "day of a laugh", moved[0].Day, date(11, 23))
	days, err := f.Days(ctx, bob.ID, orchestrator.Date{}, orchestrator.Date{})
	must(t, err)
	expect(t, "bob stays", days, []orchestrator.DayCount{{Date: date(11, 22), Sure: 1, UnmarkedSure: 1}})
}

// testDayStrip: where sound was on a day, and how one user stands.
func testDayStrip(t *testing.T, f *fixture) {
	ctx := t.Context()
	alice, bob := f.user(t, "alice"), f.user(t, "bob")
	run := f.begin(t, "run", noon)
	f.save(t, Result(alice, Recording("before.ogg", noon.Add(-2*time.Hour))))
	f.save(t, Result(alice, Recording("reaches.ogg", noon.Add(-30*time.Minute)), At(1, 2)))
	f.save(t, Result(alice, Recording("within.ogg", noon.Add(40*time.Minute))))
	f.save(t, Result(alice, Recording("after.ogg", noon.Add(2*time.Hour))))
	f.save(t, Result(bob, Recording("bob.ogg", noon)))
	must(t, f.FailRecording(ctx, "run", alice.ID, Recording("bad.ogg", noon.Add(time.Minute)), "no sound in it"))
	found, err := f.Recordings(ctx, alice.ID, orchestrator.Span{Start: noon, End: noon.Add(2 * time.Hour)})
	must(t, err)
	at := func(from, to time.Duration) orchestrator.Span {
		return orchestrator.Span{Start: noon.Add(from), End: noon.Add(to)}
	}
	expect(t, "recordings", found, []orchestrator.RecordingSpan{
		{Span: at(-30*time.Minute, 30*time.Minute), Name: "reaches.ogg", Done: true},
		{Span: at(time.Minute, time.Minute), Name: "bad.ogg", Reason: "no sound in it"},
		{Span: at(40*time.Minute, 100*time.Minute), Name: "within.ogg", Done: true},
	})

	for _, user := range []orchestrator.User{alice, bob} {
		must(t, f.SaveDay(ctx, "run", fullDay(user)))
	}
	run.FinishedAt, run.Status = noon.Add(time.Minute), orchestrator.StatusOK
	must(t, f.EndRun(ctx, run))
	all, err := f.Status(ctx)
	must(t, err)
	for i, user := range []orchestrator.User{alice, bob} {
		one, err := f.UserStatus(ctx, user.ID)
		must(t, err)
		expect(t, user.Name, one, all.Users[i])
	}
	if _, err := f.UserStatus(ctx, 999); !errors.Is(err, orchestrator.ErrNotFound) {
		t.Errorf("status of nobody: %v", err)
	}
}
