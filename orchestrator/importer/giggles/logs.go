package giggles

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

// runs brings over the processing log: a run for each row of it. One that is here and has ended stays as it is.
func (i *Importer) runs(ctx context.Context, old oldUser, user orchestrator.User, report *Report) error {
	logs, err := i.From.logs(ctx, old.ID)
	if err != nil {
		return fmt.Errorf("read the old log: %w", err)
	}
	for _, log := range logs {
		report.Runs.Found++
		run, err := runOf(log, user)
		if err != nil {
			report.Problems = append(report.Problems, err.Error())
			continue
		}
		known, err := i.Store.Run(ctx, run.ID)
		switch {
		case err == nil && !known.FinishedAt.IsZero():
			continue
		case err != nil && !errors.Is(err, orchestrator.ErrNotFound):
			return err
		}
		report.Runs.New++
		if i.DryRun {
			continue
		}
		if err := i.Store.ImportRun(ctx, run); err != nil {
			return err
		}
	}
	return nil
}

func runOf(log oldLog, user orchestrator.User) (run orchestrator.Run, err error) {
	date, err := orchestrator.ParseDate(log.Date)
	if err != nil {
		return run, fmt.Errorf("read old log %s: %w", log.ID, err)
	}
	end := log.Created
	if log.Last != nil {
		end = *log.Last
	}
	took := time.Duration(log.Seconds * float64(time.Second))
	day := orchestrator.UserDay{UserID: user.ID, User: user.Name, Date: date, Timezone: user.Timezone, Took: took,
		Found: log.Files, Processed: log.Files, Laughs: max(0, log.Found-log.Duplicates), Duplicates: log.Duplicates, ModelGone: true}
	for _, call := range log.Calls {
		status := 0
		if call.Status != nil {
			status = *call.Status
		}
		day.Calls.Add(status)
		day.Calls.Bytes += call.Bytes
	}
	for kind, failure := range log.Errors {
		day.Errors = append(day.Errors, orchestrator.RunError{Stage: orchestrator.StageSource, Message: kind + ": " + failure.Message})
	}
	slices.SortFunc(day.Errors, func(a, b orchestrator.RunError) int { return strings.Compare(a.Message, b.Message) })
	run = orchestrator.Run{ID: log.ID, Trigger: triggerOf(log.Trigger), StartedAt: end.Add(-took).UTC(), FinishedAt: end.UTC()}
	switch log.Status {
	case "completed":
		run.Status, run.ExitCode = orchestrator.StatusOK, orchestrator.ExitOK
	case "failed":
		run.Status, run.ExitCode, run.Error = orchestrator.StatusFailed, orchestrator.ExitFailed, log.Message
	default: // the old system never ended it
		run.Status, run.ExitCode = orchestrator.StatusInterrupted, orchestrator.ExitInterrupted
	}
	day.Status = run.Status
	run.Days = []orchestrator.UserDay{day}
	return run, nil
}

func triggerOf(old string) orchestrator.Trigger {
	switch trigger := orchestrator.Trigger(old); trigger {
	case orchestrator.TriggerCron, orchestrator.TriggerScheduled:
		return trigger
	}
	return orchestrator.TriggerManual
}
