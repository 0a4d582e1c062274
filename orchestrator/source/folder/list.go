package folder

import (
	"cmp"
	"context"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/source/internal/stamp"
)

// Copy is a file that is no recording of its own: a synchroniser kept two versions of one.
type Copy struct {
	// Name of the file, and Of: the one that is read in its place.
	Name, Of string
}

// All implements orchestrator.Lister: files that are settled, by their names.
func (s *Source) All(ctx context.Context) iter.Seq2[orchestrator.Recording, error] {
	return func(yield func(orchestrator.Recording, error) bool) {
		if err := s.list(ctx); err != nil {
			yield(orchestrator.Recording{}, err)
			return
		}
		for i := range s.files {
			f := &s.files[i]
			if err := ctx.Err(); err != nil {
				yield(orchestrator.Recording{}, err)
				return
			}
			info, err := os.Lstat(f.path(s.rootDir))
			if f.err != nil || err != nil || !info.Mode().IsRegular() || s.Now().Sub(info.ModTime()).Abs() < s.Settle {
				continue
			}
			rec := orchestrator.Recording{Path: f.path(s.rootDir), Name: printable(f.name), Size: info.Size(), ModTime: info.ModTime()}
			if f.dated() && f.second.IsZero() && !s.insideFirst(f) {
				rec.Start, rec.TimeSource, rec.Uncertainty = f.start, f.source, f.uncertain
			}
			if !yield(rec, nil) {
				return
			}
		}
	}
}

// Place implements orchestrator.Lister.
func (s *Source) Place(ctx context.Context, rec orchestrator.Recording) (orchestrator.Recording, error) {
	i := s.index(rec)
	if i < 0 {
		return rec, nil
	}
	f := &s.files[i]
	s.chooseHour(ctx, f)
	if s.insideFirst(f) {
		s.lookInside(f)
	}
	if f.source == "" {
		s.probe(ctx, f, rec)
	}
	rec.Start, rec.TimeSource, rec.Uncertainty, rec.End = f.start, f.source, f.uncertain, f.end
	return rec, ctx.Err()
}

// Copies are the files that are no recordings of their own, by their names.
func (s *Source) Copies(ctx context.Context) ([]Copy, error) {
	err := s.list(ctx)
	return s.copies, err
}

// PassedOver implements orchestrator.Lister: files in folders with recordings, unless their endings say that they hold no
// sound or are not complete.
func (s *Source) PassedOver(ctx context.Context) ([]orchestrator.PassedOver, error) {
	if err := s.list(ctx); err != nil {
		return nil, err
	}
	var all []orchestrator.PassedOver
	for _, ending := range slices.Sorted(maps.Keys(s.passed)) {
		all = append(all, *s.passed[ending])
	}
	return all, nil
}

// silent are endings of files that lie beside recordings and hold no sound, and of files that are not complete.
var silent = func() map[string]bool {
	known := make(map[string]bool)
	for _, ending := range strings.Fields(`
		txt md json jsonl xml csv tsv yaml yml log ini cfg conf toml html htm css js pdf doc docx odt rtf srt vtt sub ass lrc cue
		jpg jpeg png gif webp heic heif svg bmp tif tiff ico psd zip gz tgz xz zst 7z rar tar db sqlite sqlite3 db-wal db-shm
		py sh bat exe dll so plist url lnk ds_store nfo sfv md5 sha1 sha256 sha512 asc sig par2 bak old orig swp lock
		m3u m3u8 pls xspf tmp part partial crdownload download filepart icloud asd reapeaks pkf sfk peak textgrid eaf praat`) {
		known["."+ending] = true
	}
	return known
}()

// passOver counts a file that is not read.
func (s *Source) passOver(name string) {
	ending := strings.ToLower(filepath.Ext(name))
	if silent[ending] || ending == "" || ending == ".bin" || len(ending) > 12 || strings.HasSuffix(name, "~") {
		return
	}
	if s.passed == nil {
		s.passed = make(map[string]*orchestrator.PassedOver)
	}
	if s.passed[ending] == nil {
		s.passed[ending] = &orchestrator.PassedOver{Ending: printable(ending), Example: printable(name)}
	}
	s.passed[ending].Files++
}

// keepBest drops those of several versions of a file that a synchroniser kept which are smaller than another one: a copy
// that is whole stands in for an original that is not.
func (s *Source) keepBest() {
	at := make(map[string]int, len(s.files))
	for i, f := range s.files {
		at[filepath.ToSlash(f.name)] = i
	}
	size := func(i int) int64 {
		info, err := os.Stat(s.files[i].path(s.rootDir))
		if err != nil || s.files[i].err != nil {
			return -1
		}
		return info.Size()
	}
	best := map[int]int{} // by the original
	var copies []int
	for i, f := range s.files {
		of, isCopy := stamp.CopyOf(filepath.ToSlash(f.name))
		original, there := at[of]
		if !isCopy || !there {
			continue
		}
		copies = append(copies, i)
		if _, ok := best[original]; !ok {
			best[original] = original
		}
		if size(i) > size(best[original]) {
			best[original] = i
		}
	}
	if len(copies) == 0 {
		return
	}
	dropped := map[int]bool{}
	for original, winner := range best {
		if winner != original {
			s.files[winner].replaces = printable(s.files[original].name)
			dropped[original] = true
			s.copies = append(s.copies, Copy{printable(s.files[original].name), printable(s.files[winner].name)})
		}
	}
	for _, i := range copies {
		of, _ := stamp.CopyOf(filepath.ToSlash(s.files[i].name))
		if winner := best[at[of]]; winner != i {
			dropped[i] = true
			s.copies = append(s.copies, Copy{printable(s.files[i].name), printable(s.files[winner].name)})
		}
	}
	slices.SortFunc(s.copies, func(a, b Copy) int { return strings.Compare(a.Name, b.Name) })
	i := -1
	s.files = slices.DeleteFunc(s.files, func(file) bool { i++; return dropped[i] })
}

// chooseHour chooses one of the two moments at which clocks showed the time in a file's name: the one nearer to when it
// was written, where that is about then, else the second one for all but the first of files with the same time.
func (s *Source) chooseHour(ctx context.Context, f *file) {
	if f.second.IsZero() {
		return
	}
	between := f.second.Sub(f.start)
	info, err := os.Stat(f.path(s.rootDir))
	_, length, probeErr := s.Probe(ctx, f.path(s.rootDir))
	if ctx.Err() != nil {
		return
	}
	if probeErr != nil {
		length = 0
	}
	const about = 3 * time.Hour
	begun := f.start
	if err == nil {
		begun = info.ModTime().Add(-length)
	}
	first, second := begun.Sub(f.start).Abs(), begun.Sub(f.second).Abs()
	later := second < first
	if err != nil || min(first, second) > about {
		later = slices.ContainsFunc(s.files, func(o file) bool {
			return o.name < f.name && filepath.Dir(o.name) == filepath.Dir(f.name) && o.named() && (o.start.Equal(f.start) || o.start.Equal(f.second))
		})
	}
	if later {
		f.start = f.second
	}
	f.second, f.uncertain = time.Time{}, between
}

// Explain says of every file that may be a recording what would be taken for it, by name, without decoding any sound.
func (s *Source) Explain(ctx context.Context) iter.Seq2[Explanation, error] {
	return func(yield func(Explanation, error) bool) {
		if err := s.list(ctx); err != nil {
			yield(Explanation{}, err)
			return
		}
		for _, stray := range s.strays {
			if !yield(Explanation{Name: stray.name, Err: stray.err}, nil) {
				return
			}
		}
		for i := range s.files {
			f := &s.files[i]
			e := Explanation{Name: printable(f.name)}
			info, err := os.Lstat(f.path(s.rootDir))
			if err == nil && f.err == nil {
				rec := s.recordingOf(f)
				rec.ModTime = info.ModTime()
				rec, err = s.Place(ctx, rec)
				e.Start, e.TimeSource, e.Uncertainty, e.Why = rec.Start, rec.TimeSource, rec.Uncertainty, s.why(f)
			}
			if ctx.Err() != nil {
				yield(Explanation{}, ctx.Err())
				return
			}
			if e.Err = cmp.Or(f.err, err, f.dayless); e.Err == nil && s.Now().Sub(info.ModTime()).Abs() < s.Settle {
				e.Err = orchestrator.ErrNotSettled
			}
			if !yield(e, nil) {
				return
			}
		}
		for _, c := range s.copies {
			if !yield(Explanation{Name: c.Name, Why: "a version of " + c.Of + ", which is bigger or the original: that one is read"}, nil) {
				return
			}
		}
	}
}

// why says where the start of a file stands.
func (s *Source) why(f *file) string {
	switch {
	case f.source == orchestrator.TimeFromName && f.uncertain > 0:
		return "name; clocks showed that time twice"
	case f.source == orchestrator.TimeFromName:
		return "name"
	case f.source == orchestrator.TimeFromContainer:
		return "inside: " + f.field
	case !f.end.IsZero():
		return "modification time as the end, less the length"
	case f.source == orchestrator.TimeFromModTime:
		return "modification time as the start"
	}
	return ""
}
