package service

import (
	"context"
	"errors"
	"fmt"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/clips"
	"github.com/chortle-audio/chortle/orchestrator/document"
	"github.com/chortle-audio/chortle/orchestrator/importer/giggles"
)

// DefaultPriority is that of a user of whom nothing else was said.
const DefaultPriority = 100

// ImportRequest says what is brought over from giggles-cli, whose database and key the settings name.
type ImportRequest struct {
	// Clips is its folder of clips; empty means that laughs come without sound.
	Clips string
	// Names are the names of users here by their e-mail there.
	Names map[string]string
	// DryRun only counts.
	DryRun bool
}

// ImportGiggles brings over users, laughs, clips and the log of giggles-cli, which it only reads. It may be done again.
// A *LockedError while a run is under way. What went wrong with one user is in the document.
func (s *Service) ImportGiggles(ctx context.Context, request ImportRequest) (document.Import, error) {
	imported := document.Import{DryRun: request.DryRun, Users: []document.ImportedUser{}}
	config := s.Config.Giggles
	if config.DatabaseURL == "" {
		return imported, invalidCode(orchestrator.CodeNoForeignDatabase, "no database to import from")
	}
	keys, err := giggles.NewKeys(config.EncryptionKey)
	if err != nil {
		return imported, &InvalidError{err}
	}
	var old *giggles.Folder
	if request.Clips != "" {
		if old, err = giggles.OpenFolder(request.Clips); err != nil {
			return imported, err
		}
		defer old.Close()
	}
	from, err := giggles.Open(ctx, config.DatabaseURL)
	if err != nil {
		return imported, err
	}
	defer from.Close()
	release, err := s.lockShared(ctx)
	if err != nil {
		return imported, err
	}
	defer release()
	opened, err := s.Store(ctx)
	if err != nil {
		return imported, err
	}
	kept, err := s.Clips(ctx)
	if err != nil {
		return imported, err
	}
	importer := giggles.Importer{From: from, Clips: old, Keys: keys, Store: opened, Kept: kept, ClipKey: clips.Key, Names: request.Names, DryRun: request.DryRun,
		Source: limitlessSource, Priority: DefaultPriority,
		HasKey: func(ctx context.Context, user orchestrator.User) (bool, error) {
			_, err := opened.Secret(ctx, user.ID, fieldAPIKey)
			if errors.Is(err, orchestrator.ErrNotFound) {
				return false, nil
			}
			return err == nil, err
		},
		Keep: s.SetAPIKey,
	}
	reports, err := importer.Run(ctx)
	if err != nil {
		return imported, fmt.Errorf("import: %w; what was brought over is stored, and importing again goes on from there", err)
	}
	for _, r := range reports {
		imported.Users = append(imported.Users, document.ImportedUser{User: r.User, Email: r.Email, Status: r.Status,
			Recordings: document.ImportCount(r.Recordings), Laughs: document.ImportCount(r.Laughs), Runs: document.ImportCount(r.Runs),
			Clips: document.ImportCount(r.Clips), ClipsMissing: r.ClipsMissing, Key: r.Key, Problems: r.Problems})
		if r.Status == "failed" || r.Key == "failed" {
			imported.ExitCode = orchestrator.ExitIncomplete
		}
	}
	return imported, nil
}
