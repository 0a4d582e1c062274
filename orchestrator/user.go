package orchestrator

import (
	"fmt"
	"regexp"
	"time"
)

// User is a person whose recordings are read. The zero value is not valid; see Validate.
type User struct {
	// ID is internal to the store; 0 until the user is stored.
	ID int64
	// Name is short, unique and shown everywhere: lower-case letters, digits, '-', '_' and '.'.
	Name string
	// Timezone is an IANA name, such as "Europe/London". A user's days are cut in it.
	Timezone string
	// Source is the URL-like address of the user's recordings, such as "folder:/home/alice/sound".
	Source string
	// Priority orders users within a run, the smallest first; users of the same priority go by name.
	Priority int
	// Threshold is the score from which a laugh is one, in (0, 1]; 0 means the setting's.
	Threshold float64
	// Policy is a JSON object of what this user's policy says other than everybody's; empty means nothing.
	Policy string
	// Model is the command that starts this user's model, or its name in models.toml; empty means the setting's.
	Model string
	// Enabled users are read by a run that names nobody.
	Enabled bool
	// KeepOriginals says that a source that downloads keeps what it downloaded.
	KeepOriginals bool
	// Retention is a JSON object of what is kept of this user's sound other than the settings say; empty means nothing.
	Retention string
}

var userName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)

// Validate returns an error that names the first field that cannot be used. It does not look whether
// the source exists.
func (u User) Validate() error {
	if err := ValidateUserName(u.Name); err != nil {
		return err
	}
	if _, err := u.Location(); err != nil {
		return err
	}
	if u.Source == "" {
		return fmt.Errorf("check source of user %q: empty", u.Name)
	}
	if err := ValidateThreshold(u.Threshold); err != nil {
		return err
	}
	if err := CheckOverride(u.Policy); err != nil {
		return fmt.Errorf("check policy of user %q: %w", u.Name, err)
	}
	if _, err := (Retention{}).Override(u.Retention); err != nil {
		return fmt.Errorf("check retention of user %q: %w", u.Name, err)
	}
	return nil
}

// ValidateUserName accepts 1 to 63 of a-z, 0-9, '.', '_' and '-', the first a letter or digit.
func ValidateUserName(name string) error {
	if !userName.MatchString(name) {
		return fmt.Errorf("check user name %q: want 1 to 63 of a-z, 0-9, '.', '_' and '-', the first a letter or digit", name)
	}
	return nil
}

// Location returns the user's time zone. Only a zone of the IANA database is accepted: neither the
// empty name nor "Local", which would be the server's own.
func (u User) Location() (*time.Location, error) {
	if u.Timezone == "" || u.Timezone == "Local" {
		return nil, fmt.Errorf("load time zone %q of user %q: want an IANA name such as Europe/London", u.Timezone, u.Name)
	}
	loc, err := time.LoadLocation(u.Timezone)
	if err != nil {
		return nil, fmt.Errorf("load time zone %q of user %q: %w; want an IANA name such as Europe/London", u.Timezone, u.Name, err)
	}
	return loc, nil
}

// ValidateThreshold accepts 0 (the default) and every score in (0, 1].
func ValidateThreshold(t float64) error {
	if !(t >= 0 && t <= 1) {
		return fmt.Errorf("check threshold %v: want a score between 0 and 1", t)
	}
	return nil
}

// PolicyChange is one change of what a user's policy says other than everybody's.
type PolicyChange struct {
	ID int64
	At time.Time // UTC
	// Threshold and Policy as of User after it, and before.
	Threshold, BeforeThreshold float64
	Policy, BeforePolicy       string
	// Note says what it was made of; may be empty.
	Note string
	// Undone changes count no more.
	Undone bool
}
