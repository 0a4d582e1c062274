package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"aead.dev/minisign"
)

const sumsFile = "SHA256SUMS"

// checksums writes the SHA-256 of everything that was built, and signs the list.
func (r *release) checksums(keyFile string) error {
	entries, err := os.ReadDir(r.out)
	if err != nil {
		return err
	}
	var list []byte
	for _, entry := range entries {
		content, err := os.Open(filepath.Join(r.out, entry.Name()))
		if err != nil {
			return err
		}
		hash := sha256.New()
		_, err = io.Copy(hash, content)
		_ = content.Close() // it was only read
		if err != nil {
			return err
		}
		list = fmt.Appendf(list, "%x  %s\n", hash.Sum(nil), entry.Name())
	}
	if err := os.WriteFile(filepath.Join(r.out, sumsFile), list, 0o644); err != nil {
		return err
	}
	if keyFile == "" {
		r.say("%s is not signed: no -key", sumsFile)
		return nil
	}
	key, err := minisign.PrivateKeyFromFile(os.Getenv("CHORTLE_SIGNING_PASSWORD"), keyFile)
	if err != nil {
		return fmt.Errorf("read signing key: %w; its password comes from CHORTLE_SIGNING_PASSWORD", err)
	}
	// Both comments are fixed, so that the same release has the same signature.
	signature := minisign.SignWithComments(key, list, "file:"+sumsFile+" chortle:"+r.version.number, "signature of a Chortle release")
	return os.WriteFile(filepath.Join(r.out, sumsFile+".minisig"), signature, 0o644)
}
