// Package ogg reads and writes the Ogg container (RFC 3533) page by page: checksums are checked,
// damage is skipped, packets are put together across pages, and every page tells where it lies.
package ogg

import (
	"encoding/binary"
	"math"
	"slices"
)

const (
	headerSize = 27
	maxLacing  = 255
	// MaxPageSize is the length in bytes of the longest page that there can be.
	MaxPageSize = headerSize + maxLacing + maxLacing*255

	flagContinued, flagFirst, flagLast = 1, 2, 4
)

// NoGranule is the granule position of a page on which no packet ends.
const NoGranule = -1

var capturePattern = []byte("OggS")

// Page is one page of a stream.
type Page struct {
	// Offset in bytes from where the Reader began.
	Offset int64
	// Serial is the logical stream's number, Sequence the page's within that stream.
	Serial, Sequence uint32
	// Granule is the codec's position at the end of the last packet that ends here, or NoGranule.
	Granule int64
	// Continued pages begin with the rest of a packet; First and Last ones begin and end a stream.
	Continued, First, Last bool
	// Truncated marks the last page of a file that ends within it. Lacing and Body then hold the
	// packets that are there as a whole, unchecked, and Granule is NoGranule.
	Truncated bool
	// Lacing holds the lengths of the segments of Body.
	Lacing []byte
	Body   []byte
}

// parseResult says what a piece of bytes turned out to be.
type parseResult int

const (
	whole    parseResult = iota
	short                // a page that goes on behind the bytes
	damaged              // no page, or one with a wrong checksum
	headless             // so short that not even the lacing is there
)

// parsePage reads the page at the start of data and returns its length in bytes.
func parsePage(data []byte, page *Page) (int, parseResult) {
	if len(data) < headerSize || len(data) < headerSize+int(data[26]) {
		return 0, headless
	}
	if data[4] != 0 {
		return 0, damaged
	}
	flags := data[5]
	bodyStart := headerSize + int(data[26])
	*page = Page{
		Serial:    binary.LittleEndian.Uint32(data[14:]),
		Sequence:  binary.LittleEndian.Uint32(data[18:]),
		Granule:   int64(binary.LittleEndian.Uint64(data[6:])),
		Continued: flags&flagContinued != 0,
		First:     flags&flagFirst != 0,
		Last:      flags&flagLast != 0,
		Lacing:    data[headerSize:bodyStart],
	}
	size := bodyStart
	for _, segment := range page.Lacing {
		size += int(segment)
	}
	if len(data) < size {
		page.Body = data[bodyStart:]
		return size, short
	}
	page.Body = data[bodyStart:size]
	if pageChecksum(data[:size]) != binary.LittleEndian.Uint32(data[22:]) {
		return 0, damaged
	}
	return size, whole
}

// oneBitOff tells whether a page that seems to go on behind the bytes is all there, but for one wrong bit in the number or
// the lengths of its segments: then it is damaged, and where its packets lie is not known.
func oneBitOff(data []byte) bool {
	header := slices.Clone(data[:min(len(data), headerSize+255)])
	want := binary.LittleEndian.Uint32(data[22:])
	for at := 26; at < headerSize+int(data[26]); at++ {
		for bit := byte(1); bit != 0; bit <<= 1 {
			header[at] ^= bit
			if size := sizeOf(header); size > 0 && size <= len(data) {
				page := slices.Concat(header[:min(len(header), size)], data[min(len(header), size):size])
				if pageChecksum(page) == want {
					return true
				}
			}
			header[at] ^= bit
		}
	}
	return false
}

// sizeOf is the length in bytes of the page that a header announces; 0 where the header is not all there.
func sizeOf(header []byte) int {
	size := headerSize + int(header[26])
	if len(header) < size {
		return 0
	}
	for _, segment := range header[headerSize:size] {
		size += int(segment)
	}
	return size
}

// keepWhole cuts a page that is not all there down to its whole packets.
func (p *Page) keepWhole() {
	packets, bytes, end := 0, 0, 0
	for i, segment := range p.Lacing {
		end += int(segment)
		if end > len(p.Body) {
			break
		}
		if segment < 255 {
			packets, bytes = i+1, end
		}
	}
	p.Lacing, p.Body = p.Lacing[:packets], p.Body[:bytes]
	p.Granule, p.Last, p.Truncated = NoGranule, false, true
}

var checksumTable = func() (table [256]uint32) {
	for i := range table {
		sum := uint32(i) << 24
		for range 8 {
			carry := sum >> 31
			sum = sum<<1 ^ carry*0x04c11db7
		}
		table[i] = sum
	}
	return table
}()

// checksum continues Ogg's CRC: polynomial 0x04c11db7, not reflected, starting at zero.
func checksum(sum uint32, data []byte) uint32 {
	for _, b := range data {
		sum = sum<<8 ^ checksumTable[byte(sum>>24)^b]
	}
	return sum
}

// pageChecksum is the checksum of a page, whose own field counts as zeros.
func pageChecksum(page []byte) uint32 {
	sum := checksum(0, page[:22])
	sum = checksum(sum, []byte{0, 0, 0, 0})
	return checksum(sum, page[26:])
}

// AppendPage appends the page's bytes to data, with its checksum.
func AppendPage(data []byte, p *Page) []byte {
	start := len(data)
	flags := flag(p.Continued, flagContinued) | flag(p.First, flagFirst) | flag(p.Last, flagLast)
	data = append(data, capturePattern...)
	data = append(data, 0, flags)
	data = binary.LittleEndian.AppendUint64(data, uint64(p.Granule))
	data = binary.LittleEndian.AppendUint32(data, p.Serial)
	data = binary.LittleEndian.AppendUint32(data, p.Sequence)
	data = append(data, 0, 0, 0, 0, byte(len(p.Lacing)))
	data = append(data, p.Lacing...)
	data = append(data, p.Body...)
	binary.LittleEndian.PutUint32(data[start+22:], pageChecksum(data[start:]))
	return data
}

func flag(set bool, value byte) byte {
	if set {
		return value
	}
	return 0
}

// LostPages is the number of pages missing between a page and the next that was read of its stream.
func LostPages(before, after uint32) int64 {
	if gap := after - before; gap > 0 && gap <= math.MaxInt32 {
		return int64(gap) - 1
	}
	return 0
}
