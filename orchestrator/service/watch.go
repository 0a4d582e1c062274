package service

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/advice"
	"github.com/chortle-audio/chortle/orchestrator/health"
	"github.com/chortle-audio/chortle/orchestrator/logfile"
	"github.com/chortle-audio/chortle/orchestrator/notify"
	"github.com/chortle-audio/chortle/orchestrator/store"
)

const (
	// notifyTimeout bounds one ping or message.
	notifyTimeout = 10 * time.Second
	// hastyTimeout is the same for a run that a signal ended: it has two seconds in all.
	hastyTimeout = 400 * time.Millisecond
	// statusTimeout bounds asking the database how things stand; it may be what failed.
	statusTimeout = 5 * time.Second
)

// watch notifies people and machines about one run. A notification that fails never fails the run.
type watch struct {
	*Service
	notifier   notify.Notifier
	heard      heardNow           // recordings with new laughs
	unfinished []orchestrator.Run // runs before this one that something killed
	silent     bool               // a person looks at the run: only metrics are written
}

// beginWatch notifies that a run begins.
func (s *Service) beginWatch(ctx context.Context, silent bool) *watch {
	w := &watch{Service: s, heard: heardNow{}, notifier: s.notifier(), silent: silent}
	w.warn(w.notifier.Check())
	if !silent {
		w.warn(w.notifier.Start(ctx))
	}
	return w
}

// notifier is who is notified by the settings.
func (s *Service) notifier() notify.Notifier {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableKeepAlives = true // two calls in a night
	return notify.Notifier{Addresses: s.Config.Alerts.NotifyURLs, PingURL: s.Config.Alerts.PingURL,
		Timeout: notifyTimeout, HTTP: &http.Client{Transport: transport}}
}

// warn logs a failed notification; it never fails the run.
func (w *watch) warn(err error) {
	if err != nil {
		w.Log.WithError(err).Warn("send notification")
	}
}

// lookBack closes earlier runs that something killed: each is reported once.
func (w *watch) lookBack(ctx context.Context) {
	opened, err := w.Store(ctx)
	if err != nil {
		return
	}
	closed, err := opened.CloseUnfinished(ctx, w.Now())
	if err != nil {
		w.Log.WithError(err).Warn("look for killed runs")
	}
	w.unfinished = closed
}

// stuck notifies that a run could not begin because something has been in its way for too long.
func (s *Service) stuck(ctx context.Context, run orchestrator.Run, alert orchestrator.Alert) {
	w := &watch{Service: s, heard: heardNow{}, notifier: s.notifier()}
	ctx = context.WithoutCancel(ctx)
	remedy := advice.OfAlert(advice.Terminal, alert)
	w.Log.WithFields(fields{keyAlert: alert.Kind, keyRemedy: remedy}).Warn(alert.Message)
	w.warn(w.notifier.Send(ctx, []string{fmt.Sprintf("%s. %s.", alert.Message, remedy)}))
	w.warn(w.notifier.End(ctx, run, w.Kept.Tail()))
}

// end notifies how the run ended: alerts to the log and to whoever wants them, metrics, and last the ping,
// which takes the end of the log along. The store is nil where it could not be opened.
func (w *watch) end(ctx context.Context, opened *store.Store, run orchestrator.Run, failure error) {
	if opened != nil && ctx.Err() == nil && failure == nil { // before the alerts: a letter that does not arrive is one
		if _, err := w.SendDigests(ctx, nil, false); err != nil {
			w.Log.WithError(err).Warn("send digests")
		}
	}
	w.notifier.Timeout = notifyTimeout
	hasty := ctx.Err() != nil
	if hasty {
		w.notifier.Timeout = hastyTimeout
	}
	ctx = context.WithoutCancel(ctx)
	if failure != nil && w.Kept != nil && !w.silent { // without it, only the screen has the log, and the error is printed there
		w.Log.WithError(failure).Error("run failed")
	}
	var status orchestrator.ServiceStatus
	var purged []string
	facts := health.Facts{Run: &run, Unfinished: w.unfinished}
	if opened != nil && !errors.Is(failure, orchestrator.ErrStoreUnavailable) {
		asking, cancel := context.WithTimeout(ctx, min(statusTimeout, 2*w.notifier.Timeout))
		var err error
		if status, err = opened.StatusAt(asking, w.Now().Add(health.ClockMargin)); err != nil {
			w.Log.WithError(err).Warn("read status")
		} else {
			facts.Status = &status
			facts.Digests, err = opened.Subscriptions(asking, nil)
			w.warn(err)
			run.Days, purged = health.KnownDays(run.Days, status.Users)
		}
		cancel()
	}
	if opened != nil && facts.Status != nil {
		var err error
		if facts.Backups, err = w.backupStanding(ctx); err != nil {
			w.Log.WithError(err).Warn("look at backups")
		}
	}
	facts.Disks = w.disks()
	alerts := health.Alerts(facts, w.Config.Alerts.Limits, w.Now())
	if facts.Status != nil && !hasty {
		if err := w.tellHome(ctx, opened, status, alerts, w.heard); err != nil {
			facts.Broker = err.Error()
			alerts = health.Alerts(facts, w.Config.Alerts.Limits, w.Now())
		}
	}
	var lines []string
	for _, alert := range alerts {
		if w.silent {
			break // the report, and orchestrator status, say it
		}
		remedy := advice.OfAlert(advice.Terminal, alert)
		w.Log.WithFields(fields{keyAlert: alert.Kind, keyUser: alert.User, keyRemedy: remedy}).Warn(alert.Message)
		lines = append(lines, fmt.Sprintf("%s. %s.", alert.Message, remedy))
	}
	w.warn(w.forget(purged)) // this run wrote of them after the purge
	w.warn(w.notifier.Send(ctx, lines))
	if path := w.Config.Alerts.MetricsFile; path != "" {
		w.warn(notify.WriteMetrics(path, run, status, alerts))
	}
	if !w.silent {
		w.warn(w.notifier.End(ctx, run, w.Kept.Tail()))
	}
}

// forget takes the names of users who were purged out of the log and out of the metrics: every line with one of them.
func (s *Service) forget(names []string) error {
	var err error
	for _, name := range names {
		err = errors.Join(err, s.Kept.Forget(name))
		if path := s.Config.Alerts.MetricsFile; path != "" {
			err = errors.Join(err, logfile.Forget(path, name))
		}
	}
	return err
}
