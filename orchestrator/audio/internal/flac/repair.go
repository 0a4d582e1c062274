package flac

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrNotFLAC marks bytes that are no FLAC file of one kind of frames, or a damaged one.
var ErrNotFLAC = errors.New("not a whole FLAC file")

const (
	headSize     = 4 + 4 + 34 // the magic, and the first block: its head and STREAMINFO
	maxFrameHead = 2 + 2 + 7 + 2 + 2 + 1
)

// Repaired returns a file whose frame headers name their rate and sample size, and the same sound, sample by
// sample: only headers and checksums differ. It returns the file itself, and false, where all of them do, or where
// no header can hold the rate. ErrNotFLAC where the file is damaged: it is never mended in part.
func Repaired(file []byte) (repaired []byte, changed bool, err error) {
	info, first, err := parseHead(file)
	if err != nil {
		return nil, false, err
	}
	if frameRate(info.rateHz) == 0 && info.bits == 16 {
		return file, false, nil
	}
	out := append(make([]byte, 0, len(file)+len(file)/256), file[:first]...)
	for rest := file[first:]; len(rest) > 0; {
		head, err := parseFrameHead(rest)
		if err != nil {
			return nil, false, err
		}
		size, err := frameSize(rest, head)
		if err != nil {
			return nil, false, err
		}
		frame := rest[:size]
		rest = rest[size:]
		mended, different := head.mended(frame, info)
		changed = changed || different
		start := len(out)
		out = append(append(out, mended...), frame[head.size:size-2]...)
		out = binary.BigEndian.AppendUint16(out, crc16(0, out[start:]))
	}
	if !changed {
		return file, false, nil
	}
	before, err := soundOf(file)
	if err != nil {
		return nil, false, err
	}
	if after, err := soundOf(out); err != nil || after != before {
		return nil, false, fmt.Errorf("%w: its frames cannot be told apart", ErrNotFLAC)
	}
	return out, true, nil
}

// soundOf is a hash of a whole file's sound. It is the last word on what Repaired did: checksums alone do not tell a
// frame from one with a zero behind it.
func soundOf(file []byte) (sum [sha256.Size]byte, err error) {
	hash := sha256.New()
	var raw []byte
	_, err = frames(bytes.NewReader(file), func(_ Format, channels [][]int32) bool {
		raw = raw[:0]
		for _, samples := range channels {
			for _, sample := range samples {
				raw = binary.LittleEndian.AppendUint32(raw, uint32(sample))
			}
		}
		hash.Write(raw)
		return true
	})
	return [sha256.Size]byte(hash.Sum(nil)), err
}

// NeedsRepair tells from a file's first kilobyte, or more of it, whether its frames leave their rate or sample size
// to the file. False also for what is no FLAC.
func NeedsRepair(start []byte) bool {
	info, first, err := parseHead(start)
	if err != nil {
		return false
	}
	head, err := parseFrameHead(start[first:])
	if err != nil {
		return false
	}
	return head.rateCode == 0 && frameRate(info.rateHz) != 0 || head.bitsCode == 0
}

// streamInfo is what a file says of all its frames.
type streamInfo struct {
	rateHz uint32
	bits   int
}

// parseHead reads up to the first frame, and returns where that lies.
func parseHead(file []byte) (info streamInfo, first int, err error) {
	if len(file) < headSize || !bytes.HasPrefix(file, []byte("fLaC")) || file[4]&0x7f != 0 {
		return info, 0, ErrNotFLAC
	}
	word := binary.BigEndian.Uint32(file[18:])
	info = streamInfo{rateHz: word >> 12, bits: int(word>>4&0x1f) + 1}
	for first = 4; ; {
		if len(file) < first+4 {
			return info, 0, fmt.Errorf("%w: it ends in its head", ErrNotFLAC)
		}
		block := binary.BigEndian.Uint32(file[first:])
		first += 4 + int(block&0xffffff)
		if first > len(file) {
			return info, 0, fmt.Errorf("%w: it ends in its head", ErrNotFLAC)
		}
		if block>>31 == 1 {
			return info, first, nil
		}
	}
}

// frameHead is the header of a frame, as its bytes say.
type frameHead struct {
	size               int // with its checksum
	rateCode, bitsCode byte
	numberEnd          int // behind the frame's number and the length that follows it
	number             uint64
}

func parseFrameHead(data []byte) (head frameHead, err error) {
	bad := fmt.Errorf("%w: no frame where one must begin", ErrNotFLAC)
	if len(data) < 6 || data[0] != 0xff || data[1]&0xfe != 0xf8 {
		return head, bad
	}
	head.rateCode, head.bitsCode = data[2]&0xf, data[3]>>1&7
	lengthCode := data[2] >> 4
	if lengthCode == 0 || head.rateCode == 0xf || data[3]>>4 > 10 || head.bitsCode == 3 || data[3]&1 != 0 {
		return head, bad
	}
	// The number is written like a character of UTF-8, of up to seven bytes.
	first, more := data[4], 0
	for bit := byte(0x80); first&bit != 0; bit >>= 1 {
		more++
	}
	if more == 1 || more == 8 {
		return head, bad
	}
	head.number = uint64(first)
	if more > 0 {
		head.number = uint64(first & (0x7f >> more))
		more--
	}
	at := 5
	suffix := map[byte]int{6: 1, 7: 2}[lengthCode]
	rate := map[byte]int{12: 1, 13: 2, 14: 2}[head.rateCode]
	if len(data) < at+more+suffix+rate+1 {
		return head, bad
	}
	for range more {
		if data[at]&0xc0 != 0x80 {
			return head, bad
		}
		head.number = head.number<<6 | uint64(data[at]&0x3f)
		at++
	}
	head.numberEnd = at + suffix
	head.size = head.numberEnd + rate + 1
	if crc8(data[:head.size-1]) != data[head.size-1] {
		return head, bad
	}
	return head, nil
}

// frameSize finds the end of the frame at the start of data: where its checksum holds, and the next frame, or the
// file's end, follows.
func frameSize(data []byte, head frameHead) (int, error) {
	var sum uint16 // of what lies before at
	for at, end := 0, 0; ; {
		next := bytes.IndexByte(data[end+1:], 0xff)
		if end += 1 + next; next < 0 {
			end = len(data)
		}
		if end-2 >= head.size {
			sum, at = crc16(sum, data[at:end-2]), end-2
			if sum == binary.BigEndian.Uint16(data[at:]) && (next < 0 || follows(data[end:], head)) {
				return end, nil
			}
		}
		if next < 0 {
			return 0, fmt.Errorf("%w: a frame is damaged or cut off", ErrNotFLAC)
		}
	}
}

// follows tells whether a frame begins here that comes behind another.
func follows(data []byte, before frameHead) bool {
	head, err := parseFrameHead(data)
	return err == nil && head.number > before.number
}

// mended returns the frame's header with what it leaves to the file, and whether that is another one.
func (h frameHead) mended(frame []byte, info streamInfo) ([]byte, bool) {
	rateCode, bitsCode := h.rateCode, h.bitsCode
	var rate []byte
	if rateCode == 0 {
		rateCode, rate = rateField(info.rateHz)
	} else {
		rate = frame[h.numberEnd : h.size-1]
	}
	if bitsCode == 0 {
		bitsCode = map[int]byte{8: 1, 12: 2, 16: 4, 20: 5, 24: 6, 32: 7}[info.bits]
	}
	if rateCode == h.rateCode && bitsCode == h.bitsCode {
		return frame[:h.size], false
	}
	head := append([]byte(nil), frame[:h.numberEnd]...)
	head[2] = head[2]&0xf0 | rateCode
	head[3] = head[3]&0xf1 | bitsCode<<1
	head = append(head, rate...)
	return append(head, crc8(head)), true
}

// rateField is a rate as a frame's header holds it: its code, and bytes behind the number.
func rateField(rateHz uint32) (code byte, field []byte) {
	for i, known := range [...]uint32{88200, 176400, 192000, 8000, 16000, 22050, 24000, 32000, 44100, 48000, 96000} {
		if rateHz == known {
			return byte(i + 1), nil
		}
	}
	switch {
	case frameRate(rateHz) == 0:
		return 0, nil
	case rateHz%1000 == 0 && rateHz <= 255_000:
		return 12, []byte{byte(rateHz / 1000)}
	case rateHz <= 0xffff:
		return 13, binary.BigEndian.AppendUint16(nil, uint16(rateHz))
	}
	return 14, binary.BigEndian.AppendUint16(nil, uint16(rateHz/10))
}

// crc8 is the checksum of a frame's header: polynomial 0x07.
func crc8(data []byte) (sum byte) {
	for _, b := range data {
		sum ^= b
		for range 8 {
			carry := sum >> 7
			sum = sum<<1 ^ carry*0x07
		}
	}
	return sum
}

var crc16Table = func() (table [256]uint16) {
	for i := range table {
		sum := uint16(i) << 8
		for range 8 {
			carry := sum >> 15
			sum = sum<<1 ^ carry*0x8005
		}
		table[i] = sum
	}
	return table
}()

// crc16 continues the checksum of a frame: polynomial 0x8005.
func crc16(sum uint16, data []byte) uint16 {
	for _, b := range data {
		sum = sum<<8 ^ crc16Table[byte(sum>>8)^b]
	}
	return sum
}
