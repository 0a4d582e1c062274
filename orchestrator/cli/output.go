package cli

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/chortle-audio/chortle/internal/atomicfile"
)

// errForeign says that a file was not overwritten.
var errForeign = errors.New("it exists and holds something else: choose another name, or add --force to overwrite it")

// writeFile writes a file that is there as a whole or not at all, for its owner's eyes only. One that is there is
// overwritten where it begins as the new one does, such as yesterday's export in the same format, else only with force.
func writeFile(path string, force bool, write func(io.Writer) error) error {
	err := atomicfile.Write(path, 0o600, func(file *os.File) error {
		if err := write(file); err != nil || force {
			return err
		}
		return checkKind(path, file)
	})
	if err = wrapNotNil("write "+path, err); errors.Is(err, errForeign) {
		return usage("%w", err)
	}
	return err
}

func wrapNotNil(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

// checkKind returns errForeign where the file at path begins otherwise than the new one.
func checkKind(path string, fresh io.ReaderAt) error {
	old, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer old.Close()
	was, is := beginning(old), beginning(fresh)
	if is == "" { // no laughs, in a format without a head: that of labels
		is = "0.0\t0.0\t"
	}
	if was != "" && was != is {
		return errForeign
	}
	return nil
}

// beginning is the form in which a file begins: its first characters, each number as a 0.
func beginning(file io.ReaderAt) string {
	const most = 8
	head := make([]byte, 64)
	n, _ := file.ReadAt(head, 0) // what cannot be read is as if it were not there
	var form []byte
	for _, c := range head[:n] {
		if c >= '0' && c <= '9' {
			c = '0'
			if len(form) > 0 && form[len(form)-1] == '0' {
				continue
			}
		}
		if form = append(form, c); len(form) == most {
			break
		}
	}
	return string(form)
}
