package audio

import (
	"bytes"
	"context"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// said is what ffmpeg says: the end of its complaints, and what it found in the file. ffmpeg marks each line with its
// level (-v level+info).
type said struct {
	tail
	mu     sync.Mutex
	line   []byte
	input  found
	mapped bool     // it has said all that it found
	known  chan any // closed then
	// odd is what is wrong with what it found; nil: nothing so far. reject is told of it at once.
	odd    error
	reject context.CancelCauseFunc
}

// found is what ffmpeg found in a file.
type found struct {
	format   string // of the container, as "mov,mp4,m4a,3gp,3g2,mj2"
	tracks   int    // of sound
	pictures int    // tracks of moving ones
	// start is where the file's timeline begins, in seconds.
	start float64
}

func newSaid() *said { return &said{known: make(chan any)} }

var (
	levelMark     = regexp.MustCompile(`^(?:\[[^]]* @ [^]]*\] )*\[(\w+)\] ?`)
	formatLine    = regexp.MustCompile(`^Input #0, ([\w,]+), from `)
	pictureStream = regexp.MustCompile(`^ *Stream #0:\d+[^ ]*: Video: `)
	startLine     = regexp.MustCompile(`^ *Duration: .*, start: (\d+\.\d+)`)
	soundStream   = regexp.MustCompile(`^ *Stream #0:\d+[^ ]*: Audio: .*?(?:, (\d+) Hz|$)`)
)

func (s *said) Write(data []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.line = append(s.line, data...)
	for {
		line, rest, whole := bytes.Cut(s.line, []byte("\n"))
		if !whole {
			break
		}
		s.take(string(line))
		s.line = append(s.line[:0], rest...)
	}
	if len(s.line) > tailLength {
		s.line = s.line[:0]
	}
	return len(data), nil
}

func (s *said) take(line string) {
	mark := levelMark.FindStringSubmatch(line)
	level := ""
	if mark != nil {
		level = mark[1]
	}
	text := strings.TrimPrefix(line, strings.Join(mark[:min(1, len(mark))], ""))
	switch {
	case level == "info" || level == "verbose" || level == "warning":
		if found := formatLine.FindStringSubmatch(text); found != nil && s.input.format == "" {
			s.input.format = found[1]
		}
		if found := soundStream.FindStringSubmatch(text); found != nil && !s.mapped {
			s.input.tracks++
			if rate, err := strconv.Atoi(found[1]); err == nil && !rateIsSound(rate) {
				s.odd = errRate(rate)
				if s.reject != nil {
					s.reject(s.odd)
				}
			}
		}
		if pictureStream.MatchString(text) && !strings.Contains(text, "(attached pic)") && !s.mapped {
			s.input.pictures++
		}
		if found := startLine.FindStringSubmatch(text); found != nil && !s.mapped {
			s.input.start, _ = strconv.ParseFloat(found[1], 64)
		}
		if strings.HasPrefix(text, "Stream mapping:") {
			s.know()
		}
	case strings.TrimSpace(text) != "":
		_, _ = s.tail.Write([]byte(line + "\n"))
	}
}

// refuse has what ffmpeg finds judged: end is called where it is none of sound.
func (s *said) refuse(end context.CancelCauseFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reject = end; s.odd != nil {
		end(s.odd)
	}
}

func (s *said) know() {
	if !s.mapped {
		s.mapped = true
		close(s.known)
	}
}

// end is called when ffmpeg has ended.
func (s *said) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.line) > 0 {
		s.take(string(s.line))
		s.line = nil
	}
	s.know()
}

// found waits until ffmpeg has said what is in the file, which it does before it decodes; an ffmpeg that does not is not waited for
// long, and says nothing.
func (s *said) found(ctx context.Context) (in found, odd error) {
	timer := time.NewTimer(10 * time.Second)
	defer timer.Stop()
	select {
	case <-s.known:
	case <-timer.C:
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.input, s.odd
}
