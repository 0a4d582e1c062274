package cli_test

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chortle-audio/chortle/internal/testkit"
	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/source/limitless/limitlesstest"
)

// ffmpeg makes a file of the place.
func (p *place) ffmpeg(to string, args ...string) {
	p.Helper()
	args = append(append([]string{"-nostdin", "-loglevel", "error"}, args...), to)
	if out, err := exec.CommandContext(p.Context(), testkit.FFmpeg(p), args...).CombinedOutput(); err != nil {
		p.Fatalf("ffmpeg %v: %v: %s", args, err, out)
	}
}

// Each bad input is an error of itself in the document, in the processing log and in the log, with a remedy that
// helps; everything else is read.
func TestBadInput(t *testing.T) {
	t.Parallel()
	p := newPlace(t).alice()
	good := p.path("alice/2026-11-22T14-30-00Z.ogg")
	content := p.content(good, 1)
	headers := 0 // the length of the first two pages
	limitlesstest.Repage(content, func(n int, page []byte) {
		if n < 2 {
			headers += len(page)
		}
	})
	at22 := func(clock string) string { return p.path("alice/2026-11-22T" + clock) }
	p.file("alice", "2026-11-22T15-00-00Z.ogg", content[:headers])
	p.file("alice", "2026-11-22T15-01-00Z.ogg", limitlesstest.Repage(content, func(n int, page []byte) {
		if n >= 3 { // one wrong page alone is taken back
			binary.LittleEndian.PutUint64(page[6:], 1<<50)
		}
	}))
	p.ffmpeg(at22("15-02-00Z.ogg"), "-f", "lavfi", "-t", "1", "-i", "testsrc=size=64x64:rate=5", "-c:v", "libtheora")
	p.file("", "outside.wav", []byte("RIFF"))
	if err := errors.Join(
		os.Symlink(p.path("outside.wav"), at22("15-03-00Z.wav")),
		os.Symlink(p.path("outside.wav"), p.path("alice/2026-11-20T15-03-00Z.wav")), // of a day that is not read
		syscall.Mkfifo(at22("15-04-00Z.wav"), 0o600),
	); err != nil {
		t.Fatal(err)
	}
	p.file("alice", "2099-01-01T00-00-00Z.ogg", content)

	// What looks odd is good all the same.
	p.ffmpeg(at22("16-00-00Z vorbis.ogg"), "-i", good, "-c:a", "libvorbis")
	p.file("alice", "2026-11-22T16-01-00Z.ogg", p.content(good, 6))
	p.file("alice", "2026-11-22T16-01-00Z.oga", p.content(good, 2))
	p.file("alice", "2026-11-22T16-02-00Z new\nline.ogg", p.content(good, 3))
	p.file("alice", "2026-11-22T16-03-00Z \xff\xfe.ogg", p.content(good, 4))
	long := "2026-11-22T16-04-00Z "
	p.file("alice", long+strings.Repeat("x", 255-len(long)-len(".ogg"))+".ogg", p.content(good, 5))
	const whole = 1 + 6

	r := p.run(append(day, "--json")...)
	var run any
	if err := json.Unmarshal([]byte(r.stdout), &run); err != nil || r.code != orchestrator.ExitIncomplete {
		t.Fatalf("exit code %d, %v\n%s", r.code, err, r.stderr)
	}
	if diff := cmp.Diff(run, any(p.json(0, "runs", "show", "--last"))); diff != "" {
		t.Errorf("runs show:\n%s", diff)
	}
	messages, remedies := map[any]string{}, map[any]string{}
	for _, e := range at(run, "users", 0, "errors").([]any) {
		messages[at(e, "recording")], remedies[at(e, "recording")] = fmt.Sprint(at(e, "message")), fmt.Sprint(at(e, "remedy"))
	}
	bad := []struct{ name, recording, says, remedy string }{
		{"zero audio packets", "2026-11-22T15-00-00Z.ogg", "there is no audio packet", "play it"},
		{"absurd granule position", "2026-11-22T15-01-00Z.ogg", "absurd granule position 1125899906842624", "play it"},
		{"video only", "2026-11-22T15-02-00Z.ogg", "there is no audio in it", "play it"},
		{"link out of the root", "2026-11-22T15-03-00Z.wav", "leads out of the folder", "move what it leads to into the folder"},
		{"named pipe", "2026-11-22T15-04-00Z.wav", "no regular file", "move it away"},
		{"time in the future", "2099-01-01T00-00-00Z.ogg", "in the future", "set the recorder's clock"},
	}
	for _, test := range bad {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if !strings.Contains(messages[test.recording], test.says) || !strings.Contains(remedies[test.recording], test.remedy) {
				t.Errorf("message %q, remedy %q", messages[test.recording], remedies[test.recording])
			}
			told := 0
			for line := range strings.Lines(r.stderr) {
				if strings.Contains(line, "recording failed") && strings.Contains(line, test.recording) {
					told++
				}
			}
			if told != 1 {
				t.Errorf("the log tells it %d times", told)
			}
		})
	}
	if len(messages) != len(bad) {
		t.Errorf("errors: %v", messages)
	}
	if counts := at(run, "users", 0, "recordings"); at(counts, "processed") != float64(whole) || at(counts, "failed") != float64(len(bad)) {
		t.Errorf("counts: %v", counts)
	}
	if laughs := at(run, "users", 0, "laughs"); at(laughs, "new").(float64)+at(laughs, "duplicates").(float64) != whole {
		t.Errorf("laughs: %v", laughs)
	}
	if next := p.json(orchestrator.ExitIncomplete, "run", "--date", "2026-11-20"); at(next, "users", 0, "errors", 0, "recording") != "2026-11-20T15-03-00Z.wav" {
		t.Errorf("the day of the other link: %v", next)
	}
}

// A file that is written to or taken away while the model listens is not half read: its model sees to it.
func TestFileThatChangesInTheMiddle(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ change, says, remedy string }{
		"grows":   {"open(path, 'ab').write(b'more')", "changed since it was listed", "next run"},
		"shrinks": {"os.truncate(path, 1000)", "changed since it was listed", "next run"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, "CHORTLE_SANDBOX=off") // the model itself changes the file
			path := p.file("alice", "2026-11-22T14-30-00Z.wav", quiet(60))
			p.recording("bob", "2026-11-22T14-30-00Z.ogg")
			model := p.file("", "model.py", fmt.Appendf(nil, faulty, fmt.Sprintf("path = %q; %s; return [0.9]", path, test.change)))
			p.must("user", "add", "alice", "--timezone", "UTC", "--source", "folder:"+p.path("alice"), "--model", testkit.Python(t)+" "+model)
			p.must("user", "add", "bob", "--timezone", "UTC", "--source", "folder:"+p.path("bob"))
			run := p.json(orchestrator.ExitIncomplete, day...)
			message, remedy := fmt.Sprint(at(run, "users", 0, "errors", 0, "message")), fmt.Sprint(at(run, "users", 0, "errors", 0, "remedy"))
			if !strings.Contains(message, test.says) || !strings.Contains(remedy, test.remedy) {
				t.Errorf("message %q, remedy %q", message, remedy)
			}
			if at(run, "users", 0, "laughs", "new") != 0.0 || at(run, "users", 1, "laughs", "new") != 1.0 {
				t.Errorf("%v", at(run, "users"))
			}
			if diff := cmp.Diff(run, p.json(0, "runs", "show", "--last")); diff != "" {
				t.Errorf("runs show:\n%s", diff)
			}
			if clips := p.tree("data/clips/alice"); len(clips) > 0 {
				t.Errorf("clips: %v", clips)
			}
		})
	}
}

// TestFileThatVanishesInTheMiddle: it was opened once, and is read, cut and stored from what was opened.
func TestFileThatVanishesInTheMiddle(t *testing.T) {
	t.Parallel()
	p := newPlace(t, "CHORTLE_SANDBOX=off") // the model itself removes the file
	path := p.file("alice", "2026-11-22T14-30-00Z.wav", quiet(60))
	model := p.file("", "model.py", fmt.Appendf(nil, faulty, fmt.Sprintf("path = %q; os.path.exists(path) and os.remove(path); return [0.9]", path)))
	p.must("user", "add", "alice", "--timezone", "UTC", "--source", "folder:"+p.path("alice"), "--model", testkit.Python(t)+" "+model)
	run := p.json(0, day...)
	if at(run, "users", 0, "recordings", "processed") != 1.0 || at(run, "users", 0, "laughs", "new") != 1.0 {
		t.Errorf("%v", at(run, "users"))
	}
	if clips := p.tree("data/clips/alice"); len(clips) != 1 {
		t.Errorf("clips: %v", clips)
	}
}

// quiet is a WAV file of that many seconds.
func quiet(seconds int) []byte {
	const rate = orchestrator.SampleRateHz
	size := uint32(2 * rate * seconds)
	head := binary.LittleEndian.AppendUint32([]byte("RIFF"), 36+size)
	head = append(head, "WAVEfmt "...)
	head = binary.LittleEndian.AppendUint32(head, 16)
	for _, n := range []uint16{1, 1} { // PCM, mono
		head = binary.LittleEndian.AppendUint16(head, n)
	}
	head = binary.LittleEndian.AppendUint32(head, rate)
	head = binary.LittleEndian.AppendUint32(head, 2*rate)
	head = binary.LittleEndian.AppendUint16(head, 2)
	head = binary.LittleEndian.AppendUint16(head, 16)
	head = binary.LittleEndian.AppendUint32(append(head, "data"...), size)
	return append(head, make([]byte, size)...)
}

// asNobody runs a command in a process without root's rights, to whom the place belongs but for what a test closes.
func (p *place) asNobody(args ...string) result {
	p.Helper()
	bin, err := programs()
	if err != nil {
		p.Fatal(err)
	}
	var stdout, stderr strings.Builder
	command := exec.CommandContext(p.Context(), bin+"/orchestrator", args...)
	command.Env, command.Dir, command.Stdout, command.Stderr = p.environ, "/", &stdout, &stderr
	if os.Geteuid() == 0 {
		const nobody = 65534
		command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		err := errors.Join(os.Chmod(shared, 0o755), os.Chmod(bin, 0o755), os.Chmod(filepath.Dir(p.dir), 0o755)) // so that nobody gets there
		for _, file := range append(p.tree("."), "alice", "data", ".") {
			if _, statErr := os.Lstat(p.path(file)); statErr == nil {
				err = errors.Join(err, os.Lchown(p.path(file), nobody, nobody))
			}
		}
		if err != nil {
			p.Fatal(err)
		}
	}
	_ = command.Run() // the code says it
	return result{command.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// A recording that may not be read is told with that remedy, in every run; it is read once it may be.
func TestNoPermission(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	good := p.recording("alice", "2026-11-22T14-30-00Z.ogg")
	closed := p.file("alice", "2026-11-22T15-30-00Z.ogg", p.content(good, 8))
	p.file("alice", "sub/2026-11-22T16-30-00Z.ogg", p.content(good, 9))
	folder := p.path("alice/sub")
	if err := errors.Join(os.Chmod(closed, 0), os.Chmod(folder, 0)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Chmod(folder, 0o700) })
	if r := p.asNobody("user", "add", "alice", "--timezone", "UTC", "--source", "folder:"+p.path("alice")); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	for range orchestrator.MaxAttempts + 1 {
		r := p.asNobody(append(day, "--json")...)
		var run any
		if err := json.Unmarshal([]byte(r.stdout), &run); err != nil || r.code != orchestrator.ExitIncomplete {
			t.Fatalf("exit code %d, %v\n%s", r.code, err, r.stderr)
		}
		for i, name := range []string{"2026-11-22T15-30-00Z.ogg", "sub"} {
			e := at(run, "users", 0, "errors", i)
			if at(e, "recording") != name || !strings.Contains(fmt.Sprint(at(e, "message")), "permission denied") || at(e, "remedy") != "let this user read it" {
				t.Errorf("%s: %v", name, e)
			}
		}
		if counts := at(run, "users", 0, "recordings"); at(counts, "failed") != 2.0 || at(counts, "given_up") != 0.0 {
			t.Errorf("counts: %v", counts)
		}
	}
	if err := errors.Join(os.Chmod(closed, 0o644), os.Chmod(folder, 0o755)); err != nil {
		t.Fatal(err)
	}
	if r := p.asNobody(day...); r.code != 0 || !strings.Contains(r.stdout, "2 read, 1 known") {
		t.Errorf("once it may: %+v", r)
	}
}

func TestUnwritableDataFolder(t *testing.T) {
	t.Parallel()
	p := newPlace(t).alice()
	if r := p.asNobody("version"); r.code != 0 { // gives the place away
		t.Fatalf("%+v", r)
	}
	refused := func(what string) {
		t.Helper()
		if r := p.asNobody(day...); r.code != orchestrator.ExitFailed || !strings.Contains(r.stderr, "let this user write there") {
			t.Errorf("%s: %+v", what, r)
		}
	}
	if err := os.Chmod(p.path("data"), 0o500); err != nil {
		t.Fatal(err)
	}
	refused("the folder itself")
	if err := errors.Join(os.Chmod(p.path("data"), 0o700), os.RemoveAll(p.path("data")), os.Chmod(p.dir, 0o500)); err != nil {
		t.Fatal(err)
	}
	refused("where it would be")
	if err := os.Chmod(p.dir, 0o700); err != nil {
		t.Fatal(err)
	}
}
