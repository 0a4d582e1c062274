// Package inside reads when a recording was made from what its file says of itself, without decoding any sound: the
// fields that recorders, editors and taggers write. It reads a bounded part of the file and believes no length in it.
package inside

import (
	"bytes"
	"errors"
	"io"

	"github.com/chortle-audio/chortle/orchestrator/source/internal/stamp"
)

// Evidence is what a file says of its time.
type Evidence struct {
	// Stamp is when it began; valid where Field is not empty.
	Stamp stamp.Stamp
	// Field says where that stands, such as "bext"; empty where the file does not say.
	Field string
	// AudioMoth is true where an AudioMoth wrote it: its comment tells the offset from UTC that its name keeps silent
	// about.
	AudioMoth bool
}

const (
	// most is how much of a file is read at its beginning where its format has no list of chunks.
	most = 256 << 10
	// mostChunk bounds a chunk that is read whole, mostChunks how many are looked at.
	mostChunk, mostChunks = 1 << 20, 1000
)

// Read looks into a file of a known size. A file that says nothing of its time, or is damaged, gives no evidence and no
// error; an error is one of reading.
func Read(file io.ReaderAt, size int64) (Evidence, error) {
	head := make([]byte, 64)
	n, err := file.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return Evidence{}, err
	}
	head = head[:n]
	switch {
	case len(head) < 16:
		return Evidence{}, nil
	case bytes.HasPrefix(head, []byte("RIFF")), bytes.HasPrefix(head, []byte("RF64")), bytes.HasPrefix(head, []byte("BW64")):
		return riff(file, size)
	case bytes.HasPrefix(head, []byte("caff")):
		return caf(file, size)
	case bytes.HasPrefix(head, []byte("ID3")):
		return within(file, size, id3)
	case bytes.HasPrefix(head, []byte("OggS")):
		return within(file, size, ogg)
	case bytes.HasPrefix(head, []byte("fLaC")):
		return flac(file, size)
	case bytes.HasPrefix(head, asfHeader):
		return within(file, size, asf)
	}
	return Evidence{}, nil
}

// within reads the beginning of a file and looks into that.
func within(file io.ReaderAt, size int64, look func([]byte) Evidence) (Evidence, error) {
	data, err := piece(file, 0, min(size, most))
	if err != nil {
		return Evidence{}, err
	}
	return look(data), nil
}

// piece reads a part of a file; less where the file ends.
func piece(file io.ReaderAt, at, n int64) ([]byte, error) {
	data := make([]byte, n)
	read, err := file.ReadAt(data, at)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return data[:read], err
}

// say makes evidence of a text that a field holds.
func say(field, text string) Evidence {
	if found, ok := stamp.Find(text, stamp.Options{}); ok && found.Wall.Year() >= 1990 {
		return Evidence{Stamp: found, Field: field}
	}
	return Evidence{}
}
