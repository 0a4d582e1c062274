package limitlesstest

import "encoding/binary"

// Renumber gives an Ogg stream another serial number: another file, by its hash, that sounds the same.
func Renumber(content []byte, serial uint32) []byte {
	return Repage(content, func(_ int, page []byte) { binary.LittleEndian.PutUint32(page[14:], serial) })
}

// Repage changes the pages of a copy of an Ogg stream, and gives them the checksums that go with it. Their lengths
// stay.
func Repage(content []byte, change func(n int, page []byte)) []byte {
	content = append([]byte(nil), content...)
	const header = 27
	for at, n := 0, 0; at+header <= len(content); n++ {
		segments := int(content[at+header-1])
		size := header + segments
		for _, n := range content[at+header : at+header+segments] {
			size += int(n)
		}
		page := content[at : at+size]
		change(n, page)
		binary.LittleEndian.PutUint32(page[22:], 0)
		binary.LittleEndian.PutUint32(page[22:], oggChecksum(page))
		at += size
	}
	return content
}

// polynomial is that of Ogg's checksums: bits from the highest on, nothing inverted.
const polynomial = 0x04c11db7

var remainders = func() (table [256]uint32) {
	for i := range table {
		sum := uint32(i) << 24
		for range 8 {
			if sum&(1<<31) != 0 {
				sum = sum<<1 ^ polynomial
			} else {
				sum <<= 1
			}
		}
		table[i] = sum
	}
	return table
}()

func oggChecksum(page []byte) (sum uint32) {
	for _, b := range page {
		sum = sum<<8 ^ remainders[byte(sum>>24)^b]
	}
	return sum
}
