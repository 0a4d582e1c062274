package orchestrator

// Alert is one thing that a person should know. Kind is stable, for filters and metrics.
type Alert struct {
	Kind    string
	User    string // empty where it concerns the whole service
	Message string
	// Code and Facts of the problem behind it, where it has one: for faces to say what a person can do.
	Code  Code
	Facts Facts
	// Remedy is what was said to do about it in rows that are older than codes; else empty.
	Remedy string
}

// The kinds of alerts.
const (
	AlertFailedCalls = "failed_calls"
	AlertMemoryAfter = "memory_after"
	AlertMemoryPeak  = "memory_peak"
	AlertOutOfMemory = "out_of_memory"
	AlertNoAudio     = "no_audio"
	AlertNoLaughs    = "no_laughs"
	AlertOldGap      = "old_gap"
	AlertNoGoodRun   = "no_good_run"
	AlertRunFailed   = "run_failed"
	AlertUserFailed  = "user_failed"
	AlertUnfinished  = "run_unfinished"
	AlertNoBackup    = "no_backup"
	AlertRunStuck    = "run_stuck"
	AlertClock       = "clock"
	AlertDiskLow     = "disk_low"
	AlertDigest      = "digest_failed"
	AlertBroker      = "broker_failed"
)
