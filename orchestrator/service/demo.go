package service

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/service/demo"
)

// At returns a Service whose database, clips and lock lie in a data folder of their own, dir, an absolute path. It
// shares nothing with s. Close it after use.
func (s *Service) At(dir string) *Service {
	o := s.Options
	o.Config.DataDir, o.Config.DatabaseURL, o.Config.ClipsURL = dir, "sqlite:"+filepath.Join(dir, "chortle.db"), "folder:"+filepath.Join(dir, "clips")
	return New(o)
}

// DemoRequest says what a demo is to be.
type DemoRequest struct {
	// Length of each user's recordings together.
	Length time.Duration
	// Progress is told how much sound is made; Observe gets the events of the run. Both must be set.
	Progress demo.Progress
	Observe  func(orchestrator.Event)
}

// Demo is what a demo did.
type Demo struct {
	Run   orchestrator.Run
	Users []DemoUser
}

// DemoUser compares what was found with what is hidden.
type DemoUser struct {
	demo.Day
	// Done is what the run did for the user's day.
	Done orchestrator.UserDay
	// Found counts hidden laughs that were found, False found ones that are none.
	Found, False int
}

// Demo makes a day of sound for two users in the data folder, unless it is there already, reads it, and compares what
// was found with what is hidden. An *InvalidError where another demo lies there. The users are missing from the result
// where the run was interrupted or could not go on.
func (s *Service) Demo(ctx context.Context, request DemoRequest) (result Demo, err error) {
	release, err := s.Lock()
	if err != nil {
		return result, err
	}
	defer release()
	if err := s.TryModel(ctx); err != nil { // before minutes go into making sound for it
		return result, err
	}
	days := demo.Days(request.Length)
	sound, err := s.Audio()
	if err != nil {
		return result, err
	}
	if err := demo.Make(ctx, sound, s.Config.DataDir, days, request.Progress); errors.Is(err, demo.ErrOther) {
		return result, &InvalidError{err}
	} else if err != nil {
		return result, err
	}
	runner, err := s.runner(ctx, false, false)
	if err != nil {
		return result, err
	}
	plan := orchestrator.Plan{From: demo.Date, To: demo.Date, Trigger: orchestrator.TriggerManual,
		UsersAtOnce: s.Config.UsersAtOnce, Policy: s.Config.Policy()}
	for _, day := range days {
		user, err := s.demoUser(ctx, day)
		if err != nil {
			return result, err
		}
		plan.Users = append(plan.Users, user)
	}
	result.Run, err = s.carryOut(ctx, runner, plan, request.Observe)
	if err != nil || result.Run.ExitCode == orchestrator.ExitInterrupted {
		return result, err
	}
	opened, err := s.Store(ctx)
	if err != nil {
		return result, err
	}
	for i, day := range days {
		user := DemoUser{Day: day, Done: result.Run.Days[i]}
		if user.Found, user.False, err = day.Compare(opened.Laughs(ctx, orchestrator.LaughFilter{Users: []string{day.User}})); err != nil {
			return result, err
		}
		result.Users = append(result.Users, user)
	}
	return result, nil
}

// demoUser finds the user, or adds it; its folder is the demo's, also after the demo was moved.
func (s *Service) demoUser(ctx context.Context, day demo.Day) (orchestrator.User, error) {
	source := folderKind.scheme + ":" + day.Folder(s.Config.DataDir)
	user, err := s.User(ctx, day.User)
	switch {
	case errors.Is(err, orchestrator.ErrNotFound):
		return s.AddUser(ctx, orchestrator.User{Name: day.User, Timezone: day.Timezone, Source: source, Priority: DefaultPriority, Enabled: true})
	case err != nil || user.Source == source:
		return user, err
	}
	user.Source = source
	return user, s.UpdateUser(ctx, user)
}
