package main

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/ulikunitz/xz"
)

//go:embed base.txt
var baseList string

// pinned is a package of the base.
type pinned struct{ arch, name, version, sha256 string }

func parseBase(text string) (all []pinned, err error) {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		fields := strings.Fields(line)
		if len(fields) != 4 || len(fields[3]) != 64 {
			return nil, fmt.Errorf("read base.txt: %q, want machine, package, version and SHA-256", line)
		}
		all = append(all, pinned{fields[0], fields[1], fields[2], fields[3]})
	}
	return all, nil
}

// apt runs an apt of its own for a machine: the sources are this machine's, the rest lies in the work folder.
func (r *release) apt(ctx context.Context, arch, dir string, args ...string) error {
	state, err := filepath.Abs(filepath.Join(r.work, arch, "apt"))
	if err != nil {
		return err
	}
	for _, folder := range []string{"state/lists/partial", "cache/archives/partial"} {
		if err := os.MkdirAll(filepath.Join(state, folder), 0o755); err != nil {
			return err
		}
	}
	status, config := filepath.Join(state, "status"), filepath.Join(state, "apt.conf")
	text := fmt.Sprintf("APT::Architecture %q;\nAPT::Architectures { %q; };\nDir::State %q;\nDir::State::status %q;\nDir::Cache %q;\nAPT::Sandbox::User \"\";\n",
		arch, arch, filepath.Join(state, "state"), status, filepath.Join(state, "cache"))
	if err := errors.Join(os.WriteFile(status, nil, 0o644), os.WriteFile(config, []byte(text), 0o644)); err != nil {
		return err
	}
	command := exec.CommandContext(ctx, "apt-get", append([]string{"--quiet=2"}, args...)...)
	command.Dir, command.Env = dir, append(os.Environ(), "APT_CONFIG="+config)
	if said, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("apt-get %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(said))
	}
	return nil
}

// base brings the files of the base for a machine.
func (r *release) base(ctx context.Context, arch string) (t []entry, err error) {
	all, err := parseBase(baseList)
	if err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(filepath.Join(r.work, arch, "debs"))
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	updated := false
	for _, p := range all {
		if p.arch != arch {
			continue
		}
		path := filepath.Join(dir, p.sha256+".deb")
		content, err := os.ReadFile(path)
		if err != nil || sum(content) != p.sha256 {
			if !updated {
				if err := r.apt(ctx, arch, dir, "update"); err != nil {
					return nil, err
				}
				updated = true
			}
			if content, err = r.download(ctx, p, dir); err != nil {
				return nil, err
			}
			if err := os.WriteFile(path, content, 0o644); err != nil {
				return nil, err
			}
		}
		files, err := unpackDeb(content)
		if err != nil {
			return nil, fmt.Errorf("unpack %s: %w", p.name, err)
		}
		t = append(t, files...)
	}
	return append(t, certificates(t)...), nil
}

// download brings a package of the very version.
func (r *release) download(ctx context.Context, p pinned, dir string) ([]byte, error) {
	fresh, err := os.MkdirTemp(dir, "download-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(fresh)
	if err := r.apt(ctx, p.arch, fresh, "download", p.name+"="+p.version); err != nil {
		return nil, fmt.Errorf("fetch %s %s for %s: %w; if Debian has replaced that version, renew tools/dist/base.txt", p.name, p.version, p.arch, err)
	}
	found, err := filepath.Glob(filepath.Join(fresh, "*.deb"))
	if err != nil || len(found) != 1 {
		return nil, fmt.Errorf("fetch %s: apt-get brought %d files", p.name, len(found))
	}
	content, err := os.ReadFile(found[0])
	if err == nil && sum(content) != p.sha256 {
		err = fmt.Errorf("fetch %s %s: its sha256 is %s, want %s", p.name, p.version, sum(content), p.sha256)
	}
	return content, err
}

func sum(content []byte) string {
	hash := sha256.Sum256(content)
	return hex.EncodeToString(hash[:])
}

// entry is a file or a link of a layer, by its absolute place.
type entry struct {
	place string
	mode  int64
	// link is where a symbolic link leads; empty for a file.
	link    string
	content []byte
	uid     int
	folder  bool
}

// unpackDeb takes the files out of a package: all that a program opens, and the licences.
func unpackDeb(deb []byte) ([]entry, error) {
	data, err := memberOfAr(deb, "data.tar.xz")
	if err != nil {
		return nil, err
	}
	unpacked, err := xz.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	var all []entry
	for in := tar.NewReader(unpacked); ; {
		header, err := in.Next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		place := path.Clean("/" + header.Name)
		if unneeded(place) {
			continue
		}
		switch header.Typeflag {
		case tar.TypeReg:
			content, err := io.ReadAll(in)
			if err != nil {
				return nil, err
			}
			all = append(all, entry{place: place, mode: header.Mode & 0o777, content: content})
		case tar.TypeSymlink:
			all = append(all, entry{place: place, mode: 0o777, link: header.Linkname})
		}
	}
}

func unneeded(place string) bool {
	if strings.HasPrefix(place, "/usr/share/doc/") {
		return path.Base(place) != "copyright"
	}
	return slices.ContainsFunc([]string{"/usr/share/man/", "/usr/share/locale/", "/usr/share/lintian/", "/usr/share/i18n/", "/usr/bin/", "/usr/sbin/", "/sbin/", "/etc/"},
		func(folder string) bool { return strings.HasPrefix(place, folder) }) ||
		strings.Contains(place, "/gconv/") || strings.Contains(place, "/audit/") || strings.HasPrefix(place, "/usr/share/gdb/") || strings.HasPrefix(place, "/usr/share/gcc/")
}

// memberOfAr finds a file in an ar archive, which a .deb is.
func memberOfAr(archive []byte, name string) ([]byte, error) {
	const magic, head = "!<arch>\n", 60
	rest, ok := bytes.CutPrefix(archive, []byte(magic))
	if !ok {
		return nil, errors.New("this is not a .deb")
	}
	for len(rest) >= head {
		size, err := strconv.Atoi(strings.TrimSpace(string(rest[48:58])))
		if err != nil || size < 0 || size > len(rest)-head {
			return nil, errors.New("the .deb is damaged")
		}
		if strings.TrimRight(string(rest[:16]), " /") == name {
			return rest[head : head+size], nil
		}
		rest = rest[min(len(rest), head+size+size%2):]
	}
	return nil, fmt.Errorf("the .deb has no %s", name)
}

// certificates joins the certificates of the authorities into the one file that programs open.
func certificates(base []entry) []entry {
	var bundle bytes.Buffer
	for _, e := range base {
		if strings.HasPrefix(e.place, "/usr/share/ca-certificates/mozilla/") {
			bundle.Write(bytes.TrimSpace(e.content))
			bundle.WriteByte('\n')
		}
	}
	return []entry{{place: "/etc/ssl/certs/ca-certificates.crt", mode: 0o644, content: bundle.Bytes()}}
}

// renewBase prints base.txt with the versions that Debian has now.
func (r *release) renewBase(ctx context.Context, w io.Writer) error {
	all, err := parseBase(baseList)
	if err != nil {
		return err
	}
	for line := range strings.Lines(baseList) {
		if strings.HasPrefix(line, "#") {
			fmt.Fprint(w, line)
		}
	}
	out := bufio.NewWriter(w)
	for i, p := range all {
		dir, err := os.MkdirTemp("", "chortle-base-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		if i == 0 || all[i-1].arch != p.arch {
			if err := r.apt(ctx, p.arch, dir, "update"); err != nil {
				return err
			}
		}
		if err := r.apt(ctx, p.arch, dir, "download", p.name); err != nil {
			return err
		}
		found, err := filepath.Glob(filepath.Join(dir, "*.deb"))
		if err != nil || len(found) != 1 {
			return fmt.Errorf("renew %s: apt-get brought %d files", p.name, len(found))
		}
		content, err := os.ReadFile(found[0])
		if err != nil {
			return err
		}
		parts := strings.Split(strings.TrimSuffix(filepath.Base(found[0]), ".deb"), "_")
		fmt.Fprintf(out, "%s %s %s %s\n", p.arch, p.name, strings.ReplaceAll(parts[1], "%3a", ":"), sum(content))
	}
	return out.Flush()
}
