package cli

import (
	"errors"
	"io"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/chortle-audio/chortle/orchestrator/logfile"
)

// tailBytes is how much of the log goes with the news of a failure.
const tailBytes = 10 << 10

// sink is one place that the log goes to, with its own level.
type sink struct {
	to        io.Writer
	level     logrus.Level
	formatter logrus.Formatter
	// failed is true after a line could not be written: that is told once.
	failed atomic.Bool
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
	if err != nil && s.failed.Swap(true) {
		return nil
	}
	return err
}

// setUpLog sends the log where the settings say: to stderr, at a terminal only what is wrong; to a file a
// day; and, where somebody is told of failures, to memory.
func (a *app) setUpLog() {
	config := a.settings.Config
	var formatter logrus.Formatter = &logrus.TextFormatter{FullTimestamp: true, DisableColors: true, TimestampFormat: time.RFC3339}
	if config.LogFormat == "json" {
		formatter = &logrus.JSONFormatter{TimestampFormat: time.RFC3339Nano}
	}
	level := logrus.InfoLevel
	if parsed, err := logrus.ParseLevel(config.LogLevel); err == nil { // "auto" is none
		level = parsed
	}
	screen := sink{to: a.stderr, level: level, formatter: formatter}
	if config.LogLevel == "auto" && a.stderr.Terminal {
		screen.level = logrus.WarnLevel
	}
	a.log.SetOutput(io.Discard)
	a.log.SetLevel(screen.level)
	a.log.AddHook(&screen)
	add := func(to io.Writer) {
		a.log.AddHook(&sink{to: to, level: level, formatter: formatter})
		a.log.SetLevel(level)
	}
	if config.LogDir != "" {
		a.logFile = logfile.New(config.LogDir, config.LogKeepDays, a.now)
		add(a.logFile)
	}
	if config.Alerts.PingURL != "" {
		a.logTail = &logfile.Tail{Limit: tailBytes}
		add(a.logTail)
	}

	if a.settings.EnvFile != "" {
		a.log.WithField(keyFile, a.settings.EnvFile).Info("settings read")
	}
	for _, warning := range a.settings.Warnings {
		a.log.Warn(warning)
	}
}

// forget takes the names of users who were purged out of the log and out of the metrics: every line with one of them.
func (a *app) forget(names []string) error {
	var err error
	for _, name := range names {
		if a.logTail != nil {
			a.logTail.Forget(name)
		}
		if a.logFile != nil {
			err = errors.Join(err, a.logFile.Forget(name))
		}
		if path := a.settings.Config.Alerts.MetricsFile; path != "" {
			err = errors.Join(err, logfile.Forget(path, name))
		}
	}
	return err
}
