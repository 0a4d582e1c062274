package yamnet

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// file is a model file in memory, mapped: pages that nobody looks at take none. What is written to it
// stays in this process.
type file struct {
	data   []byte
	sha256 string
}

// mapFile checks the file's content before anything else looks at it.
func mapFile(path, wantSHA256 string) (_ *file, err error) {
	const remedy = "run orchestrator setup, or put the file there"
	opened, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("no such file; %s: YAMNet with sha256 %s", remedy, wantSHA256)
	} else if err != nil {
		return nil, err
	}
	defer opened.Close()
	info, err := opened.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() == 0 {
		return nil, fmt.Errorf("this is no file, or an empty one; %s: YAMNet with sha256 %s", remedy, wantSHA256)
	}
	data, err := unix.Mmap(int(opened.Fd()), 0, int(info.Size()), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE)
	if err != nil {
		return nil, fmt.Errorf("map into memory: %w", err)
	}
	f := &file{data: data, sha256: fmt.Sprintf("%x", sha256.Sum256(data))}
	if f.sha256 != wantSHA256 {
		return nil, errors.Join(fmt.Errorf("its sha256 is %s, want %s; %s, or set CHORTLE_WEIGHTS_SHA256 to accept this one",
			f.sha256, wantSHA256, remedy), f.close())
	}
	return f, nil
}

// forget takes the pages before a position out of memory. They come back from the file when they are
// looked at, without what was written to them.
func (f *file) forget(end int) error {
	page := os.Getpagesize()
	return unix.Madvise(f.data[:end/page*page], unix.MADV_DONTNEED)
}

func (f *file) close() error { return unix.Munmap(f.data) }

// labels reads the names of the classes, which lie in a zip archive behind the model.
func (f *file) labels() ([]string, error) {
	const name = "yamnet_label_list.txt"
	archive, err := zip.NewReader(bytes.NewReader(f.data), int64(len(f.data)))
	if err != nil {
		return nil, fmt.Errorf("read labels: %w; the model's labels must be in a zip archive at the end of the file", err)
	}
	list, err := archive.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read labels: %w", err)
	}
	defer list.Close()
	const most = 1 << 20
	text, err := io.ReadAll(io.LimitReader(list, most))
	if err != nil {
		return nil, fmt.Errorf("read labels %s: %w", name, err)
	}
	return strings.Split(strings.TrimRight(string(text), "\n"), "\n"), nil
}
