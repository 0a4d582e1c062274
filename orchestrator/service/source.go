package service

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/audio"
	"github.com/chortle-audio/chortle/orchestrator/document"
	"github.com/chortle-audio/chortle/orchestrator/settings"
	"github.com/chortle-audio/chortle/orchestrator/source/folder"
)

// sourceKind is a kind of source of recordings. rest is what an address has behind the scheme and its colon.
type sourceKind struct {
	// scheme begins its addresses; form is what a person may write, such as "folder:PATH".
	scheme, form string
	// needsKey says that it is read with an API key of the user.
	needsKey bool
	// parse checks rest as a person wrote it, and returns it as the store keeps it; ok is false where it is none.
	// absolute makes a path absolute.
	parse func(rest string, absolute func(string) (string, error)) (stored string, ok bool, err error)
	// open opens the user's source.
	open func(ctx context.Context, from *sources, user orchestrator.User, rest string) (orchestrator.Source, error)
	// ready returns why the source cannot be read now, without looking at all of it.
	ready func(ctx context.Context, s *Service, user orchestrator.User, rest string) error
	// check looks at the source as doctor does; Check of the finding is left empty.
	check func(ctx context.Context, s *Service, user orchestrator.User, rest string) document.Finding
	// testKey asks whether the user's key is accepted, and returns by whom; nil where needsKey is false.
	testKey func(ctx context.Context, s *Service, user orchestrator.User) (address string, err error)
	// archive downloads the originals, for keeps; nil where they are the user's own already.
	archive func(ctx context.Context, s *Service, request archiveRequest) (document.Archive, error)
}

// sourceKinds are all kinds of sources: a new one is an entry here.
var sourceKinds = []sourceKind{folderKind, limitlessKind, uploadKind}

// SourceForms are what a person may write for a source, such as "folder:PATH or limitless"; with keyed only those that
// are read with an API key.
func SourceForms(keyed bool) string {
	var forms []string
	for _, kind := range sourceKinds {
		if kind.needsKey || !keyed {
			forms = append(forms, kind.form)
		}
	}
	last := len(forms) - 1
	if last == 0 {
		return forms[0]
	}
	return strings.Join(forms[:last], ", ") + " or " + forms[last]
}

// kindOf finds the kind of a user's source, and what its address has behind the scheme.
func kindOf(user orchestrator.User) (kind sourceKind, rest string, err error) {
	scheme, rest, _ := strings.Cut(user.Source, ":")
	if i := slices.IndexFunc(sourceKinds, func(k sourceKind) bool { return k.scheme == scheme }); i >= 0 {
		return sourceKinds[i], rest, nil
	}
	return kind, rest, fmt.Errorf("open source %q of user %s: unknown kind; want %s", settings.Mask(user.Source), user.Name, SourceForms(false))
}

// sources opens the sources of users.
type sources struct {
	*Service
	audio *audio.Audio
	// again asks for what is read already, too; dryRun fetches nothing.
	again, dryRun bool
}

// open opens a user's source by its scheme.
func (s *sources) open(ctx context.Context, user orchestrator.User) (orchestrator.Source, error) {
	kind, rest, err := kindOf(user)
	if err != nil {
		return nil, err
	}
	own, err := kind.open(ctx, s, user, rest)
	if err != nil || kind.scheme == uploadKind.scheme {
		return own, err
	}
	return s.withReceived(user, own)
}

// userDir is the folder of what is kept of a user beside database and clips. It is named by the id, which
// stays when the user is renamed.
func (s *Service) userDir(user orchestrator.User) string {
	return filepath.Join(s.Config.DataDir, "users", strconv.FormatInt(user.ID, 10))
}

// OriginalsDir is where the downloads of a user are kept who wants that.
func (s *Service) OriginalsDir(user orchestrator.User) string {
	return filepath.Join(s.userDir(user), "originals")
}

// ParseSource checks the address of a source, as a person writes it, and returns it as the store keeps it. absolute
// makes a path absolute: a run may start anywhere. An *InvalidError where it is no such address.
func ParseSource(text string, absolute func(string) (string, error)) (string, error) {
	scheme, rest, found := strings.Cut(text, ":")
	var schemes []string
	for _, kind := range sourceKinds {
		schemes = append(schemes, kind.scheme)
		if kind.scheme != scheme {
			continue
		}
		if stored, ok, err := kind.parse(rest, absolute); ok || err != nil {
			return scheme + ":" + stored, err
		}
	}
	hint := ""
	if info, err := os.Stat(text); err == nil && info.IsDir() {
		hint = "; did you mean folder:" + text + "?"
	} else if near := settings.Nearest(scheme, schemes); !found && len(near) > 0 {
		hint = "; did you mean " + near[0] + "?"
	}
	return "", invalid("source %q: want %s%s", settings.Mask(text), SourceForms(false), hint)
}

// NeedsKey reports whether a user's source is read with an API key.
func NeedsKey(user orchestrator.User) bool {
	kind, _, err := kindOf(user)
	return err == nil && kind.needsKey
}

// WarnOfSource logs that a source cannot be read yet. It is no error: a disk may be mounted later, a key
// given later.
func (s *Service) WarnOfSource(ctx context.Context, user orchestrator.User) {
	kind, rest, err := kindOf(user)
	if err == nil {
		err = kind.ready(ctx, s, user, rest)
	}
	if err != nil {
		s.Log.WithError(err).Warn("the source cannot be read now; runs will fail for this user until it can")
	}
	s.warnOfShared(ctx, user)
}

// warnOfShared logs that a user's folder is another user's, too, or that one of the two lies within the other: what is in
// both is read for both.
func (s *Service) warnOfShared(ctx context.Context, user orchestrator.User) {
	root := folderOf(user)
	if root == "" {
		return
	}
	others, err := s.Users(ctx)
	if err != nil {
		return // whoever needs them next will say why
	}
	for _, other := range others {
		theirs := folderOf(other)
		if theirs == "" || other.ID == user.ID {
			continue
		}
		if within(root, theirs) || within(theirs, root) {
			s.Log.WithField("folder", root).WithField("other_user", other.Name).WithField("other_folder", theirs).
				Warn("another user's folder is the same, or lies within; what is in both is read for both")
		}
	}
}

// folderOf is where a user's recordings are, without symbolic links; empty where they are in no folder.
func folderOf(user orchestrator.User) string {
	kind, rest, err := kindOf(user)
	if err != nil || kind.scheme != folderKind.scheme {
		return ""
	}
	options, err := folder.ParseAddress(rest)
	if err != nil {
		return ""
	}
	if root, err := filepath.EvalSymlinks(options.Root); err == nil {
		return root
	}
	return filepath.Clean(options.Root)
}

// within tells whether a path is, or lies below, another.
func within(path, root string) bool {
	below, err := filepath.Rel(root, path)
	return err == nil && filepath.IsLocal(below)
}
