package opus

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/chortle-audio/chortle/orchestrator/audio/internal/ogg"
)

const frame = 960 // ticks of the packets made here: 20 ms of CELT

func packetOf(n int) []byte { return []byte{31 << 3, byte(n)} }

// linkOf writes a link: its headers, and pages of so many packets each with these granule positions.
type pageSpec struct {
	packets int
	granule int64
}

func linkOf(serial uint32, preSkip int, pages ...pageSpec) []byte {
	w := ogg.NewWriter(nil, serial)
	w.Packet(Head{Version: 1, Channels: 1, PreSkip: preSkip, Mapping: []byte{0}}.Append(nil), 0)
	w.Flush(false)
	w.Packet(AppendTags(nil), 0)
	w.Flush(false)
	n := 0
	for i, page := range pages {
		for range page.packets {
			w.Packet(packetOf(n), page.granule)
			n++
		}
		w.Flush(i == len(pages)-1)
	}
	return w.Bytes()
}

// without removes the page with this number, counted over the whole file.
func without(data []byte, number int) []byte {
	pages := ogg.NewReader(bytes.NewReader(data))
	for i := 0; ; i++ {
		page, err := pages.Next()
		if err != nil {
			return data
		}
		if i == number {
			size := int64(27 + len(page.Lacing) + len(page.Body))
			return slices.Concat(data[:page.Offset], data[page.Offset+size:])
		}
	}
}

// places describes each packet of a file: its number and where it lies.
func places(data []byte) (list []string, end int64, err error) {
	for packet, e := range Packets(bytes.NewReader(data), nil) {
		if e != nil {
			return list, end, e
		}
		list = append(list, fmt.Sprintf("%d:%d-%d", packet.Data[1], packet.Start, packet.End))
		end = packet.End
	}
	return list, end, nil
}

func TestPositions(t *testing.T) {
	t.Parallel()
	simple := linkOf(1, 312, pageSpec{2, 2 * frame}, pageSpec{2, 4 * frame})
	for _, test := range []struct {
		name string
		data []byte
		want []string
	}{
		{"pre-skip", simple, []string{"0:-312-648", "1:648-1608", "2:1608-2568", "3:2568-3528"}},
		{"end trimmed", linkOf(1, 0, pageSpec{2, 2 * frame}, pageSpec{2, 3*frame + 5}),
			[]string{"0:0-960", "1:960-1920", "2:1920-2880", "3:2880-2885"}},
		{"end trimmed by more than a packet", linkOf(1, 0, pageSpec{2, 2 * frame}, pageSpec{2, 2*frame + 5}),
			[]string{"0:0-960", "1:960-1920", "2:1920-1925"}},
		{"only page trimmed", linkOf(1, 0, pageSpec{2, frame + 7}), []string{"0:0-960", "1:960-967"}},
		{"does not begin at zero", linkOf(1, 0, pageSpec{1, 1e9}, pageSpec{1, 1e9 + frame}), []string{"0:0-960", "1:960-1920"}},
		{"begins below zero", linkOf(1, 0, pageSpec{2, frame}, pageSpec{1, 2 * frame}), []string{"0:0-960", "1:960-1920", "2:1920-2880"}},
		{"pause", linkOf(1, 0, pageSpec{1, frame}, pageSpec{1, 5 * frame}), []string{"0:0-960", "1:3840-4800"}},
		{"page lost", without(linkOf(1, 0, pageSpec{1, frame}, pageSpec{1, 2 * frame}, pageSpec{1, 3 * frame}), 3),
			[]string{"0:0-960", "2:1920-2880"}},
		{"first page lost", without(linkOf(1, 0, pageSpec{1, frame}, pageSpec{1, 2 * frame}), 2), []string{"1:960-1920"}},
		{"tags lost", without(simple, 1), []string{"0:-312-648", "1:648-1608", "2:1608-2568", "3:2568-3528"}},
		{"head lost", without(simple, 0), []string{"0:-312-648", "1:648-1608", "2:1608-2568", "3:2568-3528"}},
		{"first page lost of what began late", without(linkOf(1, 0, pageSpec{1, 1e12}, pageSpec{1, 1e12 + frame}), 2),
			[]string{"1:0-960"}},
		{"page without position", linkOf(1, 0, pageSpec{1, ogg.NoGranule}, pageSpec{1, 2 * frame}), []string{"0:0-960", "1:960-1920"}},
		{"position goes back", linkOf(1, 0, pageSpec{2, 2 * frame}, pageSpec{1, 0}, pageSpec{1, 4 * frame}),
			[]string{"0:0-960", "1:960-1920", "2:1920-2880", "3:2880-3840"}},
		{"chained", slices.Concat(linkOf(1, 0, pageSpec{1, frame - 60}), linkOf(2, 312, pageSpec{1, frame}), linkOf(3, 0, pageSpec{1, frame})),
			[]string{"0:0-900", "0:588-1548", "0:1548-2508"}},
		{"chained, head lost", without(slices.Concat(linkOf(1, 0, pageSpec{1, frame}), linkOf(2, 0, pageSpec{1, frame})), 3),
			[]string{"0:0-960", "0:960-1920"}},
		{"last page cut off", simple[:len(simple)-1], []string{"0:-312-648", "1:648-1608", "2:1608-2568"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, end, err := places(test.data)
			if err != nil || !slices.Equal(got, test.want) {
				t.Fatalf("got %v, %v\nwant %v", got, err, test.want)
			}
			if length := Length(bytes.NewReader(test.data), int64(len(test.data))); length != 0 && length != end && test.name != "last page cut off" && test.name != "position goes back" {
				t.Errorf("length is told as %d, want %d", length, end)
			}
		})
	}
}

func TestSamePageTwice(t *testing.T) {
	t.Parallel()
	data := linkOf(1, 0, pageSpec{1, frame}, pageSpec{1, 2 * frame})
	page := len(data) - 27 - 1 - 2
	middle := page - 27 - 1 - 2
	got, _, err := places(slices.Concat(data[:page], data[middle:page], data[page:]))
	if want := []string{"0:0-960", "1:960-1920"}; err != nil || !slices.Equal(got, want) {
		t.Fatalf("got %v, %v", got, err)
	}
}

// otherLink is a link without Opus.
func otherLink() []byte {
	w := ogg.NewWriter(nil, 9)
	w.Packet([]byte("\x80theora"), 0)
	w.Flush(false)
	w.Packet([]byte("picture"), 1)
	w.Flush(true)
	return w.Bytes()
}

func TestMultiplexedWithOthers(t *testing.T) {
	t.Parallel()
	sound := linkOf(1, 0, pageSpec{1, frame}, pageSpec{1, 2 * frame})
	video := otherLink()
	const head, soundHead = 27 + 1 + 7, 27 + 1 + 19
	for name, data := range map[string][]byte{
		"before": slices.Concat(video[:head], sound[:soundHead], video[head:], sound[soundHead:]),
		"after":  slices.Concat(sound[:soundHead], video[:head], sound[soundHead:], video[head:]),
	} {
		if got, _, err := places(data); err != nil || len(got) != 2 {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
	}
	if _, _, err := places(video); !errors.Is(err, ErrNotOpus) {
		t.Errorf("video alone: %v", err)
	}
}

func TestOtherStreamsAreCounted(t *testing.T) {
	t.Parallel()
	one, two := linkOf(1, 0, pageSpec{1, frame}), linkOf(2, 0, pageSpec{1, frame})
	const head = 27 + 1 + 19
	for name, test := range map[string]struct {
		data []byte
		want int
	}{"alone": {one, 0}, "two": {slices.Concat(one[:head], two[:head], one[head:], two[head:]), 1}, "chained": {slices.Concat(one, two), 0}} {
		if link, err := ReadLink(bytes.NewReader(test.data)); err != nil || link.Others != test.want {
			t.Errorf("%s: got %+v, %v", name, link, err)
		}
	}
}

func TestPacketErrors(t *testing.T) {
	t.Parallel()
	const day = 24 * 3600 * RateHz
	for _, test := range []struct {
		name string
		data []byte
		want error
	}{
		{"nothing", nil, ErrNotOpus},
		{"text", []byte("Dear diary, today I laughed."), ErrNotOpus},
		{"no audio packet", linkOf(1, 0), ErrNoPackets},
		{"only empty packets", linkOf(1, 0, pageSpec{0, frame}), ErrNoPackets},
		{"a jump of two days", linkOf(1, 0, pageSpec{1, frame}, pageSpec{1, 2 * day}), ErrGranule},
		{"jumps of two days together", linkOf(1, 0, pageSpec{1, frame}, pageSpec{1, day / 2}, pageSpec{1, day}, pageSpec{1, 2 * day}), ErrGranule},
		{"negative position", linkOf(1, 0, pageSpec{1, -5}), ErrGranule},
		{"endless position", linkOf(1, 0, pageSpec{1, frame}, pageSpec{1, 1<<63 - 1}), ErrGranule},
		{"later link of another kind", slices.Concat(linkOf(1, 0, pageSpec{1, frame}), otherLink()), ErrNotOpus},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if _, _, err := places(test.data); !errors.Is(err, test.want) {
				t.Fatalf("got %v, want %v", err, test.want)
			}
		})
	}
}

// However a stream is laid into pages, and whichever page is lost, what is left lies where it lay.
func TestLossMovesNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var pages []pageSpec
		granule := int64(rapid.IntRange(0, 3).Draw(t, "begins at")) * 48000
		for range rapid.IntRange(3, 12).Draw(t, "pages") {
			packets := rapid.IntRange(1, 9).Draw(t, "packets")
			granule += int64(packets) * frame
			pages = append(pages, pageSpec{packets, granule})
		}
		data := linkOf(1, rapid.SampledFrom([]int{0, 312, 313, 3840}).Draw(t, "pre-skip"), pages...)
		whole, _, err := places(data)
		if err != nil {
			t.Fatal(err)
		}
		// The first page says where the stream begins, so its loss is another test's.
		lost := rapid.IntRange(3, len(pages)+1).Draw(t, "lost page")
		rest, _, err := places(without(data, lost))
		if err != nil {
			t.Fatal(err)
		}
		for _, place := range rest {
			if !slices.Contains(whole, place) {
				t.Fatalf("%s is not among %v", place, whole)
			}
		}
		if want := len(whole) - pages[lost-2].packets; len(rest) != want {
			t.Fatalf("%d packets are left, want %d", len(rest), want)
		}
	})
}

func FuzzPackets(f *testing.F) {
	f.Add(linkOf(1, 312, pageSpec{2, 2 * frame}, pageSpec{3, 5 * frame}))
	f.Add(slices.Concat(linkOf(1, 0, pageSpec{1, frame}), linkOf(2, 0, pageSpec{1, frame})))
	f.Fuzz(func(t *testing.T, data []byte) {
		var damage Damage
		for packet, err := range Packets(bytes.NewReader(data), &damage) {
			if err != nil {
				return
			}
			if damage.Lost < 0 || damage.First < 0 || damage.Lost > MaxGap || damage.First > max(packet.End, 0) { // pre-skip lies before 0
				t.Fatalf("damage %+v before a packet that ends at %d", damage, packet.End)
			}
			if packet.End <= packet.Start || packet.End-packet.Start > maxPacketTicks || packet.Link.Start < 0 {
				t.Fatalf("packet from %d to %d in a link from %d", packet.Start, packet.End, packet.Link.Start)
			}
		}
		if Length(bytes.NewReader(data), int64(len(data))) < 0 {
			t.Fatal("negative length")
		}
	})
}

func FuzzRawPackets(f *testing.F) {
	f.Add([]byte("\x02\x00\x00\x00\xf8\x01\x02\x00\x00\x00\xf8\x02"))
	f.Add([]byte("\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		end := int64(-rawPreSkip)
		for packet, err := range RawPackets(bytes.NewReader(data), 1, &Damage{}) {
			if err != nil {
				return
			}
			if packet.Start != end || packet.End <= packet.Start || packet.End-packet.Start > maxPacketTicks {
				t.Fatalf("packet from %d to %d, behind %d", packet.Start, packet.End, end)
			}
			end = packet.End
		}
	})
}
