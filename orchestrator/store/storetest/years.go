package storetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/store"
)

// Pages are the queries of each page that a person opens, of a user who has laughs until a day.
func Pages(userID int64, today orchestrator.Date) map[string]func(context.Context, *store.Store) error {
	one := []int64{userID}
	zone := time.UTC
	list := func(ctx context.Context, s *store.Store, filter orchestrator.LaughFilter) ([]orchestrator.StoredLaugh, error) {
		var all []orchestrator.StoredLaugh
		for l, err := range s.LaughsOf(ctx, one, filter) {
			if err != nil {
				return nil, err
			}
			all = append(all, l)
		}
		if len(all) == 0 {
			return nil, fmt.Errorf("no laugh for %+v", filter)
		}
		return all, nil
	}
	next := func(ctx context.Context, s *store.Store, filter orchestrator.LaughFilter) error {
		page, err := list(ctx, s, filter)
		if err != nil {
			return err
		}
		filter.After = page[len(page)-1].Cursor()
		_, err = list(ctx, s, filter)
		return err
	}
	unmarked := []orchestrator.Mark{orchestrator.MarkNone}
	return map[string]func(context.Context, *store.Store) error{
		"home": func(ctx context.Context, s *store.Store) error {
			from := today.Add(-13)
			days, err := s.Days(ctx, userID, from, today)
			if err != nil || len(days) == 0 {
				return fmt.Errorf("%d days, %w", len(days), err)
			}
			if _, err = s.BestOfDays(ctx, userID, from, today); err != nil {
				return err
			}
			span := orchestrator.Span{Start: from.Span(zone).Start, End: today.Span(zone).End}
			if _, err = s.Recordings(ctx, userID, span); err != nil {
				return err
			}
			if _, err = s.Unreviewed(ctx, userID, orchestrator.TierSure, 1000); err != nil {
				return err
			}
			_, err = s.UserStatus(ctx, userID)
			return err
		},
		"day": func(ctx context.Context, s *store.Store) error {
			if _, err := list(ctx, s, orchestrator.LaughFilter{From: today.Add(-400), To: today.Add(-400), Marks: orchestrator.NotWrong()}); err != nil {
				return err
			}
			if _, err := s.Recordings(ctx, userID, today.Add(-400).Span(zone)); err != nil {
				return err
			}
			if _, err := s.Days(ctx, userID, today.Add(-430), today.Add(-370)); err != nil {
				return err
			}
			_, err := s.Ledger(ctx, userID, today.Add(-400).Span(zone))
			return err
		},
		"year": func(ctx context.Context, s *store.Store) error {
			if _, err := s.Days(ctx, userID, today.Add(-364), today); err != nil {
				return err
			}
			if _, err := s.Hours(ctx, userID, today.Add(-364), today); err != nil {
				return err
			}
			_, err := list(ctx, s, orchestrator.LaughFilter{Order: orchestrator.OrderLongest, Marks: orchestrator.NotWrong(), Tier: orchestrator.TierSure, From: today.Add(-364), To: today, Limit: 5})
			if err == nil {
				_, err = list(ctx, s, orchestrator.LaughFilter{Order: orchestrator.OrderNewest, Starred: true, From: today.Add(-364), To: today, Limit: 50})
			}
			if err == nil {
				_, err = list(ctx, s, orchestrator.LaughFilter{Order: orchestrator.OrderBest, Starred: true, Marks: orchestrator.NotWrong(), From: today.Add(-364), To: today, Limit: 24})
			}
			return err
		},
		"counts of a year": func(ctx context.Context, s *store.Store) error {
			days, err := s.Days(ctx, userID, today.Add(-364), today)
			if err == nil && len(days) < 300 {
				err = fmt.Errorf("%d days", len(days))
			}
			return err
		},
		"counts of ten years": func(ctx context.Context, s *store.Store) error {
			_, err := s.Days(ctx, userID, orchestrator.Date{}, orchestrator.Date{})
			return err
		},
		"review": func(ctx context.Context, s *store.Store) error {
			if err := next(ctx, s, orchestrator.LaughFilter{Order: orchestrator.OrderLeastCertain, Marks: unmarked, Limit: 20}); err != nil {
				return err
			}
			if err := next(ctx, s, orchestrator.LaughFilter{Order: orchestrator.OrderLeastCertain, Marks: unmarked, Tier: orchestrator.TierSure, Limit: 20}); err != nil {
				return err
			}
			_, err := s.Unreviewed(ctx, userID, "", 1000)
			return err
		},
		"list": func(ctx context.Context, s *store.Store) error {
			if err := next(ctx, s, orchestrator.LaughFilter{Order: orchestrator.OrderNewest, Tier: orchestrator.TierSure, Limit: 50}); err != nil {
				return err
			}
			return next(ctx, s, orchestrator.LaughFilter{Order: orchestrator.OrderBest, Limit: 50})
		},
		"one laugh": func(ctx context.Context, s *store.Store) error {
			page, err := list(ctx, s, orchestrator.LaughFilter{Order: orchestrator.OrderNewest, Limit: 1})
			if err != nil {
				return err
			}
			_, err = s.Laugh(ctx, one, page[0].ID)
			return err
		},
		"status of a user": func(ctx context.Context, s *store.Store) error {
			_, err := s.UserStatus(ctx, userID)
			return err
		},
		"status": func(ctx context.Context, s *store.Store) error {
			_, err := s.Status(ctx)
			return err
		},
	}
}

// Years stores so many days of a user, up to today, with so many laughs a day: one recording and one run a day. It
// is not quick.
func Years(t testing.TB, s *store.Store, user orchestrator.User, today orchestrator.Date, days, laughs int) {
	t.Helper()
	ctx := t.Context()
	random := rand.New(rand.NewPCG(uint64(user.ID), 7))
	classes := []string{"Laughter", "Giggle"}
	for n := days - 1; n >= 0; n-- {
		date := today.Add(-n)
		start := date.Span(time.UTC).Start.Add(7 * time.Hour)
		foreign := store.Foreign{Recording: Recording(fmt.Sprintf("%s %s.ogg", user.Name, date), start), Samples: 15 * hour}
		for k := range laughs {
			at := float64(k) * 15 * 3600 / float64(laughs)
			l := At(at, at+0.5+random.Float64()*4)
			l.Class, l.Score, l.Tier = classes[random.IntN(2)], random.Float64(), orchestrator.TierSure
			l.Clip = fmt.Sprintf("%s/%s/%d", user.Name, date, k)
			if l.Score < 0.7 {
				l.Tier = orchestrator.TierMaybe
			}
			foreign.Laughs = append(foreign.Laughs, store.ForeignLaugh{Laugh: l})
		}
		if _, _, err := s.ImportRecording(ctx, user.ID, Model(), foreign); err != nil {
			t.Fatal(err)
		}
		run := orchestrator.Run{ID: fmt.Sprintf("%s of %s", date, user.Name), Trigger: orchestrator.TriggerCron, StartedAt: start.Add(20 * time.Hour),
			FinishedAt: start.Add(21 * time.Hour), Status: orchestrator.StatusOK, Days: []orchestrator.UserDay{fullDay(user)}}
		run.Days[0].Date, run.Days[0].Status = date, orchestrator.StatusOK
		run.Days[0].Spans = []orchestrator.LedgerSpan{{Span: orchestrator.Span{Start: start, End: start.Add(time.Hour)}, State: orchestrator.SpanEmpty, Attempts: 1, LastTried: start}}
		if err := s.ImportRun(ctx, run); err != nil {
			t.Fatal(err)
		}
	}
	// Some were starred and marked: one in 29 and one in 7.
	n := 0
	for l, err := range s.LaughsOf(ctx, []int64{user.ID}, orchestrator.LaughFilter{From: today.Add(-min(days, 365))}) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n%29 == 0 {
			err = s.Star(ctx, []int64{user.ID}, l.ID, true)
		} else if n%7 == 0 {
			_, err = s.Mark(ctx, []int64{user.ID}, l.ID, []orchestrator.Mark{orchestrator.MarkRight, orchestrator.MarkWrong}[n%2])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// cpu is the CPU time of this process.
func cpu() time.Duration {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage) // never fails for the process itself
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// BenchPages measures each page of a user who has 200,000 laughs of ten years, among twenty users: also the CPU time of
// this process, which a busy machine changes less; a server's is not in it. settle is called when all is stored.
func BenchPages(b *testing.B, s *store.Store, settle func()) {
	today := orchestrator.Date{Year: 2026, Month: 11, Day: 22}
	var first orchestrator.User
	for i := range 20 {
		user := User(fmt.Sprintf("user%d", i))
		user.Timezone = "UTC"
		user, err := s.AddUser(b.Context(), user)
		if err != nil {
			b.Fatal(err)
		}
		if i == 0 {
			first = user
			Years(b, s, user, today, 3650, 55)
		} else {
			Years(b, s, user, today, 30, 50)
		}
	}
	settle()
	for name, page := range Pages(first.ID, today) {
		b.Run(name, func(b *testing.B) {
			before, n := cpu(), 0
			for b.Loop() {
				if err := page(b.Context(), s); err != nil {
					b.Fatal(err)
				}
				n++
			}
			b.ReportMetric(float64((cpu()-before).Microseconds())/1000/float64(n), "cpu-ms/op")
		})
	}
}
