package limitless

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/chortle-audio/chortle/orchestrator"
)

// Verified is what a reading of a whole archive found.
type Verified struct {
	// Files that are there as the manifest has them, and how long they are together.
	Files int
	Bytes int64
	// Damaged are files that are there and are not what was downloaded. Their lines do not count any more: the next call
	// of Archive asks for them again.
	Damaged []string
}

// Verify reads every file of a user's archive and compares it with the manifest. A damaged file is renamed, so that the
// next call of Archive downloads it again. Files that are missing are asked for again by Archive anyway.
func Verify(ctx context.Context, dir, user string) (v Verified, err error) {
	m, err := openManifest(dir, user)
	if err != nil {
		return v, err
	}
	defer func() { err = errors.Join(err, m.close()) }()
	last := map[string]ManifestLine{} // of each file
	var order []string
	for _, line := range m.lines {
		if line.File == "" {
			continue
		}
		if _, ok := last[line.File]; !ok {
			order = append(order, line.File)
		}
		last[line.File] = line
	}
	for _, name := range order {
		path := filepath.Join(dir, filepath.FromSlash(name))
		sum, err := hashOf(ctx, path)
		if err != nil {
			return v, fmt.Errorf("verify archive: %w", err)
		}
		if sum != last[name].SHA256 {
			v.Damaged = append(v.Damaged, name)
			if err := os.Rename(path, path+".damaged"); err != nil {
				return v, fmt.Errorf("verify archive: %w", err)
			}
			continue
		}
		v.Files++
		v.Bytes += last[name].Bytes
	}
	return v, nil
}

func hashOf(ctx context.Context, path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", orchestrator.Unreadable(err)
	}
	defer file.Close()
	hash, buffer := sha256.New(), make([]byte, 256<<10)
	for {
		n, err := file.Read(buffer)
		hash.Write(buffer[:n])
		switch {
		case errors.Is(err, io.EOF):
			return hex.EncodeToString(hash.Sum(nil)), nil
		case err != nil:
			return "", orchestrator.Unreadable(err)
		case ctx.Err() != nil:
			return "", ctx.Err()
		}
	}
}
