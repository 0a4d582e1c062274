package cli

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/cli/terminal"
	"github.com/chortle-audio/chortle/orchestrator/detect"
)

type detectDocument struct {
	Model     modelDocument  `json:"model"`
	Threshold float64        `json:"threshold"`
	Files     []fileDocument `json:"files"`
}

type fileDocument struct {
	File         string               `json:"file"`
	AudioSeconds float64              `json:"audio_seconds"`
	Seconds      float64              `json:"seconds"`
	Laughs       []foundLaughDocument `json:"laughs"`
	Error        string               `json:"error"`
}

type foundLaughDocument struct {
	Start       float64            `json:"start_s"`
	End         float64            `json:"end_s"`
	Duration    float64            `json:"duration_s"`
	Peak        float64            `json:"peak_s"`
	Score       float64            `json:"score"`
	Class       string             `json:"class"`
	ClassScores map[string]float64 `json:"class_scores"`
}

func (a *app) detectCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "detect FILE...", Short: "Find the laughs in any audio file",
		Long: `Finds the laughs in any audio file and prints them. It needs no user and no database, and stores nothing.

Exit codes: 0 all files were read, 3 some were not, or are damaged, 1 none was.`,
		Example: "  orchestrator detect party.ogg\n  orchestrator detect --threshold 0.4 --json *.wav",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage("FILE is missing; see %s --help", cmd.CommandPath())
			}
			return nil
		},
	}
	jsonFlag(cmd, &asJSON)
	bind(cmd.Flags(), "CHORTLE_THRESHOLD", "CHORTLE_INFERD", "CHORTLE_MODELS", "CHORTLE_MODEL")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		document, failed, err := a.detect(cmd.Context(), args, asJSON)
		switch {
		case err != nil:
			return err
		case asJSON:
			err = a.writeJSON(document)
		}
		switch {
		case err != nil:
			return err
		case failed == len(args):
			return exit(orchestrator.ExitFailed)
		case slices.ContainsFunc(document.Files, func(f fileDocument) bool { return f.Error != "" }):
			return exit(orchestrator.ExitIncomplete)
		}
		return nil
	}
	return cmd
}

// detect reads the files one after another with one model. Files that are damaged have an error, but did
// not fail.
func (a *app) detect(ctx context.Context, paths []string, quiet bool) (document detectDocument, failed int, err error) {
	sound, err := a.openAudio()
	if err != nil {
		return document, 0, err
	}
	spawner, err := a.spawner(a.settings.Config.Inferd)
	if err != nil {
		return document, 0, err
	}
	process, err := spawner.Spawn(ctx)
	if err != nil {
		return document, 0, fmt.Errorf("start model: %w", err)
	}
	defer func() { process.Stop() }()

	document = detectDocument{modelOf(process.Model()), a.settings.Config.Threshold, []fileDocument{}}
	progress := &observer{log: a.log, screen: a.stderr, now: a.now}
	for _, path := range paths {
		file, err := a.detectFile(ctx, sound, process, path, progress)
		a.stderr.SetStatus("")
		if ctx.Err() != nil {
			return document, failed, ctx.Err()
		}
		damage := (*orchestrator.DamageError)(nil)
		read := err == nil || errors.As(err, &damage)
		if !read {
			failed++
		}
		if err != nil {
			file.Error = err.Error()
			fmt.Fprintf(a.stderr, "%s %s: %s\n", a.stderr.Red("error:"), terminal.Printable(path), terminal.Printable(err.Error()))
		}
		document.Files = append(document.Files, file)
		if read && !quiet {
			a.reportFile(file, len(paths) > 1)
		}
		// A model that ended, or broke its contract, costs the file that did it and no other.
		if exit := (*orchestrator.ExitError)(nil); errors.As(err, &exit) || errors.Is(err, orchestrator.ErrBadPlugin) {
			process.Stop()
			if process, err = respawn(ctx, spawner, process); err != nil {
				return document, failed, fmt.Errorf("start model again: %w", err)
			}
		}
	}
	return document, failed, nil
}

// respawn starts another process; on error it returns the old one, which is stopped.
func respawn(ctx context.Context, spawner orchestrator.Spawner, old orchestrator.Process) (orchestrator.Process, error) {
	process, err := spawner.Spawn(ctx)
	if err != nil {
		return old, err
	}
	return process, nil
}

// detectFile finds the laughs of a file; of one that is damaged, it returns them with the DamageError.
func (a *app) detectFile(ctx context.Context, sound orchestrator.Audio, process orchestrator.Process, path string, progress *observer) (fileDocument, error) {
	file := fileDocument{File: path, Laughs: []foundLaughDocument{}}
	began := a.now()
	info, err := os.Stat(path)
	if err != nil {
		return file, err
	}
	rec := orchestrator.Recording{Path: path, Name: path, Start: info.ModTime(), Size: info.Size(), ModTime: info.ModTime()}
	event := orchestrator.Event{Kind: orchestrator.EventRecording, Recording: path}
	if a.stderr.Terminal {
		event.Length = sound.Length(ctx, rec)
	}
	progress.show(event)
	event.Kind = orchestrator.EventProgress

	model := process.Model()
	scores := orchestrator.Scores{Classes: model.Laughter, Window: model.Window, Hop: model.Hop}
	var length int64
	var damage *orchestrator.DamageError
	chunks := iter.Seq2[orchestrator.Chunk, error](func(yield func(orchestrator.Chunk, error) bool) {
		for chunk, err := range sound.Decode(ctx, rec) {
			if errors.As(err, &damage) {
				return // all that there is was read
			}
			if err == nil {
				length = chunk.Offset + int64(len(chunk.Samples))
			}
			if !yield(chunk, err) || err != nil {
				return
			}
			event.Position = length
			progress.show(event)
		}
	})
	for frame, err := range process.Classify(ctx, chunks) {
		if err == nil {
			err = scores.Add(frame)
		}
		if err != nil {
			return file, err
		}
	}
	if length == 0 {
		return file, fmt.Errorf("%w: there is no sound in it", orchestrator.ErrBadRecording)
	}
	scores.Close(length)
	policy, err := a.settings.Config.Policy().Base()
	if err != nil {
		return file, err
	}
	for _, laugh := range detect.Laughs(scores, policy) {
		file.Laughs = append(file.Laughs, foundLaugh(laugh, model.Laughter))
	}
	file.AudioSeconds = seconds(orchestrator.SamplesToDuration(length))
	file.Seconds = seconds(a.now().Sub(began))
	if damage != nil {
		return file, damage
	}
	return file, nil
}

func foundLaugh(l orchestrator.Laugh, classes []string) foundLaughDocument {
	document := foundLaughDocument{Start: atSample(l.Onset), End: atSample(l.Offset), Duration: atSample(l.Offset - l.Onset), Peak: atSample(l.Peak),
		Score: l.Score, Class: l.Class, ClassScores: map[string]float64{}}
	for i, score := range l.ClassScores {
		document.ClassScores[classes[i]] = score
	}
	return document
}

func atSample(n int64) float64 { return seconds(orchestrator.SamplesToDuration(n)) }

// reportFile tells a person what was found in a file.
func (a *app) reportFile(file fileDocument, several bool) {
	if several {
		fmt.Fprintln(a.stdout, a.stdout.Bold(terminal.Printable(file.File)))
	}
	table := terminal.NewTable("start>", "duration>", "score>", "class")
	for _, l := range file.Laughs {
		table.Add(preciseClock(l.Start), fmt.Sprintf("%.2f s", l.Duration), fmt.Sprintf("%.2f", l.Score), l.Class)
	}
	if table.Len() > 0 {
		_ = table.WriteTo(a.stdout)
	}
	fmt.Fprintf(a.stderr, "%s in %s of sound, read in %.1f s.\n", plural(len(file.Laughs), "laugh"),
		clock(time.Duration(file.AudioSeconds*float64(time.Second))), file.Seconds)
}

// preciseClock writes seconds as 1:02:03.450.
func preciseClock(s float64) string {
	ms := int64(s*1000 + 0.5)
	return fmt.Sprintf("%d:%02d:%02d.%03d", ms/3_600_000, ms/60_000%60, ms/1000%60, ms%1000)
}
