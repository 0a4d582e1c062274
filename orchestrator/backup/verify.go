package backup

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/chortle-audio/chortle/orchestrator"
)

// ErrDamaged marks a file that is no whole backup.
var ErrDamaged = errors.New("the backup is damaged; take another one")

// Bounds of what is read into memory, in bytes.
const (
	maxManifest = 256 << 20 // about two million clips
	maxClip     = 256 << 20
)

// Contents is what a backup holds, and what is known of who wrote it.
type Contents struct {
	Manifest
	Origin Origin
	// KeyID names the key that it says it was written with; empty where it has no mark.
	KeyID string
	// Users that are in it, by their order there.
	Users []User
}

// User is what a backup says of a user that decides what is run and read for them.
type User struct {
	Name, Source, Model string
}

// IsBackup reports whether a file looks like a backup of this program, whole or not: its first entry is a table, a clip
// or the manifest. A file that cannot be read is none.
func IsBackup(path string) bool {
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer file.Close()
	header, err := tar.NewReader(file).Next()
	return err == nil && (header.Name == manifestName || strings.HasPrefix(header.Name, clipsDir) || strings.HasPrefix(header.Name, tablesDir))
}

// Verify reads a whole backup, compares every file in it with its hash, and returns what it holds. It ends within the
// time that reading the file takes, whatever the file says of itself.
//
// Errors: ErrDamaged, also where key wrote it and somebody without the key changed it.
func Verify(ctx context.Context, path string, key Key) (Contents, error) {
	file, err := open(path)
	if err != nil {
		return Contents{}, fmt.Errorf("verify backup: %w", err)
	}
	defer file.Close()
	contents, err := verify(ctx, file, key)
	if err != nil {
		return contents, fmt.Errorf("verify backup %s: %w", path, err)
	}
	return contents, nil
}

// open opens a backup; it never waits for the other end of a FIFO.
func open(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(fmt.Errorf("%s is not a regular file", path), err, file.Close())
	}
	return file, nil
}

func verify(ctx context.Context, file *os.File, key Key) (contents Contents, err error) {
	var (
		found    = map[string]File{}
		sum      = key.hash()
		marked   *mark
		manifest bool
	)
	err = entries(ctx, file, func(name string, size int64, content io.Reader) (err error) {
		switch {
		case marked != nil, manifest && name != markName:
			return fmt.Errorf("%w: %s was added", ErrDamaged, name)
		case name == markName && !manifest:
			return fmt.Errorf("%w: its mark is in front of its manifest", ErrDamaged)
		case name == markName:
			marked, err = readMark(content, size)
			return err
		case name == manifestName && size > maxManifest:
			return fmt.Errorf("%w: its manifest is too large", ErrDamaged)
		case name == manifestName:
			manifest = true
			decoder := json.NewDecoder(io.TeeReader(content, sum))
			if err := decoder.Decode(&contents.Manifest); err != nil {
				return fmt.Errorf("%w: its manifest: %w", ErrDamaged, err)
			}
			_, err := io.Copy(sum, content)
			return err
		}
		if _, twice := found[name]; twice {
			return fmt.Errorf("%w: %s is in it twice", ErrDamaged, name)
		}
		hash := sha256.New()
		content = io.TeeReader(content, hash)
		if name == tablesDir+"users.jsonl" {
			if contents.Users, err = readUsers(content); err != nil {
				return fmt.Errorf("%w: %s: %w", ErrDamaged, name, err)
			}
		}
		if _, err := io.Copy(io.Discard, content); err != nil {
			return err
		}
		found[name] = File{size, hex.EncodeToString(hash.Sum(nil))}
		return nil
	})
	if err != nil {
		return contents, err
	}
	if err := contents.compare(found); err != nil {
		return contents, err
	}
	if marked != nil {
		contents.KeyID = marked.Key
	}
	contents.Origin, err = key.origin(marked, sum)
	return contents, err
}

// compare holds what was found to what the manifest says; it empties found.
func (m Manifest) compare(found map[string]File) error {
	switch {
	case m.Format == "":
		return fmt.Errorf("%w: it has no manifest", ErrDamaged)
	case m.Format != format && m.Format != firstFormat:
		return fmt.Errorf("%w: its format is %q, this program knows %q", ErrDamaged, m.Format, format)
	}
	for name, want := range m.Files {
		switch got, ok := found[name]; {
		case !ok:
			return fmt.Errorf("%w: %s is not in it", ErrDamaged, name)
		case got != want:
			return fmt.Errorf("%w: %s is not what was written", ErrDamaged, name)
		}
		delete(found, name)
	}
	for name := range found {
		return fmt.Errorf("%w: %s was added", ErrDamaged, name)
	}
	return nil
}

// readUsers reads what a table of users says of what is run and read for them.
func readUsers(content io.Reader) (users []User, err error) {
	table, err := readTable(content)
	if err != nil {
		return nil, err
	}
	name, source, inferd := slices.Index(table.Columns, "name"), slices.Index(table.Columns, "source"), slices.Index(table.Columns, "inferd")
	for row, err := range table.Rows {
		if err != nil {
			return nil, err
		}
		text := func(i int) string {
			if i < 0 || i >= len(row) {
				return ""
			}
			text, _ := row[i].(string)
			return text
		}
		users = append(users, User{text(name), text(source), text(inferd)})
	}
	return users, nil
}

// entries calls each for every file of an archive, in order. What they hold in all is no more than the archive's own
// size: sparse files, which say they are larger than they are, and links are refused.
func entries(ctx context.Context, file *os.File, each func(name string, size int64, content io.Reader) error) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	archive := tar.NewReader(stoppable{ctx, file})
	left := info.Size()
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return ctx.Err()
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		if header.Typeflag != tar.TypeReg || isSparse(header) {
			return fmt.Errorf("%w: %q is not a plain file", ErrDamaged, header.Name)
		}
		if left -= header.Size; left < 0 {
			return fmt.Errorf("%w: %q says it is larger than the backup", ErrDamaged, header.Name)
		}
		if err := each(header.Name, header.Size, stoppable{ctx, archive}); err != nil {
			return err
		}
	}
}

func isSparse(header *tar.Header) bool {
	for key := range header.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return true
		}
	}
	return false
}

// stoppable ends reading when its context does.
type stoppable struct {
	ctx context.Context //nolint:containedctx // a Reader has no other way to be stopped
	io.Reader
}

func (s stoppable) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.Reader.Read(p)
}

// believe decides whether a backup of this origin may be restored.
func (c Contents) believe(key Key, anybody bool) error {
	if c.Origin == OriginKnown || anybody || len(key.Secret) == 0 {
		return nil
	}
	why := "it has no mark: an older program wrote it, one without a secret key, or somebody else"
	if c.Origin == OriginOtherKey {
		why = fmt.Sprintf("it says it was written with secret key %q, and this one is %s", c.KeyID, key.ID)
	}
	return orchestrator.WithCode(fmt.Errorf("%w: %s", ErrUnauthenticated, why), orchestrator.CodeBackupUnauthenticated)
}
