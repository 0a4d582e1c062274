package service

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/advice"
	"github.com/chortle-audio/chortle/orchestrator/document"
	"github.com/chortle-audio/chortle/orchestrator/source/folder"
)

// folderKind is a folder of recordings on this machine.
var folderKind = sourceKind{
	scheme: "folder", form: "folder:PATH",
	parse: func(rest string, absolute func(string) (string, error)) (string, bool, error) {
		if rest == "" {
			return "", false, nil
		}
		path, err := absolute(rest)
		if err != nil {
			err = fmt.Errorf("find %s: %w", rest, err)
		}
		return path, true, err
	},
	open: openFolder,
	ready: func(_ context.Context, _ *Service, _ orchestrator.User, path string) error {
		info, err := os.Stat(path)
		if err == nil && !info.IsDir() {
			err = fmt.Errorf("%s is no folder", path)
		}
		return err
	},
	check: checkFolderSource,
}

func openFolder(_ context.Context, from *sources, user orchestrator.User, path string) (orchestrator.Source, error) {
	location, err := user.Location()
	if err != nil {
		return nil, err
	}
	settle := from.Config.Settle
	if settle == 0 {
		settle = -1 // the source's word for no waiting at all
	}
	return folder.New(folder.Options{Root: path, Location: location, Settle: settle, Now: from.Now,
		Probe: func(ctx context.Context, path string) (time.Time, time.Duration, error) {
			info, err := from.audio.Probe(ctx, path)
			return info.Created, orchestrator.SamplesToDuration(info.Length), err
		}}), nil
}

// mostFiles bounds how many files of a source are looked at.
const mostFiles = 20_000

// checkFolderSource looks whether a source's files can be read, and whether their times can be true.
func checkFolderSource(ctx context.Context, s *Service, _ orchestrator.User, root string) document.Finding {
	files, future := 0, ""
	limit := s.Now().Add(time.Minute)
	enough := errors.New("enough")
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if files >= mostFiles || ctx.Err() != nil {
			return enough
		}
		if !entry.Type().IsRegular() {
			return nil
		}
		files++
		if info, err := entry.Info(); err == nil && info.ModTime().After(limit) {
			future = path
		}
		return nil
	})
	switch {
	case err != nil && !errors.Is(err, enough):
		return document.Finding{Status: document.HealthError, Detail: err.Error(), Remedy: "mount or make the folder, and let this user read all of it"}
	case future != "":
		return document.Finding{Status: document.HealthWarning, Detail: fmt.Sprintf("%s was changed in the future", future), Remedy: "set the clock of this machine or of the recorder"}
	case errors.Is(err, enough):
		return document.Finding{Status: document.HealthOK, Detail: fmt.Sprintf("%s, more than %d files", root, mostFiles)}
	}
	return document.Finding{Status: document.HealthOK, Detail: fmt.Sprintf("%s, %s", root, advice.Plural(files, "file"))}
}
