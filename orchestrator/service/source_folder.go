package service

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
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
		options, err := folder.ParseAddress(rest)
		if err != nil {
			return "", true, invalid("--source folder:%s: %w", rest, err)
		}
		path, err := absolute(options.Root)
		if err != nil {
			err = fmt.Errorf("find %s: %w", options.Root, err)
		}
		return path + strings.TrimPrefix(rest, options.Root), true, err
	},
	open: openFolder,
	ready: func(_ context.Context, _ *Service, _ orchestrator.User, address string) error {
		options, err := folder.ParseAddress(address)
		if err != nil {
			return err
		}
		info, err := os.Stat(options.Root)
		if err == nil && !info.IsDir() {
			err = fmt.Errorf("%s is no folder", options.Root)
		}
		return err
	},
	check: checkFolderSource,
}

func openFolder(_ context.Context, from *sources, user orchestrator.User, address string) (orchestrator.Source, error) {
	location, err := user.Location()
	if err != nil {
		return nil, err
	}
	return from.folder(address, location)
}

// folder opens a folder; location is the zone of times that tell none, unless the address names another one.
func (s *sources) folder(address string, location *time.Location) (*folder.Source, error) {
	options, err := folder.ParseAddress(address)
	if err != nil {
		return nil, fmt.Errorf("open folder:%s: %w", address, err)
	}
	if options.Location == nil {
		options.Location = location
	}
	options.Now, options.Settle = s.Now, s.Config.Settle
	if options.Settle == 0 {
		options.Settle = -1 // the source's word for no waiting at all
	}
	options.Probe = func(ctx context.Context, path string) (time.Time, time.Duration, error) {
		info, err := s.audio.Probe(ctx, path)
		return info.Created, orchestrator.SamplesToDuration(info.Length), err
	}
	return folder.New(options), nil
}

// ExplainFolder says of every file of a folder what would be taken for it, and why, without decoding any sound. target is
// a user's name, or the path of a folder with what may stand behind it in an address; zone is where times that tell none
// are from, and is left empty for the user's, or else UTC; the zone that holds is returned. An *InvalidError where there is no such folder.
func (s *Service) ExplainFolder(ctx context.Context, target, zone string) (iter.Seq2[folder.Explanation, error], *time.Location, error) {
	sound, err := s.Audio()
	if err != nil {
		return nil, nil, err
	}
	address, location := target, time.UTC
	if options, err := folder.ParseAddress(target); err != nil {
		return nil, nil, &InvalidError{err}
	} else if info, err := os.Stat(options.Root); err != nil || !info.IsDir() {
		user, err := s.User(ctx, target)
		if err != nil {
			return nil, nil, err
		}
		kind, rest, err := kindOf(user)
		if err != nil {
			return nil, nil, err
		}
		if kind.scheme != folderKind.scheme {
			return nil, nil, invalid("the recordings of %s are in no folder", user.Name)
		}
		if location, err = user.Location(); err != nil {
			return nil, nil, err
		}
		address = rest
	}
	if zone != "" {
		if location, err = time.LoadLocation(zone); err != nil {
			return nil, nil, CheckUser(orchestrator.User{Timezone: zone})
		}
	}
	source, err := (&sources{Service: s, audio: sound}).folder(address, location)
	if err != nil {
		return nil, nil, err
	}
	return source.Explain(ctx), source.Location, nil
}

// mostFiles bounds how many files of a source are looked at.
const mostFiles = 20_000

// checkFolderSource looks whether a source's files can be read, and whether their times can be true.
func checkFolderSource(ctx context.Context, s *Service, _ orchestrator.User, address string) document.Finding {
	options, err := folder.ParseAddress(address)
	if err != nil {
		return document.Finding{Status: document.HealthError, Detail: err.Error(), Remedy: "name it again with orchestrator user set NAME --source folder:PATH"}
	}
	root := options.Root
	files, future := 0, ""
	limit := s.Now().Add(time.Minute)
	enough := errors.New("enough")
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
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
