package cli

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/notify"
	"github.com/chortle-audio/chortle/orchestrator/store"
)

const (
	// tellTimeout bounds one ping or message.
	tellTimeout = 10 * time.Second
	// hastyTimeout is the same for a run that a signal ended: it has two seconds in all.
	hastyTimeout = 400 * time.Millisecond
	// standingTimeout bounds asking the database how things stand; it may be what failed.
	standingTimeout = 5 * time.Second
)

// watch tells people and machines about one run. Nothing that goes wrong with that fails the run.
type watch struct {
	*app
	notifier   notify.Notifier
	unfinished []notify.Alert // runs before this one that something killed
}

// beginWatch tells that a run begins.
func (a *app) beginWatch(ctx context.Context) *watch {
	alerts := a.settings.Config.Alerts
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableKeepAlives = true // two calls in a night
	w := &watch{app: a, notifier: notify.Notifier{Addresses: alerts.NotifyURLs, PingURL: alerts.PingURL,
		Timeout: tellTimeout, HTTP: &http.Client{Transport: transport}}}
	w.mind(w.notifier.Check())
	w.mind(w.notifier.Start(ctx))
	return w
}

// mind logs what went wrong with the telling.
func (w *watch) mind(err error) {
	if err != nil {
		w.log.WithError(err).Warn("somebody could not be told")
	}
}

// lookBack closes the runs before that something killed: they are told of once.
func (w *watch) lookBack(ctx context.Context, s *store.Store) {
	closed, err := s.CloseUnfinished(ctx, w.now())
	if err != nil {
		w.log.WithError(err).Warn("it is not known whether something killed a run before")
	}
	for _, run := range closed {
		w.unfinished = append(w.unfinished, notify.Unfinished(run))
	}
}

// end tells how the run ended: alerts to the log and to whoever wants them, metrics, and last the ping,
// which takes the end of the log along. The store is nil where it could not be opened.
func (w *watch) end(ctx context.Context, s *store.Store, run orchestrator.Run, failure error) {
	w.notifier.Timeout = tellTimeout
	if ctx.Err() != nil {
		w.notifier.Timeout = hastyTimeout
	}
	ctx = context.WithoutCancel(ctx)
	if coded := (*exitError)(nil); errors.As(failure, &coded) {
		failure = coded.err
	}
	if failure != nil && (w.logFile != nil || w.logTail != nil) { // a person at a terminal is told anyway
		w.log.WithError(failure).Error("run failed")
	}
	var status orchestrator.ServiceStatus
	var service []notify.Alert
	var purged []string
	if s != nil && !errors.Is(failure, orchestrator.ErrStoreUnavailable) {
		asking, cancel := context.WithTimeout(ctx, min(standingTimeout, 2*w.notifier.Timeout))
		var err error
		if status, err = s.Status(asking); err != nil {
			w.log.WithError(err).Warn("it is not known how things stand")
		} else {
			service = notify.CheckService(status, w.limits(), w.now())
			run.Days, purged = knownDays(run.Days, status.Users)
		}
		cancel()
	}
	alerts := notify.Join(w.unfinished, notify.CheckRun(run, w.limits()), service)
	for _, alert := range alerts {
		w.log.WithFields(fields{keyAlert: alert.Kind, keyUser: alert.User, keyRemedy: alert.Remedy}).Warn(alert.Message)
	}
	w.mind(w.forget(purged)) // this run wrote of them after the purge
	w.mind(w.notifier.Send(ctx, alerts))
	if path := w.settings.Config.Alerts.MetricsFile; path != "" {
		w.mind(notify.WriteMetrics(path, run, status, alerts))
	}
	var tail []byte
	if w.logTail != nil {
		tail = w.logTail.Bytes()
	}
	w.mind(w.notifier.End(ctx, run, tail))
}

// knownDays leaves out the days of users who were purged meanwhile, and names them; the others have the names that
// their users have now.
func knownDays(days []orchestrator.UserDay, users []orchestrator.UserStatus) (known []orchestrator.UserDay, purged []string) {
	names := map[int64]string{}
	for _, user := range users {
		names[user.User.ID] = user.User.Name
	}
	for _, day := range days {
		if name, found := names[day.UserID]; found {
			day.User = name
			known = append(known, day)
		} else {
			purged = append(purged, day.User)
		}
	}
	return known, slices.Compact(purged)
}

// limits of the alerts, as the settings have them.
func (a *app) limits() notify.Limits {
	const day = 24 * time.Hour
	alerts := a.settings.Config.Alerts
	return notify.Limits{FailedCalls: alerts.FailedCalls, MemoryAfter: alerts.MemoryAfter, MemoryPeak: alerts.MemoryPeak,
		Quiet: time.Duration(alerts.QuietDays) * day, GapAge: time.Duration(alerts.GapDays) * day, LastGoodRun: alerts.LastGoodRun}
}
