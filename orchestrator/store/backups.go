package store

import (
	"context"

	"github.com/chortle-audio/chortle/orchestrator"
)

// keptBackups is how many notes of backups there are at most.
const keptBackups = 500

// NoteBackup notes a backup that was made, or failed.
func (s *Store) NoteBackup(ctx context.Context, b orchestrator.BackupNote) error {
	return s.transaction(ctx, "note backup", func(ctx context.Context, q querier) error {
		if _, err := q.exec(ctx, "DELETE FROM backups WHERE started_at = ?1 AND place = ?2", b.StartedAt, b.Place); err != nil { // an attempt before
			return err
		}
		if _, err := q.exec(ctx, `INSERT INTO backups (started_at, finished_at, place, name, bytes, good, error) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)`,
			b.StartedAt, b.FinishedAt, b.Place, b.Name, b.Bytes, b.Error == "", b.Error); err != nil {
			return err
		}
		_, err := q.exec(ctx, "DELETE FROM backups WHERE id NOT IN (SELECT id FROM backups ORDER BY id DESC LIMIT ?1)", keptBackups)
		return err
	})
}

// Backups returns the notes of backups, at most limit, those that were made last first.
func (s *Store) Backups(ctx context.Context, limit int) (all []orchestrator.BackupNote, err error) {
	err = s.read(ctx, "list backups", func(ctx context.Context, q querier) error {
		all = nil
		return q.each(ctx, "SELECT started_at, finished_at, place, name, bytes, error FROM backups ORDER BY id DESC LIMIT ?1", []any{max(0, limit)},
			func(scan func(...any) error) error {
				var b orchestrator.BackupNote
				err := scan(instant{&b.StartedAt}, instant{&b.FinishedAt}, &b.Place, &b.Name, &b.Bytes, &b.Error)
				all = append(all, b)
				return err
			})
	})
	return all, err
}
