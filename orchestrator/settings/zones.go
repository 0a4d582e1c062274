package settings

import (
	_ "embed"
	"strings"
	_ "time/tzdata" // the zones work on machines that have none
)

// The names of the IANA zones, one a line: the database inside the binary cannot list them.
//
//go:embed zones.txt
var zoneNames string

// Zones returns the names of the IANA time zones.
func Zones() []string { return strings.Fields(zoneNames) }
