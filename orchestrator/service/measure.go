package service

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/detect"
	"github.com/chortle-audio/chortle/orchestrator/document"
	"github.com/chortle-audio/chortle/orchestrator/service/quality"
)

// QualityRequest says on what the quality of detection is measured, and of which models and policies.
type QualityRequest struct {
	// Labels is a file of labels, or a folder of them; see quality.ReadLabels. Labels that name no file are those of the
	// recording of the same name beside them.
	Labels string
	// Folder in which the files of the labels are; empty means that of the labels.
	Folder string
	// Model and Against by name or command; an empty Model is the one that is used, an empty Against none.
	Model, Against string
	// Policy and PolicyAgainst as Service.NamedPolicy takes them; an empty Policy is the settings', an empty PolicyAgainst
	// none.
	Policy, PolicyAgainst string
	// Curve wants curves, too.
	Curve bool
	// Observe gets the events of a Listener; Problem every problem as it is found. Nil means nobody listens.
	Observe func(orchestrator.Event)
	Problem func(quality.Problem)
}

// MeasureQuality measures how well a model finds the laughs of labelled sound under a policy, and where there is a
// second model or policy, what changes with it. Nothing is stored. Labels and files that cannot be used are problems
// of the report; the error is one that ends it all, such as that no file could be read.
func (s *Service) MeasureQuality(ctx context.Context, request QualityRequest) (quality.Report, error) {
	began := s.Now()
	report := quality.Report{Labels: request.Labels, Problems: []quality.Problem{}, Results: []quality.Figures{}, Changes: []quality.Change{}}
	problem := func(problems ...quality.Problem) {
		for _, p := range problems {
			report.Problems = append(report.Problems, p)
			if request.Problem != nil {
				request.Problem(p)
			}
		}
	}
	files, folder, err := labelled(request.Labels, request.Folder, problem)
	report.Folder = folder
	if err != nil {
		return report, fmt.Errorf("read labels %s: %w", request.Labels, err)
	}
	policies, err := s.policiesOf(ctx, request.Policy, request.PolicyAgainst)
	if err != nil {
		return report, err
	}
	models := []string{request.Model}
	if request.Against != "" {
		models = append(models, request.Against)
	}
	type run struct {
		sounds []quality.Sound
		policy orchestrator.Policy
	}
	var runs []run
	var sounds []quality.Sound
	var model orchestrator.Model
	for i := range max(len(models), len(policies)) {
		if i < len(models) {
			if sounds, model, err = s.listenTo(ctx, models[i], folder, files, request.Observe, problem); err != nil {
				return report, err
			}
		}
		policy := policies[min(i, len(policies)-1)]
		if err := policy.Check(model.Laughter, model.Heard); err != nil {
			problem(quality.Problem{Cause: err.Error()})
		}
		figures := quality.Measure(sounds, policy, detect.Laughs, request.Curve)
		figures.Model = strings.TrimSpace(model.Name + " " + model.Version)
		report.Results, runs = append(report.Results, figures), append(runs, run{sounds, policy})
	}
	report.Files = len(runs[0].sounds)
	for _, sound := range runs[0].sounds {
		report.AudioSeconds += document.Seconds(orchestrator.SamplesToDuration(sound.Scores.Length))
	}
	if len(runs) > 1 {
		lookedA, wrongA := quality.Outcomes(runs[0].sounds, runs[0].policy, detect.Laughs)
		lookedB, wrongB := quality.Outcomes(runs[1].sounds, runs[1].policy, detect.Laughs)
		if len(lookedA) == len(lookedB) {
			report.Changes = quality.Compare(lookedA, wrongA, lookedB, wrongB)
		} else {
			problem(quality.Problem{Cause: "the two models could not read the same files: what changed is not compared"})
		}
	}
	report.Seconds = document.Seconds(s.Now().Sub(began))
	return report, nil
}

func (s *Service) policiesOf(ctx context.Context, first, second string) (policies []orchestrator.Policy, err error) {
	for i, text := range []string{first, second} {
		if i > 0 && text == "" {
			break
		}
		policy, err := s.NamedPolicy(ctx, text)
		if err != nil {
			return nil, err
		}
		policies = append(policies, policy)
	}
	return policies, nil
}

// NamedPolicy returns the policy that a text names: empty, the settings'; the name of one that is built in, such as
// "default" or "default-2"; a number, the policy of that threshold; "user:NAME", that of a user; a JSON object, or a
// file with one, which changes the settings' policy.
func (s *Service) NamedPolicy(ctx context.Context, text string) (policy orchestrator.Policy, err error) {
	base, err := s.Config.Policy().Base()
	if err != nil {
		return policy, err
	}
	if text == "" {
		return base, nil
	}
	for _, built := range detect.Policies() {
		if text == built.ID() || text == built.Name {
			policy = built // the latest of a name comes last
		}
	}
	if policy.Name != "" {
		return policy, nil
	}
	if threshold, err := strconv.ParseFloat(text, 64); err == nil {
		policy := orchestrator.PolicyFromThreshold(threshold)
		if err := policy.Validate(); err != nil {
			return policy, &InvalidError{err}
		}
		return policy, nil
	}
	if name, ok := strings.CutPrefix(text, "user:"); ok {
		users, err := s.usersOr(ctx, []string{name})
		if err != nil {
			return policy, err
		}
		return s.Config.Policy().Resolve(users[0])
	}
	object := text
	if !strings.HasPrefix(strings.TrimSpace(text), "{") {
		content, err := os.ReadFile(text)
		if errors.Is(err, fs.ErrNotExist) {
			return policy, invalid("policy %q is none: want default, default-2, a threshold such as 0.175, user:NAME, a JSON object, or a file with one", text)
		}
		if err != nil {
			return policy, fmt.Errorf("read policy: %w", err)
		}
		object = string(content)
	}
	if policy, err = base.Override(object); err != nil {
		return policy, &InvalidError{fmt.Errorf("policy %.80q: %w", text, err)}
	}
	if policy.ID() == base.ID() {
		policy.Name += "-changed"
	}
	return policy, nil
}

// labelled returns the labels by the file that they name.
func labelled(path, folder string, problem func(...quality.Problem)) (files map[string][]quality.Label, in string, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, folder, err
	}
	lists := []string{path}
	beside := filepath.Dir(path)
	if info.IsDir() {
		beside, lists = path, nil
		for _, pattern := range []string{"*.txt", "*.tsv", "*.csv"} {
			found, _ := filepath.Glob(filepath.Join(path, pattern)) // the pattern is well formed
			lists = append(lists, found...)
		}
		slices.Sort(lists)
		if len(lists) == 0 {
			return nil, folder, errors.New("no labels: want files that end in .txt, .tsv or .csv")
		}
	}
	folder = cmp.Or(folder, beside)
	files = map[string][]quality.Label{}
	for _, list := range lists {
		if err := readLabels(list, folder, files, problem); err != nil {
			if len(lists) == 1 {
				return nil, folder, err
			}
			problem(quality.Problem{File: filepath.Base(list), Cause: err.Error()})
		}
	}
	if len(files) == 0 {
		return nil, folder, errors.New("no labels")
	}
	return files, folder, nil
}

// readLabels adds the labels of one file.
func readLabels(list, folder string, files map[string][]quality.Label, problem func(...quality.Problem)) error {
	file, err := os.Open(list)
	if err != nil {
		return err
	}
	defer file.Close()
	labels, problems, err := quality.ReadLabels(file)
	problem(problems...)
	if err != nil {
		return err
	}
	var own string // of labels that name no file
	for _, label := range labels {
		if label.File == "" {
			if own == "" {
				if own, err = soundBeside(list, folder); err != nil {
					return err
				}
			}
			label.File = own
		}
		files[label.File] = append(files[label.File], label)
	}
	return nil
}

// soundBeside finds the recording that has the name of a labels file.
func soundBeside(list, folder string) (string, error) {
	stem := strings.TrimSuffix(filepath.Base(list), filepath.Ext(list))
	entries, err := os.ReadDir(folder)
	if err != nil {
		return "", err
	}
	var found []string
	for _, entry := range entries {
		name := entry.Name()
		if extension := strings.ToLower(filepath.Ext(name)); strings.TrimSuffix(name, filepath.Ext(name)) == stem && name != filepath.Base(list) &&
			!slices.Contains([]string{".txt", ".tsv", ".csv"}, extension) {
			found = append(found, name)
		}
	}
	if len(found) != 1 {
		return "", fmt.Errorf("the labels name no file, and %d recordings are called %s: want one, or a column with the name of the file", len(found), stem)
	}
	return found[0], nil
}

// listenTo has a model hear the labelled files.
func (s *Service) listenTo(ctx context.Context, model, folder string, files map[string][]quality.Label, observe func(orchestrator.Event), problem func(...quality.Problem)) (sounds []quality.Sound, of orchestrator.Model, err error) {
	sound, err := s.Audio()
	if err != nil {
		return nil, of, err
	}
	spawner, err := s.namedModel(model)
	if err != nil {
		return nil, of, err
	}
	listener := orchestrator.Listener{Audio: sound, Spawner: func() (orchestrator.Spawner, error) { return spawner, nil }, Now: s.Now, Observe: observe}
	defer listener.Stop()
	if of, err = listener.Start(ctx); err != nil {
		return nil, of, err
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		labels := files[name]
		if !slices.ContainsFunc(labels, func(l quality.Label) bool { return !l.Whole || l.Kind != quality.Unsure }) {
			continue // nothing can be learned of it
		}
		path := filepath.FromSlash(name)
		if !filepath.IsAbs(path) {
			path = filepath.Join(folder, path)
		}
		bad := func(err error) { problem(quality.Problem{Line: labels[0].Line, File: name, Cause: err.Error()}) }
		info, err := os.Stat(path)
		if err != nil {
			bad(fmt.Errorf("the file is missing: %w", errors.Unwrap(err)))
			continue
		}
		heard, err := listener.Listen(ctx, orchestrator.Recording{Path: path, Name: name, Start: info.ModTime(), Size: info.Size(), ModTime: info.ModTime()})
		switch {
		case ctx.Err() != nil:
			return nil, of, ctx.Err()
		case errors.Is(err, orchestrator.ErrModelStart):
			return nil, of, err
		case err != nil:
			bad(err)
			continue
		case heard.Damage != nil:
			bad(heard.Damage)
		}
		one := quality.Sound{File: name, Scores: heard.Scores, Labels: labels}
		problem(one.Fit()...)
		sounds = append(sounds, one)
	}
	if len(sounds) == 0 {
		return nil, of, errors.New("measure quality: none of the labelled files could be read; give the folder that they are in")
	}
	return sounds, of, nil
}
