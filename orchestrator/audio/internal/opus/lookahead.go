package opus

import (
	"bytes"
	"slices"

	"github.com/chortle-audio/chortle/orchestrator/audio/internal/ogg"
)

// maxAhead is how many pages are looked at before their turn.
const maxAhead = 4

// pageReader reads pages, some of them before their turn.
type pageReader struct {
	*ogg.Reader
	ahead   []aheadPage
	current int64 // bytes that are no page before the page last returned
	err     error // that comes behind those ahead
}

type aheadPage struct {
	page    *ogg.Page
	skipped int64
}

// Next returns the next page, valid until another is asked for.
func (r *pageReader) Next() (*ogg.Page, error) {
	if len(r.ahead) > 0 {
		next := r.ahead[0]
		r.ahead = r.ahead[1:]
		r.current = next.skipped
		return next.page, nil
	}
	if r.err != nil {
		r.current = r.Reader.Skipped()
		return nil, r.err
	}
	page, err := r.Reader.Next()
	r.current = r.Reader.Skipped()
	return page, err
}

// Skipped is how many bytes that are no page lie before the page last returned, or before the end.
func (r *pageReader) Skipped() int64 { return r.current }

// look reads pages before their turn: what Next returned before is invalid then.
func (r *pageReader) look() []aheadPage {
	for len(r.ahead) < maxAhead && r.err == nil {
		page, err := r.Reader.Next()
		if r.err = err; err == nil {
			r.ahead = append(r.ahead, aheadPage{clonePage(page), r.Reader.Skipped()})
		}
	}
	return r.ahead
}

func clonePage(page *ogg.Page) *ogg.Page {
	clone := *page
	clone.Lacing, clone.Body = bytes.Clone(page.Lacing), bytes.Clone(page.Body)
	return &clone
}

// inTurn returns the page of a stream that should stand in place of this one, where the two were swapped; else a page that is
// the same as this one.
func (r *pageReader) inTurn(page *ogg.Page, expected uint32) *ogg.Page {
	page = clonePage(page)
	for i, next := range r.look() {
		if next.page.First || next.page.Serial == page.Serial && next.page.Sequence == page.Sequence+1 && i == 0 {
			break // what was between is lost
		}
		if next.page.Serial == page.Serial && next.page.Sequence == expected {
			r.ahead[i].page = page
			return next.page
		}
	}
	return page
}

// follower is the next page of a stream; nil where none is near.
func (r *pageReader) follower(serial uint32) *ogg.Page {
	i := slices.IndexFunc(r.look(), func(p aheadPage) bool {
		return p.page.First || p.page.Serial == serial && p.page.Granule != ogg.NoGranule
	})
	if i < 0 || r.ahead[i].page.First {
		return nil
	}
	return r.ahead[i].page
}

// believed is a gap that a page's position leaves, unless the page behind it lies where it does without that gap: the
// position was wrong then, and there is none. end is where the packets of the page end without it, as a granule position.
func (w *walker) believed(link *Link, end, gap int64) int64 {
	const slack = 2 * maxPacketTicks
	if gap <= 2*slack {
		return gap
	}
	next := w.pages.follower(link.serial)
	if next == nil || next.Last {
		return gap
	}
	var ticks int64
	var packets ogg.Assembler
	for _, packet := range packets.Packets(next, false) {
		ticks += Ticks(packet)
	}
	if off := next.Granule - (end + ticks); off >= -slack && off <= slack {
		return 0
	}
	return gap
}
