package document

import (
	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/advice"
)

// Status is how things stand.
type Status struct {
	ExitCode    int          `json:"exit_code"`
	LastGoodRun Stamp        `json:"last_good_run"`
	LastRun     *LastRun     `json:"last_run"`
	Users       []UserStatus `json:"users"`
	Alerts      []Alert      `json:"alerts"`
	// Notes are what a person should do something about before it becomes an alert.
	Notes []Note `json:"notes"`
}

// Note is something to do, and why.
type Note struct {
	Message string `json:"message"`
	Remedy  string `json:"remedy"`
}

// LastRun is the run that was started last.
type LastRun struct {
	RunID      string `json:"run_id"`
	StartedAt  Stamp  `json:"started_at"`
	FinishedAt Stamp  `json:"finished_at"`
	Status     string `json:"status"`
	ExitCode   int    `json:"exit_code"`
}

// UserStatus is how a user stands, over all runs.
type UserStatus struct {
	User        string    `json:"user"`
	Timezone    string    `json:"timezone"`
	Enabled     bool      `json:"enabled"`
	LastGoodDay string    `json:"last_good_day"`
	LastGoodRun Stamp     `json:"last_good_run"`
	LastAudio   Stamp     `json:"last_audio"`
	LastLaugh   Stamp     `json:"last_laugh"`
	Gaps        []OpenGap `json:"gaps"`
	GivenUp     []GivenUp `json:"given_up"`
	Source      *Survey   `json:"source"`
}

// OpenGap is a gap with how often, and when last, it was tried.
type OpenGap struct {
	Gap
	Attempts  int   `json:"attempts"`
	LastTried Stamp `json:"last_tried"`
}

// GivenUp is a recording that is not tried any more.
type GivenUp struct {
	Recording string `json:"recording"`
	Start     Stamp  `json:"start"`
	Attempts  int    `json:"attempts"`
	Reason    string `json:"reason"`
	Remedy    string `json:"remedy"`
}

// Alert is one thing that a person should know.
type Alert struct {
	Kind    string `json:"kind"`
	User    string `json:"user"`
	Message string `json:"message"`
	Remedy  string `json:"remedy"`
	// Code names the kind of problem behind it; empty where it has none.
	Code string `json:"code"`
}

// OfStatus describes how things stand. last is the last run; nil where there was none.
func OfStatus(status orchestrator.ServiceStatus, last *orchestrator.Run, alerts []orchestrator.Alert, exitCode int) Status {
	document := Status{ExitCode: exitCode, LastGoodRun: Stamp(status.LastGoodRun), Users: []UserStatus{}, Alerts: []Alert{}, Notes: []Note{}}
	if last != nil {
		document.LastRun = &LastRun{last.ID, Stamp(last.StartedAt), Stamp(last.FinishedAt), string(last.Status), last.ExitCode}
	}
	for _, user := range status.Users {
		document.Users = append(document.Users, ofUserStatus(user))
	}
	for _, alert := range alerts {
		document.Alerts = append(document.Alerts, Alert{alert.Kind, alert.User, alert.Message, advice.OfAlert(advice.Terminal, alert), string(alert.Code)})
	}
	return document
}

func ofUserStatus(user orchestrator.UserStatus) UserStatus {
	document := UserStatus{User: user.User.Name, Timezone: user.User.Timezone, Enabled: user.User.Enabled, LastGoodRun: Stamp(user.LastGoodRun),
		LastAudio: Stamp(user.LastAudio), LastLaugh: Stamp(user.LastLaugh), Gaps: []OpenGap{}, GivenUp: []GivenUp{},
		Source: ofSurvey(user.Survey)}
	if user.LastDay != (orchestrator.Date{}) {
		document.LastGoodDay = user.LastDay.String()
	}
	for _, gap := range user.Gaps {
		document.Gaps = append(document.Gaps, OpenGap{Gap{Stamp(gap.Start), Stamp(gap.End), gap.Reason}, gap.Attempts, Stamp(gap.LastTried)})
	}
	for _, lost := range user.GivenUp {
		document.GivenUp = append(document.GivenUp, GivenUp{lost.Recording, Stamp(lost.Start), lost.Attempts, lost.Reason, advice.OfGivenUp(advice.Terminal, user.User, lost)})
	}
	return document
}
