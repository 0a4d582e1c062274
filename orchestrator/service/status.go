package service

import (
	"context"
	"errors"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/advice"
	"github.com/chortle-audio/chortle/orchestrator/health"
	"github.com/chortle-audio/chortle/orchestrator/notify"
	"github.com/chortle-audio/chortle/orchestrator/store"
)

// Standing is how things stand.
type Standing struct {
	orchestrator.ServiceStatus
	// LastRun is nil where there was none.
	LastRun *orchestrator.Run
	Alerts  []orchestrator.Alert
	// Notes are what a person should do something about before it becomes an alert.
	Notes []advice.Line
}

// Standing returns how things stand: every user's last day, gaps and given-up recordings, the last run, and the alerts
// that they give cause for by the limits of the settings.
func (s *Service) Standing(ctx context.Context) (now Standing, err error) {
	opened, err := s.Store(ctx)
	if err != nil {
		return now, err
	}
	if now.ServiceStatus, err = opened.StatusAt(ctx, s.Now().Add(health.ClockMargin)); err != nil {
		return now, err
	}
	for i := range now.Users {
		user := &now.Users[i]
		if kind, _, err := kindOf(user.User); err == nil && kind.scheme == limitlessKind.scheme && user.User.Enabled {
			now.Notes = append(now.Notes, limitlessNote(user.User.Name, s.Now()))
		}
		if user.Survey, err = opened.Survey(ctx, user.User.ID); err != nil {
			return now, err
		}
	}
	facts := health.Facts{Status: &now.ServiceStatus}
	if facts.Digests, err = opened.Subscriptions(ctx, nil); err != nil {
		return now, err
	}
	last, err := s.lastRun(ctx, opened)
	switch {
	case errors.Is(err, orchestrator.ErrNotFound):
	case err != nil:
		return now, err
	default:
		now.LastRun, facts.Run = &last, &last
		if facts.Unfinished, err = opened.Unfinished(ctx); err != nil {
			return now, err
		}
	}
	if facts.Backups, err = s.backupStanding(ctx); err != nil {
		return now, err
	}
	facts.Disks = s.disks()
	now.Alerts = health.Alerts(facts, s.Config.Alerts.Limits, s.Now())
	return now, nil
}

// lastRun returns the run that was started last, those left out that a clock which was wrong puts behind now.
// orchestrator.ErrNotFound when there is none.
func (s *Service) lastRun(ctx context.Context, opened *store.Store) (run orchestrator.Run, err error) {
	if run, err = opened.Run(ctx, store.LastRun); err != nil || !run.StartedAt.After(s.Now().Add(health.ClockMargin)) {
		return run, err
	}
	runs, err := opened.Runs(ctx, 100)
	for _, earlier := range runs {
		if !earlier.StartedAt.After(s.Now().Add(health.ClockMargin)) {
			return earlier, err
		}
	}
	return run, err
}

// Metrics says how things stand, in Prometheus' text form.
func (s *Service) Metrics(ctx context.Context) ([]byte, error) {
	now, err := s.Standing(ctx)
	if err != nil {
		return nil, err
	}
	var last orchestrator.Run
	if now.LastRun != nil {
		last = *now.LastRun
	}
	return notify.Metrics(last, now.ServiceStatus, now.Alerts), nil
}
