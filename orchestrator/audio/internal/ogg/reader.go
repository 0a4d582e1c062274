package ogg

import (
	"bufio"
	"bytes"
	"io"
)

// Reader reads the pages of all streams of a file, in order, in constant memory. What is no page, or
// has a wrong checksum, is skipped. Not safe for concurrent use.
type Reader struct {
	source *bufio.Reader
	offset int64
	page   Page
	size   int // of the page last returned, which still lies in source
	// skipped is how many bytes before it, behind the page before, are no page.
	skipped int64
	// wasted is how many bytes were summed up for pages that were none.
	wasted int64
}

// A file of false pages would have each of its bytes summed up thousands of times: what is wasted on them is bounded by
// wasteFactor for each byte of the file, and wasteFree beside. A real page behind such a stretch is found again as soon as
// that much was passed over.
const wasteFactor, wasteFree = 8, 1 << 20

// NewReader returns a Reader of the bytes of r.
func NewReader(r io.Reader) *Reader {
	return &Reader{source: bufio.NewReaderSize(r, 2*MaxPageSize)}
}

// Skipped is how many bytes that are no page lie before the page last returned, or before the end.
func (r *Reader) Skipped() int64 { return r.skipped }

// Next returns the next page, valid until Next is called again. The error is io.EOF at the end, else
// the underlying reader's.
func (r *Reader) Next() (*Page, error) {
	r.discard(r.size)
	r.size, r.skipped = 0, 0
	for {
		data, err := r.source.Peek(MaxPageSize)
		if err != nil && err != io.EOF {
			return nil, err
		}
		start := bytes.Index(data, capturePattern)
		if start < 0 {
			if err == io.EOF {
				r.skip(len(data))
				return nil, io.EOF
			}
			r.skip(len(data) - len(capturePattern) + 1)
			continue
		}
		if start > 0 {
			r.skip(start)
			continue // so that a whole page can be seen again
		}
		if r.wasted > wasteFactor*r.offset+wasteFree {
			r.skip(len(capturePattern))
			continue
		}
		size, result := parsePage(data, &r.page)
		r.page.Offset = r.offset
		switch result {
		case damaged:
			r.wasted += int64(min(len(data), sizeOf(data)))
		case whole:
			r.size = size
			return &r.page, nil
		case short:
			// Only the file's end cuts a page short, unless its lacing is damaged: then others follow.
			if !bytes.Contains(data[len(capturePattern):], capturePattern) && !oneBitOff(data) {
				r.page.keepWhole()
				r.size = len(data)
				return &r.page, nil
			}
		}
		r.skip(len(capturePattern))
	}
}

func (r *Reader) skip(n int) {
	r.discard(n)
	r.skipped += int64(n)
}

func (r *Reader) discard(n int) {
	_, _ = r.source.Discard(n) // n bytes were peeked at, so it cannot fail
	r.offset += int64(n)
}
