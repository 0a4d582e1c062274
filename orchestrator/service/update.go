package service

import (
	"context"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/service/updates"
)

// Updates returns what starts runs that people ask for while they look at the page. Close it after use.
func (s *Service) Updates() *updates.Updates { return updates.New(s.Child, s.Now, s.Log) }

// ReprocessCost is what reading a range again takes.
type ReprocessCost struct {
	// Recordings that start within the range and are read already, and their Sound together.
	Recordings int
	Sound      time.Duration
	// Time it takes, as fast as the latest runs were; 0 where none of them read anything.
	Time time.Duration
}

// speedRuns is how many of the latest runs tell how fast this machine is.
const speedRuns = 14

// ReprocessCost says what it takes to read a user's days again, both ends included.
func (s *Service) ReprocessCost(ctx context.Context, user orchestrator.User, from, to orchestrator.Date) (cost ReprocessCost, err error) {
	location, err := user.Location()
	if err != nil {
		return cost, err
	}
	opened, err := s.Store(ctx)
	if err != nil {
		return cost, err
	}
	span := orchestrator.Span{Start: from.Span(location).Start, End: to.Span(location).End}
	recordings, err := opened.Recordings(ctx, user.ID, span)
	if err != nil {
		return cost, err
	}
	for _, recording := range recordings {
		if span.Contains(recording.Start) && recording.Done { // a recording belongs to the day in which it starts
			cost.Recordings++
			cost.Sound += recording.End.Sub(recording.Start)
		}
	}
	runs, err := opened.Runs(ctx, speedRuns)
	if err != nil {
		return cost, err
	}
	var sound, took time.Duration
	for _, run := range runs {
		for _, day := range run.Days {
			sound += orchestrator.SamplesToDuration(day.AudioSamples)
			took += day.Took
		}
	}
	if sound > 0 {
		cost.Time = time.Duration(took.Seconds() / sound.Seconds() * float64(cost.Sound))
	}
	return cost, nil
}
