package audio

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/chortle-audio/chortle/internal/sandbox"
	"github.com/chortle-audio/chortle/orchestrator"
)

var errNoFFmpeg = orchestrator.WithCode(errors.New("find ffmpeg: only Ogg Opus can be read without it"), orchestrator.CodeFFmpegMissing)

// input is how ffmpeg is told to read the descriptor that it inherits. Only containers of sound are
// allowed, and nothing but that file: a playlist, a picture or a script cannot make it open others.
func input(part section) []string {
	protocols, name := part.source()
	args := []string{
		"-protocol_whitelist", protocols, "-format_whitelist",
		"aac,ac3,aiff,amr,ape,asf,au,avi,caf,dsf,dss,dts,eac3,flac,flv,gsm,matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,mp3,mpc,mpc8," +
			"mpeg,mpegts,mxf,nut,ogg,rm,sox,tak,tta,voc,w64,wav,wv,xwma",
	}
	if part.format != "" {
		args = append(args, "-f", part.format)
	}
	if part.allEdits {
		args = append(args, "-ignore_editlist", "1")
	}
	return append(args, "-i", name)
}

// output chooses one of a file's tracks of sound, counted from 0, and nothing else.
func output(track int) []string {
	return []string{"-map", "0:a:" + strconv.Itoa(track), "-vn", "-sn", "-dn", "-threads", "1"}
}

// inherited is the name of the descriptor that ffmpeg inherits.
const inherited = "/dev/fd/3"

// program is one run of ffmpeg.
type program struct {
	path    string
	confine sandbox.Mode
	// file, unless nil, becomes ffmpeg's descriptor 3.
	file *file
	// feed writes ffmpeg's standard input; read reads its standard output, and stdout takes it whole.
	// ffmpeg is killed where one of them returns an error. Where there are both, read has a goroutine of
	// its own, which ends before run does.
	feed   func(io.Writer) error
	read   func(io.Reader) error
	stdout *os.File
	// stall is how long it may say nothing; 0: stallTime.
	stall time.Duration
	// messages is the end of what ffmpeg said.
	messages tail
	// said, unless nil, takes what ffmpeg says in their place: for -v level+info.
	said *said
}

// run returns nil where ffmpeg says that it did its work.
func (p *program) run(ctx context.Context, args ...string) error {
	if p.path == "" {
		return errNoFFmpeg
	}
	inner, end := context.WithCancelCause(ctx)
	kill := func() { end(nil) }
	defer kill()
	cmd := exec.CommandContext(inner, p.path, append([]string{"-hide_banner", "-nostdin"}, args...)...)
	cmd.Env = []string{"LC_ALL=C", "PATH=/usr/local/bin:/usr/bin:/bin"}
	cmd.WaitDelay = 5 * time.Second
	cmd.Stderr = &p.messages
	if p.said != nil {
		cmd.Stderr = p.said
	}
	contain(cmd)
	if p.file != nil {
		if _, err := p.file.Seek(0, io.SeekStart); err != nil { // some systems share the position
			return damaged(err)
		}
		cmd.ExtraFiles = []*os.File{p.file.File}
	}
	var work func() error
	if p.feed != nil {
		stdin, err := cmd.StdinPipe()
		if err != nil {
			return fmt.Errorf("start ffmpeg: %w", err)
		}
		work = func() error { return errors.Join(p.feed(stdin), stdin.Close()) }
	}
	if p.read != nil {
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			return fmt.Errorf("start ffmpeg: %w", err)
		}
		output := io.Reader(stdout)
		if p.feed == nil { // what is fed waits for us
			output = &watched{stdout, cmp.Or(p.stall, stallTime), end}
		}
		if feed := work; feed != nil {
			work = func() error { return beside(func() error { return p.read(output) }, feed, kill) }
		} else {
			work = func() error { return p.read(output) }
		}
	} else if p.stdout != nil {
		cmd.Stdout = p.stdout
	}

	// The worst code that we run, on the bytes of strangers: it reads its own program, and the file that it inherits.
	box := sandbox.Box{Mode: p.confine, Read: sandbox.Program(p.path), Files: cmd.ExtraFiles}
	release, err := sandbox.Start(cmd, box)
	if err != nil {
		return orchestrator.WithCode(fmt.Errorf("start ffmpeg: %w", err), orchestrator.CodeFFmpegBroken)
	}
	defer release()
	limit(cmd.Process.Pid)
	if p.said != nil {
		p.said.refuse(end)
	}
	var workError error
	if work != nil {
		if workError = work(); workError != nil {
			kill()
		}
	}
	err = cmd.Wait()
	if p.said != nil {
		p.said.end()
		p.messages = p.said.tail
	}
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case workError != nil:
		return workError
	}
	if cause := context.Cause(inner); errors.Is(cause, orchestrator.ErrBadRecording) {
		return cause // we ended it
	}
	return p.explain(err)
}

// beside runs read in a goroutine of its own while feed works, and stops it where feed fails.
func beside(read, feed func() error, stop func()) error {
	reading := make(chan error, 1)
	go func() { reading <- read() }()
	err := feed()
	if err != nil {
		stop()
	}
	return errors.Join(err, <-reading)
}

// explain says what ffmpeg's end means. Only a kill from outside is not the file's fault.
func (p *program) explain(err error) error {
	exit := (*exec.ExitError)(nil)
	message := p.messages.last()
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &exit):
		return fmt.Errorf("run ffmpeg: %w", err)
	case message == "":
		message = "no reason given"
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	switch {
	case ok && status.Signaled() && status.Signal() == syscall.SIGXCPU:
		return damagedf("ffmpeg took more than %v of a processor", decoderCPU*time.Second)
	case ok && status.Signaled() && (status.Signal() == syscall.SIGKILL || status.Signal() == syscall.SIGTERM):
		return fmt.Errorf("run ffmpeg: %w; it was killed from outside", err)
	case p.file == nil:
		return fmt.Errorf("run ffmpeg: %w: %s", err, message)
	case strings.Contains(string(p.messages.data), "matches no streams"):
		return damagedf("there is no audio in it")
	}
	return damagedf("ffmpeg cannot read it: %s (%w)", message, err)
}

// tail keeps the end of what ffmpeg says.
type tail struct{ data []byte }

const tailLength = 32 << 10

func (t *tail) Write(data []byte) (int, error) {
	t.data = append(t.data, data...)
	if excess := len(t.data) - tailLength; excess > 0 {
		t.data = bytes.Clone(t.data[excess:])
	}
	return len(data), nil
}

var sectionName = regexp.MustCompile(`subfile,,start,\d+,end,\d+,,:`)

var ffmpegSource = regexp.MustCompile(`^(\[[^]]*\] ?)+`)

// last is the last line said, fit to be shown.
func (t *tail) last() string {
	lines := strings.Split(strings.TrimSpace(string(t.data)), "\n")
	line := ffmpegSource.ReplaceAllString(lines[len(lines)-1], "")
	line = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\uFFFD' {
			return '?'
		}
		return r
	}, line)
	line = sectionName.ReplaceAllString(line, "")
	line = strings.ReplaceAll(line, "file:"+inherited, "the file")
	return strings.TrimSpace(line)
}
