package advice

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

var offsetZone = regexp.MustCompile(`^(?i)(?:UTC|GMT|Z)?\s*([+-])(\d{1,2})(?::?(\d\d))?$`)

// OffsetZone says what to write for a time zone that was given as an offset, such as GMT+1; empty where it is no offset.
// The names in Etc count the other way round, as POSIX does, so none of them is like what was written.
func OffsetZone(name string) string {
	m := offsetZone.FindStringSubmatch(strings.TrimSpace(name))
	if m == nil {
		return ""
	}
	hours, err := strconv.Atoi(m[2])
	const city = "want the IANA name of a city in that zone, such as Europe/Paris, which knows of summer time"
	switch {
	case err != nil || hours > 14 || hours > 12 && m[1] == "-":
		return "no zone is so far from UTC; " + city
	case m[3] != "" && m[3] != "00":
		return city
	case hours == 0:
		return city + "; or UTC"
	}
	ahead, sign := "ahead of", "-"
	if m[1] == "-" {
		ahead, sign = "behind", "+"
	}
	unit := "hours"
	if hours == 1 {
		unit = "hour"
	}
	return fmt.Sprintf("%s; or Etc/GMT%s%d, which is %d %s %s UTC all year: names in Etc count the other way round", city, sign, hours, hours, unit, ahead)
}
