package service

import (
	"context"
	"fmt"
	"slices"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/notify/homeassistant"
	"github.com/chortle-audio/chortle/orchestrator/store"
)

// heardNow are the recordings in which a run found laughs, by user and local day.
type heardNow map[string]map[orchestrator.Date][]string

// listen notes recordings with new laughs, and passes every event on.
func (h heardNow) listen(observe func(orchestrator.Event)) func(orchestrator.Event) {
	return func(e orchestrator.Event) {
		if e.Kind == orchestrator.EventRecordingDone && e.Err == nil && e.Laughs > 0 {
			if h[e.User] == nil {
				h[e.User] = map[orchestrator.Date][]string{}
			}
			h[e.User][e.Date] = append(h[e.User][e.Date], e.Recording)
		}
		if observe != nil {
			observe(e)
		}
	}
}

// tellHome publishes how everybody's last night went to the broker of the settings, and takes away who is gone. It does
// nothing where no broker is set.
func (s *Service) tellHome(ctx context.Context, opened *store.Store, status orchestrator.ServiceStatus, alerts []orchestrator.Alert, heard heardNow) error {
	set := s.Config.Letters
	if set.Broker == "" {
		return nil
	}
	home := homeassistant.Home{Broker: set.Broker, Discovery: set.Discovery, Topic: set.Topic, Events: set.LaughEvents, Page: s.Config.Page.BaseURL, Version: s.Version}
	var people []homeassistant.Person
	var ids []int64
	for _, user := range status.Users {
		person, err := s.personOf(ctx, opened, user, heard[user.User.Name])
		if err != nil {
			return err
		}
		for _, alert := range alerts {
			if alert.User == user.User.Name {
				person.Problems = append(person.Problems, alert.Message)
			}
		}
		people, ids = append(people, person), append(ids, user.User.ID)
	}
	known, err := opened.Devices(ctx)
	if err != nil {
		return err
	}
	var gone []int64
	for _, id := range known {
		if !slices.Contains(ids, id) {
			gone = append(gone, id)
		}
	}
	all := slices.Concat(ids, gone)
	slices.Sort(all)
	if !slices.Equal(all, known) { // before they are published: nobody is forgotten who was
		if err := opened.SetDevices(ctx, all); err != nil {
			return err
		}
	}
	if err := home.Publish(ctx, people, gone); err != nil || len(gone) == 0 {
		return err
	}
	return opened.SetDevices(ctx, ids)
}

// personOf sums up a user's yesterday, in their own zone.
func (s *Service) personOf(ctx context.Context, opened *store.Store, user orchestrator.UserStatus, heard map[orchestrator.Date][]string) (p homeassistant.Person, err error) {
	location, err := user.User.Location()
	if err != nil {
		return p, err
	}
	yesterday := orchestrator.Yesterday(s.Now(), location)
	p = homeassistant.Person{ID: user.User.ID, Name: user.User.Name, Day: yesterday.String(),
		Read: user.Latest.Date == yesterday && user.Latest.Status != orchestrator.StatusFailed}
	if user.LastDay != (orchestrator.Date{}) {
		p.GoodUntil = user.LastDay.Span(location).End
	}
	sure := func(day orchestrator.Date) orchestrator.LaughFilter {
		return orchestrator.LaughFilter{From: day, To: day, Tier: orchestrator.TierSure, Marks: orchestrator.NotWrong()}
	}
	if p.Read {
		for laugh, err := range opened.LaughsOf(ctx, []int64{p.ID}, sure(yesterday)) {
			if err != nil {
				return p, fmt.Errorf("sum up yesterday: %w", err)
			}
			p.Laughs++
			p.Seconds += seconds(laugh.End.Sub(laugh.Start))
			if laugh.Score > p.Best || p.BestID == "" {
				p.Best, p.BestID = laugh.Score, laugh.ID
			}
		}
	}
	if !s.Config.Letters.LaughEvents {
		return p, nil
	}
	for day, recordings := range heard {
		for laugh, err := range opened.LaughsOf(ctx, []int64{p.ID}, sure(day)) {
			if err != nil {
				return p, fmt.Errorf("list new laughs: %w", err)
			}
			if slices.Contains(recordings, laugh.Recording) {
				p.New = append(p.New, homeassistant.Laugh{ID: laugh.ID, Class: laugh.Class, Start: laugh.Start, Seconds: seconds(laugh.End.Sub(laugh.Start)), Score: laugh.Score})
			}
		}
	}
	slices.SortFunc(p.New, func(a, b homeassistant.Laugh) int { return a.Start.Compare(b.Start) })
	return p, nil
}
