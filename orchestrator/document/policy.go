package document

import "github.com/chortle-audio/chortle/orchestrator"

// Policy says what a laugh is for a user, or for everybody.
type Policy struct {
	// User by name; empty for everybody's.
	User string `json:"user"`
	ID   string `json:"id"`
	// Own is what the user's says other than everybody's, as JSON; Threshold is the user's own, or 0.
	Own       string  `json:"own"`
	Threshold float64 `json:"threshold"`
	// Policy as it counts today.
	Policy orchestrator.Policy `json:"policy"`
}

// PolicyChange is a change of a user's policy.
type PolicyChange struct {
	At        Stamp   `json:"at"`
	Threshold float64 `json:"threshold"`
	Policy    string  `json:"policy"`
	Note      string  `json:"note"`
	Undone    bool    `json:"undone"`
}

// OfPolicyChange describes a change.
func OfPolicyChange(c orchestrator.PolicyChange) PolicyChange {
	return PolicyChange{At: Stamp(c.At), Threshold: c.Threshold, Policy: c.Policy, Note: c.Note, Undone: c.Undone}
}
