package tflite

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/ebitengine/purego"

	"github.com/chortle-audio/chortle/internal/testkit"
)

var (
	yamnetInput  = []int{15600}
	yamnetOutput = []int{1, 521}
)

func open(t testing.TB) *Library {
	t.Helper()
	l, err := Open(testkit.TFLite(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// yamnet maps the model file into memory.
func yamnet(t testing.TB) []byte {
	t.Helper()
	file, err := os.Open(testkit.Model(t))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	data, err := syscall.Mmap(int(file.Fd()), 0, int(info.Size()), syscall.PROT_READ, syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Munmap(data); err != nil {
			t.Error(err)
		}
	})
	return data
}

func loadYAMNet(t testing.TB, l *Library, n int, flags uint32) *Model[float32, float32] {
	t.Helper()
	m, err := load[float32, float32](l, yamnet(t), n, yamnetInput, yamnetOutput, flags)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

func TestInterpretersShareAModel(t *testing.T) {
	t.Parallel()
	m := loadYAMNet(t, open(t), 2, signedOperators|unsignedOperators)
	a, b := m.Interpreters[0], m.Interpreters[1]
	for k := range a.Input {
		a.Input[k] = float32(math.Sin(2 * math.Pi * 440 / 16000 * float64(k)))
	}
	copy(b.Input, a.Input)
	for _, i := range m.Interpreters {
		if err := i.Invoke(); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(a.Output, b.Output) || slices.Max(a.Output) < 0.1 {
		t.Errorf("the best of %d scores is %v and %v", len(a.Output), slices.Max(a.Output), slices.Max(b.Output))
	}
}

// TestDelegation proves that XNNPACK runs the network: the tensors between its operators then have no
// memory in TF Lite's own arena. Without flags, they do.
func TestDelegation(t *testing.T) {
	t.Parallel()
	l := open(t)
	var tensorAt func(interpreter uintptr, index int32) uintptr
	purego.RegisterLibFunc(&tensorAt, l.handle, "TfLiteInterpreterGetTensor")
	inside := func(flags uint32) (count int) {
		i := loadYAMNet(t, l, 1, flags).Interpreters[0]
		const tensors = 121 // of the file; the delegate adds its own behind
		for k := range int32(tensors) {
			if l.tensorData(tensorAt(i.handle, k)) == nil {
				count++
			}
		}
		return count
	}
	if got := inside(0); got > 5 { // it takes some of the spectrogram's operators
		t.Errorf("%d tensors are inside of the delegate that got no flags, want 5 at most", got)
	}
	if got := inside(signedOperators | unsignedOperators); got < 27 { // as many as convolutions
		t.Errorf("%d tensors are inside of the delegate, want at least 27", got)
	}
}

func TestOpenErrors(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "missing.so")
	if _, err := Open(missing); err == nil || !strings.Contains(err.Error(), missing) || !strings.Contains(err.Error(), "CHORTLE_TFLITE_LIBRARY") {
		t.Errorf("missing library: %v", err)
	}
	text := filepath.Join(t.TempDir(), "text.so")
	if err := os.WriteFile(text, []byte("no library"), 0o600); err != nil {
		t.Fatal(err)
	}
	var opening sync.WaitGroup
	for range 16 { // many at once, so that a goroutine changes its thread before the loader tells the cause
		opening.Go(func() {
			for range 1000 {
				if _, err := Open(text); err == nil || !strings.Contains(err.Error(), text) {
					t.Errorf("not a library: %v", err)
					return
				}
			}
		})
	}
	opening.Wait()
	other := "/lib/" + map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[runtime.GOARCH] + "-linux-gnu/libm.so.6"
	if _, err := os.Stat(other); errors.Is(err, fs.ErrNotExist) {
		return // this system keeps its libraries elsewhere
	}
	if _, err := Open(other); err == nil || !strings.Contains(err.Error(), "it has no TfLite") {
		t.Errorf("another library: %v", err)
	}
}

func TestNotAModel(t *testing.T) {
	t.Parallel()
	l := open(t)
	var pinner runtime.Pinner
	defer pinner.Unpin()
	for name, data := range map[string][]byte{
		"text":      []byte("this is not a model at all, but it is longer than a header"),
		"one byte":  {0},
		"identity":  []byte("\x1c\x00\x00\x00TFL3"),
		"cut short": slices.Clone(yamnet(t)[:100_000]),
	} {
		pinner.Pin(&data[0])
		if m, err := Load[float32, float32](l, data, 1, yamnetInput, yamnetOutput); err == nil {
			m.Close()
			t.Errorf("%s was taken for a model", name)
		}
	}
}

func TestWrongShapes(t *testing.T) {
	t.Parallel()
	l, file := open(t), yamnet(t)
	for _, c := range []struct {
		in, out []int
		want    string
	}{
		{[]int{1000}, yamnetOutput, "[1000]"},
		{[]int{2, 15600}, yamnetOutput, "[2 15600]"},
		{yamnetInput, []int{521}, "dims are [1 521], want [521]"},
	} {
		m, err := Load[float32, float32](l, file, 1, c.in, c.out)
		if err == nil {
			m.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v to %v: %v", c.in, c.out, err)
		}
	}
	if _, err := Load[int8, float32](l, file, 1, yamnetInput, yamnetOutput); err == nil || !strings.Contains(err.Error(), "check input") {
		t.Errorf("integers for floats: %v", err)
	}
}
