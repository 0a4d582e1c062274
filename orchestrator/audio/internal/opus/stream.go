package opus

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/chortle-audio/chortle/orchestrator/audio/internal/ogg"
)

// MaxGap is the longest stretch of lost sound, in ticks, that is believed: all of a file's together.
const MaxGap = 24 * 3600 * RateHz

const (
	maxTags    = 64 << 10
	maxGranule = 1 << 62
)

// Errors of streams that are Opus but cannot be followed.
var (
	ErrNoPackets = errors.New("there is no audio packet in it")
	ErrGranule   = errors.New("absurd granule position")
)

// Link is one of the streams that follow each other in a chained file; most files have one.
type Link struct {
	Head Head
	// Start is the recording's position at which the link's sound begins, in ticks.
	Start int64
	// Tags is the comment header, cut off after 64 KiB. Empty when it was lost.
	Tags []byte
	// Others is how many more Opus streams lie beside this one, as a call's two ends do. They are not followed.
	Others int

	serial   uint32
	streams  map[uint32]bool // this one and those multiplexed with it
	packets  ogg.Assembler
	sequence uint32 // of the last page that was read
	lost     int64  // pages missing since the last granule position
	ended    bool
	anchored bool
	granule  int64 // the last granule position
	shift    int64 // from granule positions to the recording's
	cursor   int64 // the recording's position at which the next packet begins
}

// Packet is one packet of sound and its place in the recording, in ticks since the recording's start.
type Packet struct {
	Link *Link
	// Data is valid until the next packet is asked for.
	Data []byte
	// Start is the position of the first sample that the packet decodes to. What lies before
	// Link.Start is pre-skip, and to be dropped.
	Start int64
	// End is the position at which the packet's sound ends: before its decoded end where it is trimmed.
	End int64
}

// Packets yields the packets of every link of an Ogg Opus file, in order, in constant memory. Where
// Start is behind the last packet's end, sound was lost or left out. Damaged pages are skipped; what is
// lost with them is added to damage, unless that is nil. The error, if any, comes last: ErrNotOpus,
// ErrUnsupported, ErrGranule, ErrNoPackets or the reader's.
func Packets(r io.Reader, damage *Damage) iter.Seq2[Packet, error] {
	return func(yield func(Packet, error) bool) {
		w := walker{pages: pageReader{Reader: ogg.NewReader(r)}, damage: damage}
		if err := w.walk(func(p Packet) bool { return yield(p, nil) }); err != nil && !errors.Is(err, errStopped) {
			yield(Packet{}, err)
		}
	}
}

// ReadLink reads a file's first link up to its first packet: its head and tags. ErrNotOpus unless the
// reader begins with Ogg Opus.
func ReadLink(r io.Reader) (*Link, error) {
	w := walker{pages: pageReader{Reader: ogg.NewReader(r)}}
	var first *Link
	err := w.walk(func(p Packet) bool {
		first = p.Link
		return false
	})
	if first == nil && w.link != nil {
		return w.link, nil
	}
	if errors.Is(err, errStopped) {
		err = nil
	}
	return first, err
}

var errStopped = errors.New("stopped")

type walker struct {
	pages  pageReader
	damage *Damage
	link   *Link
	// starting is true while pages are read that begin the streams of a link.
	starting bool
	// headError is why no stream of the link under way can be read; nil once one can.
	headError error
	streams   map[uint32]bool // of the link under way
	end       int64           // of the sound so far
	silence   int64           // ticks lost so far
	count     int
	truncated bool // the last page is not all there
}

func (w *walker) walk(emit func(Packet) bool) error {
	for {
		page, err := w.pages.Next()
		switch {
		case err == io.EOF && w.link == nil:
			return ErrNotOpus
		case err == io.EOF && w.count == 0:
			return ErrNoPackets
		case err == io.EOF:
			w.endLink()
			return nil
		case err != nil:
			return err
		}
		w.truncated = page.Truncated
		if page.First {
			w.begin(page)
			continue
		}
		w.starting = false
		if w.headError != nil {
			return w.headError
		}
		if w.link == nil && !w.headless(page) {
			return ErrNotOpus
		}
		if page.Serial != w.link.serial {
			if !w.link.ended || w.streams[page.Serial] {
				continue
			}
			w.follow(page.Serial, w.link.Head) // the page with its own header was lost
		}
		if ogg.LostPages(w.link.sequence, page.Sequence) > 0 {
			page = w.pages.inTurn(page, w.link.sequence+1)
		}
		if err := w.page(page, emit); err != nil {
			return err
		}
	}
}

// headless follows a stream whose first page was lost, where its comments show what it is: its packets say the rest.
func (w *walker) headless(page *ogg.Page) bool {
	if !bytes.HasPrefix(page.Body, tagsMagic) {
		return false
	}
	const usualPreSkip = 312
	w.streams = map[uint32]bool{page.Serial: true}
	w.follow(page.Serial, Head{Version: 1, Channels: 2, PreSkip: usualPreSkip, InputRateHz: RateHz, Streams: 1, Coupled: 1, Mapping: []byte{0, 1}})
	w.link.sequence = page.Sequence - 1
	return true
}

// endLink notes what is missing of a link that goes no further: a page that is damaged, or not all there,
// behind its last one. A link without a page that marks its end may still be whole.
func (w *walker) endLink() {
	if w.link != nil && !w.link.ended && (w.truncated || w.pages.Skipped() > 0) {
		w.damage.Add(w.end, 0)
	}
}

// begin reads the page that begins a stream. The first Opus stream of a link is the one that counts.
func (w *walker) begin(page *ogg.Page) {
	if !w.starting {
		w.endLink()
		w.starting = true
		w.headError = ErrNotOpus
		w.streams = map[uint32]bool{}
	}
	w.streams[page.Serial] = true
	head, err := ParseHead(page.Body)
	if w.headError == nil {
		if err == nil {
			w.link.Others++
		}
		return
	}
	if err == nil {
		w.follow(page.Serial, head)
		w.link.sequence = page.Sequence
	}
	if err == nil || !errors.Is(err, ErrNotOpus) {
		w.headError = err
	}
}

func (w *walker) follow(serial uint32, head Head) {
	w.link = &Link{Head: head, Start: w.end, serial: serial, streams: w.streams, cursor: w.end - int64(head.PreSkip)}
}

func (w *walker) page(page *ogg.Page, emit func(Packet) bool) error {
	link := w.link
	if page.Sequence == link.sequence && page.Granule == link.granule && link.anchored {
		return nil // the same page twice
	}
	lost := ogg.LostPages(link.sequence, page.Sequence)
	link.sequence = page.Sequence
	link.lost += lost
	link.ended = page.Last

	packets := link.packets.Packets(page, lost > 0)
	if !link.anchored && len(packets) > 0 && bytes.HasPrefix(packets[0], tagsMagic) {
		link.Tags = bytes.Clone(packets[0][:min(len(packets[0]), maxTags)])
		packets = packets[1:]
	}
	var ticks int64
	for _, packet := range packets {
		ticks += Ticks(packet)
	}
	limit := link.cursor + ticks
	if page.Granule != ogg.NoGranule && ticks > 0 && (link.anchored || page.Granule != 0) {
		if page.Granule < 0 || page.Granule > maxGranule {
			return fmt.Errorf("%w %d at byte %d", ErrGranule, page.Granule, page.Offset)
		}
		damaged := link.lost > 0
		end := link.position(page.Granule, ticks)
		gap := end - limit
		if gap > 0 && !damaged {
			page = clonePage(page) // what lies ahead is read into the same memory
			for i := range packets {
				packets[i] = bytes.Clone(packets[i])
			}
			gap = w.believed(link, limit-link.shift, gap)
		}
		if gap > 0 {
			if damaged {
				w.damage.Add(link.cursor, gap)
			}
			if w.silence += gap; w.silence > MaxGap {
				return fmt.Errorf("%w %d at byte %d: it leaves out %d hours", ErrGranule, page.Granule, page.Offset, gap/RateHz/3600)
			}
			link.cursor += gap
			limit = end
		} else if page.Last && end < limit {
			limit = end
		}
	}
	return w.emit(packets, limit, emit)
}

// emit passes on the packets of a page, whose sound ends at a limit.
func (w *walker) emit(packets [][]byte, limit int64, emit func(Packet) bool) error {
	link := w.link
	for _, packet := range packets {
		ticks := Ticks(packet)
		if ticks == 0 {
			if len(packet) > 0 { // an empty one holds nothing
				w.damage.Add(link.cursor, 0)
			}
			continue
		}
		p := Packet{Link: link, Data: packet, Start: link.cursor, End: min(link.cursor+ticks, limit)}
		link.cursor += ticks
		w.count++
		w.end = max(w.end, p.End)
		if p.End > p.Start && !emit(p) {
			return errStopped
		}
	}
	return nil
}

// position converts a granule position to one of the recording, both at the end of packets of so many
// ticks. The first one of a link anchors it: a stream need not begin at zero.
func (l *Link) position(granule, ticks int64) int64 {
	if !l.anchored {
		initial := granule - ticks - (l.cursor - (l.Start - int64(l.Head.PreSkip)))
		// What pages lost at the start can hold was lost; more than that is where the stream began.
		if initial < 0 && l.ended || l.lost > 0 && initial <= l.lost*255*maxPacketTicks {
			initial = 0
		}
		l.shift = l.Start - int64(l.Head.PreSkip) - initial
		l.anchored = true
	}
	l.granule, l.lost = granule, 0
	return granule + l.shift
}

// Length returns the length of an Ogg Opus file in ticks without reading all of it: from its first
// packets and its last page, which an unchained file tells it by. 0 when it is not known so cheaply.
func Length(r io.ReaderAt, size int64) int64 {
	w := walker{pages: pageReader{Reader: ogg.NewReader(io.NewSectionReader(r, 0, size))}}
	var link *Link
	_ = w.walk(func(p Packet) bool { // an error leaves link nil
		link = p.Link
		return false
	})
	if link == nil || !link.anchored {
		return 0
	}
	tail := max(0, size-2*ogg.MaxPageSize)
	pages := ogg.NewReader(io.NewSectionReader(r, tail, size-tail))
	var length int64
	for {
		page, err := pages.Next()
		if err != nil {
			return length
		}
		switch {
		case page.Serial == link.serial && page.Granule != ogg.NoGranule:
			length = max(0, page.Granule+link.shift)
		case !link.streams[page.Serial]:
			return 0 // chained: the last link does not know of those before it
		}
	}
}
