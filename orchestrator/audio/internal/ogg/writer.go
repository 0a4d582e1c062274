package ogg

import "slices"

// Writer makes one logical stream in memory. Not safe for concurrent use.
type Writer struct {
	data []byte
	page Page
}

// NewWriter returns a Writer that appends a stream with the given number to data.
func NewWriter(data []byte, serial uint32) *Writer {
	return &Writer{data: data, page: Page{Serial: serial, First: true, Granule: NoGranule}}
}

// Packet adds a packet; granule is the position at its end. A page that is full is written.
func (w *Writer) Packet(packet []byte, granule int64) {
	for rest := packet; ; {
		if len(w.page.Lacing) == maxLacing {
			w.flush()
			w.page.Continued = len(rest) < len(packet)
		}
		segment := min(len(rest), 255)
		w.page.Lacing = append(w.page.Lacing, byte(segment))
		w.page.Body = append(w.page.Body, rest[:segment]...)
		rest = rest[segment:]
		if segment < 255 {
			break
		}
	}
	w.page.Granule = granule
}

// Flush writes what is pending as a page; last marks it as the stream's last.
func (w *Writer) Flush(last bool) {
	w.page.Last = last
	w.flush()
}

// Granule changes the position of the page under way, as a stream's end does that is trimmed.
func (w *Writer) Granule(granule int64) { w.page.Granule = granule }

// Bytes returns all pages written so far.
func (w *Writer) Bytes() []byte { return slices.Clip(w.data) }

func (w *Writer) flush() {
	w.data = AppendPage(w.data, &w.page)
	w.page = Page{Serial: w.page.Serial, Sequence: w.page.Sequence + 1, Granule: NoGranule,
		Lacing: w.page.Lacing[:0], Body: w.page.Body[:0]}
}
