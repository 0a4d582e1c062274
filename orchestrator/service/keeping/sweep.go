package keeping

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/clips"
	"github.com/chortle-audio/chortle/orchestrator/document"
)

// References is what is known of which clips have a laugh.
type References interface {
	// Unreferenced returns those of the keys that no laugh refers to, in order.
	Unreferenced(ctx context.Context, keys []string) ([]string, error)
	// ClipKeys yields every key that a laugh refers to, once.
	ClipKeys(ctx context.Context) iter.Seq2[string, error]
}

const (
	// settled is how old a clip without a laugh must be: a younger one may belong to a recording that is just being stored.
	settled = 24 * time.Hour
	// fewOrphans may always be deleted; more of them only where they are at most a tenth of all. Otherwise the database is
	// not that of these clips, or lost some of its rows.
	fewOrphans = 100
	// mostOrphans bounds what one sweep deletes, and what it holds in memory.
	mostOrphans = 20_000
)

// SweepClips looks for clips that no laugh refers to, which a crash left, and deletes them unless dryRun. Only what was
// named by Chortle counts: whatever else lies among the clips is a person's. It deletes no laugh: see Missing. The caller
// keeps runs away.
func SweepClips(ctx context.Context, references References, kept orchestrator.Clips, now time.Time, dryRun bool) (document.Sweep, error) {
	var swept document.Sweep
	var orphans []string
	look := func(keys []string) error {
		free, err := references.Unreferenced(ctx, keys)
		if err != nil {
			return err
		}
		for _, key := range free {
			info, err := Stat(ctx, kept, key)
			if errors.Is(err, orchestrator.ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			if now.Sub(info.ModTime) < settled {
				continue
			}
			swept.Orphans++
			swept.OrphanBytes += info.Size
			if len(orphans) < mostOrphans {
				orphans = append(orphans, key)
			}
		}
		return nil
	}
	var page []string
	for key, err := range kept.Keys(ctx, "") {
		if err != nil {
			return swept, err
		}
		if !clips.Made(key) {
			continue
		}
		swept.Clips++
		if page = append(page, key); len(page) == batch {
			if err := look(page); err != nil {
				return swept, err
			}
			page = page[:0]
		}
	}
	if err := look(page); err != nil {
		return swept, err
	}
	if swept.Orphans > fewOrphans && swept.Orphans > swept.Clips/10 {
		swept.Held = fmt.Sprintf("%d of %d clips have no laugh: more than a crash leaves; is it the database of these clips, and is it whole?", swept.Orphans, swept.Clips)
		return swept, nil
	}
	if dryRun {
		return swept, nil
	}
	err := deleteOrphans(ctx, references, kept, orphans, &swept)
	return swept, err
}

// deleteOrphans deletes those clips that still have no laugh, and counts them.
func deleteOrphans(ctx context.Context, references References, kept orchestrator.Clips, orphans []string, swept *document.Sweep) error {
	for start := 0; start < len(orphans); start += batch {
		still, err := references.Unreferenced(ctx, orphans[start:min(start+batch, len(orphans))])
		if err != nil {
			return err
		}
		for _, key := range still {
			if err := kept.Delete(ctx, key); err != nil {
				return err
			}
			swept.Deleted++
		}
	}
	return nil
}

// Missing counts the laughs' clips that are not there, and names one.
func Missing(ctx context.Context, references References, kept orchestrator.Clips) (count int, example string, err error) {
	for key, err := range references.ClipKeys(ctx) {
		if err != nil {
			return count, example, err
		}
		switch _, err := Stat(ctx, kept, key); {
		case errors.Is(err, orchestrator.ErrNotFound):
			if count++; count == 1 {
				example = key
			}
		case err != nil:
			return count, example, err
		}
	}
	return count, example, nil
}
