package settings

import (
	"io/fs"
	"testing"
)

// A service whose settings this user cannot read is another's; one that is not there, or whose settings can be read, is not.
func TestClosedService(t *testing.T) {
	t.Parallel()
	dirs := []string{"/etc/chortle", "/var/lib/chortle"}
	for name, c := range map[string]struct {
		etc, state error
		want       string
	}{
		"none":          {fs.ErrNotExist, fs.ErrNotExist, ""},
		"ours":          {nil, fs.ErrNotExist, ""},
		"closed":        {fs.ErrPermission, fs.ErrNotExist, "/var/lib/chortle"},
		"closed folder": {fs.ErrNotExist, fs.ErrPermission, "/var/lib/chortle"},
	} {
		got := closedService(dirs, func(path string) error {
			return map[string]error{"/etc/chortle/.env": c.etc, "/var/lib/chortle/.env": c.state}[path]
		})
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
