package folder

import (
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/source/internal/inside"
)

// TimeChoice says what is believed of a recording's time.
type TimeChoice string

// The choices.
const (
	TimeBest     TimeChoice = ""         // the name, then what is inside, then the modification time as the end
	TimeName     TimeChoice = "name"     // the name, then the modification time as the end
	TimeMetadata TimeChoice = "metadata" // what is inside, then the name, then the modification time as the end
	TimeStart    TimeChoice = "start"    // as TimeBest, but the modification time is the start
	TimeEnd      TimeChoice = "end"      // the name, then the modification time as the end, whatever is inside
)

// mothName is what AudioMoths and many others call their files. An AudioMoth's clock has an offset of its own, which its
// comment tells.
var mothName = regexp.MustCompile(`(?i)(?:^|_)\d{8}_\d{6}T?\.wav$`)

// insideFirst tells whether what is inside a file may count for more than its name, and nobody looked yet.
func (s *Source) insideFirst(f *file) bool {
	return !f.looked && f.err == nil && f.named() && s.Time != TimeName && s.Time != TimeEnd && (s.Time == TimeMetadata || mothName.MatchString(f.name))
}

// near tells whether a time may lie within a span once its zone is known.
func near(span orchestrator.Span, t time.Time) bool {
	const zones = 27 * time.Hour
	return t.After(span.Start.Add(-zones)) && t.Before(span.End.Add(zones))
}

// lookInside takes the start from what the file says of itself, where it does and that counts for more than its name.
func (s *Source) lookInside(f *file) {
	if f.looked || s.Time == TimeEnd {
		return
	}
	f.looked = true
	path := f.path(s.rootDir)
	open, err := orchestrator.OpenRecording(path)
	if err != nil {
		return // whoever decodes it will learn why
	}
	defer open.Close()
	info, err := open.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return
	}
	found, err := inside.Read(open, info.Size())
	if err != nil || found.Field == "" || f.named() && s.Time != TimeMetadata && !found.AudioMoth {
		return
	}
	start := found.Stamp.Instant(s.Location)
	if !s.credible(start, info.ModTime()) && !found.AudioMoth {
		return
	}
	f.start, f.source, f.field, f.second, f.uncertain = start.Add(s.Offset), orchestrator.TimeFromContainer, found.Field, time.Time{}, 0
	stem := strings.TrimSuffix(filepath.Base(f.name), filepath.Ext(f.name))
	if found.AudioMoth && strings.HasSuffix(stem, "T") {
		f.err = bad(orchestrator.CodeRecordingCutOut,
			"the AudioMoth that made it cut out the pauses, so that nothing in it is when it seems to be")
	}
}
