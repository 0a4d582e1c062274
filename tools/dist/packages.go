package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/goreleaser/nfpm/v2"
	_ "github.com/goreleaser/nfpm/v2/deb" // registers itself
	"github.com/goreleaser/nfpm/v2/files"
	_ "github.com/goreleaser/nfpm/v2/rpm"
)

const about = `Finds the laughter in a person's day
Every night Chortle reads the recordings of each user's day, finds every laugh with Google's YAMNet, keeps a few
seconds of sound around it, and lets the rest go. Nothing leaves the machine.`

// packages writes the deb and the rpm of a machine.
func (r *release) packages(t tree, arch string) error {
	staged, err := r.stage(t, arch)
	if err != nil {
		return err
	}
	for _, format := range []string{"deb", "rpm"} {
		packager, err := nfpm.Get(format)
		if err != nil {
			return err
		}
		info := nfpm.WithDefaults(r.info(staged, arch, format))
		if err := nfpm.PrepareForPackager(info, format); err != nil {
			return fmt.Errorf("prepare %s: %w", format, err)
		}
		if err := r.create(packager.ConventionalFileName(info), func(w io.Writer) error { return packager.Package(info, w) }); err != nil {
			return fmt.Errorf("write %s: %w", format, err)
		}
	}
	return nil
}

// stage lays the tree onto the disk, from where nfpm takes it.
func (r *release) stage(t tree, arch string) (files.Contents, error) {
	dir := filepath.Join(r.work, arch, "stage")
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	var contents files.Contents
	for _, f := range t {
		source := filepath.Join(dir, filepath.FromSlash(f.place))
		if err := os.MkdirAll(filepath.Dir(source), 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(source, f.content, 0o644); err != nil {
			return nil, err
		}
		contents = append(contents, &files.Content{Source: source, Destination: "/usr/" + f.place,
			FileInfo: &files.ContentFileInfo{Owner: "root", Group: "root", Mode: f.mode, MTime: r.time}})
	}
	return contents, nil
}

func (r *release) info(contents files.Contents, arch, format string) *nfpm.Info {
	script := func(name string) string { return filepath.Join(r.root, "scripts", "package", name) }
	info := &nfpm.Info{
		Name: "chortle", Arch: arch, Platform: "linux", Version: r.version.number, VersionSchema: "none", Release: "1",
		Maintainer: "The Chortle authors <chortle@localhost>", Description: about, License: "Apache-2.0", Homepage: "https://github.com/chortle-audio/chortle",
		Section: "sound", Priority: "optional", MTime: r.time, DisableGlobbing: true,
		Overridables: nfpm.Overridables{
			Contents: contents,
			Scripts:  nfpm.Scripts{PostInstall: script("postinst"), PreRemove: script("prerm"), PostRemove: script("postrm")},
			Deb:      nfpm.Deb{Compression: "zstd", Scripts: nfpm.DebScripts{Templates: script("templates")}},
			RPM:      nfpm.RPM{Compression: "zstd", BuildHost: "chortle", Summary: "Finds the laughter in a person's day", Group: "Applications/Multimedia"},
		},
	}
	if format == "deb" {
		info.Depends = []string{"libc6 (>= 2.34)", "libstdc++6 (>= 12)", "libgcc-s1", "passwd"}
		info.Recommends = []string{"ffmpeg", "ca-certificates"}
	} else {
		info.Depends = []string{"glibc >= 2.34", "libstdc++ >= 12", "libgcc", "shadow-utils"}
		info.Recommends = []string{"/usr/bin/ffmpeg", "ca-certificates"}
	}
	return info
}
