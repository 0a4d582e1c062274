package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/chortle-audio/chortle/internal/artifacts"
)

// platformImage is the image of one machine.
type platformImage struct {
	arch  string
	image v1.Image
}

// stranger is the user of the image, whom no other system has; any other may be chosen.
const stranger = 65532

// image puts a container image together: the C library and what else the programs open, ffmpeg, and the programs. Layers
// that change seldom come first.
func (r *release) image(ctx context.Context, t tree, arch string) (platformImage, error) {
	base, err := r.base(ctx, arch)
	if err != nil {
		return platformImage{}, err
	}
	passwd := fmt.Sprintf("root:x:0:0:root:/root:/sbin/nologin\nchortle:x:%d:%d:Chortle:/data:/sbin/nologin\n", stranger, stranger)
	group := fmt.Sprintf("root:x:0:\nchortle:x:%d:\n", stranger)
	base = append(base,
		entry{place: "/etc/passwd", mode: 0o644, content: []byte(passwd)},
		entry{place: "/etc/group", mode: 0o644, content: []byte(group)},
		entry{place: "/tmp", mode: 0o1777, folder: true},
		entry{place: "/data", mode: 0o700, folder: true, uid: stranger},
		entry{place: "/etc/ld.so.cache", mode: 0o644}) // empty: libraries are found by their folders
	ffmpeg, err := r.artifact(ctx, artifacts.FFmpeg, arch)
	if err != nil {
		return platformImage{}, err
	}
	var programs []entry
	for _, f := range t {
		if strings.HasPrefix(f.place, "bin/") || strings.HasPrefix(f.place, "lib/chortle/") || f.place == "share/doc/chortle/copyright" || f.place == "share/doc/chortle/"+sbomFile {
			programs = append(programs, entry{place: "/usr/" + f.place, mode: int64(f.mode.Perm()), content: f.content})
		}
	}
	image := mutate.MediaType(mutate.ConfigMediaType(empty.Image, types.OCIConfigJSON), types.OCIManifestSchema1)
	for _, content := range [][]entry{base, {{place: "/usr/lib/chortle/" + artifacts.FFmpeg, mode: 0o755, content: ffmpeg}}, programs} {
		layer, err := r.layer(content)
		if err != nil {
			return platformImage{}, err
		}
		if image, err = mutate.Append(image, mutate.Addendum{Layer: layer, MediaType: types.OCILayer, History: v1.History{Created: v1.Time{Time: r.time}, CreatedBy: "chortle"}}); err != nil {
			return platformImage{}, err
		}
	}
	image, err = mutate.ConfigFile(image, r.config(image, arch))
	return platformImage{arch, image}, err
}

func (r *release) config(image v1.Image, arch string) *v1.ConfigFile {
	config, err := image.ConfigFile()
	if err != nil {
		config = &v1.ConfigFile{}
	}
	config = config.DeepCopy()
	config.Architecture, config.OS, config.Created = arch, "linux", v1.Time{Time: r.time}
	config.Config = v1.Config{
		User:       fmt.Sprintf("%d:%d", stranger, stranger),
		Entrypoint: []string{"/usr/bin/orchestrator"},
		Cmd:        []string{"--help"},
		WorkingDir: "/data",
		Env: []string{"PATH=/usr/bin", "HOME=/data", "CHORTLE_DATA_DIR=/data", "CHORTLE_CACHE_DIR=/data/cache",
			"LD_LIBRARY_PATH=" + strings.Join(libraryFolders(arch), ":")},
		Volumes: map[string]struct{}{"/data": {}},
		Labels: map[string]string{
			"org.opencontainers.image.title":    "Chortle",
			"org.opencontainers.image.version":  r.version.number,
			"org.opencontainers.image.licenses": "Apache-2.0",
			"org.opencontainers.image.source":   "https://github.com/chortle-audio/chortle",
		},
	}
	return config
}

func libraryFolders(arch string) []string {
	triplet := map[string]string{"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}[arch]
	return []string{"/lib/" + triplet, "/usr/lib/" + triplet}
}

// layer packs entries, in order, with the folders above them.
func (r *release) layer(entries []entry) (v1.Layer, error) {
	slices.SortStableFunc(entries, func(a, b entry) int { return strings.Compare(a.place, b.place) })
	var b bytes.Buffer
	compressed, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(r.writeEntries(compressed, entries), compressed.Close()); err != nil {
		return nil, err
	}
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil }, tarball.WithMediaType(types.OCILayer))
}

func (r *release) writeEntries(w io.Writer, entries []entry) error {
	out := tar.NewWriter(w)
	made := map[string]bool{"/": true}
	var folder func(place string, e entry) error
	folder = func(place string, e entry) error {
		if made[place] {
			return nil
		}
		made[place] = true
		if err := folder(path.Dir(place), entry{mode: 0o755}); err != nil {
			return err
		}
		return out.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: place[1:] + "/", Mode: e.mode, Uid: e.uid, Gid: e.uid, ModTime: r.time, Format: tar.FormatPAX})
	}
	for _, e := range entries {
		if e.folder {
			if err := folder(e.place, e); err != nil {
				return err
			}
			continue
		}
		if err := folder(path.Dir(e.place), entry{mode: 0o755}); err != nil {
			return err
		}
		header := &tar.Header{Typeflag: tar.TypeReg, Name: e.place[1:], Mode: e.mode, Size: int64(len(e.content)), ModTime: r.time, Format: tar.FormatPAX}
		if e.link != "" {
			header.Typeflag, header.Linkname, header.Size = tar.TypeSymlink, e.link, 0
		}
		if err := out.WriteHeader(header); err != nil {
			return err
		}
		if _, err := out.Write(e.content); err != nil {
			return err
		}
	}
	return out.Close()
}

// writeImage writes the images of all machines as one OCI layout in a tar, which podman, docker and skopeo load.
func (r *release) writeImage(images []platformImage) error {
	dir := filepath.Join(r.work, "image")
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	index := v1.ImageIndex(mutate.IndexMediaType(empty.Index, types.OCIImageIndex))
	for _, one := range images {
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: one.image, Descriptor: v1.Descriptor{
			MediaType: types.OCIManifestSchema1, Platform: &v1.Platform{OS: "linux", Architecture: one.arch},
			Annotations: map[string]string{"org.opencontainers.image.ref.name": r.version.number}}})
	}
	if _, err := layout.Write(dir, index); err != nil {
		return fmt.Errorf("write image: %w", err)
	}
	var files tree
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, found fs.DirEntry, err error) error {
		if err != nil || found.IsDir() {
			return err
		}
		content, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		files.add(name, 0o644, content)
		return err
	})
	if err != nil {
		return fmt.Errorf("read image: %w", err)
	}
	return r.create("chortle-"+r.version.number+"-oci.tar", func(w io.Writer) error { return writeTar(w, files, "", r.time) })
}
