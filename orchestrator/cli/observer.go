package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/cli/terminal"
)

// keyFile is the log's field for the path of a file.
const keyFile = "file"

// refresh is the time between two changes of the status line.
const refresh = 100 * time.Millisecond

// observer shows how far a run is. The Runner calls it one event at a time.
type observer struct {
	screen *terminal.Screen
	quiet  bool
	now    func() time.Time

	began map[string]time.Time // by user and recording
	drawn time.Time
}

func (a *app) observer() *observer { return &observer{screen: a.stderr, quiet: a.quiet, now: a.now} }

func (o *observer) observe(e orchestrator.Event) {
	if e.Kind == orchestrator.EventRecording || e.Kind == orchestrator.EventProgress {
		o.show(e)
	}
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
	if o.quiet || !o.screen.Terminal || now.Sub(o.drawn) < refresh {
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
