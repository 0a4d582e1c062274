package detect

import "github.com/chortle-audio/chortle/orchestrator"

// DefaultPolicy is the program's own: neighbours and contrasts by round numbers, in two tiers. docs/quality.md has
// what it finds and what it mistakes.
//
// Crying goes on for longer than a laugh and pauses as laughs do, so it counts within two seconds. A cough, a shout
// or a baby's babble is mistaken for laughter only where it is heard itself.
func DefaultPolicy() orchestrator.Policy {
	all := Policies()
	return all[len(all)-1]
}

// Policies are the program's own of all versions, so that what was found under an earlier one can be found again; the
// default comes last.
func Policies() []orchestrator.Policy {
	second := orchestrator.Policy{
		Name: "default", Version: 2,
		Classes:    map[string]orchestrator.Thresholds{orchestrator.AnyClass: {Sure: 0.03, Maybe: 0.02}},
		Neighbours: 0.25,
		Against: []orchestrator.Contrast{
			{Classes: []string{"Crying, sobbing", "Baby cry, infant cry", "Whimper", "Wail, moan"}, Weight: 1.5, Margin: 1, Around: 2},
			{Classes: []string{"Cough", "Throat clearing", "Sneeze", "Gasp", "Groan", "Shout", "Yell", "Screaming", "Babbling"}, Weight: 1, Margin: 2},
		},
		Release:      0.01,
		LongestPause: 1.5,
	}
	third := second.Clone()
	third.Version = 3
	third.Against[0].Weight, third.Against[0].Margin = 3, 0
	third.Classes[orchestrator.AnyClass] = orchestrator.Thresholds{Sure: 0.02, Maybe: 0.0075}
	third.Release = 0.005
	return []orchestrator.Policy{second, third}
}

// Sure are the laughs of that tier.
func Sure(laughs []orchestrator.Laugh) (sure []orchestrator.Laugh) {
	for _, laugh := range laughs {
		if laugh.Tier == orchestrator.TierSure {
			sure = append(sure, laugh)
		}
	}
	return sure
}
