package service

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/chortle-audio/chortle/orchestrator/document"
	"github.com/chortle-audio/chortle/orchestrator/settings"
)

// doctor collects findings.
type doctor struct {
	*Service
	settings *settings.Settings
	findings []document.Finding
}

// Doctor checks everything that a run needs, and really starts a model. read are the settings with where each comes
// from, also such as cannot be used. It fails nothing: what is wrong is in the findings.
func (s *Service) Doctor(ctx context.Context, read *settings.Settings) []document.Finding {
	d := doctor{Service: s, settings: read}
	d.examine(ctx)
	return d.findings
}

func (d *doctor) ok(check, format string, args ...any) {
	d.findings = append(d.findings, document.Finding{Check: check, Status: document.HealthOK, Detail: fmt.Sprintf(format, args...)})
}

func (d *doctor) warn(check, detail, remedy string) {
	d.findings = append(d.findings, document.Finding{Check: check, Status: document.HealthWarning, Detail: detail, Remedy: remedy})
}

func (d *doctor) wrong(check, detail, remedy string) {
	d.findings = append(d.findings, document.Finding{Check: check, Status: document.HealthError, Detail: detail, Remedy: remedy})
}

func (d *doctor) examine(ctx context.Context) {
	d.checkSettings()
	d.checkDataFolder()
	d.checkClipFolder(ctx)
	d.checkClips(ctx)
	d.checkDatabase(ctx)
	d.checkDrift(ctx)
	d.checkRetention(ctx)
	d.checkBackups(ctx)
	d.checkTelling()
	if command := d.Config.Model; len(command) == 0 || filepath.Base(command[0]) == "inferd" {
		d.checkModelFile() // any other program brings its own
		d.checkTFLite()
	}
	d.checkOpus()
	d.checkFFmpeg(ctx)
	d.checkSandbox()
	d.checkInferd(ctx)
	d.checkMemory()
	d.checkClock()
}

func (d *doctor) checkSettings() {
	for _, exposed := range d.Config.Exposed() {
		d.warn("network", exposed.Setting+": "+exposed.What, exposed.Remedy)
	}
	if file := d.settings.EnvFile; file != "" {
		d.ok("settings file", "%s", file)
	} else {
		d.ok("settings file", "none found; none is needed")
	}
	for _, value := range d.settings.Values {
		if value.Problem != nil {
			d.wrong(value.Name, value.Problem.Error(), "correct it; until then nothing but doctor runs")
			continue
		}
		shown := value.Shown()
		if shown == "" {
			shown = "none"
		}
		d.ok(value.Name, "%s (%s)", shown, value.Source)
	}
	if d.settings.EnvFileProblem != nil {
		d.wrong("settings file", d.settings.EnvFileProblem.Error(), "correct the file; until then nothing but doctor runs")
	}
	for _, warning := range d.settings.Warnings {
		d.warn("settings", warning, "correct the name, or remove it")
	}
}
