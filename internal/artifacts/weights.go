package artifacts

import (
	"os"
	"path/filepath"
)

// FakeWeights stands for the model that needs no file: it hears loudness as laughter.
const FakeWeights = "fake"

// IsWeights reports whether a text names weights and not a program: FakeWeights, a file of TensorFlow Lite, or a file
// that is there and that nobody can execute. CHORTLE_MODEL named weights before 0.1; it names a model now.
func IsWeights(text string) bool {
	switch filepath.Ext(text) {
	case ".tflite":
		return true
	case ".py": // a program that somebody forgot the interpreter of
		return false
	}
	info, err := os.Stat(text)
	return text == FakeWeights || err == nil && info.Mode().IsRegular() && info.Mode()&0o111 == 0
}
