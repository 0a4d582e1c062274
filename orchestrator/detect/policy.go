package detect

import "github.com/chortle-audio/chortle/orchestrator"

// DefaultPolicy is the program's own: neighbours and contrasts by round numbers, in two tiers. docs/quality.md has
// what it finds and what it mistakes.
//
// Crying goes on for longer than a laugh and pauses as laughs do, so it counts within two seconds. A cough, a shout
// or a baby's babble is mistaken for laughter only where it is heard itself.
func DefaultPolicy() orchestrator.Policy {
	return orchestrator.Policy{
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
