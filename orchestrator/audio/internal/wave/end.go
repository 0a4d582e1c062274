package wave

import (
	"bytes"
)

// soundEnd is where the sound of a chunk ends: where its head says, if chunks, a file, tags or nothing follow; else the
// file's end, for headers say less than there is where they were written before the sound, or where it is longer than
// their sizes can say.
func (p *parser) soundEnd(l *layout, c chunk) int64 {
	end := c.body + max(0, c.size)
	if end >= p.size {
		return p.size
	}
	for _, place := range []int64{(end + l.align - 1) / l.align * l.align, end} {
		if p.chunksFollow(l, place) {
			return end
		}
	}
	if c.size > 0 && p.blank(end) {
		return end
	}
	return p.size
}

// chunksFollow tells whether from a place on there is nothing but chunks, files and tags.
func (p *parser) chunksFollow(l *layout, from int64) bool {
	at := from
	for range maxParts {
		if at >= p.size || p.kind(at) != nil || p.tagsFollow(at) {
			return true
		}
		c, ok := l.read(p, at)
		if !ok || c.body+c.size > p.size {
			return at > from && (p.size-at < l.head || p.blank(at))
		}
		next := l.next(p, c)
		if next <= at {
			return false
		}
		at = next
	}
	return false
}

// tagsFollow tells whether tags that players append begin here.
func (p *parser) tagsFollow(at int64) bool {
	head := p.bytes(at, 12)
	return bytes.HasPrefix(head, []byte("TAG")) && p.size-at == 128 || bytes.HasPrefix(head, []byte("ID3")) ||
		bytes.HasPrefix(head, []byte("APETAGEX")) || bytes.HasPrefix(head, []byte("LYRICSBEGIN"))
}

// blank tells whether what lies from a place on is zeros: room that was kept and never written to. It looks at samples of it, the
// file's end among them, so that gigabytes of it cost nothing.
func (p *parser) blank(at int64) bool {
	const probes, length = 64, 4096
	left := p.size - at
	for i := range int64(probes + 1) {
		from := at + max(0, left-length)/probes*i
		if i == probes {
			from = max(at, p.size-length)
		}
		for _, b := range p.bytes(from, length) {
			if b != 0 {
				return false
			}
		}
		if left <= length {
			break
		}
	}
	return true
}
