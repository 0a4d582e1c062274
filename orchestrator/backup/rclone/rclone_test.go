package rclone

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// standIn does what rclone does with a folder of this machine, unless a file beside it says how it fails.
const standIn = `#!/bin/sh
verb=$1; shift 2
dir=$(dirname "$0")
[ -e "$dir/fail-$verb" ] && { printf 'Failed to %s: \033[31mquota\nexceeded\n' "$verb" >&2; exit 1; }
case $verb in
copyto) to=$dir/${2#remote:}; mkdir -p "$(dirname "$to")"; cp "$1" "$to"; [ -e "$dir/spoil" ] && printf x >> "$to"; true;;
cat) cat "$dir/${1#remote:}";;
lsf) cd "$dir/${1#remote:}" 2>/dev/null || exit 3; mkdir -p sub; ls -1p;;
deletefile) rm "$dir/${1#remote:}";;
esac
`

func TestRemote(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "local.tar")
	for name, content := range map[string]string{"rclone": standIn, "local.tar": "all of it"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	r := &Remote{Program: filepath.Join(dir, "rclone"), Address: "remote:backups/alice", Env: []string{"PATH=/usr/bin:/bin"}}
	ctx := t.Context()
	if names, err := r.Names(ctx); err != nil || len(names) != 0 {
		t.Errorf("no folder yet: %v, %v", names, err)
	}
	for _, name := range []string{"a.tar", "b.tar"} {
		if err := r.Put(ctx, file, name); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Delete(ctx, "a.tar"); err != nil {
		t.Error(err)
	}
	if names, err := r.Names(ctx); err != nil || !slices.Equal(names, []string{"b.tar"}) {
		t.Errorf("%v, %v", names, err)
	}
	touch := func(name string) {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	touch("spoil")
	if err := r.Put(ctx, file, "c.tar"); err == nil || !strings.Contains(err.Error(), "c.tar is not what was copied") {
		t.Errorf("spoilt: %v", err)
	}
	touch("fail-copyto")
	if err := r.Put(ctx, file, "d.tar"); err == nil || !strings.Contains(err.Error(), "quota exceeded") || strings.ContainsAny(err.Error(), "\n\x1b") {
		t.Errorf("refused: %q", err)
	}
	canceled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := r.Names(canceled); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
}

// TestRealRclone holds the same to rclone itself, where it is installed.
func TestRealRclone(t *testing.T) {
	t.Parallel()
	program, err := exec.LookPath("rclone")
	if err != nil {
		t.Skip("rclone is not installed (CHORTLE_TEST_RCLONE=1 requires it)")
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "local.tar")
	if err := os.WriteFile(file, []byte("all of it"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := &Remote{Program: program, Address: "disk:" + filepath.Join(dir, "far"), Env: []string{"PATH=/usr/bin:/bin", "HOME=" + dir, "RCLONE_CONFIG_DISK_TYPE=local"}}
	if names, err := r.Names(t.Context()); err != nil || len(names) != 0 {
		t.Errorf("no folder yet: %v, %v", names, err)
	}
	if err := r.Put(t.Context(), file, "a.tar"); err != nil {
		t.Fatal(err)
	}
	if names, err := r.Names(t.Context()); err != nil || !slices.Equal(names, []string{"a.tar"}) {
		t.Errorf("%v, %v", names, err)
	}
	if err := r.Delete(t.Context(), "a.tar"); err != nil {
		t.Error(err)
	}
}
