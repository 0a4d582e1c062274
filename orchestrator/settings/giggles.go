package settings

import (
	"errors"
	"strings"
)

// Giggles says where the system is that Chortle replaces, for the time of an import.
type Giggles struct {
	// DatabaseURL of its Postgres; empty means that there is none.
	DatabaseURL string
	// EncryptionKey with which it stored API keys, 64 hexadecimal digits; empty means that it is not known.
	EncryptionKey string
}

// gigglesTable holds the settings of an import.
var gigglesTable = []Definition{
	{Name: "CHORTLE_GIGGLES_DATABASE_URL", Flag: "database-url", Secret: true, Help: "for an import: the old system's database, postgres://USER:PASSWORD@HOST/NAME",
		fallback: fixed(""),
		set: func(s *Settings, v string) error {
			if v != "" && !strings.HasPrefix(v, "postgres://") && !strings.HasPrefix(v, "postgresql://") {
				return errors.New("not a database address: use postgres://USER:PASSWORD@HOST/NAME")
			}
			s.Config.Giggles.DatabaseURL = v
			return nil
		}},
	{Name: "CHORTLE_GIGGLES_ENCRYPTION_KEY", Secret: true, Hidden: true, Help: "for an import: the old system's ENCRYPTION_KEY; default: that variable",
		fallback: func(s *Settings) string { return s.environment["ENCRYPTION_KEY"] },
		set: func(s *Settings, v string) error {
			s.Config.Giggles.EncryptionKey = v
			return nil
		}},
}
