package keeping

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/document"
)

// Original is a folder of downloads that are kept.
type Original struct {
	// Dir is the folder.
	Dir string
	// Files are the paths below it that may go, with when their sound ends; nil means all, by their names.
	Files map[string]time.Time
}

// originals deletes the downloads of a user that are too old, once nothing hangs on them any more.
func (p *Pruner) originals(ctx context.Context, s Subject, part *document.PrunePart) error {
	if s.OriginalDays == 0 {
		return nil
	}
	for _, original := range s.Originals {
		if err := p.folder(ctx, s, original, part); err != nil {
			return err
		}
	}
	return nil
}

func (p *Pruner) folder(ctx context.Context, s Subject, original Original, part *document.PrunePart) error {
	root, err := os.OpenRoot(original.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		complain(part, err)
		return nil
	}
	defer root.Close()
	return fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			complain(part, err) // one odd folder does not keep the others
			return nil
		case !entry.Type().IsRegular():
			return nil
		}
		end, known := original.Files[name]
		if original.Files != nil && !known {
			return nil
		}
		info, err := entry.Info()
		if err != nil {
			complain(part, err)
			return nil
		}
		if !known {
			end = timeOf(name, info)
		}
		part.Scanned++
		part.Bytes += info.Size()
		if p.Now.Sub(end) <= time.Duration(s.OriginalDays)*24*time.Hour {
			keep(part, orchestrator.HoldWithin)
			return nil
		}
		hold, err := p.needed(ctx, s, root, name)
		switch {
		case errors.Is(err, orchestrator.ErrStoreUnavailable), ctx.Err() != nil:
			return err
		case err != nil:
			complain(part, err)
			hold = orchestrator.HoldError
		}
		if hold == "" && !p.DryRun {
			if err := remove(root, name); err != nil {
				complain(part, err)
				hold = orchestrator.HoldError
			}
		}
		if hold != "" {
			keep(part, hold)
			return nil
		}
		part.Deleted++
		part.Freed += info.Size()
		part.ByRule[string(orchestrator.RuleAge)]++
		return nil
	})
}

// timeOf is when the sound of a download begins, by its name; else when it was written. An edit of the folder moves
// neither.
func timeOf(name string, info fs.FileInfo) time.Time {
	stem := strings.TrimSuffix(path.Base(name), path.Ext(name))
	for _, layout := range []string{"2006-01-02T15-04-05Z", "2006-01-02T15-04-05.000Z"} {
		if start, err := time.Parse(layout, stem); err == nil {
			return start
		}
	}
	return info.ModTime()
}

// needed says why a download must stay: it was not read, or a laugh of it has no sound elsewhere. Empty where it may go.
func (p *Pruner) needed(ctx context.Context, s Subject, root *os.Root, name string) (orchestrator.RetentionHold, error) {
	file, err := root.Open(name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return "", err
	}
	heard, err := p.Store.HeardRecording(ctx, s.ID, hex.EncodeToString(hash.Sum(nil)))
	switch {
	case err != nil:
		return "", err
	case !heard.Done:
		return orchestrator.HoldUnread, nil
	case heard.Silent > 0:
		return orchestrator.HoldNoClip, nil
	}
	for _, key := range heard.Clips {
		info, err := Stat(ctx, p.Clips, key)
		switch {
		case errors.Is(err, orchestrator.ErrNotFound):
			return orchestrator.HoldNoClip, nil
		case err != nil:
			return "", err
		case s.BackedUp && !info.ModTime.Before(p.Backup):
			return orchestrator.HoldNoBackup, nil
		}
	}
	if s.BackedUp && p.Backup.IsZero() {
		return orchestrator.HoldNoBackup, nil
	}
	return "", nil
}

// remove deletes a file, and its folder where that is empty then.
func remove(root *os.Root, name string) error {
	if err := root.Remove(name); err != nil {
		return err
	}
	if dir := path.Dir(name); dir != "." {
		_ = root.Remove(dir) // it may have others
	}
	return nil
}
