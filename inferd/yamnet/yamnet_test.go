package yamnet

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/chortle-audio/chortle/internal/artifacts"
	"github.com/chortle-audio/chortle/internal/testkit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestDefect16LaughterClassesComeFromTheModelFile(t *testing.T) {
	t.Parallel()
	d := openModels(t, testOptions(t, 1))[0].Describe()
	if err := d.Validate(); err != nil {
		t.Error(err)
	}
	if len(d.Labels) != 521 || d.Labels[0] != "Speech" || !slices.Equal(d.Laughter, []int{13, 14, 15, 16, 17, 18}) ||
		d.WeightsSHA256 != artifacts.ModelSHA256 {
		t.Errorf("got %d labels, laughter %v, sha256 %s", len(d.Labels), d.Laughter, d.WeightsSHA256)
	}
}

// TestSideBySide has models that share weights score different sound at once, again and again, and
// closes one of them before the other.
func TestSideBySide(t *testing.T) {
	t.Parallel()
	models, err := Open(testOptions(t, 2))
	if err != nil {
		t.Fatal(err)
	}
	sounds := [][]float32{decode(t, testkit.Audio(t, "laughter/laughter_2.wav")), decode(t, testkit.Audio(t, "other/speech.wav"))}
	var want [2][][]float32 // by the other model, while nothing else is under way
	for i, sound := range sounds {
		want[i] = laughterScores(t, models[1-i], sound, hop)
	}
	var group sync.WaitGroup
	for i, sound := range sounds {
		group.Go(func() {
			for range 5 {
				if got := laughterScores(t, models[i], sound, hop); !slices.EqualFunc(got, want[i], slices.Equal) {
					t.Errorf("model %d: scores differ from the other's", i)
				}
			}
		})
	}
	group.Wait()
	if err := models[0].Close(); err != nil {
		t.Error(err)
	}
	laughterScores(t, models[1], make([]float32, window), hop)
	if err := models[1].Close(); err != nil {
		t.Error(err)
	}
}

func TestOpenErrors(t *testing.T) {
	t.Parallel()
	write := func(name string, data []byte) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	text := []byte("this is no model")
	other := archive(t, "labels.txt", "Laughter")
	renamed := archive(t, "yamnet_label_list.txt", "Speech\nlaughter\n")
	labels := archive(t, "yamnet_label_list.txt", strings.Join(laughter, "\n"))
	for _, c := range []struct {
		name    string
		options Options
		want    []string
	}{
		{"missing", Options{Path: filepath.Join(t.TempDir(), "gone.tflite")}, []string{"no such file", artifacts.ModelSHA256, "orchestrator setup"}},
		{"folder", Options{Path: t.TempDir()}, []string{"this is no file", "orchestrator setup"}},
		{"empty", Options{Path: write("empty.tflite", nil)}, []string{"an empty one", "orchestrator setup"}},
		{"damaged", Options{Path: changedModel(t, 1_000_000).Path}, []string{"its sha256 is", artifacts.ModelSHA256, "CHORTLE_WEIGHTS_SHA256"}},
		{"text", Options{Path: write("text.tflite", text), SHA256: fmt.Sprintf("%x", sha256.Sum256(text))}, []string{"read labels"}},
		{"another zip", Options{Path: write("zip.tflite", other), SHA256: fmt.Sprintf("%x", sha256.Sum256(other))}, []string{"yamnet_label_list.txt"}},
		{"another model", Options{Path: write("other.tflite", renamed), SHA256: fmt.Sprintf("%x", sha256.Sum256(renamed))}, []string{`"Laughter"`}},
		{"labels without model", Options{
			Path: write("labels.tflite", labels), SHA256: fmt.Sprintf("%x", sha256.Sum256(labels)), Library: testkit.TFLite(t),
		}, []string{"no TF Lite file"}},
		{"without library", Options{Path: testkit.Model(t), Library: "/missing.so"}, []string{"/missing.so", "CHORTLE_TFLITE_LIBRARY"}},
	} {
		c.options.Models = 1
		_, err := Open(c.options)
		if err == nil {
			t.Errorf("%s: no error", c.name)
			continue
		}
		for _, want := range append(c.want, c.options.Path) {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v; want %q in it", c.name, err, want)
			}
		}
	}
}

// changedModel is the real model with one byte changed, and accepted as it is.
func changedModel(t testing.TB, at int) Options {
	t.Helper()
	data, err := os.ReadFile(testkit.Model(t))
	if err != nil {
		t.Fatal(err)
	}
	data[at] ^= 1
	path := filepath.Join(t.TempDir(), "changed.tflite")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	o := testOptions(t, 1)
	o.Path, o.SHA256 = path, fmt.Sprintf("%x", sha256.Sum256(data))
	return o
}

// archive makes a zip of one file.
func archive(t testing.TB, name, content string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	file, err := w.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
