package cli_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chortle-audio/chortle/internal/testkit"
)

// find returns a finding of doctor.
func find(document any, check string) any {
	list, _ := at(document, "checks").([]any)
	for _, finding := range list {
		if at(finding, "check") == check {
			return finding
		}
	}
	return nil
}

func TestDoctorFindsAllWell(t *testing.T) {
	t.Parallel()
	model, library := testkit.Model(t), testkit.TFLite(t)
	p := newPlace(t, "CHORTLE_WEIGHTS="+model, "CHORTLE_TFLITE_LIBRARY="+library, "CHORTLE_OPUS_LIBRARY="+testkit.Opus(t)).alice()
	p.must(day...)
	document := p.json(0, "doctor")
	for _, check := range []string{"settings file", "CHORTLE_MODEL", "data folder", "run lock", "clip folder", "database", "user alice", "last run",
		"model file", "TensorFlow Lite", "libopus", "ffmpeg", "inferd", "memory", "clock", "zones"} {
		if got := at(find(document, check), "status"); got != "OK" {
			t.Errorf("%s: %v", check, find(document, check))
		}
	}
	if detail := fmt.Sprint(at(find(document, "inferd"), "detail")); !strings.Contains(detail, "Snicker") || !strings.Contains(detail, "gone") {
		t.Errorf("inferd: %s", detail)
	}
	if out := p.must("doctor"); !strings.Contains(out, " 0 errors.") || strings.Contains(out, "ERROR") {
		t.Errorf("for people:\n%s", out)
	}
}

// Whatever is wrong has a line of its own with the remedy, and everything else is still looked at.
func TestDoctorNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		set    func(p *place) []string
		check  string
		status string
		want   string
	}{
		"setting":       {func(*place) []string { return []string{"CHORTLE_THRESHOLD=7"} }, "CHORTLE_THRESHOLD", "ERROR", "above 0"},
		"mistyped":      {func(*place) []string { return []string{"CHORTLE_TRESHOLD=0.3"} }, "settings", "WARNING", "CHORTLE_THRESHOLD"},
		"settings file": {func(p *place) []string { p.file(".config/chortle", ".env", []byte("no settings")); return nil }, "settings file", "ERROR", "line 1"},
		"data folder":   {func(p *place) []string { return []string{"CHORTLE_DATA_DIR=" + p.file("", "file", nil)} }, "data folder", "ERROR", "CHORTLE_DATA_DIR"},
		"open folder":   {func(p *place) []string { _ = os.Mkdir(p.path("data"), 0o755); return nil }, "data folder", "WARNING", "chmod 700"},
		"clip folder":   {func(p *place) []string { return []string{"CHORTLE_CLIPS_URL=folder:" + p.file("", "file", nil) + "/x"} }, "clip folder", "ERROR", "CHORTLE_CLIPS_URL"},
		"database": {func(p *place) []string {
			return []string{"CHORTLE_DATABASE_URL=sqlite:" + p.file("", "x.db", make([]byte, 5000))}
		}, "database", "ERROR", "CHORTLE_DATABASE_URL"},
		"no users": {func(*place) []string { return nil }, "users", "WARNING", "orchestrator user add"},
		"source is gone": {func(p *place) []string {
			p.must("user", "add", "eve", "--timezone", "UTC", "--source", "folder:/nowhere")
			return nil
		}, "user eve", "ERROR", "mount or make"},
		"future":      {func(p *place) []string { p.alice(); future(p); return nil }, "user alice", "WARNING", "clock"},
		"no model":    {func(*place) []string { return []string{"CHORTLE_WEIGHTS=/nowhere.tflite"} }, "model file", "ERROR", "orchestrator setup"},
		"other model": {func(p *place) []string { return []string{"CHORTLE_WEIGHTS=" + p.file("", "m.tflite", []byte("x"))} }, "model file", "ERROR", "CHORTLE_WEIGHTS_SHA256"},
		"fake model":  {func(*place) []string { return nil }, "model file", "WARNING", "hears no laughter"},
		"no library": {func(p *place) []string {
			return []string{"CHORTLE_WEIGHTS=" + p.file("", "m", nil), "CHORTLE_TFLITE_LIBRARY=/nowhere.so"}
		}, "TensorFlow Lite", "ERROR", "orchestrator setup"},
		"broken library": {func(p *place) []string {
			return []string{"CHORTLE_WEIGHTS=" + p.file("", "m", nil), "CHORTLE_TFLITE_LIBRARY=" + p.file("", "lib.so", []byte("no library"))}
		}, "TensorFlow Lite", "ERROR", "load lib.so"},
		"no libopus":     {func(*place) []string { return []string{"CHORTLE_OPUS_LIBRARY=/nowhere.so"} }, "libopus", "WARNING", "slower"},
		"no ffmpeg":      {func(p *place) []string { return []string{"CHORTLE_FFMPEG=", "CHORTLE_CACHE_DIR=" + p.dir, "PATH="} }, "ffmpeg", "WARNING", "only Ogg Opus"},
		"broken ffmpeg":  {func(*place) []string { return []string{"CHORTLE_FFMPEG=/bin/false"} }, "ffmpeg", "ERROR", "exit status 1"},
		"no inferd":      {func(*place) []string { return []string{"CHORTLE_MODEL=/nowhere/inferd"} }, "inferd", "ERROR", "/nowhere/inferd"},
		"inferd not set": {func(*place) []string { return []string{"CHORTLE_MODEL=", "PATH="} }, "inferd", "ERROR", "beside this program"},
		"no settled run": {func(*place) []string { return nil }, "last run", "OK", "none yet"},
		"incomplete runs": {func(p *place) []string {
			p.alice()
			p.file("alice", "2026-11-22T20-00-00Z.ogg", nil)
			p.run(day...)
			return nil
		}, "last run", "WARNING", "runs show --last"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, "CHORTLE_STORE_RETRY=0s")
			p.environ = append(p.environ, c.set(p)...)
			code := 0
			if c.status == "ERROR" {
				code = 1
			}
			document := p.json(code, "doctor")
			finding := find(document, c.check)
			if name == "settings file" || name == "mistyped" { // the check of that name that is not OK
				for _, f := range at(document, "checks").([]any) {
					if at(f, "status") == c.status && strings.HasPrefix(fmt.Sprint(at(f, "check")), "settings") {
						finding = f
					}
				}
			}
			if at(finding, "status") != c.status || !strings.Contains(fmt.Sprint(at(finding, "detail"), at(finding, "remedy")), c.want) {
				t.Errorf("%s: %v", c.check, finding)
			}
			if find(document, "zones") == nil {
				t.Error("it gave up before the end")
			}
		})
	}
}

func future(p *place) {
	later := time.Now().Add(48 * time.Hour)
	if err := os.Chtimes(p.path("alice/2026-11-22T14-30-00Z.ogg"), later, later); err != nil {
		p.Fatal(err)
	}
}
