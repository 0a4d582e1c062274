package yamnet

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"flag"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chortle-audio/chortle/inferd"
	"github.com/chortle-audio/chortle/internal/artifacts"
	"github.com/chortle-audio/chortle/internal/testkit"
)

var update = flag.Bool("update", false, "write testdata/golden.json anew, from the whole model")

const goldenPath = "testdata/golden.json"

// golden is described in testdata/README.md.
type golden struct {
	SHA256 string                `json:"sha256"`
	Window int                   `json:"window"`
	Hop    int                   `json:"hop"`
	Labels []string              `json:"labels"`
	Files  map[string]goldenFile `json:"files"`
}

type goldenFile struct {
	Samples int         `json:"samples"`
	Frames  [][]float64 `json:"frames"`
}

// levels are the values that a score can have.
func levels() []float64 {
	var values []float64
	for q := -128; q < 128; q++ {
		p := 1 / (1 + math.Exp(-0.3471774756908417*float64(q-100)))
		values = append(values, math.Min(math.Round(p*256), 255)/256)
	}
	return slices.Compact(values)
}

// level is the index of the nearest value.
func level(levels []float64, score float64) int {
	i, _ := slices.BinarySearch(levels, score)
	if i > 0 && (i == len(levels) || score-levels[i-1] < levels[i]-score) {
		i--
	}
	return i
}

// decode reads a file of sound by ffmpeg.
func decode(t testing.TB, path string) []float32 {
	t.Helper()
	var errors bytes.Buffer
	command := exec.CommandContext(t.Context(), testkit.FFmpeg(t),
		"-v", "error", "-nostdin", "-i", path, "-ac", "1", "-ar", "16000", "-f", "f32le", "-")
	command.Stderr = &errors
	pcm, err := command.Output()
	if err != nil {
		t.Fatalf("%s: %v: %s", path, err, errors.Bytes())
	}
	samples := make([]float32, len(pcm)/4)
	if _, err := binary.Decode(pcm, binary.LittleEndian, samples); err != nil {
		t.Fatal(err)
	}
	return samples
}

// frames pads a recording until whole windows cover it.
func frames(samples []float32, hop int) (padded []float32, n int) {
	n = 1 + (max(len(samples)-window, 0)+hop-1)/hop
	padded = make([]float32, window+(n-1)*hop)
	copy(padded, samples)
	return padded, n
}

// laughterScores are the scores of each frame, for each laughter class.
func laughterScores(t testing.TB, m inferd.Model, samples []float32, hop int) [][]float32 {
	t.Helper()
	padded, n := frames(samples, hop)
	classes := len(m.Describe().Labels)
	scores := make([]float32, n*classes)
	if err := m.Predict(padded, hop, scores); err != nil {
		t.Fatal(err)
	}
	picked := make([][]float32, n)
	for i := range picked {
		for _, label := range m.Describe().Laughter {
			picked[i] = append(picked[i], scores[i*classes+label])
		}
	}
	return picked
}

// audioFiles names every file of real sound.
func audioFiles(t testing.TB) []string {
	t.Helper()
	root := filepath.Dir(filepath.Dir(testkit.Audio(t, "laughter/laughter.wav")))
	var names []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if extension := filepath.Ext(path); err == nil && (extension == ".wav" || extension == ".mp3") {
			name, _ := filepath.Rel(root, path)
			names = append(names, filepath.ToSlash(name))
		}
		return err
	})
	if err != nil || len(names) == 0 {
		t.Fatalf("%d files of sound in %s, %v", len(names), root, err)
	}
	return names
}

// testOptions finds the real model.
func testOptions(t testing.TB, models int) Options {
	t.Helper()
	return Options{Path: testkit.Model(t), Library: testkit.TFLite(t), Models: models}
}

func openModels(t testing.TB, o Options) []inferd.Model {
	t.Helper()
	models, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, m := range models {
			if err := m.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	return models
}

func TestGoldenScores(t *testing.T) {
	t.Parallel()
	model := openModels(t, testOptions(t, 1))[0]
	if *update {
		writeGolden(t, model)
	}
	want := readGolden(t)
	values := levels()
	if len(want.Files) == 0 {
		t.Fatalf("%s holds no file", goldenPath)
	}
	for name, file := range want.Files { // what else lies in the folder of real sound is nobody's expectation
		samples := decode(t, testkit.Audio(t, name))
		if d := len(samples) - file.Samples; d < -16 || d > 16 {
			t.Errorf("%s: %d samples, want %d", name, len(samples), file.Samples)
		}
		got := laughterScores(t, model, samples, hop)
		if len(samples) == file.Samples && len(got) != len(file.Frames) {
			t.Errorf("%s: %d frames, want %d", name, len(got), len(file.Frames))
		}
		for i, frame := range file.Frames[:min(len(got), len(file.Frames))] {
			for k, score := range got[i] {
				if d := level(values, float64(score)) - level(values, frame[1+k]); d < -1 || d > 1 {
					t.Errorf("%s at %v: %s is %v, want %v or a neighbour", name, frame[0], want.Labels[k], score, frame[1+k])
				}
			}
		}
	}
}

func readGolden(t testing.TB) golden {
	t.Helper()
	data, err := os.ReadFile(goldenPath)
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	if g.SHA256 != artifacts.ModelSHA256 || g.Window != window || g.Hop != hop || !slices.Equal(g.Labels, laughter) {
		t.Fatalf("%s is of another model", goldenPath)
	}
	return g
}

func writeGolden(t testing.TB, model inferd.Model) {
	t.Helper()
	g := golden{SHA256: artifacts.ModelSHA256, Window: window, Hop: hop, Labels: laughter, Files: map[string]goldenFile{}}
	for _, name := range audioFiles(t) {
		samples := decode(t, testkit.Audio(t, name))
		file := goldenFile{Samples: len(samples)}
		for k, scores := range laughterScores(t, model, samples, hop) {
			frame := []float64{float64(k * hop)}
			for _, score := range scores {
				frame = append(frame, float64(score))
			}
			file.Frames = append(file.Frames, frame)
		}
		g.Files[name] = file
	}
	data, err := json.Marshal(g)
	if err != nil {
		t.Fatal(err)
	}
	data = bytes.ReplaceAll(data, []byte(`"frames":[`), []byte("\"frames\":[\n  "))
	data = bytes.ReplaceAll(data, []byte("],["), []byte("],\n  [")) // a frame a line, so that differences are easy to read
	data = bytes.ReplaceAll(data, []byte("},"), []byte("},\n "))
	if err := os.WriteFile(goldenPath, append(data, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestKnownBest holds the best laughter score of the files for which it is known from elsewhere.
func TestKnownBest(t *testing.T) {
	t.Parallel()
	model := openModels(t, testOptions(t, 1))[0]
	best := func(name string) float64 {
		var best float32
		for _, scores := range laughterScores(t, model, decode(t, testkit.Audio(t, name)), hop) {
			best = max(best, slices.Max(scores))
		}
		return float64(best)
	}
	for name, want := range map[string]float64{
		"laughter/laughter_2.wav":              0.67,
		"laughter/conversation_with_laugh.wav": 0.41,
		"laughter/ent-id10534-laugh_0.mp3":     0.33,
		"laughter/int-id10696-laugh_1.mp3":     0.26,
		"laughter/int-id10915-laugh_0.mp3":     0.26,
		"laughter/ent-id10293-laugh_1.mp3":     0.15,
		"laughter/laughter.wav":                0.11,
		"laughter/laughter_1.wav":              0.11,
		"laughter/laughter_3.wav":              0.11,
	} {
		if got := best(name); math.Abs(got-want) > 0.085 { // one step
			t.Errorf("%s: best score %.3f, want %.2f", name, got, want)
		}
	}
	for _, name := range audioFiles(t) {
		if got := best(name); strings.HasPrefix(name, "other/") && got >= 0.01 {
			t.Errorf("%s: best score %.3f, want less than 0.01", name, got)
		}
	}
}
