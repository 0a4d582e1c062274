package artifacts

import (
	"fmt"
	"io/fs"
)

// UnsupportedError reports a machine for which the artifacts do not exist.
type UnsupportedError struct{ OS, Arch string }

func (e *UnsupportedError) Error() string {
	switch {
	case e.OS != "linux":
		return fmt.Sprintf("Chortle runs on Linux; this is %s", e.OS)
	case e.Arch == "arm":
		return "Chortle needs a 64-bit system: TensorFlow Lite for 32-bit ARM has no XNNPACK and there is no libopus or ffmpeg for it here; install the 64-bit Raspberry Pi OS or Debian arm64"
	}
	return fmt.Sprintf("Chortle runs on amd64 and arm64; there is no TensorFlow Lite library for %s", e.Arch)
}

// The wheels' versions are those of python/requirements-runtime.txt; a test compares them.
var pinned = map[string][]Artifact{
	"amd64": {
		model,
		tflite(4_835_320, "25465edb5cd7aadd00249d4d28f1d922ce5cc90195ad4403458111dd63493bae",
			"x86_64", 2_114_958, "3869f536402b1254e3be3549d3a462ecd6ed21ce2c3e77ec8eb501c3c700417c"),
		opus(567_544, "9c7698bb05b8c5a88fddf65870eb6496314c743813f06a562b21440ded124413",
			"x86_64", 371_736, "a9e2039139d37c42cb77a0edc7242d281e532de2471bdcf624b30aeb04d2e5f0"),
		ffmpeg(172_692_552, "0d709a0bed1a43f24cd2c420878c63afea4580671b6949ad19ed124572f3bc3d",
			"x86_64", 67_998_402, "050d6850601c3b3890bd2b28306f3b842b3daea390a561101174375a1c460bda"),
	},
	"arm64": {
		model,
		tflite(3_607_232, "12062437bfde367b1be592ebc4a9fe64b8453f90b3b7dc21fade002c38e1ac1a",
			"aarch64", 1_611_022, "6c75b77c936efd19b8c35a094cb7e3fdbd4ebcd0f63635a0851ce591990829f2"),
		opus(526_600, "884a01fd6cd0255ba5a1f98948f93fb06bff5ac68fbe699a8dd2156e2d543847",
			"aarch64", 356_184, "0450f00ccc67e58542cad4391e55d56ca9e8fb83ff8f547941d221d2eeb57ee5"),
		ffmpeg(130_865_896, "0b0b5ac30495b4e07ce1321b8d58200f901f57782884a8b6b264c7528c2c9e77",
			"aarch64", 60_956_631, "fad3176f859b25869e60a8ed79957d4e3ed74a97a95e5f0cdcb91455f6c6d00e"),
	},
}

var model = Artifact{
	Title: "YAMNet model", Place: Model, Size: 4_126_810, SHA256: ModelSHA256, Mode: 0o644,
	URLs: []string{
		"https://storage.googleapis.com/mediapipe-assets/yamnet_audio_classifier_with_metadata.tflite?generation=1661875980774466",
		"https://tfhub.dev/google/lite-model/yamnet/classification/tflite/1?lite-format=tflite",
	},
}

func tflite(size int64, sum, machine string, wheelSize int64, wheelSum string) Artifact {
	return Artifact{Title: "TensorFlow Lite", Place: TFLite, Size: size, SHA256: sum, Mode: libraryMode,
		Wheel: &Wheel{"pymicro-wakeword", "2.5.0", "pymicro_wakeword-2.5.0-py3-none-manylinux_2_35_" + machine + ".whl",
			wheelSize, wheelSum, "pymicro_wakeword/lib/libtensorflowlite_c.so"}}
}

func opus(size int64, sum, machine string, wheelSize int64, wheelSum string) Artifact {
	return Artifact{Title: "libopus", Place: Opus, Size: size, SHA256: sum, Mode: libraryMode,
		Wheel: &Wheel{"opuslib-next-bundled", "0.1.1",
			"opuslib_next_bundled-0.1.1-py3-none-manylinux_2_17_" + machine + ".manylinux2014_" + machine + ".whl",
			wheelSize, wheelSum, "opuslib_next/_native/libopus.so"}}
}

func ffmpeg(size int64, sum, machine string, wheelSize int64, wheelSum string) Artifact {
	return Artifact{Title: "ffmpeg", Place: FFmpeg, Size: size, SHA256: sum, Mode: 0o755,
		Wheel: &Wheel{"imageio-ffmpeg", "0.8.1", "imageio_ffmpeg-0.8.1-py3-none-manylinux_2_28_" + machine + ".whl",
			wheelSize, wheelSum, "imageio_ffmpeg/binaries/ffmpeg-linux-" + machine + "-v9.0.2"}}
}

const libraryMode fs.FileMode = 0o755

// For lists the artifacts for a machine, by Go's names for it, in the order in which they are needed. Errors:
// *UnsupportedError.
func For(goos, goarch string) ([]Artifact, error) {
	if artifacts := pinned[goarch]; goos == "linux" && artifacts != nil {
		return artifacts, nil
	}
	return nil, &UnsupportedError{goos, goarch}
}

// Named is the artifact of a place for a machine.
func Named(place, goos, goarch string) (Artifact, error) {
	all, err := For(goos, goarch)
	for _, artifact := range all {
		if artifact.Place == place {
			return artifact, nil
		}
	}
	return Artifact{}, err
}
