package service

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/chortle-audio/chortle/orchestrator"
)

// guardOwner refuses to let root write below a folder that belongs to another user: what root makes there the other
// cannot change, and the service fails in the next night. A folder that is not there is judged by the one that it would
// be made in. euid is who this process is.
func guardOwner(dir string, euid int) error {
	if euid != 0 {
		return nil
	}
	owner := ownerOf(dir)
	for parent := filepath.Dir(dir); owner < 0 && parent != dir; dir, parent = parent, filepath.Dir(parent) {
		owner = ownerOf(parent)
	}
	if owner <= 0 {
		return nil
	}
	name := userName(owner)
	return &InvalidError{orchestrator.WithCode(fmt.Errorf("use folder %s as root: it belongs to %s, who could not change what root writes there", dir, name),
		orchestrator.CodeForeignFolder, "user", name)}
}

// ForeignFolder reports whether this process is root and a folder belongs to another user, or would be made in one
// that does.
func ForeignFolder(dir string) bool { return dir != "" && guardOwner(dir, os.Geteuid()) != nil }

// ownerOf returns the user id of a file's owner; -1 where that is not known.
func ownerOf(path string) int {
	info, err := os.Stat(path)
	if err != nil {
		return -1
	}
	return ownerIn(info)
}

func ownerIn(info fs.FileInfo) int {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(stat.Uid)
	}
	return -1
}

// userName is the name of a user id, or the id itself.
func userName(uid int) string {
	if found, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return found.Username
	}
	return "#" + strconv.Itoa(uid) // as sudo -u takes it
}

// mostLooked bounds how many files the doctor looks at.
const mostLooked = 20000

// checkOwners looks for files below a folder that belong to another user than the folder.
func (d *doctor) checkOwners(check, dir string) {
	want, looked := ownerOf(dir), 0
	var foreign []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // what cannot be read is found where it is used
		}
		if looked++; looked > mostLooked {
			return fs.SkipAll
		}
		if info, err := entry.Info(); err == nil && ownerIn(info) != want && want >= 0 {
			foreign = append(foreign, path)
		}
		return nil
	})
	if err != nil || len(foreign) == 0 {
		return
	}
	owner := userName(want)
	d.wrong(check, fmt.Sprintf("%d files and folders do not belong to %s, such as %s (%s)", len(foreign), owner, foreign[0], userName(ownerOf(foreign[0]))),
		fmt.Sprintf("sudo chown -R %s: %s", owner, dir))
}

// refuseEmptyDatabase keeps a person who is looking for the service's laughs from getting an empty database of their
// own: where a service is installed whose settings this user cannot read, a database is made only where one was named.
func (s *Service) refuseEmptyDatabase() error {
	path, local := strings.CutPrefix(s.Config.DatabaseURL, "sqlite:")
	if s.Config.OtherService == "" || !local {
		return nil
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return &InvalidError{orchestrator.WithCode(fmt.Errorf("open %s: you have no database, and a service is installed on this machine, with its data in %s",
		path, s.Config.OtherService), orchestrator.CodeOtherService, "user", userName(max(0, ownerOf(s.Config.OtherService))))}
}
