package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"

	"github.com/chortle-audio/chortle/orchestrator"
)

//go:embed assets
var assetFiles embed.FS

// assets are the files that pages load, each under a name with the hash of its content: that name always has the same content.
type assets struct {
	named map[string]string // page.css ─▶ page.1f2e3d4c.css
	files map[string]asset
}

type asset struct {
	mediaType      string
	plain, smaller []byte // smaller is gzip's; nil where it does not help
}

// mediaTypes of our own: the system's table differs from machine to machine.
var mediaTypes = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml", ".png": "image/png",
	".ico": "image/x-icon", ".webmanifest": "application/manifest+json",
}

func loadAssets() (*assets, error) {
	a := &assets{named: map[string]string{}, files: map[string]asset{}}
	err := fs.WalkDir(assetFiles, "assets", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := assetFiles.ReadFile(name)
		if err != nil {
			return err
		}
		base, extension := path.Base(name), path.Ext(name)
		mediaType, ok := mediaTypes[extension]
		if !ok {
			return fmt.Errorf("load asset %s: its media type is missing in the table", base)
		}
		sum := sha256.Sum256(content)
		hashed := strings.TrimSuffix(base, extension) + "." + hex.EncodeToString(sum[:6]) + extension
		one := asset{mediaType: mediaType, plain: content}
		var packed bytes.Buffer
		zip, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression)
		_, _ = zip.Write(content) // memory takes everything
		_ = zip.Close()
		if packed.Len() < len(content)*9/10 {
			one.smaller = packed.Bytes()
		}
		a.named[base], a.files[hashed] = hashed, one
		return nil
	})
	return a, err
}

// assetPath is the address of a file of ours, for templates. A name without a file is a mistake of ours.
func (s *Server) assetPath(name string) (string, error) {
	hashed, ok := s.files.named[name]
	if !ok {
		return "", fmt.Errorf("no asset %q", name)
	}
	return s.path("/assets/" + hashed), nil
}

func (s *Server) asset(w http.ResponseWriter, r *http.Request, _ viewer) error {
	one, ok := s.files.files[r.PathValue("name")]
	if !ok {
		return orchestrator.ErrNotFound
	}
	header := w.Header()
	header.Set("Content-Type", one.mediaType)
	header.Set("Cache-Control", "public, max-age=31536000, immutable")
	header.Set("Vary", "Accept-Encoding")
	content := one.plain
	if one.smaller != nil && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		header.Set("Content-Encoding", "gzip")
		content = one.smaller
	}
	_, err := w.Write(content)
	return err
}
