// Package cachedir names what set-up fetches and where it lies, so that set-up, the orchestrator and
// inferd find the same files from any working directory. It looks at nothing by itself.
package cachedir

import "path/filepath"

// Names below the cache folder.
const (
	Model  = "models/yamnet.tflite"
	TFLite = "lib/libtensorflowlite_c.so"
	Opus   = "lib/libopus.so"
	FFmpeg = "bin/ffmpeg"
)

// ModelSHA256 is the SHA-256 of the one YAMNet file that is accepted by default: Google's YAMNet
// classification TF Lite v1.
const ModelSHA256 = "10c95ea3eb9a7bb4cb8bddf6feb023250381008177ac162ce169694d05c317de"

// Dir is the cache folder: CHORTLE_CACHE_DIR, else chortle below XDG_CACHE_HOME, else below the home
// folder's .cache. getenv is os.Getenv or a stand-in. Empty when none of the three is set.
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
