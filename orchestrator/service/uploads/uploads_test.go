package uploads

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a spool with a clock of its own.
type world struct {
	*Spool

	at time.Time
}

func open(t *testing.T) *world {
	t.Helper()
	w := &world{at: time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)}
	w.Spool = &Spool{Dir: filepath.Join(t.TempDir(), "received"), Quota: 1 << 20, Reads: func(name string) bool { return strings.HasSuffix(name, ".wav") },
		Free: func(string) (int64, error) { return 1 << 40, nil }, Now: func() time.Time { return w.at }}
	return w
}

// send sends a part of a content; sum says whether its hash is told.
func (w *world) send(name, content string, from, to int, sum bool) (State, error) {
	piece := Piece{Name: name, Offset: int64(from), Length: int64(to - from), Total: int64(len(content))}
	if sum {
		hash := sha256.Sum256([]byte(content))
		piece.SHA256 = hash[:]
	}
	return w.Receive(context.Background(), piece, strings.NewReader(content[from:to]))
}

func (w *world) read(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(w.Dir, Folder, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestPieces(t *testing.T) {
	t.Parallel()
	w := open(t)
	name := strings.Repeat("笑", 83) + "ab.wav" // 255 bytes
	content := strings.Repeat("0123456789", 50_000)
	for _, piece := range [][2]int{{0, 1}, {1, 200_000}} {
		if state, err := w.send(name, content, piece[0], piece[1], true); err != nil || state.Complete() || state.Offset != int64(piece[1]) {
			t.Fatalf("%v: %+v, %v", piece, state, err)
		}
	}
	offset := (*OffsetError)(nil)
	if _, err := w.send(name, content, 100, 300, true); !errors.As(err, &offset) || offset.Want != 200_000 {
		t.Errorf("a piece from elsewhere: %v", err)
	}
	if _, err := w.send(name, content+"x", 200_000, 200_001, true); !errors.Is(err, ErrLength) {
		t.Errorf("another total: %v", err)
	}
	if state, err := w.State(name); err != nil || state.Offset != 200_000 || state.Total != 500_000 {
		t.Errorf("%+v, %v", state, err)
	}
	if state, err := w.send(name, content, 200_000, 500_000, true); err != nil || !state.Complete() || w.read(t, name) != content {
		t.Errorf("the last one: %+v, %v", state, err)
	}
	for _, sum := range []bool{true, false} {
		if state, err := w.send(name, content, 0, len(content), sum); err != nil || !state.Complete() {
			t.Errorf("the same again: %+v, %v", state, err)
		}
		if _, err := w.send(name, strings.ToUpper(content[:499_999])+"x", 0, len(content), sum); !errors.Is(err, ErrConflict) {
			t.Errorf("other content: %v", err)
		}
	}
	if _, err := w.send(name, "short", 0, 5, false); !errors.Is(err, ErrConflict) {
		t.Errorf("shorter content: %v", err)
	}
	if w.read(t, name) != content {
		t.Error("what was there is changed")
	}
}

func TestWhatIsRefused(t *testing.T) {
	t.Parallel()
	w := open(t)
	for _, name := range []string{"", ".", "..", "../a.wav", "a/b.wav", `a\b.wav`, ".a.wav", "~syncthing~a.wav", "a.txt", "a\x00.wav", "a\n.wav", "\xff.wav", strings.Repeat("笑", 84) + ".wav"} {
		if _, err := w.send(name, "x", 0, 1, false); !errors.Is(err, ErrName) {
			t.Errorf("%q: %v", name, err)
		}
		if _, err := w.State(name); !errors.Is(err, ErrName) {
			t.Errorf("state of %q: %v", name, err)
		}
	}
	for _, piece := range []Piece{{Offset: -1, Length: 1, Total: 2}, {Length: 0, Total: 2}, {Length: 3, Total: 2}, {Offset: 1, Length: 2, Total: 2}, {Length: 1}, {Offset: 1 << 62, Length: 1 << 62, Total: 1 << 62}} {
		piece.Name = "a.wav"
		if _, err := w.Receive(t.Context(), piece, strings.NewReader("xx")); !errors.Is(err, ErrLength) {
			t.Errorf("%+v: %v", piece, err)
		}
	}
	quota := (*QuotaError)(nil)
	if _, err := w.Receive(t.Context(), Piece{Name: "large.wav", Length: 1 << 30, Total: 1 << 30}, unread{t}); !errors.As(err, &quota) || quota.Disk {
		t.Errorf("1 GB against the quota: %v", err)
	}
	// What was promised counts before it is here.
	if _, err := w.Receive(t.Context(), Piece{Name: "begun.wav", Length: 1, Total: 1 << 20}, strings.NewReader("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := w.send("one.wav", "x", 0, 1, false); !errors.As(err, &quota) {
		t.Errorf("beside a promise: %v", err)
	}
	if err := w.Remove("begun.wav"); err != nil {
		t.Errorf("remove: %v", err)
	}
	w.Free = func(string) (int64, error) { return keepFree, nil }
	if _, err := w.send("one.wav", "x", 0, 1, false); !errors.As(err, &quota) || !quota.Disk {
		t.Errorf("on a full disk: %v", err)
	}
	w.Free = func(string) (int64, error) { return 1 << 40, nil }
	if _, err := w.Receive(t.Context(), Piece{Name: "cut.wav", Length: 10, Total: 10}, strings.NewReader("12345")); !errors.Is(err, ErrCut) {
		t.Errorf("less than it claims: %v", err)
	}
	if state, err := w.State("cut.wav"); err != nil || state.Offset != 5 || state.Total != 10 {
		t.Errorf("what came of it: %+v, %v", state, err)
	}
	sum := sha256.Sum256([]byte("other"))
	if _, err := w.Receive(t.Context(), Piece{Name: "cut.wav", Offset: 5, Length: 5, Total: 10, SHA256: sum[:]}, strings.NewReader("67890")); !errors.Is(err, ErrDigest) {
		t.Errorf("another hash: %v", err)
	}
	if _, err := w.State("cut.wav"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what was damaged on the way stayed: %v", err)
	}
}

// unread is a body that nobody may read.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("the body was read")
	return 0, io.EOF
}

// TestRevokedInTheMiddle: what came until then is no recording, and the sender may go on once they may send again.
func TestRevokedInTheMiddle(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.Quota = 1 << 30
	content, revoked := bytes.Repeat([]byte("x"), 3*checkEvery), errors.New("revoked")
	asked := 0
	piece := Piece{Name: "a.wav", Length: int64(len(content)), Total: int64(len(content)), MayStill: func(context.Context) error {
		if asked++; asked == 2 {
			return revoked
		}
		return nil
	}}
	if _, err := w.Receive(t.Context(), piece, bytes.NewReader(content)); !errors.Is(err, revoked) {
		t.Errorf("%v", err)
	}
	state, err := w.State("a.wav")
	if err != nil || state.Complete() || state.Offset < checkEvery {
		t.Fatalf("%+v, %v", state, err)
	}
	// Also at the very end.
	piece.MayStill = func(context.Context) error { return revoked }
	piece.Offset, piece.Length = state.Offset, state.Total-state.Offset
	if _, err := w.Receive(t.Context(), piece, bytes.NewReader(content[state.Offset:])); !errors.Is(err, revoked) {
		t.Errorf("at the end: %v", err)
	}
	if list, err := w.List(); err != nil || len(list) != 0 {
		t.Errorf("a recording: %v, %v", list, err)
	}
}

// TestOfAForm: a form does not say how long a file is.
func TestOfAForm(t *testing.T) {
	t.Parallel()
	w := open(t)
	form := func(body io.Reader) (State, error) {
		return w.Receive(t.Context(), Piece{Name: "a.wav", Length: 1000, Total: 1000, AtMost: true, MayStill: func(context.Context) error { return nil }}, body)
	}
	if _, err := form(io.MultiReader(strings.NewReader("half"), failing{})); !errors.Is(err, ErrCut) {
		t.Errorf("cut off: %v", err)
	}
	if _, err := w.State("a.wav"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("half of it stayed: %v", err)
	}
	if state, err := form(strings.NewReader("all of it")); err != nil || !state.Complete() || state.Total != 9 || state.Again || w.read(t, "a.wav") != "all of it" {
		t.Errorf("%+v, %v", state, err)
	}
	if state, err := form(strings.NewReader("all of it")); err != nil || !state.Again {
		t.Errorf("the same again: %+v, %v", state, err)
	}
	if _, err := form(strings.NewReader("all of xx")); !errors.Is(err, ErrConflict) {
		t.Errorf("other content: %v", err)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestTwoSenders(t *testing.T) {
	t.Parallel()
	w := open(t)
	began, goOn := make(chan struct{}), make(chan struct{})
	done := make(chan error, 1)
	go func() {
		_, err := w.Receive(t.Context(), Piece{Name: "a.wav", Length: 2, Total: 2}, &slow{began, goOn})
		done <- err
	}()
	<-began
	if _, err := w.send("a.wav", "zz", 0, 2, false); !errors.Is(err, ErrBusy) {
		t.Errorf("the second: %v", err)
	}
	close(goOn)
	if err := <-done; err != nil || w.read(t, "a.wav") != "xx" {
		t.Errorf("the first: %v", err)
	}
}

type slow struct {
	began chan<- struct{}
	goOn  <-chan struct{}
}

func (s *slow) Read(p []byte) (int, error) {
	if s.began != nil {
		close(s.began)
		s.began = nil
		<-s.goOn
	}
	return copy(p, "xx"), nil
}

func TestStream(t *testing.T) {
	t.Parallel()
	w := open(t)
	second := bytes.Repeat([]byte{0, 1, 0xfe, 0xff}, 8000)
	stream := func(after time.Duration) {
		t.Helper()
		w.at = w.at.Add(after)
		if err := w.Stream(t.Context(), "token 1", 16000, second); err != nil {
			t.Fatal(err)
		}
	}
	stream(0)                       // 11:59:59 to 12:00:00
	stream(3 * time.Second)         // late, but not by enough
	stream(10 * time.Second)        // a gap of 9 s and what the one before was late
	stream(time.Second)             //
	stream(streamIdle + time.Hour)  // a new recording
	w.at = w.at.Add(10 * time.Hour) // and its end
	if err := w.Tidy(); err != nil {
		t.Fatal(err)
	}
	list, err := w.List()
	if err != nil || len(list) != 2 || !strings.HasPrefix(list[0].Name, "stream_2026-11-28T11-59-59.000Z_") || !strings.HasPrefix(list[1].Name, "stream_2026-11-28T13-02-13.000Z_") {
		t.Fatalf("%+v, %v", list, err)
	}
	content := w.read(t, list[0].Name)
	if !strings.HasPrefix(content, "RIFF") || len(content) != 44+15*32000 || content[44:44+64000] != strings.Repeat(string(second), 2) || strings.Trim(content[44+64000:44+13*32000], "\x00") != "" {
		t.Errorf("%d bytes", len(content))
	}
	if used, err := w.Used(); err != nil || used != int64(len(content)+44+32000) {
		t.Errorf("used %d, %v", used, err)
	}
	for name, piece := range map[string][]byte{"nothing": nil, "half a sample": []byte("x"), "text": []byte(`{"segments":[{"text":"ha ha ha ha ha"}]}  `), "a file": append([]byte("RIFF"), second...)} {
		if err := w.Stream(t.Context(), "token 1", 16000, piece); !errors.Is(err, ErrNoSound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := w.Stream(t.Context(), "token 1", 7, second); !errors.Is(err, ErrNoSound) {
		t.Errorf("an odd rate: %v", err)
	}
	quota := (*QuotaError)(nil)
	w.Quota = 1000
	if err := w.Stream(t.Context(), "token 2", 16000, second); !errors.As(err, &quota) {
		t.Errorf("over the quota: %v", err)
	}
	w.Quota = 1 << 30
	if err := w.Stream(t.Context(), "token 2", 8000, second); err != nil {
		t.Fatal(err)
	}
	if err := w.Stream(t.Context(), "token 2", 16000, second); err != nil { // another rate is another recording
		t.Fatal(err)
	}
	if list, err := w.List(); err != nil || len(list) != 3 {
		t.Errorf("%+v, %v", list, err)
	}
	// Parts that nobody went on with are dropped in the end.
	if _, err := w.Receive(t.Context(), Piece{Name: "a.wav", Length: 1, Total: 2}, strings.NewReader("x")); err != nil {
		t.Fatal(err)
	}
	w.at = time.Now().Add(partLife + time.Hour) // parts are as old as the system says
	if err := w.Tidy(); err != nil {
		t.Fatal(err)
	}
	if _, err := w.State("a.wav"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an old part: %v", err)
	}
}
