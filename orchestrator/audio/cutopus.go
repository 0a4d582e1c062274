package audio

import (
	"bytes"
	"context"
	"iter"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/audio/internal/ogg"
	"github.com/chortle-audio/chortle/orchestrator/audio/internal/opus"
)

const (
	// preRoll is how much a clip holds before its start, in ticks, for the decoder to settle: RFC 7845
	// asks for 80 ms.
	preRoll = opus.RateHz * 80 / 1000
	// pageTicks is how much a page of a clip holds.
	pageTicks = opus.RateHz
)

// cutOpus copies the packets of each span, in one pass over the file that decodes nothing.
func cutOpus(ctx context.Context, packets iter.Seq2[opus.Packet, error], spans []orchestrator.SampleSpan) iter.Seq2[orchestrator.Clip, error] {
	return func(yield func(orchestrator.Clip, error) bool) {
		waiting := spans
		var open []*opusClip // in order of their starts, which is that of delivery
		var settle history
		// deliver yields the clips at the front that end before the position.
		deliver := func(position int64) (ok bool) {
			for len(open) > 0 && open[0].end <= position {
				clip, err := open[0].finish()
				if !yield(clip, err) || err != nil {
					return false
				}
				open = open[1:]
			}
			return true
		}
		for packet, err := range packets {
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				yield(orchestrator.Clip{}, opusError(ctx, err))
				return
			}
			for len(waiting) > 0 && waiting[0].Start*opus.Ratio < packet.End {
				open = append(open, &opusClip{span: waiting[0], start: waiting[0].Start * opus.Ratio, end: waiting[0].End * opus.Ratio})
				waiting = waiting[1:]
			}
			if !deliver(packet.Start) {
				return
			}
			if len(open) == 0 && len(waiting) == 0 {
				return
			}
			for _, clip := range open {
				clip.add(packet, &settle)
			}
			settle.add(packet)
		}
		for _, span := range waiting {
			open = append(open, &opusClip{span: span})
		}
		deliver(1<<63 - 1)
	}
}

// history keeps the latest packets, so that a clip can begin before its start.
type history struct {
	packets []opus.Packet // without a gap; their Data is the history's own
}

func (h *history) add(packet opus.Packet) {
	if n := len(h.packets); n > 0 && !follows(h.packets[n-1], packet) {
		h.packets = h.packets[:0]
	}
	for len(h.packets) > 1 && packet.Start-h.packets[1].Start >= preRoll {
		h.dropFirst()
	}
	var buffer []byte
	if n := len(h.packets); n < cap(h.packets) {
		buffer = h.packets[:n+1][n].Data[:0]
	}
	packet.Data = append(buffer, packet.Data...)
	h.packets = append(h.packets, packet)
}

// dropFirst keeps the packet's buffer, behind the rest, for the next one.
func (h *history) dropFirst() {
	first, last := h.packets[0], len(h.packets)-1
	copy(h.packets, h.packets[1:])
	h.packets[last] = first
	h.packets = h.packets[:last]
}

// follows reports whether no sound is missing between two packets.
func follows(before, after opus.Packet) bool {
	return before.Link == after.Link && before.Start+opus.Ticks(before.Data) == after.Start
}

// opusClip collects the packets of one span.
type opusClip struct {
	span       orchestrator.SampleSpan
	start, end int64 // in ticks
	best       opusPart
	part       opusPart
}

// opusPart is the share of a clip that one link holds.
type opusPart struct {
	link                 *opus.Link
	writer               *ogg.Writer
	origin               int64 // the position that has granule 0
	start, end           int64 // of the sound in it
	decodedEnd, pageFrom int64
}

func (c *opusClip) add(packet opus.Packet, before *history) {
	if packet.Link != c.part.link {
		c.keepBest()
		c.part = opusPart{link: packet.Link}
	}
	if packet.End <= c.start || packet.Start >= c.end || packet.End <= packet.Link.Start {
		return
	}
	p := &c.part
	if p.writer == nil {
		var first []opus.Packet
		if n := len(before.packets); n > 0 && follows(before.packets[n-1], packet) {
			first = before.packets
		}
		p.begin(first, packet, c.start)
	}
	p.write(packet)
	p.end = min(packet.End, c.end)
}

// begin writes the headers and what comes before the clip's start.
func (p *opusPart) begin(before []opus.Packet, packet opus.Packet, start int64) {
	p.start = max(start, packet.Start, packet.Link.Start)
	p.origin = packet.Start
	if len(before) > 0 {
		p.origin = before[0].Start
	}
	head := p.link.Head
	head.PreSkip = int(p.start - p.origin)
	p.writer = ogg.NewWriter(nil, 1)
	p.writer.Packet(head.Append(nil), 0)
	p.writer.Flush(false)
	p.writer.Packet(opus.AppendTags(nil), 0)
	p.writer.Flush(false)
	p.decodedEnd, p.pageFrom = p.origin, p.origin
	for _, packet := range before {
		p.write(packet)
	}
}

// write adds a packet. A page ends where sound is missing, so that the next page's position shows it.
func (p *opusPart) write(packet opus.Packet) {
	if packet.Start != p.decodedEnd || packet.Start-p.pageFrom >= pageTicks {
		p.writer.Flush(false)
		p.pageFrom = packet.Start
	}
	p.decodedEnd = packet.Start + opus.Ticks(packet.Data)
	p.writer.Packet(packet.Data, p.decodedEnd-p.origin)
}

func (c *opusClip) keepBest() {
	if c.part.end-c.part.start > c.best.end-c.best.start {
		c.best = c.part
	}
}

func (c *opusClip) finish() (orchestrator.Clip, error) {
	c.keepBest()
	p := c.best
	if p.writer == nil {
		return orchestrator.Clip{}, errNoSound(c.span)
	}
	p.writer.Granule(p.end - p.origin)
	p.writer.Flush(true)
	return orchestrator.Clip{
		Span:      orchestrator.SampleSpan{Start: toSamples(p.start), End: toSamples(p.end)},
		Data:      bytes.Clone(p.writer.Bytes()),
		Extension: ".opus",
	}, nil
}
