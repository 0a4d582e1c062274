package notify

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/chortle-audio/chortle/internal/atomicfile"
	"github.com/chortle-audio/chortle/orchestrator"
)

// WriteMetrics writes the last run, the standing of the service and its alerts to path, in the text
// format of node_exporter's textfile collector, as a whole, so that no reader sees half. Everybody may read it,
// since node_exporter is another user.
func WriteMetrics(path string, run orchestrator.Run, status orchestrator.ServiceStatus, alerts []orchestrator.Alert) error {
	if err := atomicfile.WriteData(path, 0o644, Metrics(run, status, alerts)); err != nil {
		return fmt.Errorf("write metrics: %w", err)
	}
	return nil
}

// Metrics is what WriteMetrics writes.
func Metrics(run orchestrator.Run, status orchestrator.ServiceStatus, alerts []orchestrator.Alert) []byte {
	var text bytes.Buffer
	family := func(name, help string) func(value float64, labels ...string) {
		fmt.Fprintf(&text, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name)
		return func(value float64, labels ...string) {
			text.WriteString(name)
			for i := 0; i < len(labels); i += 2 {
				fmt.Fprintf(&text, "%c%s=%q", "{,"[min(i, 1)], labels[i], labels[i+1])
			}
			if len(labels) > 0 {
				text.WriteByte('}')
			}
			text.WriteString(" " + strconv.FormatFloat(value, 'f', -1, 64) + "\n")
		}
	}
	family("chortle_run_finished_timestamp_seconds", "When the last run finished.")(unix(run.FinishedAt.UnixMilli()))
	family("chortle_run_seconds", "How long the last run took.")(run.FinishedAt.Sub(run.StartedAt).Seconds())
	family("chortle_run_exit_code", "Exit code of the last run.")(float64(run.ExitCode))
	if !status.LastGoodRun.IsZero() {
		family("chortle_last_good_run_timestamp_seconds", "When the last run without any failure finished.")(unix(status.LastGoodRun.UnixMilli()))
	}
	for _, one := range []struct {
		name, help string
		value      func(orchestrator.UserDay) float64
	}{
		{"chortle_day_audio_seconds", "Sound that the last run read for a user.", func(d orchestrator.UserDay) float64 {
			return orchestrator.SamplesToDuration(d.AudioSamples).Seconds()
		}},
		{"chortle_day_laughs", "Laughs that the last run found for a user.", func(d orchestrator.UserDay) float64 { return float64(d.Laughs) }},
		{"chortle_day_recordings_failed", "Recordings that failed in the last run.", func(d orchestrator.UserDay) float64 { return float64(d.Failed) }},
		{"chortle_day_memory_peak_bytes", "PSS of the process tree at its peak.", func(d orchestrator.UserDay) float64 { return float64(d.Memory.Peak) }},
		{"chortle_day_memory_after_bytes", "PSS of the process tree after the model was gone.", func(d orchestrator.UserDay) float64 { return float64(d.Memory.After) }},
	} {
		write := family(one.name, one.help)
		for _, day := range run.Days {
			write(one.value(day), "user", day.User, "date", day.Date.String())
		}
	}
	write := family("chortle_day_source_calls", "Calls to a user's source in the last run, by HTTP status; 0 is no answer.")
	for _, day := range run.Days {
		for _, code := range slices.Sorted(maps.Keys(day.Calls.ByStatus)) {
			write(float64(day.Calls.ByStatus[code]), "user", day.User, "date", day.Date.String(), "status", strconv.Itoa(code))
		}
	}
	write = family("chortle_gap_seconds", "Length of all spans of a user that could not be read yet.")
	for _, user := range status.Users {
		var open float64
		for _, gap := range user.Gaps {
			open += gap.Duration().Seconds()
		}
		write(open, "user", user.User.Name)
	}
	write = family("chortle_alert", "1 for every alert that is raised.")
	told := map[[2]string]bool{} // a series must not come twice
	for _, alert := range alerts {
		if series := [2]string{alert.Kind, alert.User}; !told[series] {
			told[series] = true
			write(1, "kind", alert.Kind, "user", alert.User)
		}
	}
	return text.Bytes()
}

func unix(milli int64) float64 { return float64(milli) / 1000 }
