package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/cli/terminal"
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

// refresh is the time between two changes of the status line.
const refresh = 100 * time.Millisecond

// observer logs what a run does and shows how far it is. The Runner calls it one event at a time.
type observer struct {
	log    logrus.FieldLogger
	screen *terminal.Screen
	now    func() time.Time
	dryRun bool

	began map[string]time.Time // by user and recording
	drawn time.Time
}

func (o *observer) observe(e orchestrator.Event) {
	log := o.log.WithFields(fields{keyUser: e.User, keyDate: e.Date.String()})
	if e.Recording != "" {
		log = log.WithField(keyRecording, e.Recording)
	}
	switch e.Kind {
	case orchestrator.EventDay:
		log.Info("day begins")
	case orchestrator.EventModel:
		log.WithFields(fields{keyModel: e.Model.Name, keySHA256: e.Model.SHA256, keyPID: e.PID}).Info("model ready")
	case orchestrator.EventRecording, orchestrator.EventProgress:
		o.show(e)
	case orchestrator.EventRecordingDone:
		if e.Err != nil {
			log.WithError(e.Err).Error("recording failed")
			return
		}
		if e.Damage != nil {
			log.WithError(e.Damage).Error("recording damaged")
		}
		log.WithFields(fields{keyAudio: seconds(orchestrator.SamplesToDuration(e.Length)), keyLaughs: e.Laughs, keyDuplicates: e.Duplicates}).Info("recording done")
	case orchestrator.EventLeft:
		log.WithField("reason", e.Err).Info("recording left for the next run")
	case orchestrator.EventModelEnd:
		m := e.Exit.Memory
		log.WithFields(fields{keyPID: e.Exit.PID, keyGone: e.Exit.Gone, keyBefore: m.Before, keyPeak: m.Peak, keyAfter: m.After}).Info("model ended")
	case orchestrator.EventDayDone:
		o.dayDone(log, e.Day)
	}
}

func (o *observer) dayDone(log *logrus.Entry, day *orchestrator.UserDay) {
	for _, e := range day.Errors {
		if e.Recording == "" { // those of recordings were told when they came up
			log.WithField("stage", e.Stage).Error(e.Message)
		}
	}
	log.WithFields(fields{keyStatus: day.Status, keyProcessed: day.Processed, keySkipped: day.Skipped, keyGivenUp: day.GivenUp, keyFailed: day.Failed, keyLeft: day.Left,
		keyAudio: seconds(orchestrator.SamplesToDuration(day.AudioSamples)), keySeconds: seconds(day.Took), keyLaughs: day.Laughs}).Info("day done")
}

// show draws how far the recording is, and how fast it goes.
func (o *observer) show(e orchestrator.Event) {
	now := o.now()
	if o.began == nil {
		o.began = map[string]time.Time{}
	}
	key := e.User + "\n" + e.Recording
	if e.Kind == orchestrator.EventRecording {
		o.began[key] = now
	}
	if !o.screen.Terminal || now.Sub(o.drawn) < refresh {
		return
	}
	o.drawn = now
	position := orchestrator.SamplesToDuration(e.Position)
	line := fmt.Sprintf("%s %s  %s  %s", e.User, e.Date, terminal.Printable(e.Recording), bar(e.Position, e.Length))
	if e.Length > 0 {
		line += fmt.Sprintf("  %s of %s", clock(position), clock(orchestrator.SamplesToDuration(e.Length)))
	} else {
		line += "  " + clock(position)
	}
	if took := now.Sub(o.began[key]); took > 0 && position > 0 {
		line += fmt.Sprintf("  %.0f× real time", position.Seconds()/took.Seconds())
	}
	o.screen.SetStatus(line)
}

// bar draws a share of a length; nothing where the length is not known.
func bar(position, length int64) string {
	const width = 24
	if length <= 0 {
		return ""
	}
	full := int(min(position, length) * width / length)
	return fmt.Sprintf("[%s%s] %3d %%", strings.Repeat("█", full), strings.Repeat("·", width-full), min(position, length)*100/length)
}

// clock writes a duration as 1:02:03.
func clock(d time.Duration) string {
	s := int64(d.Round(time.Second) / time.Second)
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}
