package audio

import (
	"context"
	"encoding/binary"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/audio/internal/opus"
	"github.com/chortle-audio/chortle/orchestrator/audio/internal/wave"
)

// Info is what a file says of itself.
type Info struct {
	// Created is when the recording was made, in UTC. Zero where the file does not say, or says it
	// without a zone.
	Created time.Time
	// Length in samples at orchestrator.SampleRateHz; 0 where it is unknown.
	Length int64
	// Notes are what there is to say of the file.
	Notes []orchestrator.Note
}

// Probe reads what the file at path says of itself, without decoding it. An error that wraps
// orchestrator.ErrBadRecording means that the file is damaged or no sound.
func (a *Audio) Probe(ctx context.Context, path string) (Info, error) {
	file, err := openFile(orchestrator.Recording{Path: path})
	if err != nil {
		return Info{}, err
	}
	defer file.Close()
	if frames := readOmi(file); frames != nil {
		return Info{Length: frames.length(ctx, file)}, nil
	}
	link, err := a.readLink(file)
	switch {
	case err != nil:
		return Info{}, err
	case link != nil:
		return Info{Created: createdInTags(link.Tags), Length: opusLength(file)}, nil
	}
	sound, err := readWave(file)
	if err != nil {
		return Info{}, err
	}
	info, err := a.ffmpegProbe(ctx, file)
	if sound != nil {
		// ffmpeg knows the tags, and refuses some headers that are read here.
		info, err = Info{Created: info.Created, Length: pcmLength(sound), Notes: pcmNotes(sound)}, ctx.Err()
	}
	return info, err
}

// Measure returns how much sound an Ogg Opus file holds, in samples at orchestrator.SampleRateHz: from all
// of its packets, so that the links of a chained file count, however they are numbered. An error that wraps
// orchestrator.ErrBadRecording means that there is no such sound in it.
func (a *Audio) Measure(ctx context.Context, path string) (int64, error) {
	file, err := openFile(orchestrator.Recording{Path: path})
	if err != nil {
		return 0, err
	}
	defer file.Close()
	var end int64
	for packet, err := range opus.Packets(file.reader(), nil) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return 0, opusError(ctx, err)
		}
		end = packet.End
	}
	return toSamples(end), nil
}

func (a *Audio) inspect(ctx context.Context, file *file) (length int64, notes []orchestrator.Note) {
	if frames := readOmi(file); frames != nil {
		return frames.length(ctx, file), nil
	}
	switch link, err := a.readLink(file); {
	case err != nil:
		return 0, nil
	case link != nil:
		return opusLength(file), nil
	}
	if sound, err := readWave(file); err != nil || sound != nil {
		if err != nil {
			return 0, nil
		}
		return pcmLength(sound), pcmNotes(sound)
	}
	info, err := a.ffmpegProbe(ctx, file)
	if err != nil {
		return 0, nil
	}
	return info.Length, info.Notes
}

// pcmNotes are what there is to say of a file of linear PCM.
func pcmNotes(sound *wave.File) []orchestrator.Note {
	if sound.Unannounced == 0 {
		return nil
	}
	return []orchestrator.Note{{Code: orchestrator.NoteUnannounced, N: sound.Unannounced}}
}

// trackNotes are what there is to say of several tracks.
func trackNotes(tracks int64) (notes []orchestrator.Note) {
	if tracks > 1 {
		notes = append(notes, orchestrator.Note{Code: orchestrator.NoteTracks, N: min(tracks, maxTracks)})
	}
	if tracks > maxTracks {
		notes = append(notes, orchestrator.Note{Code: orchestrator.NoteTracksLeft, N: tracks - maxTracks})
	}
	return notes
}

func opusLength(file *file) int64 {
	if ticks := opus.Length(file, file.info.Size()); ticks > 0 {
		return toSamples(ticks)
	}
	var end int64
	for packet, err := range opus.Packets(file.reader(), nil) {
		if err != nil {
			break
		}
		end = packet.End
	}
	return toSamples(end)
}

var (
	durationLine = regexp.MustCompile(`(?m)^ *Duration: (\d+):(\d\d):(\d\d)\.(\d\d)`)
	trackLine    = regexp.MustCompile(`(?m)^ *Stream #0:\d+[^ ]*: Audio: `)
	createdLine  = regexp.MustCompile(`(?mi)^ *(?:creation_time|date|com\.apple\.quicktime\.creationdate) *: (.+)$`)
)

// ffmpegProbe reads what ffmpeg tells a person of the file.
func (a *Audio) ffmpegProbe(ctx context.Context, file *file) (Info, error) {
	ffmpeg := program{path: a.ffmpeg, confine: a.sandbox, file: file}
	args := slices.Concat([]string{"-v", "info"}, input(wholeBoxesOf(file)), output(0))
	// Nothing is decoded: the output ends before it begins.
	err := ffmpeg.run(ctx, append(args, "-t", "0", "-c", "copy", "-f", "null", "-")...)
	if err != nil {
		return Info{}, err
	}
	said := string(ffmpeg.messages.data)
	var info Info
	if field := durationLine.FindStringSubmatch(said); field != nil {
		var hundredths int64
		for i, weight := range []int64{360000, 6000, 100, 1} {
			n, _ := strconv.ParseInt(field[i+1], 10, 32) // digits, so 0 only where there are far too many
			hundredths += n * weight
		}
		info.Length = hundredths * orchestrator.SampleRateHz / 100
	}
	info.Notes = trackNotes(int64(len(trackLine.FindAllString(said, -1)) - 1)) // one more is what ffmpeg writes
	for _, field := range createdLine.FindAllStringSubmatch(said, -1) {
		if info.Created = parseCreated(field[1]); !info.Created.IsZero() {
			break
		}
	}
	return info, nil
}

// createdInTags looks through the comments of an Opus stream, each "NAME=value".
func createdInTags(tags []byte) time.Time {
	const magic = 8
	next := func() ([]byte, bool) {
		if len(tags) < 4 {
			return nil, false
		}
		n := binary.LittleEndian.Uint32(tags)
		if tags = tags[4:]; uint64(n) > uint64(len(tags)) {
			return nil, false
		}
		field := tags[:n]
		tags = tags[n:]
		return field, true
	}
	if len(tags) < magic {
		return time.Time{}
	}
	tags = tags[magic:]
	if _, ok := next(); !ok || len(tags) < 4 { // the vendor
		return time.Time{}
	}
	tags = tags[4:] // the number of comments
	for {
		comment, ok := next()
		if !ok {
			return time.Time{}
		}
		name, value, _ := strings.Cut(string(comment), "=")
		if strings.EqualFold(name, "creation_time") || strings.EqualFold(name, "date") {
			if created := parseCreated(value); !created.IsZero() {
				return created
			}
		}
	}
}

// parseCreated reads an instant with its zone. Anything else is zero: a day alone, local time, and what
// devices write that do not know the time.
func parseCreated(value string) time.Time {
	value = strings.TrimSpace(value)
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05-0700", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05-0700"} {
		if t, err := time.Parse(layout, value); err == nil && t.Year() >= 1990 {
			return t.UTC()
		}
	}
	return time.Time{}
}
