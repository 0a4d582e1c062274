package document

import (
	"github.com/chortle-audio/chortle/orchestrator"
)

// The documents below are what /api/v1 answers with. docs/openapi.json describes each of their fields.

// APIUser is a person whose laughs a token reaches.
type APIUser struct {
	User     string `json:"user"`
	Timezone string `json:"timezone"`
	Today    string `json:"today"`
	// Unreviewed counts up to UnreviewedMost.
	Unreviewed int `json:"unreviewed"`
}

// APIUsers is a list of users.
type APIUsers struct {
	Users []APIUser `json:"users"`
}

// APILaugh is a laugh as the API answers it: Laugh without the places where things lie.
type APILaugh struct {
	ID           string             `json:"id"`
	User         string             `json:"user"`
	Timezone     string             `json:"timezone"`
	Day          string             `json:"day"`
	Start        Stamp              `json:"start"`
	End          Stamp              `json:"end"`
	Local        string             `json:"local"`
	Duration     float64            `json:"duration_s"`
	Uncertain    float64            `json:"uncertain_s"`
	Score        float64            `json:"score"`
	Class        string             `json:"class"`
	ClassScores  map[string]float64 `json:"class_scores"`
	Heard        map[string]float64 `json:"heard"`
	Tier         string             `json:"tier"`
	Policy       string             `json:"policy"`
	Mark         string             `json:"mark"`
	Star         bool               `json:"star"`
	Note         string             `json:"note"`
	Recording    string             `json:"recording"`
	Offset       float64            `json:"offset_s"`
	Clip         string             `json:"clip"`
	Model        string             `json:"model"`
	ModelVersion string             `json:"model_version"`
}

// OfAPILaugh describes a laugh; clip is the address of its sound, which is left empty where it has none.
func OfAPILaugh(l orchestrator.StoredLaugh, clip string) APILaugh {
	document := APILaugh{ID: l.ID, User: l.User, Timezone: l.Timezone, Day: l.Day.String(), Start: Stamp(l.Start), End: Stamp(l.End),
		Duration: Seconds(l.End.Sub(l.Start)), Uncertain: Seconds(l.Uncertainty), Score: l.Score, Class: l.Class, ClassScores: map[string]float64{},
		Heard: map[string]float64{}, Tier: string(l.Tier), Policy: l.Policy, Mark: string(l.Mark), Star: l.Star, Note: l.Note, Recording: l.Recording,
		Offset: Seconds(l.Offset), Model: l.Model, ModelVersion: l.ModelVersion}
	if location, err := (orchestrator.User{Timezone: l.Timezone}).Location(); err == nil {
		document.Local = l.Start.In(location).Format(stampFormat)
	}
	for class, score := range l.ClassScores {
		document.ClassScores[class] = score
	}
	for _, heard := range l.Around.Heard {
		document.Heard[heard.Class] = heard.Score
	}
	if l.Clip != "" {
		document.Clip = clip
	}
	return document
}

// APILaughs is a page of a list of laughs.
type APILaughs struct {
	Laughs []APILaugh `json:"laughs"`
	// Next is the "after" of the next page; empty on the last one.
	Next string `json:"next"`
}

// APIChange is what a request changes of a laugh; what is absent stays.
type APIChange struct {
	Mark *string `json:"mark,omitempty"`
	Star *bool   `json:"star,omitempty"`
	Note *string `json:"note,omitempty"`
}

// APIDay counts the laughs of a local day.
type APIDay struct {
	Date     string `json:"date"`
	Sure     int    `json:"sure"`
	Maybe    int    `json:"maybe"`
	Wrong    int    `json:"wrong"`
	Unmarked int    `json:"unmarked"`
	Starred  int    `json:"starred"`
	Best     string `json:"best"`
}

// OfAPIDay describes a day; best is the laugh that is worth playing first.
func OfAPIDay(d orchestrator.DayCount, best string) APIDay {
	return APIDay{Date: d.Date.String(), Sure: d.Sure, Maybe: d.Maybe, Wrong: d.Wrong, Unmarked: d.UnmarkedSure + d.UnmarkedMaybe, Starred: d.Starred, Best: best}
}

// APIDays are the days of a user on which something was laughed, the earliest first.
type APIDays struct {
	User     string   `json:"user"`
	Timezone string   `json:"timezone"`
	From     string   `json:"from"`
	To       string   `json:"to"`
	Days     []APIDay `json:"days"`
}

// APIDaySound is a day with where there was sound and where it is missing.
type APIDaySound struct {
	User     string      `json:"user"`
	Timezone string      `json:"timezone"`
	Start    Stamp       `json:"start"`
	End      Stamp       `json:"end"`
	Laughs   APIDay      `json:"laughs"`
	Sound    []APISound  `json:"sound"`
	Missing  []APISilent `json:"missing"`
}

// APISound is where a recording lies.
type APISound struct {
	Start     Stamp  `json:"start"`
	End       Stamp  `json:"end"`
	Recording string `json:"recording"`
	// Problem is why it could not be read; empty where it could.
	Problem string `json:"problem"`
}

// APISilent is a stretch that could not be had.
type APISilent struct {
	Start  Stamp  `json:"start"`
	End    Stamp  `json:"end"`
	Reason string `json:"reason"`
}

// APIToken describes a token of the API, without its secret.
type APIToken struct {
	ID      int64    `json:"id"`
	Name    string   `json:"name"`
	Account string   `json:"account"`
	Role    string   `json:"role"`
	Scopes  []string `json:"scopes"`
	// Users that it reaches.
	Users     []string `json:"users"`
	CreatedAt Stamp    `json:"created_at"`
	ExpiresAt Stamp    `json:"expires_at"`
	UsedAt    Stamp    `json:"used_at"`
}

// OfAPIToken describes a token.
func OfAPIToken(t orchestrator.APIToken, account orchestrator.Account, users []orchestrator.User) APIToken {
	document := APIToken{ID: t.ID, Name: t.Name, Account: account.Name, Role: string(account.Role), Scopes: []string{}, Users: []string{},
		CreatedAt: Stamp(t.CreatedAt), ExpiresAt: Stamp(t.ExpiresAt), UsedAt: Stamp(t.UsedAt)}
	for _, scope := range t.Scopes {
		document.Scopes = append(document.Scopes, string(scope))
	}
	for _, user := range users {
		if t.UserID == 0 || t.UserID == user.ID {
			document.Users = append(document.Users, user.Name)
		}
	}
	return document
}

// APITokens is a list of tokens.
type APITokens struct {
	Tokens []APIToken `json:"tokens"`
}

// APITokenMade is a new token with its secret, which nobody sees again.
type APITokenMade struct {
	APIToken

	Secret string `json:"secret"`
	// Address is what a device or a player is given where the secret is a part of it; else empty.
	Address string `json:"address"`
}

// APIUpload is a recording that is being sent, or waits to be read.
type APIUpload struct {
	File     string `json:"file"`
	Bytes    int64  `json:"bytes"`
	Offset   int64  `json:"offset"`
	Complete bool   `json:"complete"`
	At       Stamp  `json:"at"`
}

// APIUploads is what waits to be read of what a user's devices sent.
type APIUploads struct {
	User       string      `json:"user"`
	UsedBytes  int64       `json:"used_bytes"`
	QuotaBytes int64       `json:"quota_bytes"`
	Recordings []APIUpload `json:"recordings"`
}

// Problem says why a request was not carried out, in the form of RFC 9457.
type Problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	// Code names the kind of problem, for programs.
	Code string `json:"code"`
	// Number finds the cause in the log of the server; empty where there is nothing more to know.
	Number string `json:"number"`
}
