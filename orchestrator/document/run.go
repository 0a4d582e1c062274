package document

import (
	"strconv"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/advice"
)

// Run is what one run did.
type Run struct {
	RunID      string `json:"run_id"`
	Trigger    string `json:"trigger"`
	StartedAt  Stamp  `json:"started_at"`
	FinishedAt Stamp  `json:"finished_at"`
	Status     string `json:"status"`
	ExitCode   int    `json:"exit_code"`
	Error      string `json:"error"`
	DryRun     bool   `json:"dry_run"`
	Model      Model  `json:"model"`
	Users      []Day  `json:"users"`
}

// Model names a model, its version and the hash of its weights.
type Model struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	SHA256  string `json:"sha256"`
	Plugin  string `json:"plugin"`
}

// Day is what a run did for one user's day.
type Day struct {
	User         string          `json:"user"`
	Date         string          `json:"date"`
	Timezone     string          `json:"timezone"`
	Status       string          `json:"status"`
	Recordings   Recordings      `json:"recordings"`
	AudioSeconds float64         `json:"audio_seconds"`
	Seconds      float64         `json:"seconds"`
	Laughs       LaughCounts     `json:"laughs"`
	SourceCalls  Calls           `json:"source_calls"`
	Spans        Spans           `json:"spans"`
	Stages       Stages          `json:"stages"`
	Model        Model           `json:"model"`
	Memory       Memory          `json:"memory"`
	Gaps         []Gap           `json:"gaps"`
	Errors       []Error         `json:"errors"`
	Notes        []RecordingNote `json:"notes"`
}

// Recordings counts recordings by what became of them.
type Recordings struct {
	Found     int `json:"found"`
	Processed int `json:"processed"`
	Skipped   int `json:"skipped"`
	GivenUp   int `json:"given_up"`
	Failed    int `json:"failed"`
	Left      int `json:"left"`
}

// LaughCounts counts laughs that are new and those that another recording had already.
type LaughCounts struct {
	New        int `json:"new"`
	Duplicates int `json:"duplicates"`
}

// Calls counts what a source was asked over a network.
type Calls struct {
	Total   int   `json:"total"`
	Failed  int   `json:"failed"`
	Retries int   `json:"retries"`
	Bytes   int64 `json:"bytes"`
	// ByStatus counts answers by HTTP status; "0" is no answer.
	ByStatus map[string]int `json:"by_status"`
}

// Spans counts the spans that a source was asked for.
type Spans struct {
	Asked  int `json:"asked"`
	Served int `json:"served"`
	Empty  int `json:"empty"`
	Failed int `json:"failed"`
}

// Stages is how long each stage took, in seconds.
type Stages struct {
	Source float64 `json:"source_seconds"`
	Hash   float64 `json:"hash_seconds"`
	Decode float64 `json:"decode_seconds"`
	Model  float64 `json:"model_seconds"`
	Clip   float64 `json:"clip_seconds"`
	Store  float64 `json:"store_seconds"`
}

// Memory is the proportional set size of the whole process tree, in bytes.
type Memory struct {
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

// Gap is a span that could not be read.
type Gap struct {
	Start  Stamp  `json:"start"`
	End    Stamp  `json:"end"`
	Reason string `json:"reason"`
}

// Error is one thing that went wrong.
type Error struct {
	Stage     string `json:"stage"`
	Recording string `json:"recording"`
	Message   string `json:"message"`
	Remedy    string `json:"remedy"`
	// Code names the kind of problem; empty in rows of older versions.
	Code string `json:"code"`
}

// OfModel describes a model.
func OfModel(m orchestrator.Model) Model {
	return Model{m.Name, m.Version, m.SHA256, m.Plugin}
}

// OfRun describes a run; dryRun says that it only found out what would be done.
func OfRun(run orchestrator.Run, dryRun bool) Run {
	document := Run{
		RunID: run.ID, Trigger: string(run.Trigger), StartedAt: Stamp(run.StartedAt), FinishedAt: Stamp(run.FinishedAt),
		Status: string(run.Status), ExitCode: run.ExitCode, Error: run.Error, DryRun: dryRun, Users: []Day{},
	}
	for _, day := range run.Days {
		if document.Model.Name == "" {
			document.Model = OfModel(day.Model)
		}
		document.Users = append(document.Users, OfDay(day))
	}
	return document
}

// OfDay describes a run's day.
func OfDay(day orchestrator.UserDay) Day {
	document := Day{
		User: day.User, Date: day.Date.String(), Timezone: day.Timezone, Status: string(day.Status),
		Recordings:   Recordings{day.Found, day.Processed, day.Skipped, day.GivenUp, day.Failed, day.Left},
		AudioSeconds: Seconds(orchestrator.SamplesToDuration(day.AudioSamples)),
		Seconds:      Seconds(day.Took),
		Laughs:       LaughCounts{day.Laughs, day.Duplicates},
		SourceCalls:  ofCalls(day.Calls),
		Spans:        ofSpans(day),
		Stages:       ofStages(day.Stages),
		Model:        OfModel(day.Model),
		Memory:       Memory{day.Memory.Before, day.Memory.Peak, day.Memory.After, day.Memory.Model, day.ModelPID, day.ModelGone || day.ModelPID == 0, day.OutOfMemory},
		Gaps:         []Gap{}, Errors: []Error{}, Notes: OfNotes(day.Notes),
	}
	for _, gap := range day.Gaps() {
		document.Gaps = append(document.Gaps, Gap{Stamp(gap.Start), Stamp(gap.End), gap.Reason})
	}
	for _, e := range day.Errors {
		document.Errors = append(document.Errors, Error{e.Stage, e.Recording, e.Message, advice.OfRunError(advice.Terminal, e), string(e.Code)})
	}
	return document
}

func ofCalls(c orchestrator.Calls) Calls {
	document := Calls{c.Total, c.Failed, c.Retries, c.Bytes, map[string]int{}}
	for code, n := range c.ByStatus {
		document.ByStatus[strconv.Itoa(code)] = n
	}
	return document
}

func ofSpans(day orchestrator.UserDay) Spans {
	asked, empty, failed := day.CountSpans()
	return Spans{asked, day.SpansServed, empty, failed}
}

func ofStages(took map[string]time.Duration) Stages {
	of := func(stage string) float64 { return Seconds(took[stage]) }
	return Stages{of(orchestrator.StageSource), of(orchestrator.StageHash), of(orchestrator.StageDecode),
		of(orchestrator.StageModel), of(orchestrator.StageClip), of(orchestrator.StageStore)}
}
