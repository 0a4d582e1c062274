package document

import (
	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/settings"
)

// User is a person whose recordings are read.
type User struct {
	User     string `json:"user"`
	Timezone string `json:"timezone"`
	Source   string `json:"source"`
	Priority int    `json:"priority"`
	// Threshold is null where the setting's counts.
	Threshold *float64 `json:"threshold"`
	// Model is empty where the setting's counts. Inferd is the same under its name before 0.1.
	Model         string `json:"model"`
	Inferd        string `json:"inferd"`
	Enabled       bool   `json:"enabled"`
	KeepOriginals bool   `json:"keep_originals"`
	// Keep is what is kept of this user's sound other than the settings say, as user set --keep takes it; empty: nothing.
	Keep string `json:"keep"`
	// APIKeySealedWith names the secret key that the user's API key is encrypted with; empty where there is none.
	APIKeySealedWith string `json:"api_key_sealed_with"`
}

// OfUser describes a user; sealedWith is the id of the secret key that their API key is encrypted with.
func OfUser(u orchestrator.User, sealedWith string) User {
	document := User{User: u.Name, Timezone: u.Timezone, Source: settings.Mask(u.Source), Priority: u.Priority, Model: u.Model, Inferd: u.Model, Enabled: u.Enabled,
		KeepOriginals: u.KeepOriginals, APIKeySealedWith: sealedWith}
	document.Keep, _ = settings.KeepText(u.Retention) // it was checked when it was stored
	if u.Threshold != 0 {
		document.Threshold = &u.Threshold
	}
	return document
}
