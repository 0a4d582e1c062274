package giggles

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/chortle-audio/chortle/orchestrator"
)

// maxClip bounds a clip: theirs have 128 kB.
const maxClip = 16 << 20

// Folder is the old folder of clips, or the upload folder above it. What the old database says of a path
// is not believed: only the file's name counts, and no link leads out of the folder.
type Folder struct{ root *os.Root }

// OpenFolder opens the folder for reading.
func OpenFolder(dir string) (*Folder, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, orchestrator.WithCode(fmt.Errorf("open the old clips: %w", err), orchestrator.CodeNoForeignClips)
	}
	return &Folder{root}, nil
}

// Close ends the reading.
func (f *Folder) Close() error { return f.root.Close() }

// errNoClip means that there is no file for a clip.
var errNoClip = errors.New("there is no such clip")

// find returns the path of the file of a user that a row names.
func (f *Folder) find(userID, clipPath string) (string, error) {
	name := path.Base(strings.ReplaceAll(clipPath, `\`, "/"))
	if clipPath == "" || name == "." || name == "/" || name == ".." {
		return "", errNoClip
	}
	for _, folder := range []string{userID, path.Join("clips", userID), ".", "clips"} {
		file := path.Join(folder, name)
		info, err := f.root.Stat(file)
		switch {
		case err == nil && info.Mode().IsRegular() && info.Size() > 0 && info.Size() <= maxClip:
			return file, nil
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			continue // a link out of the folder, or nothing for us: as if it were not there
		}
	}
	return "", errNoClip
}

func (f *Folder) read(file string) ([]byte, error) {
	opened, err := f.root.Open(file)
	if err != nil {
		return nil, err
	}
	defer opened.Close()
	return io.ReadAll(io.LimitReader(opened, maxClip))
}
