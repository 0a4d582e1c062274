package service

import (
	"context"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/document"
	"github.com/chortle-audio/chortle/orchestrator/service/models"
	"github.com/chortle-audio/chortle/orchestrator/service/trial"
	"github.com/chortle-audio/chortle/orchestrator/settings"
)

// Models lists the models that have a name, and the one that is used.
func (s *Service) Models() ([]document.ModelEntry, error) {
	entries, err := models.Read(s.Config.ModelsFile)
	if err != nil {
		return nil, err
	}
	if _, named := models.Find(entries, s.Config.Model); !named && len(s.Config.Model) > 0 {
		entries = slices.Insert(entries, 0, models.Entry{Command: s.Config.Model})
	}
	documents := []document.ModelEntry{}
	for _, e := range entries {
		d := document.ModelEntry{Name: e.Name, About: e.About, Command: e.Command, Dir: e.Dir, Env: []string{}, SHA256: e.SHA256,
			Used: e.Name == "" || slices.Equal(s.Config.Model, []string{e.Name})}
		for _, setting := range e.Env { // a value may be a secret
			name, _, _ := strings.Cut(setting, "=")
			d.Env = append(d.Env, name)
		}
		if _, err := exec.LookPath(e.Command[0]); err != nil {
			d.Problem = err.Error()
		}
		documents = append(documents, d)
	}
	return documents, nil
}

// namedModel is the model that text names, by name or command, or the setting's where it is empty.
func (s *Service) namedModel(text string) (orchestrator.Spawner, error) {
	if text == "" {
		return s.Spawner(s.Config.Model)
	}
	words, err := settings.SplitCommand(text)
	if err != nil {
		return nil, invalid("MODEL %q: %w", text, err)
	}
	return s.Spawner(words)
}

// CheckModel starts a model as a run would, and sees whether it keeps the contract. name is its name or command; empty
// means the one that is used. report gets every finding as it comes. It returns the model's description, its zero
// value where none could be started, and how many checks failed.
func (s *Service) CheckModel(ctx context.Context, name string, report func(document.Finding)) (model orchestrator.Model, failed int, err error) {
	spawner, err := s.namedModel(name)
	if err != nil {
		return model, 0, err
	}
	model, failed = trial.Check(ctx, spawner, func(v trial.Verdict) {
		f := document.Finding{Check: v.Check, Status: document.HealthOK, Detail: v.Detail}
		if !v.OK {
			f.Status, f.Remedy = document.HealthError, "see docs/writing-a-plugin.md"
		}
		report(f)
	})
	return model, failed, ctx.Err()
}

// BenchModel starts a model, streams sound of that length through it, and stops it. name is as for CheckModel.
func (s *Service) BenchModel(ctx context.Context, name string, length time.Duration) (document.ModelBench, error) {
	spawner, err := s.namedModel(name)
	if err != nil {
		return document.ModelBench{}, err
	}
	f, err := trial.Bench(ctx, spawner, length)
	if err != nil {
		return document.ModelBench{}, err
	}
	return document.ModelBench{Model: document.OfModel(f.Model), AudioSeconds: document.Seconds(f.Sound), Seconds: document.Seconds(f.Took),
		RealTime: f.Sound.Seconds() / f.Took.Seconds(), Ready: document.Seconds(f.Ready), Stop: document.Seconds(f.Stop), PeakBytes: f.ModelBytes}, nil
}
