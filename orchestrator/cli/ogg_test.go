package cli_test

import "encoding/binary"

// renumber gives an Ogg stream another serial number, with the checksums that go with it.
func renumber(content []byte, serial uint32) []byte {
	content = append([]byte(nil), content...)
	for at := 0; at+27 <= len(content); {
		segments := int(content[at+26])
		size := 27 + segments
		for _, n := range content[at+27 : at+27+segments] {
			size += int(n)
		}
		page := content[at : at+size]
		binary.LittleEndian.PutUint32(page[14:], serial)
		binary.LittleEndian.PutUint32(page[22:], 0)
		binary.LittleEndian.PutUint32(page[22:], oggChecksum(page))
		at += size
	}
	return content
}

func oggChecksum(page []byte) (sum uint32) {
	for _, b := range page {
		sum ^= uint32(b) << 24
		for range 8 {
			if sum&(1<<31) != 0 {
				sum = sum<<1 ^ 0x04c11db7
			} else {
				sum <<= 1
			}
		}
	}
	return sum
}
