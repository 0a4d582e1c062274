package orchestrator

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"
)

// ErrModelStart marks a model that could not be started: no recording can be read.
var ErrModelStart = errors.New("model did not start")

// Heard is what a model said about one recording.
type Heard struct {
	Model  Model
	Scores Scores
	Prints []SoundPrint
	// Damage is what the recording lacks; nil where it is whole.
	Damage *DamageError
	// Notes are what there is to say of the recording.
	Notes []Note
	// Decoding is how long the model waited for sound, in all.
	Decoding time.Duration
}

// Listen streams a recording through a model: decode, classify, scores. It is the one way from sound to scores. The
// model is asked for a piece of sound when it has room for it, so memory does not grow with the recording.
//
// observe, unless nil, gets an EventRecording with the estimated length and then an EventProgress for every chunk,
// both without user and date. A damaged recording is no error as long as there is sound in it: Damage says what is
// missing. Errors of the sound wrap ErrBadRecording where they are the recording's own; those of the model are an
// *ExitError or wrap ErrBadPlugin, and the process is then of no more use.
func Listen(ctx context.Context, process Process, sound Audio, rec Recording, now func() time.Time, observe func(Event)) (Heard, error) {
	if observe == nil {
		observe = func(Event) {}
	}
	model := process.Model()
	heard := Heard{Model: model, Scores: NewScores(model)}
	event := Event{Kind: EventRecording, Recording: rec.Name}
	if inspector, ok := sound.(Inspector); ok {
		event.Length, heard.Notes = inspector.Inspect(ctx, rec)
	} else {
		event.Length = sound.Length(ctx, rec)
	}
	heard.Scores.Expect(event.Length)
	observe(event)

	event.Kind = EventProgress
	var prints Printer
	var band bandMeter
	chunks := func(yield func(Chunk, error) bool) {
		since := now()
		for chunk, err := range sound.Decode(ctx, rec) {
			heard.Decoding += now().Sub(since)
			if errors.As(err, &heard.Damage) {
				return // all that there is was read
			}
			if err != nil {
				yield(Chunk{}, &stageError{StageDecode, err})
				return
			}
			event.Position = chunk.Offset + int64(len(chunk.Samples))
			prints.Add(chunk.Samples)
			band.add(chunk.Samples)
			if !yield(chunk, nil) {
				return
			}
			observe(event)
			since = now()
		}
	}
	if err := collect(process.Classify(ctx, chunks), &heard.Scores); err != nil {
		if staged := (*stageError)(nil); !errors.As(err, &staged) {
			err = &stageError{StageModel, err}
		}
		return heard, err
	}
	if event.Position == 0 {
		return heard, &stageError{StageDecode, fmt.Errorf("%w: there is no sound in it", ErrBadRecording)}
	}
	heard.Scores.Close(event.Position)
	heard.Prints = prints.Keep(&heard.Scores)
	if band.narrow() {
		heard.Notes = append(heard.Notes, Note{Code: NoteNarrowBand})
	}
	if heard.Damage != nil {
		heard.Notes = append(heard.Notes, Note{NoteDamaged, SamplesToDuration(heard.Damage.Lost).Milliseconds()})
	}
	return heard, nil
}

func collect(frames iter.Seq2[Frame, error], scores *Scores) error {
	for frame, err := range frames {
		if err != nil {
			return err
		}
		if err := scores.Add(frame); err != nil {
			return err
		}
	}
	return nil
}

// Listener listens to one recording after another with one model process, which it starts when it is first needed. A
// process that ended, or broke its contract, is stopped, and the next recording gets a fresh one; so does once more
// the recording during which it ended. The fields but Observe and Spent must be set. One call at a time; Stop it after
// use.
type Listener struct {
	Audio Audio
	// Spawner chooses the model.
	Spawner func() (Spawner, error)
	Now     func() time.Time
	// Observe gets the events of Listen, and EventModel and EventModelEnd when a process is ready and gone.
	Observe func(Event)
	// Spent gets the time that a stage took.
	Spent func(stage string, took time.Duration)

	process Process // nil where none runs
}

func (l *Listener) observe(e Event) {
	if l.Observe != nil {
		l.Observe(e)
	}
}

func (l *Listener) spent(stage string, since time.Time) {
	if l.Spent != nil {
		l.Spent(stage, l.Now().Sub(since))
	}
}

// Start starts the model unless it runs, and returns its description. The error wraps ErrModelStart.
func (l *Listener) Start(ctx context.Context) (Model, error) {
	if l.process != nil {
		return l.process.Model(), nil
	}
	since := l.Now()
	spawner, err := l.Spawner()
	if err == nil {
		l.process, err = spawner.Spawn(ctx)
	}
	l.spent(StageModel, since)
	if err != nil {
		l.process = nil
		return Model{}, &stageError{StageModel, fmt.Errorf("%w: %w", ErrModelStart, err)}
	}
	l.observe(Event{Kind: EventModel, Model: l.process.Model(), PID: l.process.PID()})
	return l.process.Model(), nil
}

// Stop kills the model process, if there is one.
func (l *Listener) Stop() {
	if l.process == nil {
		return
	}
	since := l.Now()
	exit := l.process.Stop()
	l.process = nil
	l.spent(StageModel, since)
	l.observe(Event{Kind: EventModelEnd, PID: exit.PID, Exit: exit})
}

// Listen listens to a recording; see the function Listen, and Start.
func (l *Listener) Listen(ctx context.Context, rec Recording) (Heard, error) {
	heard, err := l.once(ctx, rec)
	if exit := (*ExitError)(nil); errors.As(err, &exit) && !errors.Is(err, ErrModelStart) && ctx.Err() == nil {
		heard, err = l.once(ctx, rec) // with a fresh process
	}
	return heard, err
}

func (l *Listener) once(ctx context.Context, rec Recording) (Heard, error) {
	if _, err := l.Start(ctx); err != nil {
		return Heard{}, err
	}
	since := l.Now()
	heard, err := Listen(ctx, l.process, l.Audio, rec, l.Now, l.Observe)
	l.spent(StageModel, since)
	if l.Spent != nil {
		l.Spent(StageDecode, heard.Decoding)
	}
	if staged := (*stageError)(nil); errors.As(err, &staged) && staged.stage == StageModel {
		l.Stop()
	}
	return heard, err
}
