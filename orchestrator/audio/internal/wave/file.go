package wave

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Errors of Parse.
var (
	// ErrNotPCM: the file is of another kind, or its samples are compressed; other readers may know it.
	ErrNotPCM = errors.New("no linear PCM")
	// ErrInvalid: the file is PCM, and its header makes no sense.
	ErrInvalid = errors.New("invalid header")
)

// Bounds of what is believed.
const (
	// MinRateHz and MaxRateHz bound sample rates, in Hz.
	MinRateHz = 1000
	// MaxRateHz is the most.
	MaxRateHz   = 1_000_000
	maxChannels = 1024
	maxParts    = 100_000
	maxFormat   = 4096
	// maxReads bounds the work for a file whose chunks are as many as its bytes allow.
	maxReads = 1 << 18
)

// Span is a stretch of a file, in bytes.
type Span struct{ Offset, Length int64 }

// Part is a stretch of sound of one format.
type Part struct {
	Format Format
	Span   Span // of whole frames
}

// File is the sound of a file, in order.
type File struct {
	Parts []Part
	// Unannounced is how many bytes of sound the header does not tell of.
	Unannounced int64
}

// Parse finds the sound in a file of size bytes. It reads headers, and looks into what lies behind the sound.
func Parse(r io.ReaderAt, size int64) (*File, error) {
	p := &parser{r: r, size: size, left: maxReads}
	at := p.skipTag(0)
	for begun := false; ; begun = true {
		next, err := p.form(at)
		switch {
		case err != nil && !begun:
			return nil, err
		case err != nil:
			next = p.size // what follows is no file of its own
		}
		if at = next; at >= p.size || len(p.file.Parts) >= maxParts {
			break
		}
	}
	if p.err != nil {
		return nil, p.err
	}
	if len(p.file.Parts) == 0 {
		return nil, fmt.Errorf("%w: there is no sound in it", ErrInvalid)
	}
	return &p.file, nil
}

// parser reads one file. What it cannot read is not there.
type parser struct {
	r    io.ReaderAt
	size int64
	file File
	err  error
	left int // reads that are allowed
}

// bytes are at most n bytes from a place on.
func (p *parser) bytes(at int64, n int) []byte {
	if p.left--; p.left < 0 {
		p.err = fmt.Errorf("%w: its chunks do not end", ErrInvalid)
	}
	if at < 0 || at >= p.size || p.err != nil {
		return nil
	}
	data := make([]byte, min(int64(n), p.size-at))
	read, err := p.r.ReadAt(data, at)
	if err != nil && !errors.Is(err, io.EOF) {
		p.err = err
	}
	return data[:read]
}

// skipTag is the place behind ID3 tags.
func (p *parser) skipTag(at int64) int64 {
	for {
		head := p.bytes(at, 10)
		if len(head) < 10 || !bytes.HasPrefix(head, []byte("ID3")) || head[3] == 0xff {
			return at
		}
		length := int64(10)
		for i, b := range head[6:10] {
			if b >= 0x80 {
				return at
			}
			length += int64(b) << (7 * (3 - i))
		}
		if head[5]&0x10 != 0 {
			length += 10
		}
		if next := at + length; bytes.HasPrefix(p.bytes(next, 3), []byte("ID3")) || p.kind(next) != nil {
			at = next
			continue
		}
		return at
	}
}

// kind is how a file that begins at a place is laid out; nil where none does.
func (p *parser) kind(at int64) *layout {
	head := p.bytes(at, 40)
	if len(head) < 12 {
		return nil
	}
	switch form := string(head[8:12]); string(head[:4]) {
	case "RIFF", "RF64", "BW64":
		if form == "WAVE" {
			return &layout{start: 12, head: 8, align: 2, order: binary.LittleEndian}
		}
	case "RIFX":
		if form == "WAVE" {
			return &layout{start: 12, head: 8, align: 2, order: binary.BigEndian, swapped: true}
		}
	case "FORM":
		if form == "AIFF" || form == "AIFC" {
			return &layout{start: 12, head: 8, align: 2, order: binary.BigEndian, swapped: true, aiff: true}
		}
	case "riff":
		if len(head) == 40 && bytes.Equal(head[4:16], w64RIFF[:]) && string(head[24:28]) == "wave" {
			return &layout{start: 40, head: 24, align: 8, order: binary.LittleEndian, wide: true}
		}
	}
	return nil
}

// layout says how chunks are written.
type layout struct {
	start       int64 // of the first chunk
	head, align int64 // of a chunk
	order       binary.ByteOrder
	swapped     bool // samples are big-endian
	aiff, wide  bool
}

var w64RIFF = [12]byte{0x2e, 0x91, 0xcf, 0x11, 0xa5, 0xd6, 0x28, 0xdb, 0x04, 0xc1, 0x00, 0x00}

// chunk is one chunk of a file.
type chunk struct {
	id   string
	body int64 // its place
	size int64 // as its head says
}

// read reads the head of a chunk; false where there is none.
func (l *layout) read(p *parser, at int64) (chunk, bool) {
	head := p.bytes(at, int(l.head))
	if int64(len(head)) < l.head {
		return chunk{}, false
	}
	c := chunk{id: string(head[:4]), body: at + l.head, size: int64(l.order.Uint32(head[4:]))}
	if l.wide {
		size := binary.LittleEndian.Uint64(head[16:])
		c.size = max(0, int64(min(size, 1<<62))-l.head)
	}
	for _, b := range []byte(c.id) {
		if b < ' ' || b > '~' {
			return c, false
		}
	}
	return c, true
}

// next is the place behind a chunk. Some writers leave the byte out that makes it even.
func (l *layout) next(p *parser, c chunk) int64 {
	end := c.body + c.size
	padded := (end + l.align - 1) / l.align * l.align
	if l.wide || padded == end {
		return padded
	}
	if _, ok := l.read(p, padded); ok || padded >= p.size {
		return padded
	}
	if _, ok := l.read(p, end); ok {
		return end
	}
	return padded
}

// form reads one file that begins at a place, and returns the place behind it.
func (p *parser) form(start int64) (int64, error) {
	l := p.kind(start)
	if l == nil {
		return 0, ErrNotPCM
	}
	f := form{parser: p, layout: l}
	sound := len(p.file.Parts)
	for at := start + l.start; at < p.size; {
		for _, place := range []int64{at, at + 1} { // a byte that makes it even
			if at > start+l.start && p.kind(place) != nil {
				return place, p.err
			}
		}
		c, ok := l.read(p, at)
		if !ok {
			break
		}
		c, err := f.take(c)
		if err != nil {
			return 0, err
		}
		next := l.next(p, c)
		if next <= at {
			break
		}
		at = next
	}
	if len(p.file.Parts) == sound && f.format == nil {
		return 0, fmt.Errorf("%w: it has no format", ErrInvalid)
	}
	return p.size, p.err
}

// form is one of the files that a parser reads.
type form struct {
	*parser
	*layout
	format *Format
	long   int64 // of the sound, as a ds64 chunk has it
}

// take reads a chunk, and returns it with the size that it really has.
func (f *form) take(c chunk) (chunk, error) {
	switch id := c.id; {
	case id == "ds64" && c.size >= 24:
		if data := f.bytes(c.body, 24); len(data) == 24 {
			f.long = int64(min(binary.LittleEndian.Uint64(data[8:]), 1<<62))
		}
	case id == "fmt " && !f.aiff, id == "COMM" && f.aiff:
		parse := parseFormat
		if f.aiff {
			parse = parseCommon
		}
		format, err := parse(f.bytes(c.body, int(min(c.size, maxFormat))), f.layout)
		if err != nil {
			return c, err
		}
		f.format = &format
	case id == "data" && !f.aiff, id == "SSND" && f.aiff:
		if f.format == nil {
			return c, fmt.Errorf("%w: its sound comes before its format", ErrInvalid)
		}
		return f.sound(c), nil
	}
	return c, nil
}

// sound adds the sound of a chunk to the file.
func (f *form) sound(c chunk) chunk {
	if f.aiff {
		offset := int64(0)
		if head := f.bytes(c.body, 8); len(head) == 8 {
			offset = int64(binary.BigEndian.Uint32(head))
		}
		c.body, c.size = c.body+8+offset, c.size-8-offset
	}
	if c.size == 0xffffffff && f.long > 0 {
		c.size = f.long
	}
	end := f.soundEnd(f.layout, c)
	f.add(*f.format, Span{c.body, end - c.body}, max(0, end-c.body-max(0, c.size)))
	c.size = end - c.body
	return c
}

func (p *parser) add(f Format, span Span, unannounced int64) {
	frame := int64(f.Frame())
	if span.Length = span.Length / frame * frame; span.Length <= 0 {
		return
	}
	f = f.Aligned(p.bytes(span.Offset, f.Frame()*max(1, (256<<10)/f.Frame())))
	p.file.Unannounced += min(unannounced, span.Length)
	p.file.Parts = append(p.file.Parts, Part{f, span})
}
