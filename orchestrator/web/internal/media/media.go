// Package media knows how sound is served.
package media

import (
	"net/http"
	"path"
)

// types of clips by their extension: the system's table and Go's sniffer know neither.
var types = map[string]string{".opus": "audio/ogg; codecs=opus", ".ogg": "audio/ogg", ".flac": "audio/flac", ".wav": "audio/wav", ".m4a": "audio/mp4"}

// Type is the media type of a file of sound by its name.
func Type(name string) string {
	if t := types[path.Ext(name)]; t != "" {
		return t
	}
	return "application/octet-stream"
}

// Headers let the listener's own browser keep what never changes under its address, and nobody else; what is opened by
// itself can do nothing.
func Headers(h http.Header, mediaType, etag string) {
	h.Set("Content-Type", mediaType)
	h.Set("Cache-Control", "private, max-age=31536000, immutable")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("ETag", `"`+etag+`"`)
}
