package document

import "github.com/chortle-audio/chortle/orchestrator"

// Digest is what became of one digest, or would.
type Digest struct {
	ID      int64  `json:"id"`
	User    string `json:"user"`
	To      string `json:"to"`
	From    string `json:"from"`
	Until   string `json:"until"`
	Result  string `json:"result"`
	Cause   string `json:"cause"`
	Subject string `json:"subject"`
	Text    string `json:"text"`
}

// Subscription says who gets which digests.
type Subscription struct {
	ID        int64  `json:"id"`
	User      string `json:"user"`
	Kind      string `json:"kind"`
	To        string `json:"to"`
	Every     string `json:"every"`
	On        string `json:"on"`
	Quiet     string `json:"quiet"`
	CreatedAt Stamp  `json:"created_at"`
	Last      *Sent  `json:"last"`
}

// Sent is what became of the latest digest.
type Sent struct {
	Until    string `json:"until"`
	State    string `json:"state"`
	Attempts int    `json:"attempts"`
	Cause    string `json:"cause"`
	At       Stamp  `json:"at"`
}

// OfSubscription is the document of a subscription.
func OfSubscription(sub orchestrator.Subscription, user orchestrator.User) Subscription {
	d := Subscription{ID: sub.ID, User: user.Name, Kind: sub.Kind, To: sub.Address, Every: string(sub.Period), Quiet: sub.Quiet.String(), CreatedAt: Stamp(sub.CreatedAt)}
	if sub.Period == orchestrator.PeriodWeekly {
		d.On = sub.Weekday.String()
	}
	if last := sub.Last; last.State != "" {
		d.Last = &Sent{last.To.String(), string(last.State), last.Attempts, last.Cause, Stamp(last.At)}
	}
	return d
}

// Tested is what became of one test notification.
type Tested struct {
	To    string `json:"to"`
	For   string `json:"for"`
	OK    bool   `json:"ok"`
	Cause string `json:"cause"`
}
