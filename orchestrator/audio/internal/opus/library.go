package opus

import (
	"fmt"
	"runtime"
	"unsafe"

	"github.com/ebitengine/purego"
)

// Library is libopus, opened at run time. Safe for concurrent use; it stays open until the process ends.
type Library struct {
	// Version as the library tells it, such as "libopus 1.5.2".
	Version string

	create, decode, destroy                                  uintptr
	multistreamCreate, multistreamDecode, multistreamDestroy uintptr
}

// OpenLibrary opens the libopus at path, or finds it by name as the system's loader does.
func OpenLibrary(path string) (*Library, error) {
	runtime.LockOSThread() // the loader keeps the cause of an error for the thread that asked
	defer runtime.UnlockOSThread()
	handle, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return nil, fmt.Errorf("open libopus: %w", err)
	}
	l := &Library{}
	var version uintptr
	for name, symbol := range map[string]*uintptr{
		"opus_decoder_create":              &l.create,
		"opus_decode_float":                &l.decode,
		"opus_decoder_destroy":             &l.destroy,
		"opus_multistream_decoder_create":  &l.multistreamCreate,
		"opus_multistream_decode_float":    &l.multistreamDecode,
		"opus_multistream_decoder_destroy": &l.multistreamDestroy,
		"opus_get_version_string":          &version,
	} {
		if *symbol, err = purego.Dlsym(handle, name); err != nil {
			return nil, fmt.Errorf("open libopus %s: %w", path, err)
		}
	}
	var versionString func() string
	purego.RegisterFunc(&versionString, version)
	l.Version = versionString()
	return l, nil
}

// libraryDecoder calls through SyscallN, not through registered functions: a call is made for every
// packet, and reflection would double its price.
type libraryDecoder struct {
	state           uintptr
	decode, destroy uintptr
	channels        int
	samples         []float32
}

// NewDecoder returns a decoder of streams with this header.
func (l *Library) NewDecoder(head Head) (Decoder, error) {
	d := &libraryDecoder{decode: l.decode, destroy: l.destroy, channels: head.Channels}
	code := new(int32)
	if head.Multistream() {
		d.decode, d.destroy = l.multistreamDecode, l.multistreamDestroy
		mapping := head.Mapping
		d.state, _, _ = purego.SyscallN(l.multistreamCreate, DecodedRateHz, uintptr(head.Channels), uintptr(head.Streams),
			uintptr(head.Coupled), uintptr(unsafe.Pointer(&mapping[0])), uintptr(unsafe.Pointer(code)))
	} else {
		d.state, _, _ = purego.SyscallN(l.create, DecodedRateHz, uintptr(head.Channels), uintptr(unsafe.Pointer(code)))
	}
	if d.state == 0 || *code != 0 {
		return nil, fmt.Errorf("start libopus decoder: code %d", *code)
	}
	d.samples = make([]float32, maxSamples*d.channels)
	return d, nil
}

func (d *libraryDecoder) Decode(packet []byte) ([]float32, error) {
	if len(packet) == 0 {
		return nil, fmt.Errorf("decode opus packet: it is empty") // libopus would take it for a lost one
	}
	result, _, _ := purego.SyscallN(d.decode, d.state, uintptr(unsafe.Pointer(&packet[0])), uintptr(len(packet)),
		uintptr(unsafe.Pointer(&d.samples[0])), maxSamples, 0)
	runtime.KeepAlive(d)
	n := int(int32(result))
	if n < 0 {
		return nil, fmt.Errorf("decode opus packet: libopus code %d", n)
	}
	return d.samples[:n*d.channels], nil
}

func (d *libraryDecoder) Channels() int { return d.channels }

func (d *libraryDecoder) Close() {
	purego.SyscallN(d.destroy, d.state)
	d.state = 0
}
