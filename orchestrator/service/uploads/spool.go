package uploads

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/chortle-audio/chortle/internal/atomicfile"
	"github.com/chortle-audio/chortle/internal/flock"
)

// Conditions that a caller branches on.
var (
	// ErrName marks a name that no recording may have.
	ErrName = errors.New("name is none of a recording")
	// ErrConflict means that a recording of that name is there, with other content.
	ErrConflict = errors.New("another recording has this name")
	// ErrLength marks a piece whose lengths do not fit together.
	ErrLength = errors.New("lengths do not fit together")
	// ErrDigest means that what came is not what the sender has.
	ErrDigest = errors.New("content has another SHA-256")
	// ErrBusy means that somebody sends the same recording now.
	ErrBusy = errors.New("the same recording is being sent")
	// ErrCut means that a piece ended early; what came of it is kept.
	ErrCut = errors.New("piece ended early")
)

// OffsetError says that a piece does not begin where the one before ended.
type OffsetError struct{ Want int64 }

func (e *OffsetError) Error() string { return fmt.Sprintf("piece does not begin at %d", e.Want) }

// QuotaError says that there is no room: for the user, or on the disk.
type QuotaError struct {
	Used, Quota int64
	// Disk is true where the disk is full and not the user's share.
	Disk bool
}

func (e *QuotaError) Error() string {
	if e.Disk {
		return "disk is nearly full"
	}
	return fmt.Sprintf("quota of %d bytes is used up: %d bytes wait to be read", e.Quota, e.Used)
}

const (
	// keepFree is what must stay free on the disk: a database and clips live there, too.
	keepFree = 512 << 20
	// partLife is how long a part waits for its next piece.
	partLife = 7 * 24 * time.Hour
	// checkEvery is how often it is asked, while a piece comes in, whether its sender may still send.
	checkEvery = 4 << 20
	// maxName bounds a name, in bytes: what file systems take.
	maxName = 255
)

// Spool is what one user's devices send. Safe for concurrent use, by several processes.
type Spool struct {
	// Dir is the user's folder of what was received. It need not be there.
	Dir string
	// Quota is how much may wait to be read, in bytes.
	Quota int64
	// Reads reports whether a run reads files of that name.
	Reads func(name string) bool
	// Free is how much space a folder's disk has.
	Free func(dir string) (int64, error)
	Now  func() time.Time
}

// Folder is where whole recordings lie, below Dir.
const Folder = "uploads"

const incoming = ".incoming"

func (s *Spool) final(name string) string { return filepath.Join(s.Dir, Folder, name) }

// State is how far an upload is.
type State struct {
	Name string
	// Offset is how much is here, Total how much there will be; they are equal where it is complete. In bytes.
	Offset, Total int64
	// At is when it came, or when the latest piece did.
	At time.Time
	// Again says that it was here before, or was read already, and nothing was stored.
	Again bool
}

// Complete reports whether all is here.
func (s State) Complete() bool { return s.Offset == s.Total }

// Piece is a part of a recording, or all of it.
type Piece struct {
	Name string
	// Offset of the piece in the recording, its Length, and the Total of the recording, in bytes.
	Offset, Length, Total int64
	// SHA256 of the whole recording; nil where the sender does not say.
	SHA256 []byte
	// Modified is when the sender's file was last changed; zero where they do not say.
	Modified time.Time
	// AtMost says that Total and Length are only what it can be at most: the recording ends where its body does. It cannot be resumed.
	AtMost bool
	// MayStill reports why the sender may send no longer; nil where they may. It is asked again and again.
	MayStill func(ctx context.Context) error
}

// CheckName says why a recording may not have a name: an error that wraps ErrName, with a reason for a person.
func (s *Spool) CheckName(name string) error {
	bad := func(why string) error { return fmt.Errorf("%w: it %s", ErrName, why) }
	switch {
	case name == "" || len(name) > maxName:
		return bad(fmt.Sprintf("is not 1 to %d bytes long", maxName))
	case !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return bad("has a character that cannot be printed")
	case strings.ContainsAny(name, `/\`):
		return bad("is a path")
	case strings.HasPrefix(name, ".") || strings.HasPrefix(name, "~"):
		return bad("begins with a dot or a tilde")
	case !s.Reads(name):
		return bad("has no ending of sound or film")
	}
	return nil
}

// partName is what a part is called: its name may be as long as a name can be, and is not in it.
func partName(name string, total int64) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:16]) + "-" + strconv.FormatInt(total, 10) + ".part"
}

// parts finds the parts of a recording, whatever total they were begun with.
func (s *Spool) parts(name string) ([]string, error) {
	prefix, _, _ := strings.Cut(partName(name, 0), "-")
	return filepath.Glob(filepath.Join(s.Dir, incoming, prefix+"-*.part"))
}

// totalOf is the total that a part was begun with.
func totalOf(part string) int64 {
	_, rest, _ := strings.Cut(filepath.Base(part), "-")
	total, _ := strconv.ParseInt(strings.TrimSuffix(rest, ".part"), 10, 64)
	return total
}

// State says how far an upload is. An error that wraps fs.ErrNotExist where there is nothing of it.
func (s *Spool) State(name string) (State, error) {
	if err := s.CheckName(name); err != nil {
		return State{}, err
	}
	if info, err := os.Lstat(s.final(name)); err == nil {
		return State{Name: name, Offset: info.Size(), Total: info.Size(), At: info.ModTime()}, nil
	}
	parts, err := s.parts(name)
	if err != nil || len(parts) == 0 {
		return State{}, errors.Join(err, fs.ErrNotExist)
	}
	info, err := os.Stat(parts[0])
	if err != nil {
		return State{}, err
	}
	return State{Name: name, Offset: info.Size(), Total: totalOf(parts[0]), At: info.ModTime()}, nil
}

// admitting guards the sums of what was promised.
var admitting sync.Mutex

// Receive takes in a piece and returns once it is on the disk. A piece at offset 0 begins anew. Same content under the same
// name, once complete, is no error. Errors: ErrName, ErrLength, ErrConflict, ErrDigest, ErrBusy, ErrCut, *OffsetError,
// *QuotaError, and what MayStill returns.
func (s *Spool) Receive(ctx context.Context, piece Piece, body io.Reader) (State, error) {
	if err := s.CheckName(piece.Name); err != nil {
		return State{}, err
	}
	if piece.Offset < 0 || piece.Length < 1 || piece.Total < 1 || piece.Length > piece.Total-piece.Offset {
		return State{}, ErrLength
	}
	if info, err := os.Lstat(s.final(piece.Name)); err == nil {
		return s.again(ctx, piece, info, body)
	}
	file, err := s.openPart(piece)
	if err != nil {
		return State{}, err
	}
	defer flock.Close(file)
	info, err := file.Stat()
	if err != nil {
		return State{}, err
	}
	if piece.Offset != 0 && piece.Offset != info.Size() {
		return State{}, &OffsetError{info.Size()}
	}
	if piece.Offset == 0 {
		if err := file.Truncate(0); err != nil {
			return State{}, err
		}
	}
	if _, err := file.Seek(piece.Offset, io.SeekStart); err != nil {
		return State{}, err
	}
	written, err := s.copy(ctx, file, body, piece)
	if syncErr := file.Sync(); syncErr != nil {
		return State{}, syncErr
	}
	if piece.AtMost {
		if err == io.EOF && written > 0 {
			err, piece.Total = nil, written
		} else if err != nil {
			return State{}, errors.Join(err, os.Remove(file.Name()))
		}
	}
	state := State{Name: piece.Name, Offset: piece.Offset + written, Total: piece.Total, At: s.Now()}
	if err != nil || !state.Complete() {
		return state, err
	}
	return state, s.finish(ctx, file, piece)
}

// openPart makes room for a recording and opens its part, for this sender alone.
func (s *Spool) openPart(piece Piece) (*os.File, error) {
	admitting.Lock()
	defer admitting.Unlock()
	for _, dir := range []string{s.Dir, filepath.Join(s.Dir, incoming), filepath.Join(s.Dir, Folder)} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
	}
	parts, err := s.parts(piece.Name)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(s.Dir, incoming, partName(piece.Name, piece.Total))
	for _, part := range parts {
		switch {
		case part == path:
		case piece.Offset > 0:
			return nil, fmt.Errorf("%w: it was begun with %d bytes in all", ErrLength, totalOf(part))
		default:
			if err := removeFree(part); err != nil { // begun anew, with another length
				return nil, err
			}
		}
	}
	_, err = os.Lstat(path)
	if err != nil && piece.Offset > 0 {
		return nil, &OffsetError{0}
	}
	if err != nil {
		if err := s.admit(piece.Total); err != nil {
			return nil, err
		}
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := flock.TryLock(file); err != nil {
		if errors.Is(err, flock.ErrLocked) {
			err = ErrBusy
		}
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// removeFree removes a part that nobody writes to.
func removeFree(part string) error {
	file, err := os.Open(part)
	if err != nil {
		return err
	}
	defer flock.Close(file)
	if flock.TryLock(file) != nil {
		return ErrBusy
	}
	return os.Remove(part)
}

// admit reports a *QuotaError where there is no room for so many bytes more. Parts count as long as they will be.
func (s *Spool) admit(more int64) error {
	used, promised, err := s.used()
	switch {
	case err != nil:
		return err
	case used+promised+more > s.Quota:
		return &QuotaError{Used: used, Quota: s.Quota}
	}
	free, err := s.Free(s.Dir)
	if err == nil && free-promised-more < keepFree {
		err = &QuotaError{Used: used, Quota: s.Quota, Disk: true}
	}
	return err
}

// used is how much lies here, and how much more was promised.
func (s *Spool) used() (used, promised int64, err error) {
	for _, dir := range []string{Folder, incoming} {
		entries, err := os.ReadDir(filepath.Join(s.Dir, dir))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return 0, 0, err
		}
		for _, entry := range entries {
			info, err := entry.Info()
			if err != nil {
				continue // read meanwhile
			}
			used += info.Size()
			if strings.HasSuffix(entry.Name(), ".part") {
				promised += max(0, totalOf(entry.Name())-info.Size())
			}
		}
	}
	return used, promised, nil
}

// Used is how much waits to be read, in bytes.
func (s *Spool) Used() (int64, error) {
	used, _, err := s.used()
	return used, err
}

// buffers are shared by all who send: memory stays flat however many there are.
var buffers = sync.Pool{New: func() any { b := make([]byte, 128<<10); return &b }}

// copy writes a piece, and asks now and then whether its sender may go on.
func (s *Spool) copy(ctx context.Context, to io.Writer, body io.Reader, piece Piece) (written int64, err error) {
	buffer := *buffers.Get().(*[]byte)
	defer buffers.Put(&buffer)
	next := int64(checkEvery)
	for written < piece.Length {
		n, err := body.Read(buffer[:min(int64(len(buffer)), piece.Length-written)])
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return written, err
			}
			written += int64(n)
		}
		if err != nil && written < piece.Length {
			switch {
			case err == io.EOF && piece.AtMost && piece.MayStill != nil:
				err = cmp.Or(piece.MayStill(ctx), io.EOF)
			case err == io.EOF && piece.AtMost:
			case err == io.EOF, errors.Is(err, io.ErrUnexpectedEOF):
				err = ErrCut
			}
			return written, err
		}
		if written >= next && piece.MayStill != nil {
			next = written + checkEvery
			if err := piece.MayStill(ctx); err != nil {
				return written, err
			}
		}
	}
	if piece.MayStill != nil {
		err = piece.MayStill(ctx)
	}
	return written, err
}

// finish checks a part that is complete and gives it its name.
func (s *Spool) finish(ctx context.Context, file *os.File, piece Piece) error {
	sum, err := sumOf(ctx, file)
	if err != nil {
		return err
	}
	if piece.SHA256 != nil && !bytes.Equal(sum, piece.SHA256) {
		return errors.Join(ErrDigest, os.Remove(file.Name()))
	}
	if modified := piece.Modified; !modified.IsZero() && modified.Before(s.Now()) {
		if err := os.Chtimes(file.Name(), modified, modified); err != nil {
			return err
		}
	}
	return atomicfile.Rename(file.Name(), s.final(piece.Name))
}

func sumOf(ctx context.Context, file *os.File) ([]byte, error) {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	hash := sha256.New()
	_, err := io.Copy(hash, untilDone{ctx, file})
	return hash.Sum(nil), err
}

// untilDone ends a long read with its context.
type untilDone struct {
	ctx  context.Context
	from io.Reader
}

// Read implements io.Reader.
func (u untilDone) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.from.Read(p)
}

// again compares a recording with one of the same name that is here.
func (s *Spool) again(ctx context.Context, piece Piece, info fs.FileInfo, body io.Reader) (State, error) {
	if !info.Mode().IsRegular() || info.Size() != piece.Total && (!piece.AtMost || info.Size() > piece.Total) {
		return State{}, ErrConflict
	}
	here, err := os.Open(s.final(piece.Name))
	if err != nil {
		return State{}, err
	}
	defer here.Close()
	sum, err := sumOf(ctx, here)
	if err != nil {
		return State{}, err
	}
	sent := piece.SHA256
	if sent == nil {
		if piece.Offset != 0 || piece.Length != piece.Total {
			return State{}, ErrConflict
		}
		hash := sha256.New()
		if _, err := s.copy(ctx, hash, body, piece); err != nil && (!piece.AtMost || err != io.EOF) {
			return State{}, err
		}
		sent = hash.Sum(nil)
	}
	if !bytes.Equal(sum, sent) {
		return State{}, ErrConflict
	}
	return State{Name: piece.Name, Offset: info.Size(), Total: info.Size(), At: info.ModTime(), Again: true}, nil
}

// Remove takes back a recording, or what there is of it. An error that wraps fs.ErrNotExist where there is nothing of it.
func (s *Spool) Remove(name string) error {
	if err := s.CheckName(name); err != nil {
		return err
	}
	err := os.Remove(s.final(name))
	parts, globErr := s.parts(name)
	for _, part := range parts {
		if removeErr := removeFree(part); err != nil {
			err = removeErr
		}
	}
	return errors.Join(err, globErr)
}

// List returns what waits to be read, by name.
func (s *Spool) List() (list []State, err error) {
	entries, err := os.ReadDir(filepath.Join(s.Dir, Folder))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && info.Mode().IsRegular() {
			list = append(list, State{Name: entry.Name(), Offset: info.Size(), Total: info.Size(), At: info.ModTime()})
		}
	}
	return list, nil
}

// Tidy gives streams that have ended their names, and drops parts that nobody went on with for a week.
func (s *Spool) Tidy() error {
	entries, err := os.ReadDir(filepath.Join(s.Dir, incoming))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, entry := range entries {
		path := filepath.Join(s.Dir, incoming, entry.Name())
		if stream, ok := parseStream(entry.Name()); ok {
			err = errors.Join(err, s.closeIdle(path, stream))
			continue
		}
		if info, statErr := entry.Info(); statErr == nil && s.Now().Sub(info.ModTime()) > partLife {
			if removeErr := removeFree(path); !errors.Is(removeErr, ErrBusy) {
				err = errors.Join(err, removeErr)
			}
		}
	}
	return err
}
