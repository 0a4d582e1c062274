package cli

import (
	_ "embed"
	"strings"
	_ "time/tzdata" // the zones work on machines that have none
)

// The names of the IANA zones, one a line: the database inside the binary cannot list them.
//
//go:embed zones.txt
var zoneNames string

func zones() []string { return strings.Fields(zoneNames) }
