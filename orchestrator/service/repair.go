package service

import (
	"context"
	"strings"

	"github.com/chortle-audio/chortle/orchestrator/document"
	"github.com/chortle-audio/chortle/orchestrator/store/sqlite"
)

// Repair reads what can be read of the SQLite database into a new file beside it, and says what could not. It changes
// nothing else: a person puts the new file in the place of the old one. A *LockedError while a run is under way; an
// *InvalidError where the database is none of SQLite's.
func (s *Service) Repair(ctx context.Context) (document.Repair, error) {
	path, local := strings.CutPrefix(s.Config.DatabaseURL, "sqlite:")
	if !local {
		return document.Repair{}, invalid("only a SQLite database can be repaired: Postgres has tools of its own, or restore a backup")
	}
	release, err := s.Lock()
	if err != nil {
		return document.Repair{}, err
	}
	defer release()
	repaired := document.Repair{File: path, New: strings.TrimSuffix(path, ".db") + "-repaired-" + s.Now().UTC().Format(backupTime) + ".db", Tables: []document.RepairTable{}}
	tables, err := sqlite.Repair(ctx, path, repaired.New)
	for _, t := range tables {
		lost := &t.Lost
		if t.Lost < 0 {
			lost = nil
		}
		repaired.Tables = append(repaired.Tables, document.RepairTable{Table: t.Name, Read: t.Read, Lost: lost, Loose: t.Loose})
	}
	return repaired, err
}
