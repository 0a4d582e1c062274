package logfile

import (
	"io"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"
)

// TailBytes is how much of the end of a log goes with the news of a failure: healthchecks keeps 100 kB, a phone
// shows less.
const TailBytes = 10 << 10

// Options say where a log goes.
type Options struct {
	// Screen gets every line; at level "auto" with Brief, only warnings and errors.
	Screen io.Writer
	Brief  bool
	// Level is "debug", "info", "warn", "error" or "auto", which is "info". Format is "text" or "json".
	Level, Format string
	// Dir is the folder of one file a day, each kept for KeepDays (0: for ever); empty means none.
	Dir      string
	KeepDays int
	// Tail says that the end of the log is remembered.
	Tail bool
	Now  func() time.Time
}

// Log is what is kept of a log beside the screen. A nil Log keeps nothing. Safe for concurrent use.
type Log struct {
	folder *Folder
	tail   *Tail
}

// SetUp sends a logger where the options say, and returns what is kept; nil where that is nothing.
func SetUp(log *logrus.Logger, o Options) *Log {
	var formatter logrus.Formatter = &logrus.TextFormatter{FullTimestamp: true, DisableColors: true, TimestampFormat: time.RFC3339}
	if o.Format == "json" {
		formatter = &logrus.JSONFormatter{TimestampFormat: time.RFC3339Nano}
	}
	level := logrus.InfoLevel
	if parsed, err := logrus.ParseLevel(o.Level); err == nil { // "auto" is none
		level = parsed
	}
	screen := &sink{to: o.Screen, level: level, formatter: formatter}
	if o.Level == "auto" && o.Brief {
		screen.level = logrus.WarnLevel
	}
	log.SetOutput(io.Discard)
	log.SetLevel(screen.level)
	log.AddHook(screen)
	var kept Log
	add := func(to io.Writer) {
		log.AddHook(&sink{to: to, level: level, formatter: formatter, report: func(err error) {
			_ = screen.Fire(&logrus.Entry{Logger: log, Time: o.Now(), Level: logrus.WarnLevel, Message: "keep log", Data: logrus.Fields{"error": err}})
		}})
		log.SetLevel(level)
	}
	if o.Dir != "" {
		kept.folder = New(o.Dir, o.KeepDays, o.Now)
		if _, err := kept.folder.Write(nil); err != nil { // a screen that shows little would not tell
			log.WithError(err).Warn("keep log")
			kept.folder = nil
		} else {
			add(kept.folder)
		}
	}
	if o.Tail {
		kept.tail = &Tail{Limit: TailBytes}
		add(kept.tail)
	}
	if kept == (Log{}) {
		return nil
	}
	return &kept
}

// Tail returns the end of the log, at most TailBytes of whole lines; nil where none is remembered.
func (l *Log) Tail() []byte {
	if l == nil || l.tail == nil {
		return nil
	}
	return l.tail.Bytes()
}

// Forget takes every line with a word out of what is kept.
func (l *Log) Forget(word string) error {
	if l == nil {
		return nil
	}
	if l.tail != nil {
		l.tail.Forget(word)
	}
	if l.folder != nil {
		return l.folder.Forget(word)
	}
	return nil
}

// Close ends the writing.
func (l *Log) Close() error {
	if l == nil || l.folder == nil {
		return nil
	}
	return l.folder.Close()
}

// sink is one place that the log goes to, with its own level.
type sink struct {
	to        io.Writer
	level     logrus.Level
	formatter logrus.Formatter
	// failed is true after a line could not be written: that is reported once.
	failed atomic.Bool
	report func(error) // nil: nowhere
}

var _ logrus.Hook = (*sink)(nil)

// Levels implements logrus.Hook.
func (s *sink) Levels() []logrus.Level { return logrus.AllLevels[:s.level+1] }

// Fire implements logrus.Hook.
func (s *sink) Fire(entry *logrus.Entry) error {
	line, err := s.formatter.Format(entry)
	if err == nil {
		_, err = s.to.Write(line)
	}
	if err != nil && !s.failed.Swap(true) && s.report != nil {
		s.report(err)
	}
	return nil // logrus would print its own words
}
