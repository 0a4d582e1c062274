// Command dist builds what people install: packages for Debian and Red Hat, archives, and a container image, for each
// machine, with checksums, a signature and a list of what is inside. It needs Go and no Docker, no root and no packaging
// tools. The same commit gives the same bytes: nothing of the machine or the time goes in.
//
//	go run ./tools/dist [-version V] [-arch amd64,arm64] [-out FOLDER] [-key FILE]
//
// Run it from the top of the checkout: make dist does.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/chortle-audio/chortle/internal/artifacts"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "dist:", err)
		os.Exit(1)
	}
}

// release is what is being built.
type release struct {
	// root is the checkout; out receives what is built; work holds what lies between, and stays for the next time.
	root, out, work string
	version         version
	// time of the commit, which every file in a package gets.
	time time.Time
	// mirrors are folders and addresses with what is fetched.
	mirrors []string
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("dist", flag.ContinueOnError)
	named := flags.String("version", "", "`version` of the release; else the one of the commit")
	arches := flags.String("arch", "amd64,arm64", "machines, by Go's `names`, with commas between")
	out := flags.String("out", "dist", "`folder` for what is built; it is emptied first")
	key := flags.String("key", "", "minisign secret key `file` that signs the checksums; else they are not signed")
	mirror := flags.String("mirror", "", "`folder` or address that holds what is fetched")
	image := flags.Bool("image", true, "build the container image too, which needs Debian 12's apt")
	renew := flags.Bool("renew-base", false, "print base.txt with the versions that Debian has now, and build nothing")
	if err := flags.Parse(args); err != nil {
		return err
	}
	r := &release{root: ".", out: *out, work: filepath.Join("build", "dist")}
	var err error
	if r.root, err = filepath.Abs(r.root); err != nil {
		return err
	}
	r.mirrors = r.near(*mirror)
	if r.time, err = r.commitTime(ctx); err != nil {
		return err
	}
	if r.version, err = r.describe(ctx, *named); err != nil {
		return err
	}
	if *renew {
		return r.renewBase(ctx, os.Stdout)
	}
	if err := os.RemoveAll(r.out); err != nil {
		return err
	}
	if err := os.MkdirAll(r.out, 0o755); err != nil {
		return err
	}
	var images []platformImage
	for _, arch := range strings.Split(*arches, ",") {
		made, err := r.machine(ctx, arch, *image)
		if err != nil {
			return fmt.Errorf("%s: %w", arch, err)
		}
		if made != nil {
			images = append(images, *made)
		}
	}
	if *image {
		if err := r.writeImage(images); err != nil {
			return err
		}
	}
	return r.checksums(*key)
}

// near lists where the files that are fetched may lie: a mirror, if one is named, and where set-up puts the model.
func (r *release) near(mirror string) (all []string) {
	if mirror != "" {
		all = append(all, mirror)
	}
	return append(all, filepath.Join(artifacts.Dir(os.Getenv), "models"), filepath.Join(r.root, "..", "shared", "models"))
}

// machine builds everything for one machine.
func (r *release) machine(ctx context.Context, arch string, image bool) (*platformImage, error) {
	r.say("building for %s", arch)
	tree, err := r.tree(ctx, arch)
	if err != nil {
		return nil, err
	}
	if err := r.archive(tree, arch); err != nil {
		return nil, err
	}
	if err := r.packages(tree, arch); err != nil {
		return nil, err
	}
	if err := r.sbom(tree, arch); err != nil {
		return nil, err
	}
	if !image {
		return nil, nil
	}
	made, err := r.image(ctx, tree, arch)
	return &made, err
}

func (r *release) say(format string, args ...any) { fmt.Printf("dist: "+format+"\n", args...) }

// commitTime is SOURCE_DATE_EPOCH, where that is set, else the time of the commit.
func (r *release) commitTime(ctx context.Context) (time.Time, error) {
	text := os.Getenv("SOURCE_DATE_EPOCH")
	if text == "" {
		answer, err := r.git(ctx, "log", "-1", "--format=%ct")
		if err != nil {
			return time.Time{}, fmt.Errorf("read the time of the commit: %w; set SOURCE_DATE_EPOCH", err)
		}
		text = answer
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("read SOURCE_DATE_EPOCH: %w", err)
	}
	return time.Unix(seconds, 0).UTC(), nil
}

func (r *release) git(ctx context.Context, args ...string) (string, error) {
	command := exec.CommandContext(ctx, "git", args...)
	command.Dir, command.Stderr = r.root, os.Stderr
	answer, err := command.Output()
	return strings.TrimSpace(string(answer)), err
}
