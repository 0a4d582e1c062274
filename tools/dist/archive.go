package main

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// archive writes the tree as a tar below one folder, with the installer beside it.
func (r *release) archive(t tree, arch string) (err error) {
	name := "chortle-" + r.version.number + "-linux-" + arch
	install, err := os.ReadFile(filepath.Join(r.root, "scripts/install"))
	if err != nil {
		return err
	}
	// The archive is installed into /usr/local.
	local := make(tree, 0, len(t)+1)
	for _, f := range t {
		if strings.HasPrefix(f.place, "lib/systemd/") {
			f.content = []byte(strings.ReplaceAll(string(f.content), "/usr/", "/usr/local/"))
		}
		local = append(local, f)
	}
	local.add("install", 0o755, install)
	return r.create(name+".tar.gz", func(w io.Writer) error {
		compressed, err := gzip.NewWriterLevel(w, gzip.BestCompression)
		if err != nil {
			return err
		}
		return errors.Join(writeTar(compressed, local, name, r.time), compressed.Close())
	})
}

// create writes a file of the release.
func (r *release) create(name string, write func(w io.Writer) error) (err error) {
	file, err := os.Create(filepath.Join(r.out, name))
	if err != nil {
		return err
	}
	if err = errors.Join(write(file), file.Close()); err != nil {
		return err
	}
	info, err := os.Stat(file.Name())
	if err == nil {
		r.say("%s, %.1f MB", name, float64(info.Size())/1e6)
	}
	return err
}

// writeTar writes files, and the folders above them, below one folder, all of root's and of one time.
func writeTar(w io.Writer, t tree, below string, at time.Time) error {
	out := tar.NewWriter(w)
	made := map[string]bool{".": true}
	var folder func(name string) error
	folder = func(name string) error {
		if made[name] {
			return nil
		}
		made[name] = true
		if err := folder(path.Dir(name)); err != nil {
			return err
		}
		return out.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: 0o755, ModTime: at, Format: tar.FormatPAX})
	}
	for _, f := range t {
		name := path.Join(below, f.place)
		if err := folder(path.Dir(name)); err != nil {
			return err
		}
		header := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: int64(f.mode.Perm()), Size: int64(len(f.content)), ModTime: at, Format: tar.FormatPAX}
		if err := out.WriteHeader(header); err != nil {
			return err
		}
		if _, err := out.Write(f.content); err != nil {
			return err
		}
	}
	return out.Close()
}
