package main

import (
	"context"
	"fmt"
	"regexp"
	"strings"
)

// version of a release in the forms that its readers want.
type version struct {
	// program is what `orchestrator version` prints, such as "v0.1.0" or "v0.1.0-3-gabc1234".
	program string
	// number is that of packages, of digits and what sorts right behind them, such as "0.1.0" or "0.1.0+3.gabc1234".
	number string
}

var described = regexp.MustCompile(`^v(\d+\.\d+\.\d+)(?:-((?:rc|alpha|beta)[.\d]*))?(?:-(\d+)-(g[0-9a-f]+))?(-dirty)?$`)

// describe names the commit; named comes from the caller and may be empty.
func (r *release) describe(ctx context.Context, named string) (version, error) {
	if named == "" {
		answer, err := r.git(ctx, "describe", "--tags", "--always", "--dirty")
		if err != nil {
			return version{}, fmt.Errorf("name the commit: %w; say -version", err)
		}
		named = answer
	}
	return parseVersion(named, r.time.Format("20060102")), nil
}

// parseVersion makes the number of a package: a commit behind a tag sorts after it, one before a release ("rc") before
// it, and one without any tag before everything, by its day.
func parseVersion(text, day string) version {
	parts := described.FindStringSubmatch(text)
	if parts == nil {
		return version{program: text, number: "0.0.0~" + day + "." + strings.ReplaceAll(text, "-", ".")}
	}
	number := parts[1]
	if parts[2] != "" {
		number += "~" + parts[2]
	}
	if parts[3] != "" {
		number += "+" + parts[3] + "." + parts[4]
	}
	if parts[5] != "" {
		number += "+dirty"
	}
	return version{program: text, number: number}
}
