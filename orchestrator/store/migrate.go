package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/pressly/goose/v3"

	"github.com/chortle-audio/chortle/orchestrator"
)

// ErrNewerSchema means that a newer version of the program has migrated the database.
var ErrNewerSchema = errors.New("database is newer than this program")

// Version returns the version of the database's schema and the one that this program wants. After
// New they are the same, until a newer program migrates the database.
func (s *Store) Version(ctx context.Context) (current, wanted int64, err error) {
	err = s.retry(ctx, "read schema version", func(ctx context.Context) error {
		provider, err := s.provider()
		if err != nil {
			return err
		}
		current, wanted, err = provider.GetVersions(ctx)
		return err
	})
	return current, wanted, err
}

func (s *Store) provider() (*goose.Provider, error) {
	return goose.NewProvider(s.goose, s.db, s.migrations, goose.WithDisableGlobalRegistry(true))
}

// migrate brings the schema up to date, one process at a time.
func (s *Store) migrate(ctx context.Context) error {
	return s.retry(ctx, "open database", func(ctx context.Context) error {
		err := s.migrateOnce(ctx)
		if verdict, _ := s.verdict(err); err == nil || verdict != VerdictOther || errors.Is(err, ErrNewerSchema) {
			return err
		}
		// What a damaged database says of a statement is any nonsense: the damage is what counts.
		if _, damage := s.dialect.Check(ctx, s.db); damage != nil {
			return damage
		}
		return err
	})
}

func (s *Store) migrateOnce(ctx context.Context) error {
	release, err := s.locker.Lock(ctx, SchemaLock, false)
	if errors.Is(err, orchestrator.ErrLocked) {
		return fmt.Errorf("%w: another process migrates it", errTryAgain)
	}
	if err != nil {
		return err
	}
	defer release()

	provider, err := s.provider()
	if err != nil {
		return err
	}
	current, wanted, err := provider.GetVersions(ctx)
	if err != nil {
		return err
	}
	if current > wanted {
		return fmt.Errorf("%w: its schema has version %d, this program knows %d; install the newer program",
			ErrNewerSchema, current, wanted)
	}
	kept := ""
	if s.before != nil && current > 0 && current < wanted {
		if kept, err = s.before(ctx, s, current, wanted); err != nil {
			return fmt.Errorf("keep the database as it is before its schema changes: %w", err)
		}
	}
	applied, err := provider.Up(ctx)
	for _, migration := range applied {
		s.log.WithField("version", migration.Source.Version).Info("migrated database")
	}
	if err != nil && kept != "" {
		return fmt.Errorf("migrate schema from version %d to %d: %w; the database as it was before is %s", current, wanted, err, kept)
	}
	if err != nil {
		return err
	}
	if err := s.fill(ctx); err != nil {
		return err
	}
	// A database that cannot be written to shows now, not after an hour of work.
	_, err = querier{s.db, s.dialect}.exec(ctx, "UPDATE users SET name = name WHERE id = 0")
	return err
}
