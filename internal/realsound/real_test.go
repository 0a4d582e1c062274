package realsound

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/chortle-audio/chortle/internal/testkit"
	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/detect"
)

// count is how many laughs are expected. The model answers in steps, and decoders differ by one of them:
// where a file's best score is next to the threshold, both answers are right.
type count struct{ least, most int }

var (
	none   = count{0, 0}
	one    = count{1, 1}
	either = count{0, 1}
)

// files are the real recordings: what is expected of each as it is, 36 dB down, and after a round trip
// through Opus with 24 kbit/s, and between which seconds it laughs.
var files = []struct {
	name             string
	plain, down, cut count
	from, to         float64
}{
	{"laughter/conversation_with_laugh.wav", one, one, one, 2.6, 5.3},
	{"laughter/laughter_2.wav", one, one, one, 0, 2.2},
	{"laughter/ent-id10534-laugh_0.mp3", one, one, one, 0, 1.2},
	{"laughter/int-id10696-laugh_1.mp3", one, one, either, 0, 1.3},
	{"laughter/int-id10915-laugh_0.mp3", one, either, either, 0, 1.9},
	{"laughter/ent-id10293-laugh_1.mp3", either, either, either, 0, 1.3},
	{"laughter/ent-id10683-laugh_3.mp3", either, either, either, 0, 1.2},
	{"laughter/laughter.wav", either, either, either, 0, 2.2},
	{"laughter/laughter_4.wav", none, none, either, 0, 1.6},
	// A laugh, but the model hears too little of it.
	{"laughter/laughter_1.wav", none, none, none, 0, 0},
	{"laughter/laughter_3.wav", none, none, none, 0, 0},
	{"laughter/int-id10249-laugh_3.mp3", none, none, none, 0, 0},
	{"laughter/vox-id00358-laugh_2.mp3", none, none, none, 0, 0},
	{"laughter/vox-id00398-laugh_1.mp3", none, none, none, 0, 0},
	{"laughter/vox-id00633-laugh_5.mp3", none, none, none, 0, 0},
	// Nothing to laugh about.
	{"other/golden_whistle.wav", none, none, none, 0, 0},
	{"other/miaow_16k.wav", none, none, none, 0, 0},
	{"other/music.wav", none, none, none, 0, 0},
	{"other/speech.wav", none, none, none, 0, 0},
	{"other/speech_short.wav", none, none, none, 0, 0},
}

func TestRealSound(t *testing.T) {
	t.Parallel()
	for _, file := range files {
		t.Run(filepath.Base(file.name), func(t *testing.T) {
			t.Parallel()
			path := testkit.Audio(t, file.name)
			check := func(how, path string, want count) {
				t.Helper()
				laughs := detect.Laughs(hear(t, path), orchestrator.PolicyFromThreshold(detect.DefaultThreshold))
				if len(laughs) < want.least || len(laughs) > want.most {
					t.Errorf("%s: %d laughs, want %d to %d: %+v", how, len(laughs), want.least, want.most, laughs)
				}
				for _, laugh := range laughs {
					if from, to := seconds(laugh.Onset), seconds(laugh.Offset); from < file.from || to > file.to {
						t.Errorf("%s: a laugh from %.2f to %.2f s, want it between %v and %v", how, from, to, file.from, file.to)
					}
				}
			}
			check("as it is", path, file.plain)
			check("36 dB down", quieter(t, path, 36), file.down)
			check("through Opus", convert(t, path, filepath.Join(t.TempDir(), "cut.opus"), "-ac", "1", "-c:a", "libopus", "-b:a", "24k"), file.cut)
		})
	}
}

// TestDefaultPolicyOnRealSound: the default finds a laugh in every file of laughter in which the threshold of before
// found one, and in some more, is sure of none where nobody laughs, and keeps to where the laugh is.
func TestDefaultPolicyOnRealSound(t *testing.T) {
	t.Parallel()
	for _, file := range files {
		t.Run(filepath.Base(file.name), func(t *testing.T) {
			t.Parallel()
			laughs := detect.Laughs(hear(t, testkit.Audio(t, file.name)), detect.DefaultPolicy())
			if sure := detect.Sure(laughs); file.plain.least > 0 && len(sure) < file.plain.least {
				t.Errorf("%d sure laughs, want at least %d", len(sure), file.plain.least)
			}
			if strings.HasPrefix(file.name, "other/") && len(laughs) > 0 {
				t.Errorf("laughs where nobody laughs: %+v", laughs)
			}
			for _, laugh := range laughs {
				if file.to > 0 && (seconds(laugh.Onset) < file.from || seconds(laugh.Offset) > file.to) {
					t.Errorf("a laugh from %.2f to %.2f s, want it between %v and %v", seconds(laugh.Onset), seconds(laugh.Offset), file.from, file.to)
				}
			}
		})
	}
}

func seconds(samples int64) float64 { return float64(samples) / orchestrator.SampleRateHz }
