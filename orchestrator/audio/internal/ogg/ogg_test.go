package ogg

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

// streamOf writes packets, a page after every so many.
func streamOf(serial uint32, packets [][]byte, perPage int) []byte {
	w := NewWriter(nil, serial)
	for i, packet := range packets {
		w.Packet(packet, int64(i+1))
		if (i+1)%perPage == 0 && i+1 < len(packets) {
			w.Flush(false)
		}
	}
	w.Flush(true)
	return w.Bytes()
}

func readPages(t interface{ Fatalf(string, ...any) }, data []byte) []Page {
	r := NewReader(bytes.NewReader(data))
	var pages []Page
	for {
		page, err := r.Next()
		if err == io.EOF {
			return pages
		}
		if err != nil {
			t.Fatalf("read page: %v", err)
		}
		kept := *page
		kept.Lacing, kept.Body = slices.Clone(page.Lacing), slices.Clone(page.Body)
		pages = append(pages, kept)
	}
}

// packetsOf puts the packets of one stream together, as a caller does.
func packetsOf(pages []Page, serial uint32) [][]byte {
	var a Assembler
	var all [][]byte
	var before uint32
	for i := range pages {
		page := &pages[i]
		if page.Serial != serial {
			continue
		}
		lost := LostPages(before, page.Sequence) > 0
		before = page.Sequence
		for _, packet := range a.Packets(page, lost) {
			all = append(all, bytes.Clone(packet))
		}
	}
	return all
}

var packetLists = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) []byte {
	length := rapid.OneOf(rapid.IntRange(1, 600), rapid.SampledFrom([]int{0, 254, 255, 256, 510, 65024, 65025, 65026, 200_000})).Draw(t, "length")
	return bytes.Repeat([]byte{rapid.Byte().Draw(t, "byte")}, length)
}), 1, 20)

func TestPacketsComeBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		packets := packetLists.Draw(t, "packets")
		data := streamOf(7, packets, rapid.IntRange(1, 5).Draw(t, "packets a page"))
		pages := readPages(t, data)
		if !pages[0].First || !pages[len(pages)-1].Last {
			t.Fatalf("first and last page are not marked")
		}
		offset := int64(0)
		for i, page := range pages {
			if page.Offset != offset || page.Sequence != uint32(i) {
				t.Fatalf("page %d lies at %d as number %d, want %d", i, page.Offset, page.Sequence, offset)
			}
			offset += int64(headerSize + len(page.Lacing) + len(page.Body))
		}
		if got := packetsOf(pages, 7); !slices.EqualFunc(got, packets, bytes.Equal) {
			t.Fatalf("got %d packets, want %d", len(got), len(packets))
		}
	})
}

// What is damaged is lost; what is whole comes out, and nothing else.
func TestDamageCostsOnlyItsPages(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		packets := packetLists.Draw(t, "packets")
		for i := range packets {
			packets[i] = append([]byte{byte(i), byte(i >> 8)}, packets[i]...) // each is unlike the others
		}
		data := streamOf(7, packets, 2)
		at := rapid.IntRange(0, len(data)-1).Draw(t, "at")
		bit := byte(1) << rapid.IntRange(0, 7).Draw(t, "bit")
		whole := readPages(t, data)
		data = slices.Clone(data)
		data[at] ^= bit
		next := 0
		for _, packet := range packetsOf(readPages(t, data), 7) {
			i := slices.IndexFunc(packets[next:], func(p []byte) bool { return bytes.Equal(p, packet) })
			if i < 0 {
				t.Fatalf("a packet of %d bytes came out that was not put in", len(packet))
			}
			next += i + 1
		}
		if left := len(readPages(t, data)); left < len(whole)-1 {
			t.Fatalf("one wrong bit cost %d of %d pages", len(whole)-left, len(whole))
		}
	})
}

func TestTruncatedLastPage(t *testing.T) {
	t.Parallel()
	packets := [][]byte{bytes.Repeat([]byte{1}, 300), bytes.Repeat([]byte{2}, 300), bytes.Repeat([]byte{3}, 300)}
	data := streamOf(7, packets, 10)
	for _, test := range []struct{ cut, packets int }{{0, 3}, {1, 2}, {300, 2}, {301, 1}, {600, 1}, {601, 0}, {len(data) - 10, 0}} {
		got := packetsOf(readPages(t, data[:len(data)-test.cut]), 7)
		if !slices.EqualFunc(got, packets[:test.packets], bytes.Equal) {
			t.Errorf("%d bytes cut off: got %d packets, want %d", test.cut, len(got), test.packets)
		}
	}
}

func TestMultiplexedAndWithJunk(t *testing.T) {
	t.Parallel()
	one, two := [][]byte{{1}, {2}, {3}}, [][]byte{{4}, {5}}
	first, second := streamOf(1, one, 1), streamOf(2, two, 1)
	size := headerSize + 2
	data := slices.Concat([]byte("junk OggS junk"), first[:size], second[:size], []byte("OggS"), first[size:2*size],
		bytes.Repeat([]byte{'O'}, 3*MaxPageSize), second[size:], first[2*size:], []byte("OggS\x00"))
	pages := readPages(t, data)
	if got := packetsOf(pages, 1); !slices.EqualFunc(got, one, bytes.Equal) {
		t.Errorf("stream 1 has %v", got)
	}
	if got := packetsOf(pages, 2); !slices.EqualFunc(got, two, bytes.Equal) {
		t.Errorf("stream 2 has %v", got)
	}
}

func TestReadErrorIsPassedOn(t *testing.T) {
	t.Parallel()
	broken := errors.New("disk on fire")
	data := streamOf(1, [][]byte{make([]byte, 2*MaxPageSize)}, 1)
	r := NewReader(io.MultiReader(bytes.NewReader(data), iotest.ErrReader(broken)))
	for {
		if _, err := r.Next(); err != nil {
			if !errors.Is(err, broken) {
				t.Fatalf("got %v", err)
			}
			return
		}
	}
}

// Packets that never end must not fill the memory.
func TestEndlessPacketIsCutOff(t *testing.T) {
	t.Parallel()
	pages := readPages(t, streamOf(1, [][]byte{make([]byte, 3*MaxPacketSize), {1}}, 10))
	got := packetsOf(pages, 1)
	if len(got) != 2 || len(got[0]) != MaxPacketSize || len(got[1]) != 1 {
		t.Fatalf("got %d packets", len(got))
	}
}

func FuzzReader(f *testing.F) {
	f.Add(streamOf(1, [][]byte{{1, 2, 3}, make([]byte, 600)}, 1))
	f.Add([]byte("OggS"))
	f.Add([]byte("OggSOggS\x00\x00OggS"))
	f.Fuzz(func(t *testing.T, data []byte) {
		end, truncated := int64(0), false
		var a Assembler
		r := NewReader(bytes.NewReader(data))
		for {
			page, err := r.Next()
			if err == io.EOF {
				if want := int64(len(data)) - end; r.Skipped() != want && !truncated {
					t.Fatalf("%d bytes skipped at the end, want %d", r.Skipped(), want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if page.Offset < end {
				t.Fatalf("page at %d overlaps the one that ends at %d", page.Offset, end)
			}
			if want := page.Offset - end; r.Skipped() != want {
				t.Fatalf("%d bytes skipped before the page at %d, want %d", r.Skipped(), page.Offset, want)
			}
			truncated = page.Truncated
			end = page.Offset + int64(headerSize+len(page.Lacing)+len(page.Body))
			if end > int64(len(data)) {
				t.Fatalf("page ends at %d of %d bytes", end, len(data))
			}
			total := 0
			for _, packet := range a.Packets(page, false) {
				total += len(packet)
			}
			if total > len(data) {
				t.Fatalf("%d bytes of packets from %d", total, len(data))
			}
		}
	})
}

// L8: false pages cost no more than a few times the bytes of the file, and a real page behind them is found.
func TestFalsePagesAreCheap(t *testing.T) {
	t.Parallel()
	lie := append([]byte("OggS\x00\x00"), make([]byte, 20)...)
	lie = append(append(lie, 255), bytes.Repeat([]byte{255}, 37)...) // 64 bytes that claim 64 kB
	file := bytes.Repeat(lie, 64<<10)
	r := NewReader(bytes.NewReader(file))
	for {
		if _, err := r.Next(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if most := int64(wasteFactor*len(file) + wasteFree + MaxPageSize); r.wasted > most {
		t.Errorf("summed up %d bytes for a file of %d; want at most %d", r.wasted, len(file), most)
	}
}
