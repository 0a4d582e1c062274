package document

import "github.com/chortle-audio/chortle/orchestrator"

// Laugh is a laugh as it is stored; times are RFC 3339 in UTC with milliseconds.
type Laugh struct {
	User         string             `json:"user"`
	Timezone     string             `json:"timezone"`
	Start        string             `json:"start"`
	End          string             `json:"end"`
	Score        float64            `json:"score"`
	Class        string             `json:"class"`
	ClassScores  map[string]float64 `json:"class_scores"`
	Recording    string             `json:"recording"`
	Offset       float64            `json:"offset_s"`
	Duration     float64            `json:"duration_s"`
	Uncertain    float64            `json:"uncertain_s"`
	Clip         string             `json:"clip"`
	Model        string             `json:"model"`
	ModelVersion string             `json:"model_version"`
	ModelSHA256  string             `json:"model_sha256"`
	Mark         string             `json:"mark"`
	Star         bool               `json:"star"`
	Note         string             `json:"note"`
	ID           string             `json:"id"`
	Day          string             `json:"day"`
	Tier         string             `json:"tier"`
	Evidence     float64            `json:"evidence"`
	Policy       string             `json:"policy"`
	Heard        map[string]float64 `json:"heard"`
	With         []string           `json:"with"`
}

// OfLaugh describes a laugh.
func OfLaugh(l orchestrator.StoredLaugh) Laugh {
	heard := map[string]float64{}
	for _, h := range l.Around.Heard {
		heard[h.Class] = h.Score
	}
	return Laugh{User: l.User, Timezone: l.Timezone, Start: Stamp(l.Start).String(), End: Stamp(l.End).String(),
		Score: l.Score, Class: l.Class, ClassScores: l.ClassScores, Recording: l.Recording,
		Offset: Seconds(l.Offset), Duration: Seconds(l.End.Sub(l.Start)),
		Uncertain: Seconds(l.Uncertainty),
		Clip:      l.Clip, Model: l.Model, ModelVersion: l.ModelVersion, ModelSHA256: l.ModelSHA256, Mark: string(l.Mark), Star: l.Star, Note: l.Note,
		ID: l.ID, Day: l.Day.String(), Tier: string(l.Tier), Evidence: l.Evidence, Policy: l.Policy,
		Heard: heard, With: append([]string{}, l.Around.With()...)}
}
