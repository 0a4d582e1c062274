package service

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/chortle-audio/chortle/internal/artifacts"
	"github.com/chortle-audio/chortle/internal/sandbox"
	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/advice"
	"github.com/chortle-audio/chortle/orchestrator/settings"
	"github.com/chortle-audio/chortle/orchestrator/store"
)

const (
	// leastDisk is the free space below which nothing can be kept for long; littleDisk is soon to be that.
	leastDisk, littleDisk = 100 << 20, 2 << 30
	// leastMemory is what a run takes at most, and a little air.
	leastMemory = 128e6
	// smallMachine is the memory below which swap is a good idea.
	smallMachine = 2 << 30
	// probeTimeout bounds programs that are only asked for their version.
	probeTimeout = 10 * time.Second
)

func (d *doctor) checkDataFolder() {
	const check, setting = "data folder", "CHORTLE_DATA_DIR"
	dir := d.Config.DataDir
	if err := makeDataDir(dir); err != nil {
		d.wrong(check, err.Error(), "let this user write there, or set "+setting)
		return
	}
	if d.checkFolder(check, dir, setting) {
		d.checkOwners(check, dir)
		if release, err := d.Lock(); err != nil {
			d.warn("run lock", err.Error(), "nothing, if that run is meant to be")
		} else {
			release()
			d.ok("run lock", "free")
		}
	}
}

func (d *doctor) checkClipFolder(ctx context.Context) {
	if ctx.Err() != nil {
		return
	}
	if _, err := d.Clips(ctx); err != nil {
		d.wrong("clip folder", err.Error(), "let this user write there, or set CHORTLE_CLIPS_URL")
		return
	}
	if kind, _, err := d.clipKind(); err == nil && kind.local {
		if place := d.ClipsPlace(); d.checkFolder("clip folder", place, "CHORTLE_CLIPS_URL") && !strings.HasPrefix(place, d.Config.DataDir+"/") {
			d.checkOwners("clip folder", place)
		}
		return
	}
	d.checkBucket(ctx)
}

// checkBucket tries what a run needs of a store of clips: to write, read, list and delete.
func (d *doctor) checkBucket(ctx context.Context) {
	kept, err := d.Clips(ctx)
	if err == nil {
		err = probe(ctx, kept)
	}
	if err != nil {
		d.wrong("clips", err.Error(), "see the settings CHORTLE_CLIPS_URL and CHORTLE_S3_…")
		return
	}
	d.ok("clips", "%s: a clip can be written, read, listed and deleted", d.ClipsPlace())
}

// probe writes, reads, lists and deletes a clip of nobody's.
func probe(ctx context.Context, kept orchestrator.Clips) error {
	key := "doctor/" + strings.ToLower(rand.Text()) + ".opus"
	if err := kept.Put(ctx, key, []byte(key)); err != nil {
		return err
	}
	data, err := readClip(ctx, kept, key)
	if err == nil && string(data) != key {
		err = errors.New("read clip: it is not what was written")
	}
	listed := false
	for found, listErr := range kept.Keys(ctx, "doctor") {
		if err = errors.Join(err, listErr); listErr != nil {
			break
		}
		listed = listed || found == key
	}
	if err == nil && !listed {
		err = errors.New("list clips: one that was written is missing")
	}
	return errors.Join(err, kept.Delete(ctx, key))
}

// checkFolder looks at the rights of a folder and the space where it lies.
func (d *doctor) checkFolder(check, dir, setting string) bool {
	info, err := os.Stat(dir)
	if err == nil {
		var file *os.File
		if file, err = os.CreateTemp(dir, ".doctor-*"); err == nil {
			err = errors.Join(file.Close(), os.Remove(file.Name()))
		}
	}
	if err != nil {
		d.wrong(check, err.Error(), "let this user write there, or set "+setting)
		return false
	}
	var disk syscall.Statfs_t
	if err := syscall.Statfs(dir, &disk); err != nil {
		d.warn(check, fmt.Sprintf("%s: the free space is not known: %v", dir, err), "look with df")
		return true
	}
	free := int64(disk.Bavail) * int64(disk.Bsize) //nolint:unconvert // it is not 64 bits long everywhere
	detail := fmt.Sprintf("%s, %s, %.1f GB free", dir, info.Mode().Perm(), float64(free)/(1<<30))
	switch {
	case free < leastDisk:
		d.wrong(check, detail, "free some space, or set "+setting+" to another disk")
	case free < littleDisk:
		d.warn(check, detail, "free some space soon")
	case info.Mode().Perm()&0o077 != 0:
		d.warn(check, detail+"; others can look into it", "chmod 700 "+dir)
	default:
		d.ok(check, "%s", detail)
	}
	return true
}

func (d *doctor) checkDatabase(ctx context.Context) {
	const check = "database"
	s, err := d.Store(ctx)
	if err != nil {
		d.wrong(check, err.Error(), remedyOr(err, "see the message")+"; the address is CHORTLE_DATABASE_URL")
		return
	}
	engine, err := s.Check(ctx)
	if err != nil {
		d.wrong(check, err.Error(), remedyOr(err, "see the message")+"; the address is CHORTLE_DATABASE_URL")
		return
	}
	version, _, err := s.Version(ctx)
	if err != nil {
		d.wrong(check, err.Error(), "see the message; the address is CHORTLE_DATABASE_URL")
		return
	}
	d.ok(check, "%s, schema version %d", engine, version)
	d.checkUsers(ctx, s)
	d.checkLastRun(ctx, s)
}

// remedyOr is the remedy that an error knows, or another one.
func remedyOr(err error, other string) string {
	knows := interface {
		Problem() (orchestrator.Code, orchestrator.Facts)
	}(nil)
	if !errors.As(err, &knows) {
		return other
	}
	code, facts := knows.Problem()
	return cmp.Or(advice.Remedy(advice.Terminal, code, facts), other)
}

// checkLastRun tells of a run that never ended: the machine, or somebody, killed it.
func (d *doctor) checkLastRun(ctx context.Context, s *store.Store) {
	const check = "last run"
	run, err := s.Run(ctx, store.LastRun)
	if errors.Is(err, orchestrator.ErrNotFound) {
		d.ok(check, "none yet")
		return
	}
	unfinished, unfinishedErr := s.Unfinished(ctx)
	switch err = errors.Join(err, unfinishedErr); {
	case err != nil:
		d.wrong(check, err.Error(), "see the message")
	case len(unfinished) > 0:
		d.warn(check, fmt.Sprintf("%s was started at %s and has not ended: something killed it", unfinished[0].ID, unfinished[0].StartedAt.Local().Format(time.DateTime)),
			"look for out-of-memory in the kernel's log; the next run goes on from there")
	case run.Status == orchestrator.StatusRunning:
		d.ok(check, "%s is under way since %s", run.ID, run.StartedAt.Local().Format(time.DateTime))
	case run.Status != orchestrator.StatusOK:
		d.warn(check, fmt.Sprintf("%s ended with exit code %d (%s)", run.ID, run.ExitCode, run.Status), "orchestrator runs show --last")
	default:
		d.ok(check, "%s, ended %s", run.ID, run.FinishedAt.Local().Format(time.DateTime))
	}
}

func (d *doctor) checkUsers(ctx context.Context, s *store.Store) {
	users, err := s.Users(ctx)
	if err != nil {
		d.wrong("users", err.Error(), "see the message")
		return
	}
	if len(users) == 0 {
		d.warn("users", "there are none yet", "orchestrator user add NAME --timezone ZONE --source folder:PATH")
	}
	for _, user := range users {
		check := "user " + user.Name
		if _, err := user.Location(); err != nil {
			d.wrong(check, err.Error(), "orchestrator user set "+user.Name+" --timezone ZONE")
			continue
		}
		kind, rest, err := kindOf(user)
		if err != nil {
			d.wrong(check, err.Error(), "orchestrator user set "+user.Name+" --source "+SourceForms(false))
			continue
		}
		found := kind.check(ctx, d.Service, user, rest)
		found.Check = check
		d.findings = append(d.findings, found)
		survey, err := s.Survey(ctx, user.ID)
		if err != nil {
			d.wrong(check, err.Error(), "see the message")
			continue
		}
		for _, line := range advice.Survey(user.Name, survey) {
			if line.Remedy != "" {
				d.warn(check, line.Message, line.Remedy)
			}
		}
	}
}

func (d *doctor) checkModelFile() {
	const check = "model file"
	path := d.Config.Weights
	if path == "fake" {
		d.warn(check, "fake: it hears no laughter", "for real recordings, unset CHORTLE_WEIGHTS")
		return
	}
	file, err := os.Open(path)
	if err != nil {
		d.wrong(check, err.Error(), "run orchestrator setup, or set CHORTLE_WEIGHTS to a file whose sha256 is "+artifacts.ModelSHA256)
		return
	}
	defer file.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		d.wrong(check, err.Error(), "run orchestrator setup to fetch it again")
		return
	}
	sum := hex.EncodeToString(hash.Sum(nil))
	if wanted := cmp.Or(d.Config.WeightsSHA256, artifacts.ModelSHA256); sum != wanted {
		d.wrong(check, fmt.Sprintf("%s has sha256 %s, not %s", path, sum, wanted), "run orchestrator setup to fetch it again, or accept this one by CHORTLE_WEIGHTS_SHA256")
		return
	}
	d.ok(check, "%s, sha256 %s", path, sum)
}

// checkPinned compares a file by its hash, unless it is one that a setting names.
func (d *doctor) checkPinned(place, path string) error {
	if path != d.Config.Folders().Path(place) {
		return nil
	}
	artifact, err := artifacts.Named(place, runtime.GOOS, runtime.GOARCH)
	if err != nil {
		return err
	}
	return artifact.Check(path)
}

func (d *doctor) checkTFLite() {
	const check = "TensorFlow Lite"
	if d.Config.Weights == "fake" {
		return
	}
	path := d.Config.TFLiteLibrary
	if _, err := os.Stat(path); err != nil {
		d.wrong(check, err.Error(), "run orchestrator setup, or set CHORTLE_TFLITE_LIBRARY")
		return
	}
	if err := d.checkPinned(artifacts.TFLite, path); err != nil {
		d.wrong(check, err.Error(), "run orchestrator setup to fetch it again")
		return
	}
	if err := artifacts.Open(path); err != nil {
		d.wrong(check, err.Error(), "do what the message says, or set CHORTLE_TFLITE_LIBRARY")
		return
	}
	d.ok(check, "%s", path)
}

func (d *doctor) checkOpus() {
	const check = "libopus"
	sound, err := d.Audio()
	if err != nil {
		d.wrong(check, err.Error(), "see the message")
		return
	}
	decoder, err := sound.OpusDecoder()
	if err != nil {
		d.warn(check, fmt.Sprintf("%s decodes, which is slower: %v", decoder, err), "run orchestrator setup, or install libopus")
		return
	}
	d.ok(check, "%s", decoder)
}

func (d *doctor) checkFFmpeg(ctx context.Context) {
	const check = "ffmpeg"
	path := d.Config.FFmpeg
	if path == "" {
		d.warn(check, "none found: only Ogg Opus can be read", "install ffmpeg, run orchestrator setup, or set CHORTLE_FFMPEG")
		return
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	ask := exec.CommandContext(ctx, path, "-version")
	ask.Env = []string{"LC_ALL=C", "PATH=/usr/local/bin:/usr/bin:/bin"} // none of our secrets
	answer, err := ask.Output()
	if err != nil {
		d.wrong(check, fmt.Sprintf("%s -version: %v", path, err), "install ffmpeg, run orchestrator setup, or set CHORTLE_FFMPEG")
		return
	}
	first, _, _ := bytes.Cut(answer, []byte("\n"))
	first, _, _ = bytes.Cut(first, []byte(" Copyright"))
	d.ok(check, "%s, %s", path, first)
}

// checkSandbox says how far this kernel confines decoders and models.
func (d *doctor) checkSandbox() {
	const check = "sandbox"
	support := sandbox.Supported()
	switch {
	case d.Config.Sandbox == sandbox.Off:
		d.warn(check, "off: a hole in ffmpeg or a model reaches everything that this user can", "set CHORTLE_SANDBOX=auto")
	case !support.Full():
		d.warn(check, fmt.Sprintf("this kernel offers %s", support), "use Linux 5.13 or later with Landlock and seccomp, so that decoders and models can be confined")
	default:
		d.ok(check, "%s: decoders and models have no network and see only their own files", support)
	}
}

// checkInferd starts a model as a run does, and stops it.
func (d *doctor) checkInferd(ctx context.Context) {
	const check = "inferd"
	spawner, err := d.Spawner(d.Config.Model)
	if err != nil {
		d.wrong(check, err.Error(), "put inferd beside this program or into PATH, or set CHORTLE_MODEL")
		return
	}
	began := d.Now()
	process, err := spawner.Spawn(ctx)
	if err != nil {
		d.wrong(check, err.Error(), "see the message; the command is CHORTLE_MODEL")
		return
	}
	took := d.Now().Sub(began)
	model, exit := process.Model(), process.Stop()
	if !exit.Gone {
		d.wrong(check, fmt.Sprintf("process %d is still there after it was killed", exit.PID), "look for it with ps; it may hang in the kernel")
		return
	}
	d.ok(check, "%s %s by %s hears %s; ready in %d ms, took %s MB, gone", model.Name, model.Version, model.Plugin,
		strings.Join(model.Laughter, ", "), took.Milliseconds(), advice.Megabytes(exit.Memory.Model))
}

func (d *doctor) checkMemory() {
	const check = "memory"
	content, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		d.warn(check, "not known: "+err.Error(), "make sure that 128 MB are free when a run starts")
		return
	}
	sizes := map[string]int64{}
	for line := range strings.Lines(string(content)) {
		var name string
		var kilobytes int64
		if n, _ := fmt.Sscanf(line, "%s %d kB", &name, &kilobytes); n == 2 {
			sizes[strings.TrimSuffix(name, ":")] = kilobytes << 10
		}
	}
	detail := fmt.Sprintf("%s MB available of %s MB, %s MB swap", advice.Megabytes(sizes["MemAvailable"]), advice.Megabytes(sizes["MemTotal"]), advice.Megabytes(sizes["SwapTotal"]))
	switch {
	case sizes["MemAvailable"] < leastMemory:
		d.wrong(check, detail, fmt.Sprintf("free memory: a run needs up to %d MB", int64(leastMemory/1e6)))
	case sizes["MemTotal"] < smallMachine && sizes["SwapTotal"] == 0:
		d.warn(check, detail, "on a machine as small as this, add a swap file for other programs' sake")
	default:
		d.ok(check, "%s", detail)
	}
}

func (d *doctor) checkClock() {
	now := d.Now()
	program, err := os.Executable()
	if err == nil {
		if info, err := os.Stat(program); err == nil && info.ModTime().After(now.Add(24*time.Hour)) {
			d.wrong("clock", fmt.Sprintf("it is %s, which is before this program was built", now.UTC().Format(time.RFC3339)), "set the clock: yesterday would be the wrong day")
			return
		}
	}
	d.ok("clock", "%s", now.Format("2006-01-02 15:04:05 MST"))
	for _, name := range settings.Zones() {
		if _, err := time.LoadLocation(name); err != nil {
			d.wrong("zones", err.Error(), "install tzdata, or reinstall this program")
			return
		}
	}
	d.ok("zones", "%d are known", len(settings.Zones()))
}
