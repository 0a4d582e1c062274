package backup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/chortle-audio/chortle/orchestrator"
)

// Restored tells what became of a backup that was restored.
type Restored struct {
	orchestrator.Loaded
	// Clips that were written.
	Clips int
	// LeftOut are the model commands that were not restored because nobody confirmed them: the users have the default.
	LeftOut []User
}

// Options say how a backup is restored. Their zero value believes nobody.
type Options struct {
	// Key is what the backup must have been written with; without one, its mark is not checked.
	Key Key
	// Replace deletes first what the database has; without it, it must be empty.
	Replace bool
	// Anybody restores a backup that Key did not write.
	Anybody bool
	// Confirmed tells which model commands of a backup that Key did not write are restored with it; nil: none.
	Confirmed func(User) bool
}

// Restore verifies a backup, then stores it: all of it, or nothing. Users who were purged since the backup was taken
// are left out with all that is theirs. What is restored is what was verified: a file that changes meanwhile is
// damaged.
//
// Errors: ErrDamaged, ErrUnauthenticated, orchestrator.ErrExists, and those of the database.
func Restore(ctx context.Context, path string, database Database, clips orchestrator.Clips, options Options) (Restored, Contents, error) {
	var restored Restored
	file, err := open(path)
	if err != nil {
		return restored, Contents{}, fmt.Errorf("restore backup: %w", err)
	}
	defer file.Close()
	contents, err := verify(ctx, file, options.Key)
	if err == nil {
		err = contents.believe(options.Key, options.Anybody)
	}
	if err != nil {
		return restored, contents, fmt.Errorf("restore backup %s: %w", path, err)
	}
	r := restorer{file: file, contents: contents, clips: clips}
	r.keep = func(u User) bool {
		return contents.Origin == OriginKnown || options.Confirmed != nil && options.Confirmed(u)
	}
	restored.Loaded, err = database.Load(ctx, orchestrator.Dump{Schema: contents.Schema, Replace: options.Replace,
		Tables: func(yield func(orchestrator.Table, error) bool) { r.tables(ctx, yield) },
		Commit: func(keys []string) error { return r.putClips(ctx, keys) },
	})
	if err != nil {
		// What was put is of no use without its rows. What it wrote over is the sound of the same laughs.
		for _, key := range r.fresh {
			err = errors.Join(err, clips.Delete(context.WithoutCancel(ctx), key))
		}
		return restored, contents, fmt.Errorf("restore backup: %w", err)
	}
	restored.Clips, restored.LeftOut = r.put, r.leftOut
	for _, key := range restored.Replaced {
		if err := clips.Delete(ctx, key); err != nil {
			return restored, contents, fmt.Errorf("restore backup: it is restored, but a clip from before is left: %w", err)
		}
	}
	return restored, contents, nil
}

// restorer is a restoration under way.
type restorer struct {
	file     *os.File
	contents Contents
	clips    orchestrator.Clips
	keep     func(User) bool
	put      int
	leftOut  []User
	fresh    []string // keys that were put where there was nothing
}

// errEnough ends a walk through the archive.
var errEnough = errors.New("enough")

// tables yields the tables of the archive in their order.
func (r *restorer) tables(ctx context.Context, yield func(orchestrator.Table, error) bool) {
	err := entries(ctx, r.file, func(name string, _ int64, content io.Reader) error {
		if !strings.HasPrefix(name, tablesDir) {
			return nil
		}
		hash := sha256.New()
		content = io.TeeReader(content, hash)
		table, err := readTable(content)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if name != tablesDir+table.Name+".jsonl" {
			return fmt.Errorf("%w: %s is table %q", ErrDamaged, name, table.Name)
		}
		table.Rows = r.rows(table)
		if !yield(table, nil) {
			return errEnough
		}
		if _, err := io.Copy(io.Discard, content); err != nil {
			return err
		}
		return r.same(name, hash.Sum(nil))
	})
	if err != nil && !errors.Is(err, errEnough) {
		yield(orchestrator.Table{}, err)
	}
}

// rows are the rows of a table, without the commands that nobody confirmed.
func (r *restorer) rows(table orchestrator.Table) func(func([]any, error) bool) {
	name, inferd := slices.Index(table.Columns, "name"), slices.Index(table.Columns, "inferd")
	if table.Name != "users" || name < 0 || inferd < 0 {
		return table.Rows
	}
	return func(yield func([]any, error) bool) {
		for row, err := range table.Rows {
			if err == nil && len(row) == len(table.Columns) {
				user, _ := row[name].(string)
				command, _ := row[inferd].(string)
				if u := (User{Name: user, Model: command}); row[inferd] != "" && !r.keep(u) {
					r.leftOut, row[inferd] = append(r.leftOut, u), ""
				}
			}
			if !yield(row, err) {
				return
			}
		}
	}
}

// same tells whether a file of the archive still is what was verified.
func (r *restorer) same(name string, sum []byte) error {
	if hex.EncodeToString(sum) != r.contents.Files[name].SHA256 {
		return fmt.Errorf("%w: %s is not what was written", ErrDamaged, name)
	}
	return nil
}

// putClips stores the clips of these keys, and no others.
func (r *restorer) putClips(ctx context.Context, keys []string) error {
	err := entries(ctx, r.file, func(name string, size int64, content io.Reader) error {
		key, isClip := strings.CutPrefix(name, clipsDir)
		if _, wanted := slices.BinarySearch(keys, key); !isClip || !wanted {
			return nil
		}
		if size > maxClip {
			return fmt.Errorf("%w: %s is too large", ErrDamaged, name)
		}
		data, err := io.ReadAll(content)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(data)
		if err := r.same(name, sum[:]); err != nil {
			return err
		}
		old, _, err := r.clips.Open(ctx, key)
		switch {
		case errors.Is(err, orchestrator.ErrNotFound):
			r.fresh = append(r.fresh, key)
		case err != nil:
			return err
		default:
			_ = old.Close() // only its being there counts
		}
		r.put++
		return r.clips.Put(ctx, key, data)
	})
	if err != nil {
		return err
	}
	missing := map[string]bool{}
	for _, key := range r.contents.Missing {
		missing[key] = true
	}
	for _, key := range keys {
		if _, has := r.contents.Files[clipsDir+key]; !has && !missing[key] {
			return fmt.Errorf("%w: the clip %s of a laugh is not in it", ErrDamaged, key)
		}
	}
	return nil
}
