package document

import (
	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/settings"
)

// Removal is what wiping or purging a user deleted.
type Removal struct {
	User       string `json:"user"`
	Purged     bool   `json:"purged"`
	Laughs     int64  `json:"laughs"`
	Clips      int    `json:"clips"`
	Recordings int64  `json:"recordings"`
	Runs       int64  `json:"runs"`
}

// Rescore is what finding laughs again under another threshold changed.
type Rescore struct {
	Threshold float64       `json:"threshold"`
	DryRun    bool          `json:"dry_run"`
	Users     []RescoreUser `json:"users"`
}

// RescoreUser is a Rescore's part of one user.
type RescoreUser struct {
	User       string `json:"user"`
	Recordings int    `json:"recordings"`
	Before     int    `json:"laughs_before"`
	After      int    `json:"laughs_after"`
	Silent     int    `json:"without_clip"`
	Partial    int    `json:"partial"`
}

// Diff compares what two models heard in the same recordings.
type Diff struct {
	A          DiffModel  `json:"a"`
	B          DiffModel  `json:"b"`
	Recordings int        `json:"recordings"`
	LeftOut    int        `json:"recordings_left_out"`
	Agreed     []Agreed   `json:"agreed"`
	OnlyA      []Laugh    `json:"only_a"`
	OnlyB      []Laugh    `json:"only_b"`
	Counts     DiffCounts `json:"counts"`
}

// DiffModel names a model that is compared.
type DiffModel struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	SHA256  string `json:"sha256"`
}

// Agreed is a stretch of time in which both heard laughter: one that joins what the other
// parts has one laugh where that has several.
type Agreed struct {
	A []Laugh `json:"a"`
	B []Laugh `json:"b"`
}

// DiffCounts counts the stretches on which both agree, and the laughs that only one heard.
type DiffCounts struct {
	Agreed int `json:"agreed"`
	OnlyA  int `json:"only_a"`
	OnlyB  int `json:"only_b"`
}

// Backup describes a backup file.
type Backup struct {
	File      string           `json:"file"`
	Bytes     int64            `json:"bytes"`
	CreatedAt Stamp            `json:"created_at"`
	Schema    int64            `json:"schema"`
	Tables    map[string]int64 `json:"tables"`
	Clips     BackupClips      `json:"clips"`
	// Origin says what is known of who wrote it: authenticated, unmarked, other_key or unchecked.
	Origin string `json:"origin"`
	// Key names the secret key that it says it was written with; empty where it has no mark.
	Key   string       `json:"key"`
	Users []BackupUser `json:"users"`
}

// BackupUser is what a backup says of a user that decides what is read and run for them.
type BackupUser struct {
	User   string `json:"user"`
	Source string `json:"source"`
	Model  string `json:"model"`
}

// BackupClips counts the clips of a backup; Missing are the keys of those that were not there to be saved.
type BackupClips struct {
	Count   int      `json:"count"`
	Bytes   int64    `json:"bytes"`
	Missing []string `json:"missing"`
}

// Restore is what was restored from a backup.
type Restore struct {
	Backup   Backup           `json:"backup"`
	DryRun   bool             `json:"dry_run"`
	Restored map[string]int64 `json:"restored"`
	Clips    int              `json:"clips"`
	Purged   int              `json:"purged_users"`
	// LeftOut are the users whose own model command was not restored, because nobody confirmed it.
	LeftOut []BackupUser `json:"commands_left_out"`
}

// Archive is what a download of original recordings did.
type Archive struct {
	User    string `json:"user"`
	Folder  string `json:"folder"`
	Windows int    `json:"windows"`
	Files   int    `json:"files"`
	Empty   int    `json:"empty"`
	Skipped int    `json:"skipped"`
	Failed  int    `json:"failed"`
	Bytes   int64  `json:"bytes"`
	// Missing is what could not be had, and why; the first 1000.
	Missing []Gap `json:"missing"`
	// Verified counts files that were read back and are what was downloaded, and Damaged names those that are not: they
	// are downloaded again by the next archive.
	Verified int      `json:"verified"`
	Damaged  []string `json:"damaged"`
	// Error is why the archive ended early; empty where it did not.
	Error string `json:"error"`
}

// Detection is what was found in audio files.
type Detection struct {
	Model     Model      `json:"model"`
	Threshold float64    `json:"threshold"`
	Policy    string     `json:"policy"`
	Files     []Detected `json:"files"`
}

// Detected is what was found in one file. Error is empty where it was read as a whole.
type Detected struct {
	File         string          `json:"file"`
	AudioSeconds float64         `json:"audio_seconds"`
	Seconds      float64         `json:"seconds"`
	Laughs       []Found         `json:"laughs"`
	Error        string          `json:"error"`
	Notes        []RecordingNote `json:"notes"`
}

// Found is a laugh in a file, by its position there.
type Found struct {
	Start       float64            `json:"start_s"`
	End         float64            `json:"end_s"`
	Duration    float64            `json:"duration_s"`
	Peak        float64            `json:"peak_s"`
	Score       float64            `json:"score"`
	Class       string             `json:"class"`
	ClassScores map[string]float64 `json:"class_scores"`
	Tier        string             `json:"tier"`
	Evidence    float64            `json:"evidence"`
	Heard       map[string]float64 `json:"heard"`
}

// OfFound describes a laugh of a file; classes are the labels of its ClassScores.
func OfFound(l orchestrator.Laugh, classes []string) Found {
	document := Found{Start: atSample(l.Onset), End: atSample(l.Offset), Duration: atSample(l.Offset - l.Onset), Peak: atSample(l.Peak),
		Score: l.Score, Class: l.Class, ClassScores: map[string]float64{}, Tier: string(l.Tier), Evidence: l.Evidence, Heard: map[string]float64{}}
	for _, heard := range l.Around.Heard {
		document.Heard[heard.Class] = heard.Score
	}
	for i, score := range l.ClassScores {
		document.ClassScores[classes[i]] = score
	}
	return document
}

func atSample(n int64) float64 { return Seconds(orchestrator.SamplesToDuration(n)) }

// Health is what a check thinks of a thing.
type Health string

// The healths.
const (
	HealthOK      Health = "OK"
	HealthWarning Health = "WARNING"
	HealthError   Health = "ERROR"
)

// Finding is the outcome of one check.
type Finding struct {
	Check  string `json:"check"`
	Status Health `json:"status"`
	Detail string `json:"detail"`
	// Remedy is what to do; empty where all is well.
	Remedy string `json:"remedy"`
}

// Setting is a setting, its value without secrets, and where that comes from.
type Setting struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Source string `json:"source"`
	Help   string `json:"help"`
}

// OfSetting describes a setting.
func OfSetting(v settings.Value) Setting {
	return Setting{v.Name, v.Shown(), v.Source, v.Help}
}

// ModelEntry is a model that can be chosen. Env names its variables; their values may be secrets.
type ModelEntry struct {
	Name    string   `json:"name"`
	About   string   `json:"about"`
	Command []string `json:"command"`
	Dir     string   `json:"dir"`
	Env     []string `json:"env"`
	SHA256  string   `json:"sha256"`
	Used    bool     `json:"used"`
	Problem string   `json:"problem"`
}

// ModelBench is how fast a model is, and what it takes.
type ModelBench struct {
	Model        Model   `json:"model"`
	AudioSeconds float64 `json:"audio_seconds"`
	Seconds      float64 `json:"seconds"`
	RealTime     float64 `json:"times_real_time"`
	Ready        float64 `json:"ready_seconds"`
	Stop         float64 `json:"stop_seconds"`
	PeakBytes    int64   `json:"model_peak_bytes"`
}

// Import is what was brought over from another system.
type Import struct {
	ExitCode int            `json:"exit_code"`
	DryRun   bool           `json:"dry_run"`
	Users    []ImportedUser `json:"users"`
}

// ImportedUser is what was brought over of one user.
type ImportedUser struct {
	User  string `json:"user"`
	Email string `json:"email"`
	// Status is "new", "known", "purged" or "failed".
	Status     string      `json:"status"`
	Recordings ImportCount `json:"recordings"`
	Laughs     ImportCount `json:"laughs"`
	Runs       ImportCount `json:"runs"`
	Clips      ImportCount `json:"clips"`
	// ClipsMissing counts laughs whose sound is not in the folder.
	ClipsMissing int `json:"clips_missing"`
	// Key is "new", "known", "none" or "failed".
	Key string `json:"key"`
	// Problems are what a person should look at.
	Problems []string `json:"problems"`
}

// ImportCount counts what the other system has, and what of it is new here.
type ImportCount struct {
	Found int `json:"found"`
	New   int `json:"new"`
}
