package service

import (
	"time"

	"github.com/sirupsen/logrus"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/advice"
)

type fields = logrus.Fields

// Keys of the log's fields.
const (
	keyRun        = "run"
	keyUser       = "user"
	keyDate       = "date"
	keyRecording  = "recording"
	keyStatus     = "status"
	keyCode       = "exit_code"
	keyModel      = "model"
	keySHA256     = "sha256"
	keyPID        = "pid"
	keyGone       = "gone"
	keyFile       = "file"
	keySeconds    = "seconds"
	keyAudio      = "audio_seconds"
	keyLaughs     = "laughs"
	keyDuplicates = "duplicates"
	keyProcessed  = "processed"
	keySkipped    = "skipped"
	keyGivenUp    = "given_up"
	keyFailed     = "failed"
	keyLeft       = "left"
	keyBefore     = "memory_before_bytes"
	keyPeak       = "memory_peak_bytes"
	keyAfter      = "memory_after_bytes"
	keyAlert      = "alert"
	keyRemedy     = "remedy"
)

// seconds is a duration as a number of seconds with milliseconds.
func seconds(d time.Duration) float64 { return float64(d.Milliseconds()) / 1000 }

// logEvent logs what a run does. logged holds the causes of failed days that were logged before, as user and message.
func (s *Service) logEvent(e orchestrator.Event, logged map[[2]string]bool) {
	log := s.Log.WithFields(fields{keyUser: e.User, keyDate: e.Date.String()})
	if e.Recording != "" {
		log = log.WithField(keyRecording, e.Recording)
	}
	switch e.Kind {
	case orchestrator.EventDay:
		log.Info("day begins")
	case orchestrator.EventModel:
		log.WithFields(fields{keyModel: e.Model.Name, keySHA256: e.Model.SHA256, keyPID: e.PID}).Info("model ready")
	case orchestrator.EventRecording, orchestrator.EventProgress: // for the screen
	case orchestrator.EventRecordingDone:
		if e.Err != nil {
			withRemedy(log, e.Err).Error("recording failed")
			return
		}
		if e.Damage != nil {
			withRemedy(log, e.Damage).Error("recording damaged")
		}
		log.WithFields(fields{keyAudio: seconds(orchestrator.SamplesToDuration(e.Length)), keyLaughs: e.Laughs, keyDuplicates: e.Duplicates}).Info("recording done")
	case orchestrator.EventLeft:
		log.WithField("reason", e.Err).Info("recording left for the next run")
	case orchestrator.EventModelEnd:
		m := e.Exit.Memory
		log.WithFields(fields{keyPID: e.Exit.PID, keyGone: e.Exit.Gone, keyBefore: m.Before, keyPeak: m.Peak, keyAfter: m.After}).Info("model ended")
	case orchestrator.EventDayDone:
		logDay(log, e.Day, logged)
	case orchestrator.EventSurvey:
		for _, moved := range e.Survey.Moved {
			log.WithFields(fields{keyRecording: moved.Recording, "from": moved.From, "to": moved.To}).Info("recording moved")
		}
		if e.Survey.LateLeft > 0 {
			log.WithFields(fields{"recordings": e.Survey.LateLeft, "first": e.Survey.LateFirst.String(), "last": e.Survey.LateLast.String(),
				"bytes": e.Survey.LateBytes}).Info("recordings arrived late")
		}
		for _, p := range e.Survey.PassedOver {
			log.WithFields(fields{"ending": p.Ending, "files": p.Files, keyFile: p.Example}).Warn("files are not read")
		}
	}
}

// withRemedy adds an error, and what a person can do about it.
func withRemedy(log *logrus.Entry, err error) *logrus.Entry {
	log = log.WithError(err)
	if remedy := advice.OfError(advice.Terminal, err); remedy != "" {
		log = log.WithField(keyRemedy, remedy)
	}
	return log
}

// logDay logs how a day ended. What made an earlier day fail, such as a folder that is not there, is not said again.
func logDay(log *logrus.Entry, day *orchestrator.UserDay, logged map[[2]string]bool) {
	for _, e := range day.Errors {
		cause := [2]string{day.User, e.Message}
		if e.Recording == "" && !logged[cause] { // those of recordings were logged when they came up
			logged[cause] = true
			log.WithFields(fields{"stage": e.Stage, keyRemedy: advice.OfRunError(advice.Terminal, e)}).Error(e.Message)
		}
	}
	log.WithFields(fields{keyStatus: day.Status, keyProcessed: day.Processed, keySkipped: day.Skipped, keyGivenUp: day.GivenUp, keyFailed: day.Failed, keyLeft: day.Left,
		keyAudio: seconds(orchestrator.SamplesToDuration(day.AudioSamples)), keySeconds: seconds(day.Took), keyLaughs: day.Laughs}).Info("day done")
}
