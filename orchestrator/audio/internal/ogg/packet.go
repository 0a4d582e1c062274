package ogg

// MaxPacketSize is where packets are cut off: far above any packet of sound.
const MaxPacketSize = 1 << 20

// Assembler puts the packets of one stream together, across pages, in bounded memory. The zero value
// is ready for use.
type Assembler struct {
	packets [][]byte
	// begun is a packet that goes on in the next page; open says whether there is one. spare is kept
	// because a page may end one such packet and begin another.
	begun, spare []byte
	open         bool
}

// Packets returns the packets that end on the page, valid until the next call and as long as the page
// is. Lost says that pages before this one are missing: a packet of which a part is lost is left out.
// Packets above MaxPacketSize are cut off there.
func (a *Assembler) Packets(page *Page, lost bool) [][]byte {
	a.packets = a.packets[:0]
	if lost || !page.Continued {
		a.open = false
	}
	headLost := page.Continued && !a.open
	start, end := 0, 0
	for _, segment := range page.Lacing {
		end += int(segment)
		if segment == 255 {
			continue
		}
		switch piece := page.Body[start:end]; {
		case headLost:
			headLost = false
		case a.open:
			a.begun = appendBounded(a.begun, piece)
			a.packets = append(a.packets, a.begun)
			a.open = false
		default:
			a.packets = append(a.packets, piece)
		}
		start = end
	}
	if rest := page.Body[start:end]; len(rest) > 0 && !headLost {
		if !a.open {
			a.begun, a.spare = a.spare[:0], a.begun
		}
		a.begun = appendBounded(a.begun, rest)
		a.open = true
	}
	return a.packets
}

func appendBounded(packet, piece []byte) []byte {
	return append(packet, piece[:min(len(piece), MaxPacketSize-len(packet))]...)
}
