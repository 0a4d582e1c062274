package ogg

import (
	"bytes"
	"io"
)

// Links are where the streams of a chained file begin, in bytes, and whether all of them begin alike: with the same codec,
// rate and channels. A file that is no chain has one. It reads the file once; the error is the reader's.
func Links(r io.Reader) (starts []int64, alike bool, err error) {
	pages := NewReader(r)
	alike = true
	var first, heads []byte
	beginning := false
	settle := func() {
		if first == nil {
			first = bytes.Clone(heads)
		} else if !bytes.Equal(first, heads) {
			alike = false
		}
	}
	for {
		page, err := pages.Next()
		if err == io.EOF {
			if len(starts) > 0 && beginning {
				settle()
			}
			return starts, alike, nil
		}
		if err != nil {
			return nil, false, err
		}
		if page.First && !beginning {
			starts = append(starts, page.Offset)
			heads = heads[:0]
		}
		if page.First {
			heads = append(heads, kindOf(page.Body)...)
		} else if beginning {
			settle()
		}
		beginning = page.First
	}
}

// kindOf is what decides how a stream is decoded.
func kindOf(head []byte) []byte {
	switch {
	case bytes.HasPrefix(head, []byte("OpusHead")):
		return head[:8] // all Opus is alike: its decoder follows each link
	case bytes.HasPrefix(head, []byte("\x01vorbis")):
		return head[:min(16, len(head))]
	}
	return head[:min(64, len(head))]
}
