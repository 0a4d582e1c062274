package main

import (
	"archive/tar"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// container is an unpacked image, which is run as a container is: a root that cannot be written, a user that the image
// does not know, no network, and a volume at /data.
type container struct {
	*testing.T
	root, data string
}

func newContainer(t *testing.T) *container {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can mount a root of its own")
	}
	r := checkout(t, "v9.1.0")
	if found, _ := filepath.Glob(filepath.Join(r.work, runtime.GOARCH, "debs", "*.deb")); len(found) == 0 {
		t.Skip("the packages under the image are not here: make dist fetches them by apt")
	}
	files, err := r.tree(t.Context(), runtime.GOARCH)
	if err != nil {
		t.Fatal(err)
	}
	image, err := r.image(t.Context(), files, runtime.GOARCH)
	if err != nil {
		t.Fatal(err)
	}
	c := &container{t, t.TempDir(), t.TempDir()}
	layers, err := image.image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	for _, layer := range layers {
		content, err := layer.Uncompressed()
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(unpackLayer(content, c.root), content.Close()); err != nil {
			t.Fatal(err)
		}
	}
	for _, folder := range []string{"proc", "dev", "sys"} { // the runtime makes them
		if err := os.Mkdir(filepath.Join(c.root, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func unpackLayer(layer io.Reader, dir string) error {
	for in := tar.NewReader(layer); ; {
		header, err := in.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		path := filepath.Join(dir, filepath.FromSlash(header.Name))
		switch header.Typeflag {
		case tar.TypeDir:
			err = errors.Join(os.MkdirAll(path, 0o755), os.Chmod(path, os.FileMode(header.Mode&0o777)))
		case tar.TypeSymlink:
			err = os.Symlink(header.Linkname, path)
		default:
			var file *os.File
			if file, err = os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, os.FileMode(header.Mode&0o777)); err == nil {
				_, err = io.Copy(file, in)
				err = errors.Join(err, file.Close(), os.Chmod(path, os.FileMode(header.Mode&0o777)))
			}
		}
		if err != nil {
			return err
		}
	}
}

// run starts the image's program with the arguments, as a user by number.
func (c *container) run(user, zone string, args ...string) (string, error) {
	script := `mount --bind "$1" "$1"; mount -t proc proc "$1/proc"; mount -t sysfs -o ro sys "$1/sys"; mount --bind /dev "$1/dev"
		mount --bind "$2" "$1/data"; mount -t tmpfs -o mode=1777 tmp "$1/tmp"; mount -o remount,ro,bind "$1"
		root=$1 user=$3; shift 3; cd "$root"
		exec chroot --userspec="$user:$user" --groups= "$root" /usr/bin/orchestrator "$@"`
	command := exec.CommandContext(c.Context(), "unshare", append([]string{"--net", "--mount", "--pid", "--fork", "--kill-child", "sh", "-ec", script, "sh", c.root, c.data, user}, args...)...)
	command.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/data", "CHORTLE_DATA_DIR=/data", "CHORTLE_CACHE_DIR=/data/cache", "TZ=" + zone,
		"LD_LIBRARY_PATH=" + strings.Join(libraryFolders(runtime.GOARCH), ":")}
	out, err := command.CombinedOutput()
	return string(out), err
}

func TestImageRunsForAStranger(t *testing.T) {
	c := newContainer(t)
	const user = "12345"
	if err := os.Chown(c.data, 12345, 12345); err != nil {
		t.Fatal(err)
	}
	// A whole demo: sound is made by the image's ffmpeg, and heard by its model.
	out, err := c.run(user, "Asia/Kathmandu", "demo", "--minutes", "5", "--dir", "/data/demo")
	if err != nil || !strings.Contains(out, "alice") || !strings.Contains(out, "Europe/London") {
		t.Errorf("demo: %v\n%s", err, out)
	}
	out, err = c.run(user, "Asia/Kathmandu", "doctor")
	if err != nil || !strings.Contains(out, "/usr/lib/chortle/lib/libtensorflowlite_c.so") || !strings.Contains(out, "0 errors") {
		t.Errorf("doctor: %v\n%s", err, out)
	}
	out, err = c.run(user, "", "setup", "--check")
	if err != nil || strings.Count(out, "/usr/lib/chortle/") != 4 {
		t.Errorf("setup: %v\n%s", err, out)
	}
	// A volume that is somebody else's is named, with what to do.
	if err := errors.Join(os.Chown(c.data, 0, 0), os.Chmod(c.data, 0o755)); err != nil {
		t.Fatal(err)
	}
	out, err = c.run("54321", "", "user", "add", "alice", "--timezone", "UTC", "--source", "folder:/data/alice")
	if err == nil || !strings.Contains(out, "/data") || !strings.Contains(out, "let this user write") {
		t.Errorf("a volume of another: %v\n%s", err, out)
	}
}
