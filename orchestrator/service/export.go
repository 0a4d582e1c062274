package service

import (
	"archive/zip"
	"compress/flate"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/document"
	"github.com/chortle-audio/chortle/orchestrator/export"
)

// readmeOfExport says what is in an export.
const readmeOfExport = `This is everything that Chortle keeps of a person.

person.json     name, time zone, source and the policy that says what a laugh is now
laughs.csv      every laugh, with its marks, stars and notes; times in UTC
laughs.jsonl    the same, one JSON object a line, with the score of each class
recordings.csv  every recording that was read, or could not be
clips/          the sound of the laughs: when in the person's zone, what, how sure, whose, and the ID that is in laughs.csv
manifest.json   what is in here. It comes last: where it is missing, the file is not whole.
`

// mostMissing bounds the clips that an export names as missing.
const mostMissing = 1000

// ExportPerson writes everything that is kept of a user into a zip: rows, clips under readable names, and the policy. It is
// written as it is read: memory does not grow with what there is. Clips that are gone are named in what is returned.
func (s *Service) ExportPerson(ctx context.Context, user orchestrator.User, to io.Writer) (document.PersonExport, error) {
	e := exporting{Service: s, ctx: ctx, user: user, zip: zip.NewWriter(to), done: document.PersonExport{User: user.Name, CreatedAt: document.Stamp(s.Now()), Version: s.Version, Missing: []string{}}}
	e.zip.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestSpeed) })
	err := e.write()
	if err != nil {
		err = fmt.Errorf("export user %s: %w", user.Name, err)
	}
	return e.done, err
}

type exporting struct {
	*Service

	ctx  context.Context
	user orchestrator.User
	zip  *zip.Writer
	done document.PersonExport
}

// file begins a file of the zip.
func (e *exporting) file(name string, method uint16, at time.Time) (io.Writer, error) {
	return e.zip.CreateHeader(&zip.FileHeader{Name: name, Method: method, Modified: at})
}

func (e *exporting) text(name string, write func(io.Writer) error) error {
	w, err := e.file(name, zip.Deflate, e.Now())
	if err != nil {
		return err
	}
	return write(w)
}

// laughs are all of the user's, the oldest first.
func (e *exporting) laughs() (iter.Seq2[orchestrator.StoredLaugh, error], error) {
	return e.LaughsOf(e.ctx, []int64{e.user.ID}, orchestrator.LaughFilter{})
}

func (e *exporting) write() error {
	steps := []func() error{
		func() error {
			return e.text("README.txt", func(w io.Writer) error {
				_, err := io.WriteString(w, readmeOfExport)
				return err
			})
		},
		e.person,
		func() error { return e.rows("laughs.csv", "csv") },
		func() error { return e.rows("laughs.jsonl", "jsonl") },
		func() error { return e.text("recordings.csv", e.recordings) },
		e.clips,
		func() error {
			return e.text("manifest.json", func(w io.Writer) error { return document.Write(w, e.done) })
		},
		e.zip.Close,
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (e *exporting) person() error {
	opened, err := e.Store(e.ctx)
	if err != nil {
		return err
	}
	names, err := opened.FormerNames(e.ctx, e.user.ID)
	if err != nil {
		return err
	}
	policy, err := e.Config.Policy().Resolve(e.user)
	if err != nil {
		return err
	}
	return e.text("person.json", func(w io.Writer) error {
		return document.Write(w, map[string]any{"person": document.OfUser(e.user, ""), "former_names": append([]string{}, names...), "policy": policy})
	})
}

// rows writes the laughs in a format.
func (e *exporting) rows(name, format string) error {
	laughs, err := e.laughs()
	if err != nil {
		return err
	}
	for _, f := range export.Formats {
		if f.Name == format {
			return e.text(name, func(w io.Writer) error { return f.Write(w, laughs, export.Places{}) })
		}
	}
	return fmt.Errorf("no format %s", format)
}

// firstRecording is before anybody's.
var firstRecording = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// recordings writes a line for each, year by year.
func (e *exporting) recordings(w io.Writer) error {
	opened, err := e.Store(e.ctx)
	if err != nil {
		return err
	}
	table := csv.NewWriter(w)
	if err := table.Write([]string{"start", "end", "recording", "problem"}); err != nil {
		return err
	}
	for from := firstRecording; from.Before(e.Now()); from = from.AddDate(1, 0, 0) {
		span := orchestrator.Span{Start: from, End: from.AddDate(1, 0, 0)}
		list, err := opened.Recordings(e.ctx, e.user.ID, span)
		if err != nil {
			return err
		}
		for _, recording := range list {
			if !span.Contains(recording.Start) {
				continue // it began in the year before
			}
			e.done.Recordings++
			line := []string{document.Stamp(recording.Start).String(), document.Stamp(recording.End).String(), export.Harmless(recording.Name), export.Harmless(recording.Reason)}
			if err := table.Write(line); err != nil {
				return err
			}
		}
	}
	table.Flush()
	return table.Error()
}

// clips writes the sound of every laugh that has any.
func (e *exporting) clips() error {
	laughs, err := e.laughs()
	if err != nil {
		return err
	}
	kept, err := e.Clips(e.ctx)
	if err != nil {
		return err
	}
	for laugh, err := range laughs {
		if err != nil {
			return err
		}
		e.done.Laughs++
		if laugh.Clip == "" {
			continue
		}
		clip, info, err := kept.Open(e.ctx, laugh.Clip)
		if errors.Is(err, orchestrator.ErrNotFound) {
			if e.done.MissingClips++; len(e.done.Missing) < mostMissing {
				e.done.Missing = append(e.done.Missing, laugh.ID)
			}
			continue
		}
		if err != nil {
			return err
		}
		w, err := e.file("clips/"+clipName(laugh), zip.Store, localTime(laugh))
		if err == nil {
			_, err = io.Copy(w, clip)
		}
		if err = errors.Join(err, clip.Close()); err != nil {
			return err
		}
		e.done.Clips++
		e.done.ClipBytes += info.Size
	}
	return nil
}
