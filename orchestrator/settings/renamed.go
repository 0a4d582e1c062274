package settings

import (
	"fmt"
	"maps"
	"strings"

	"github.com/chortle-audio/chortle/internal/artifacts"
)

// Renaming is a setting that had another name before. The old name still works and says what replaces it.
type Renaming struct {
	// Old and New are names of settings.
	Old, New string

	// weights: only a value that names weights means the new name.
	weights bool
}

// Renamed lists the old names, in the order in which they are replaced: CHORTLE_MODEL named weights once.
var Renamed = []Renaming{
	{Old: "CHORTLE_MODEL", New: "CHORTLE_WEIGHTS", weights: true},
	{Old: "CHORTLE_MODEL_SHA256", New: "CHORTLE_WEIGHTS_SHA256"},
	{Old: "CHORTLE_INFERD", New: "CHORTLE_MODEL"},
	{Old: "CHORTLE_INFERD_THREADS", New: "CHORTLE_MODEL_THREADS"},
	{Old: "CHORTLE_MODELS", New: "CHORTLE_MODELS_FILE"},
}

// renamed returns a layer with the old names replaced. A new name that is given too wins.
func (s *Settings) renamed(layer string, values map[string]string) map[string]string {
	values = maps.Clone(values)
	for _, r := range Renamed {
		text := values[r.Old]
		if text == "" || r.weights && !s.isWeights(text) {
			continue
		}
		delete(values, r.Old)
		if values[r.New] == "" {
			values[r.New] = text
		}
		s.Warnings = append(s.Warnings, r.warning(layer))
	}
	return values
}

// warning says what replaces an old name. An empty layer is the command line.
func (r Renaming) warning(layer string) string {
	before, now, where := r.Old, r.New, " in "+layer
	if layer == "" {
		before, now, where = "--"+Find(r.Old).Flag, "--"+Find(r.New).Flag, ""
	}
	if r.weights {
		return fmt.Sprintf("%s%s names a file of weights: use %s for it; %s chooses the model", before, where, now, before)
	}
	return fmt.Sprintf("%s%s is called %s now; rename it", before, where, now)
}

// ForModels returns the environment of a model, entries of the form NAME=value, with each renamed setting under both
// names: a model may be older than the new ones.
func ForModels(environ []string) []string {
	all := make([]string, 0, 2*len(environ))
	for _, entry := range environ { // in order: the last of a name counts
		all = append(all, entry)
		for _, r := range Renamed {
			if r.Old == "CHORTLE_INFERD" || r.Old == "CHORTLE_MODELS" { // nothing that a model reads
				continue
			}
			if value, ok := strings.CutPrefix(entry, r.Old+"="); ok {
				all = append(all, r.New+"="+value)
			}
			if value, ok := strings.CutPrefix(entry, r.New+"="); ok {
				all = append(all, r.Old+"="+value)
			}
		}
	}
	return all
}

// isWeights reports whether a text names weights, by itself or as a path.
func (s *Settings) isWeights(text string) bool {
	path, err := s.path(text)
	return artifacts.IsWeights(text) || err == nil && artifacts.IsWeights(path)
}
