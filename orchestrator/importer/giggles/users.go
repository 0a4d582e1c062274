package giggles

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/store"
)

// adopt finds or makes the user. In a dry run a user who would be made has no id.
func (i *Importer) adopt(ctx context.Context, old oldUser, report *Report) (user orchestrator.User, status string, err error) {
	uid := strings.ReplaceAll(old.ID, "-", "")
	user, err = i.Store.UserByUID(ctx, uid)
	switch {
	case err == nil:
		return user, "known", nil
	case errors.Is(err, store.ErrPurged):
		return user, "purged", nil
	case !errors.Is(err, orchestrator.ErrNotFound):
		return user, "failed", err
	}
	name, named := i.Names[old.Email]
	if !named {
		if name, err = i.freeName(ctx, old); err != nil {
			return user, "failed", err
		}
	}
	wanted := orchestrator.User{Name: name, Timezone: old.Timezone, Source: i.Source, Priority: i.Priority, Enabled: old.Active && old.Key != ""}
	if _, err := wanted.Location(); err != nil {
		report.Problems = append(report.Problems, err.Error()+"; UTC is used until the time zone of "+name+" is set")
		wanted.Timezone = "UTC"
	}
	if i.DryRun {
		return wanted, "new", wanted.Validate()
	}
	user, _, err = i.Store.Adopt(ctx, uid, wanted, named)
	if errors.Is(err, store.ErrPurged) {
		return user, "purged", nil
	}
	if err != nil {
		return wanted, "failed", err
	}
	return user, "new", nil
}

var notInNames = regexp.MustCompile(`[^a-z0-9._-]+`)

// freeName makes a name of an e-mail that nobody has here: its first part, else all of it, else with a
// piece of the old id.
func (i *Importer) freeName(ctx context.Context, old oldUser) (string, error) {
	email := strings.ToLower(old.Email)
	local, domain, _ := strings.Cut(email, "@")
	clean := func(text string) string {
		text = strings.Trim(notInNames.ReplaceAllString(text, "-"), "-._")
		return cmp.Or(text[:min(50, len(text))], "user")
	}
	for _, name := range []string{clean(local), clean(local + "-" + domain), clean(local) + "-" + old.ID[:min(8, len(old.ID))]} {
		_, err := i.Store.User(ctx, name)
		if errors.Is(err, orchestrator.ErrNotFound) {
			return name, nil
		}
		if err != nil {
			return "", err
		}
	}
	return "", fmt.Errorf("name the user of %s: every name is taken; choose one", old.Email)
}

func (i *Importer) key(ctx context.Context, old oldUser, user orchestrator.User, report *Report) error {
	if old.Key == "" {
		return nil
	}
	if user.ID != 0 {
		has, err := i.HasKey(ctx, user)
		if err != nil {
			return err
		}
		if has { // it may be newer than the old one
			report.Key = "known"
			return nil
		}
	}
	key, err := i.Keys.open(old.ID, old.Key)
	if err != nil {
		return err
	}
	report.Key = "new"
	if i.DryRun {
		return nil
	}
	return i.Keep(ctx, user, key)
}
