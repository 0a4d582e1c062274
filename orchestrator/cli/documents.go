package cli

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/settings"
)

// The documents that --json prints. docs/json.md describes them: fields are added, never removed.

func jsonFlag(cmd *cobra.Command, to *bool) {
	cmd.Flags().BoolVar(to, "json", false, "print one JSON document (docs/json.md)")
}

func (a *app) writeJSON(document any) error {
	encoder := json.NewEncoder(a.stdout)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(document)
}

// stamp is an instant in UTC with milliseconds; the zero one is null.
type stamp time.Time

const stampFormat = "2006-01-02T15:04:05.000Z07:00"

func (s stamp) String() string { return time.Time(s).UTC().Format(stampFormat) }

// MarshalJSON implements json.Marshaler.
func (s stamp) MarshalJSON() ([]byte, error) {
	if time.Time(s).IsZero() {
		return []byte("null"), nil
	}
	return json.Marshal(s.String())
}

// seconds is a duration as a number of seconds with milliseconds.
func seconds(d time.Duration) float64 { return float64(d.Milliseconds()) / 1000 }

type runDocument struct {
	RunID      string            `json:"run_id"`
	Trigger    string            `json:"trigger"`
	StartedAt  stamp             `json:"started_at"`
	FinishedAt stamp             `json:"finished_at"`
	Status     string            `json:"status"`
	ExitCode   int               `json:"exit_code"`
	Error      string            `json:"error"`
	DryRun     bool              `json:"dry_run"`
	Model      modelDocument     `json:"model"`
	Users      []userDayDocument `json:"users"`
}

type modelDocument struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	SHA256  string `json:"sha256"`
	Plugin  string `json:"plugin"`
}

type userDayDocument struct {
	User         string              `json:"user"`
	Date         string              `json:"date"`
	Timezone     string              `json:"timezone"`
	Status       string              `json:"status"`
	Recordings   recordingsDocument  `json:"recordings"`
	AudioSeconds float64             `json:"audio_seconds"`
	Seconds      float64             `json:"seconds"`
	Laughs       laughCountsDocument `json:"laughs"`
	SourceCalls  callsDocument       `json:"source_calls"`
	Spans        spansDocument       `json:"spans"`
	Stages       stagesDocument      `json:"stages"`
	Model        modelDocument       `json:"model"`
	Memory       memoryDocument      `json:"memory"`
	Gaps         []gapDocument       `json:"gaps"`
	Errors       []errorDocument     `json:"errors"`
}

type recordingsDocument struct {
	Found     int `json:"found"`
	Processed int `json:"processed"`
	Skipped   int `json:"skipped"`
	GivenUp   int `json:"given_up"`
	Failed    int `json:"failed"`
	Left      int `json:"left"`
}

type laughCountsDocument struct {
	New        int `json:"new"`
	Duplicates int `json:"duplicates"`
}

type callsDocument struct {
	Total   int   `json:"total"`
	Failed  int   `json:"failed"`
	Retries int   `json:"retries"`
	Bytes   int64 `json:"bytes"`
	// ByStatus counts answers by HTTP status; "0" is no answer.
	ByStatus map[string]int `json:"by_status"`
}

type spansDocument struct {
	Asked  int `json:"asked"`
	Served int `json:"served"`
	Empty  int `json:"empty"`
	Failed int `json:"failed"`
}

type stagesDocument struct {
	Source float64 `json:"source_seconds"`
	Hash   float64 `json:"hash_seconds"`
	Decode float64 `json:"decode_seconds"`
	Model  float64 `json:"model_seconds"`
	Clip   float64 `json:"clip_seconds"`
	Store  float64 `json:"store_seconds"`
}

type memoryDocument struct {
	Before    int64 `json:"before_bytes"`
	Peak      int64 `json:"peak_bytes"`
	After     int64 `json:"after_bytes"`
	ModelPeak int64 `json:"model_peak_bytes"`
	ModelPID  int   `json:"model_pid"`
	// ModelGone is true where no model process is left, also where none was started.
	ModelGone bool `json:"model_gone"`
	// OutOfMemory is true where the kernel killed the model for want of memory.
	OutOfMemory bool `json:"out_of_memory"`
}

type gapDocument struct {
	Start  stamp  `json:"start"`
	End    stamp  `json:"end"`
	Reason string `json:"reason"`
}

type errorDocument struct {
	Stage     string `json:"stage"`
	Recording string `json:"recording"`
	Message   string `json:"message"`
	Remedy    string `json:"remedy"`
}

func modelOf(m orchestrator.Model) modelDocument {
	return modelDocument{m.Name, m.Version, m.SHA256, m.Plugin}
}

func documentOf(run orchestrator.Run, dryRun bool) runDocument {
	document := runDocument{
		RunID: run.ID, Trigger: string(run.Trigger), StartedAt: stamp(run.StartedAt), FinishedAt: stamp(run.FinishedAt),
		Status: string(run.Status), ExitCode: run.ExitCode, Error: run.Error, DryRun: dryRun, Users: []userDayDocument{},
	}
	for _, day := range run.Days {
		if document.Model.Name == "" {
			document.Model = modelOf(day.Model)
		}
		document.Users = append(document.Users, dayOf(day))
	}
	return document
}

func dayOf(day orchestrator.UserDay) userDayDocument {
	document := userDayDocument{
		User: day.User, Date: day.Date.String(), Timezone: day.Timezone, Status: string(day.Status),
		Recordings:   recordingsDocument{day.Found, day.Processed, day.Skipped, day.GivenUp, day.Failed, day.Left},
		AudioSeconds: seconds(orchestrator.SamplesToDuration(day.AudioSamples)),
		Seconds:      seconds(day.Took),
		Laughs:       laughCountsDocument{day.Laughs, day.Duplicates},
		SourceCalls:  callsOf(day.Calls),
		Spans:        spansOf(day),
		Stages:       stagesOf(day.Stages),
		Model:        modelOf(day.Model),
		Memory:       memoryDocument{day.Memory.Before, day.Memory.Peak, day.Memory.After, day.Memory.Model, day.ModelPID, day.ModelGone || day.ModelPID == 0, day.OutOfMemory},
		Gaps:         []gapDocument{}, Errors: []errorDocument{},
	}
	for _, gap := range day.Gaps() {
		document.Gaps = append(document.Gaps, gapDocument{stamp(gap.Start), stamp(gap.End), gap.Reason})
	}
	for _, e := range day.Errors {
		document.Errors = append(document.Errors, errorDocument{e.Stage, e.Recording, e.Message, e.Remedy})
	}
	return document
}

func callsOf(c orchestrator.Calls) callsDocument {
	document := callsDocument{c.Total, c.Failed, c.Retries, c.Bytes, map[string]int{}}
	for code, n := range c.ByStatus {
		document.ByStatus[strconv.Itoa(code)] = n
	}
	return document
}

func spansOf(day orchestrator.UserDay) spansDocument {
	asked, empty, failed := day.CountSpans()
	return spansDocument{asked, day.SpansServed, empty, failed}
}

func stagesOf(took map[string]time.Duration) stagesDocument {
	of := func(stage string) float64 { return seconds(took[stage]) }
	return stagesDocument{of(orchestrator.StageSource), of(orchestrator.StageHash), of(orchestrator.StageDecode),
		of(orchestrator.StageModel), of(orchestrator.StageClip), of(orchestrator.StageStore)}
}

type userDocument struct {
	User     string `json:"user"`
	Timezone string `json:"timezone"`
	Source   string `json:"source"`
	Priority int    `json:"priority"`
	// Threshold is null where the setting's counts.
	Threshold *float64 `json:"threshold"`
	// Inferd is empty where the setting's counts.
	Inferd        string `json:"inferd"`
	Enabled       bool   `json:"enabled"`
	KeepOriginals bool   `json:"keep_originals"`
	// APIKeySealedWith names the secret key that the user's API key is encrypted with; empty where there is none.
	APIKeySealedWith string `json:"api_key_sealed_with"`
}

func userOf(u orchestrator.User, sealedWith string) userDocument {
	document := userDocument{User: u.Name, Timezone: u.Timezone, Source: settings.Mask(u.Source), Priority: u.Priority, Inferd: u.Inferd, Enabled: u.Enabled,
		KeepOriginals: u.KeepOriginals, APIKeySealedWith: sealedWith}
	if u.Threshold != 0 {
		document.Threshold = &u.Threshold
	}
	return document
}
