package service

import (
	"context"
	"fmt"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/advice"
	"github.com/chortle-audio/chortle/orchestrator/health"
	"github.com/chortle-audio/chortle/orchestrator/service/keeping"
)

// checkDrift looks whether clips and laughs fit together.
func (d *doctor) checkDrift(ctx context.Context) {
	const check = "clips and laughs"
	opened, err := d.Store(ctx)
	if err != nil {
		return // it was told
	}
	kept, err := d.Clips(ctx)
	if err != nil {
		return
	}
	swept, err := d.sweep(ctx, true)
	if err != nil {
		d.wrong(check, err.Error(), "see the message")
		return
	}
	missing, example, err := keeping.Missing(ctx, opened, kept)
	switch {
	case err != nil:
		d.wrong(check, err.Error(), "see the message")
	case swept.Held != "":
		d.warn(check, swept.Held, "name the right CHORTLE_DATABASE_URL and CHORTLE_CLIPS_URL, or restore the database; nothing is deleted until then")
	case missing > 0:
		d.warn(check, fmt.Sprintf("%d laughs have a clip that is not there, such as %s", missing, example),
			"bring the clips back from a backup, or cut them again: orchestrator run --user NAME --date DATE --reprocess; their rows stay")
	case swept.Orphans > 0:
		d.warn(check, fmt.Sprintf("%d of %d clips have no laugh (%s MB): a crash left them", swept.Orphans, swept.Clips, advice.Megabytes(swept.OrphanBytes)),
			"nothing: the next run deletes them")
	default:
		d.ok(check, "%d clips, each with its laugh", swept.Clips)
	}
}

// checkBackups looks whether backups are made by themselves, and how old the last one is.
func (d *doctor) checkBackups(ctx context.Context) {
	const check = "backups"
	standing, err := d.backupStanding(ctx)
	switch {
	case err != nil:
		return // the database was told
	case standing == nil:
		d.ok(check, "none are made by runs: CHORTLE_BACKUP_TO is not set")
		return
	}
	alerts := health.Alerts(health.Facts{Backups: standing}, d.Config.Alerts.Limits, d.Now())
	if len(alerts) > 0 {
		d.warn(check, alerts[0].Message, advice.OfAlert(advice.Terminal, alerts[0]))
		return
	}
	if _, _, err := d.openBackupPlace(); err != nil {
		d.wrong(check, err.Error(), remedyOr(err, "correct CHORTLE_BACKUP_TO"))
		return
	}
	if standing.LastGood.IsZero() {
		d.ok(check, "to %s; none yet", d.backupPlaceName())
		return
	}
	d.ok(check, "to %s; the last good one is of %s", d.backupPlaceName(), standing.LastGood.Local().Format("2006-01-02 15:04"))
}

// checkRetention says what is kept, and for how long.
func (d *doctor) checkRetention(ctx context.Context) {
	const check = "retention"
	users, err := d.Users(ctx)
	if err != nil {
		return // the database was told
	}
	limited := 0
	for _, user := range users {
		r, err := d.Retention(user)
		if err != nil {
			d.wrong(check, err.Error(), "orchestrator user set "+user.Name+" --keep WORDS")
			return
		}
		limited += keepsLess(r)
	}
	if limited == 0 && d.Config.Keep.DiskShare == 0 {
		d.ok(check, "everything is kept")
		return
	}
	d.ok(check, "rules delete sound of %s; see what would go: orchestrator prune --dry-run", advice.Plural(max(limited, 1), "user"))
}

func keepsLess(r orchestrator.Retention) int {
	if r.Limits() {
		return 1
	}
	return 0
}
