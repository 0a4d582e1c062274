package service

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/advice"
	"github.com/chortle-audio/chortle/orchestrator/document"
	"github.com/chortle-audio/chortle/orchestrator/settings"
	"github.com/chortle-audio/chortle/orchestrator/store"
)

// recordingOf is a recording as a laugh names it.
type recordingOf struct{ user, name string }

// Compare compares what two models heard in the recordings that both have read. A model is named NAME, NAME@VERSION
// or NAME@SHA256, the hash also by its beginning. Of the filter, the users, days, score and recording count.
func (s *Service) Compare(ctx context.Context, filter orchestrator.LaughFilter, nameA, nameB string) (document.Diff, error) {
	d := document.Diff{Agreed: []document.Agreed{}, OnlyA: []document.Laugh{}, OnlyB: []document.Laugh{}}
	users, err := s.usersOr(ctx, filter.Users)
	if err != nil {
		return d, err
	}
	opened, err := s.Store(ctx)
	if err != nil {
		return d, err
	}
	read, err := opened.ReadBy(ctx, orchestrator.LaughFilter{Users: filter.Users})
	if err != nil {
		return d, err
	}
	a, err := chooseModel(nameA, read)
	if err != nil {
		return d, err
	}
	b, err := chooseModel(nameB, read)
	if err != nil {
		return d, err
	}
	if a == b {
		return d, invalid("A and B are both %s %s: name two models", a.Name, a.Version)
	}
	d.A, d.B = document.DiffModel(a), document.DiffModel(b)

	readers, err := s.readersOf(ctx, opened, users, filter, []store.ModelRef{a, b})
	if err != nil {
		return d, err
	}
	for _, models := range readers {
		if len(models) < 2 {
			d.LeftOut++
		} else {
			d.Recordings++
		}
	}
	var heard []orchestrator.StoredLaugh
	for laugh, err := range opened.Laughs(ctx, orchestrator.LaughFilter{Users: filter.Users, From: filter.From, To: filter.To,
		MinScore: filter.MinScore, Recording: filter.Recording}) {
		if err != nil {
			return d, err
		}
		if by := heardBy(laugh); (by == a || by == b) && len(readers[recordingOf{laugh.User, laugh.Recording}]) == 2 {
			heard = append(heard, laugh)
		}
	}
	for _, group := range overlapping(heard) {
		add(&d, group, a)
	}
	d.Counts = document.DiffCounts{Agreed: len(d.Agreed), OnlyA: len(d.OnlyA), OnlyB: len(d.OnlyB)}
	return d, nil
}

// readersOf tells which of the models read each recording that the filter chooses.
func (s *Service) readersOf(ctx context.Context, opened *store.Store, users []orchestrator.User, filter orchestrator.LaughFilter, models []store.ModelRef) (map[recordingOf]map[store.ModelRef]bool, error) {
	readers := map[recordingOf]map[store.ModelRef]bool{}
	for _, user := range users {
		span, err := spanOf(user, filter.From, filter.To)
		if err != nil {
			return nil, err
		}
		chosen, err := opened.ReadBy(ctx, orchestrator.LaughFilter{Users: []string{user.Name}, Span: span})
		if err != nil {
			return nil, err
		}
		for _, model := range models {
			for _, r := range chosen[model] {
				if filter.Recording != "" && filter.Recording != r.Name {
					continue
				}
				key := recordingOf{r.User, r.Name}
				if readers[key] == nil {
					readers[key] = map[store.ModelRef]bool{}
				}
				readers[key][model] = true
			}
		}
	}
	return readers, nil
}

func heardBy(l orchestrator.StoredLaugh) store.ModelRef {
	return store.ModelRef{Name: l.Model, Version: l.ModelVersion, SHA256: l.ModelSHA256}
}

// chooseModel finds the model that a person names: NAME, NAME@VERSION or NAME@SHA256, abbreviated.
func chooseModel(text string, read map[store.ModelRef][]store.RecordingRef) (store.ModelRef, error) {
	name, which, exact := strings.Cut(text, "@")
	var found []store.ModelRef
	var names, choices []string
	for model := range read {
		names = append(names, model.Name)
		if model.Name != name || exact && model.Version != which && (which == "" || !strings.HasPrefix(model.SHA256, which)) {
			continue
		}
		found = append(found, model)
		choices = append(choices, model.Name+"@"+cmp.Or(model.SHA256[:min(8, len(model.SHA256))], model.Version))
	}
	slices.Sort(choices)
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return store.ModelRef{}, invalid("several models are called %q: want one of %s", text, strings.Join(choices, ", "))
	case len(names) == 0:
		return store.ModelRef{}, invalidCode(orchestrator.CodeNothingHeard, "no model has read any recording yet")
	}
	slices.Sort(names)
	names = slices.Compact(names)
	hint := cmp.Or(advice.DidYouMean(settings.Nearest(name, names)), ": there are "+strings.Join(names, ", "))
	return store.ModelRef{}, invalid("no model %q has read any recording%s", text, hint)
}

// overlapping groups laughs of the same recording that overlap, by start.
func overlapping(laughs []orchestrator.StoredLaugh) (groups [][]orchestrator.StoredLaugh) {
	open := map[recordingOf]int{} // the last group of each recording
	ends := map[recordingOf]time.Time{}
	for _, l := range laughs {
		key := recordingOf{l.User, l.Recording}
		i, known := open[key]
		if known && l.Start.Before(ends[key]) {
			groups[i] = append(groups[i], l)
		} else {
			open[key] = len(groups)
			groups = append(groups, []orchestrator.StoredLaugh{l})
		}
		if l.End.After(ends[key]) {
			ends[key] = l.End
		}
	}
	return groups
}

// add files a group under who heard it.
func add(d *document.Diff, group []orchestrator.StoredLaugh, a store.ModelRef) {
	both := document.Agreed{}
	for _, l := range group {
		if heardBy(l) == a {
			both.A = append(both.A, document.OfLaugh(l))
		} else {
			both.B = append(both.B, document.OfLaugh(l))
		}
	}
	switch {
	case both.B == nil:
		d.OnlyA = append(d.OnlyA, both.A...)
	case both.A == nil:
		d.OnlyB = append(d.OnlyB, both.B...)
	default:
		d.Agreed = append(d.Agreed, both)
	}
}
