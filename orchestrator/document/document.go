// Package document holds the JSON of the domain: one vocabulary for --json, exports and the page. docs/json.md
// describes it: fields are added, never removed or given another meaning.
package document

import (
	"encoding/json"
	"io"
	"time"
)

// Write writes a document as --json prints it.
func Write(w io.Writer, document any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(document)
}

// Stamp is an instant in UTC with milliseconds; the zero one is null.
type Stamp time.Time

const stampFormat = "2006-01-02T15:04:05.000Z07:00"

func (s Stamp) String() string { return time.Time(s).UTC().Format(stampFormat) }

// MarshalJSON implements json.Marshaler.
func (s Stamp) MarshalJSON() ([]byte, error) {
	if time.Time(s).IsZero() {
		return []byte("null"), nil
	}
	return json.Marshal(s.String())
}

// Seconds returns a duration as a number of seconds with milliseconds.
func Seconds(d time.Duration) float64 {
	return float64(d.Round(time.Millisecond).Milliseconds()) / 1000
}
