package service

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/chortle-audio/chortle/orchestrator/advice"
	"github.com/chortle-audio/chortle/orchestrator/notify"
)

// checkTelling looks whether whoever is to be told of runs can be; nobody is told anything.
func (d *doctor) checkTelling() {
	const check = "alerts"
	config := d.Config
	alerts := config.Alerts
	if config.LogDir != "" {
		if err := os.MkdirAll(config.LogDir, 0o700); err != nil {
			d.wrong("log folder", err.Error(), "let this user write there, or set CHORTLE_LOG_DIR")
		} else {
			d.checkFolder("log folder", config.LogDir, "CHORTLE_LOG_DIR")
		}
	}
	if alerts.MetricsFile != "" {
		d.checkMetricsFolder(filepath.Dir(alerts.MetricsFile))
	}
	notifier := notify.Notifier{Addresses: alerts.NotifyURLs, PingURL: alerts.PingURL}
	if err := notifier.Check(); err != nil {
		d.wrong(check, err.Error(), "correct it: https://shoutrrr.nickfedor.com lists the addresses")
		return
	}
	if len(alerts.NotifyURLs) == 0 && alerts.PingURL == "" {
		d.ok(check, "no notifications are set up: failures are only logged (CHORTLE_PING_URL, CHORTLE_NOTIFY_URLS)")
		return
	}
	d.ok(check, "%s for messages, ping %t", advice.Plural(len(alerts.NotifyURLs), "address"), alerts.PingURL != "")
}

// checkMetricsFolder looks whether the file of metrics can be written; others may read that folder.
func (d *doctor) checkMetricsFolder(dir string) {
	file, err := os.CreateTemp(dir, ".chortle-*")
	if err == nil {
		err = errors.Join(file.Close(), os.Remove(file.Name()))
	}
	if err != nil {
		d.wrong("metrics file", err.Error(), "let this user write there, or set CHORTLE_METRICS_FILE")
		return
	}
	d.ok("metrics file", "can be written in %s", dir)
}
