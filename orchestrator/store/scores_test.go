package store

import (
	"bytes"
	"compress/zlib"
	"io"
	"testing"

	"github.com/chortle-audio/chortle/orchestrator"
)

// zeros yields nothing but zeros.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// M11: scores that unpack to more than any recording has are an error before they are memory.
func TestUnpackIsBounded(t *testing.T) {
	t.Parallel()
	var bomb bytes.Buffer
	w := zlib.NewWriter(&bomb)
	if _, err := io.CopyN(w, zeros{}, maxUnpacked+1); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := unpack(bomb.Bytes()); err == nil {
		t.Error("no error")
	}
	var s orchestrator.Scores
	if err := (packedScores{data: pack([]byte{1, 2}), features: bomb.Bytes()}).unpack(&s); err == nil {
		t.Error("features: no error")
	}
	if got, err := unpack(pack([]byte{1, 2})); err != nil || !bytes.Equal(got, []byte{1, 2}) {
		t.Errorf("got %v, %v", got, err)
	}
}
