package folder

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/source/internal/stamp"
)

// extensions of files that may hold sound and that ffmpeg reads.
var extensions = func() map[string]bool {
	known := make(map[string]bool)
	for _, extension := range strings.Fields(`
		ogg oga opus spx mp3 mp2 m4a m4b mp4 m4v aac wav wave bwf w64 rf64 flac amr awb 3gp 3gpp 3ga 3g2 wma wmv asf
		webm weba mka mkv mov qt qta avi aif aiff aifc caf ac3 eac3 ape wv tta au snd dss gsm mpg mpeg mts m2ts`) {
		known["."+extension] = true
	}
	return known
}()

// Extensions lists the extensions, in lower case and with their dots, of files that are recordings.
func Extensions() []string { return slices.Sorted(maps.Keys(extensions)) }

// Reads reports whether a file of that name would be read as a recording.
func Reads(name string) bool { return isSound(name) && !isHidden(name) }

// Folders of systems and stores beside a person's files: copies, thumbnails, deleted files.
var foreign = []string{"lost+found", "@eaDir", "#recycle", "$RECYCLE.BIN", "System Volume Information"}

// omi is what Omi's app calls its raw files: any other .bin may be anything.
var omi = regexp.MustCompile(`^audio_[A-Za-z0-9._-]+_(?:opus|opus_fs320|pcm8|pcm16|aac|lc3_fs1030)_\d{4,6}_[12](?:_fs\d{2,4})?_1\d{9}(?:\d{3})?\.bin$`)

func isSound(name string) bool {
	ending := strings.ToLower(filepath.Ext(name))
	return extensions[ending] || ending == ".bin" && omi.MatchString(filepath.Base(name))
}

func isHidden(name string) bool {
	return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "~syncthing~") || slices.Contains(foreign, name)
}

// list walks the folder, once.
func (s *Source) list(ctx context.Context) error {
	if s.listed {
		return s.err
	}
	err := s.walk(ctx)
	if ctx.Err() != nil {
		s.files, s.strays = nil, nil
		return ctx.Err()
	}
	s.listed, s.err = true, err
	return err
}

func (s *Source) walk(ctx context.Context) error {
	root, err := filepath.Abs(s.Root)
	if err == nil && s.Root == "" {
		err = errors.New("no path was given")
	}
	if err == nil {
		root, err = filepath.EvalSymlinks(root)
	}
	if err == nil {
		s.rootDir = root
		err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case path != root:
				return s.visit(path, entry, err)
			case err == nil && !entry.IsDir():
				return errors.New("it is a file, not a folder")
			}
			return err
		})
	}
	if err != nil {
		return s.rootError(err)
	}
	s.keepOnce()
	s.keepBest()
	s.dateByName()
	return nil
}

// rootError is the problem of a folder that cannot be read at all.
func (s *Source) rootError(err error) error {
	code := orchestrator.CodeFolderUnreadable
	switch {
	case errors.Is(err, fs.ErrPermission):
		code = orchestrator.CodeFolderForbidden
	case errors.Is(err, fs.ErrNotExist):
		code = orchestrator.CodeFolderMissing
	}
	path := printable(s.Root)
	return orchestrator.WithCode(fmt.Errorf("list folder %s: %w", path, err), code, "path", path)
}

// visit notes one entry below the root.
func (s *Source) visit(path string, entry fs.DirEntry, err error) error {
	name, relErr := filepath.Rel(s.rootDir, path)
	switch {
	case relErr != nil:
		return relErr
	case isHidden(entry.Name()):
		if entry.IsDir() {
			return fs.SkipDir
		}
	case err != nil:
		if !errors.Is(err, fs.ErrNotExist) {
			s.stray(name, orchestrator.Unreadable(err))
		}
	case entry.IsDir():
	case entry.Type()&fs.ModeSymlink != 0:
		s.visitLink(name, path)
	case !isSound(entry.Name()):
		s.passOver(name)
	case !entry.Type().IsRegular():
		s.stray(name, bad(orchestrator.CodeRecordingNoFile, "it is no regular file"))
	default:
		s.add(file{name: name})
	}
	return nil
}

// visitLink notes a symbolic link. Where it leads is found out without opening anything.
func (s *Source) visitLink(name, path string) {
	target, err := filepath.EvalSymlinks(path)
	var info fs.FileInfo
	if err == nil {
		info, err = os.Lstat(target)
	}
	if err != nil {
		if isSound(name) {
			s.stray(name, bad(orchestrator.CodeLinkBroken, "the symbolic link leads nowhere: %w", err))
		}
		return
	}
	below, err := filepath.Rel(s.rootDir, target)
	switch {
	case !isSound(name) && !info.IsDir():
	case err != nil || !filepath.IsLocal(below):
		s.stray(name, bad(orchestrator.CodeLinkOutside, "the symbolic link leads out of the folder, to %s, and is not followed", printable(target)))
	case info.Mode().IsRegular():
		s.add(file{name: name, target: target})
	}
}

// stray notes what is no recording.
func (s *Source) stray(name string, err error) { s.add(file{name: name, err: err}) }

func (s *Source) add(f file) { s.files = append(s.files, f) }

// dateByName finds the start of all files whose names tell it. What is no recording counts on the day that its name
// tells, else on none. A recording of a day to come counts on none, either.
func (s *Source) dateByName() {
	stems := make(map[string]bool, len(s.files))
	for _, f := range s.files {
		stems[stemOf(f.name)] = true
	}
	files := s.files[:0]
	for _, f := range s.files {
		name := filepath.ToSlash(f.name)
		found, ok := stamp.InName(name, stamp.Options{Location: s.Location, Latest: s.Now(), Order: s.order(),
			Sibling: func(stem string) bool { return stems[path.Dir(name)+"/"+stem] }})
		start, second := found.Instants(s.Location)
		switch future := ok && start.Add(s.Offset).After(s.Now()); {
		case f.err != nil && (!ok || future):
			s.strays = append(s.strays, stray{printable(f.name), f.err})
			continue
		case future:
			info, err := os.Lstat(f.path(s.rootDir))
			if err == nil && s.Now().Sub(info.ModTime()).Abs() >= s.Settle {
				s.strays = append(s.strays, stray{printable(f.name), inFuture(start)})
			}
			continue // one that is being written by a clock that is fast will be right tomorrow
		case ok:
			f.start, f.second, f.source = start.Add(s.Offset), second, orchestrator.TimeFromName
			if !second.IsZero() {
				f.second = second.Add(s.Offset)
			}
		}
		files = append(files, f)
	}
	s.files = files
}

// order is how dates with the year last are meant.
func (s *Source) order() stamp.Order {
	switch {
	case s.DayFirst:
		return stamp.DayFirst
	case s.MonthFirst:
		return stamp.MonthFirst
	}
	return stamp.OrderUnknown
}

// stemOf is a path below the root, with slashes and without its extension, as stamp spells it.
func stemOf(name string) string {
	dir, base := path.Split(filepath.ToSlash(name))
	return path.Clean(dir) + "/" + stamp.Plain(strings.TrimSuffix(base, path.Ext(base)))
}

// keepOnce drops links to files that are there under another name.
func (s *Source) keepOnce() {
	if !slices.ContainsFunc(s.files, func(f file) bool { return f.target != "" }) {
		return
	}
	seen := make(map[string]bool)
	for i := range s.files {
		if s.files[i].target == "" {
			seen[s.files[i].path(s.rootDir)] = true
		}
	}
	s.files = slices.DeleteFunc(s.files, func(f file) bool {
		twice := f.target != "" && seen[f.target]
		seen[f.target] = true
		return twice
	})
}
