// Package words holds every text of the page in one catalogue, with plurals, and formats numbers, lengths and days
// the way a person says them. A second language is a second catalogue.
package words

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
)

//go:embed en/*.json
var english embed.FS

// Catalogue maps keys to texts. Safe for concurrent use.
type Catalogue struct {
	// Language is its BCP 47 tag, for the lang attribute.
	Language string
	entries  map[string]entry
}

// entry is a text, or one for each plural form. Forms are chosen by the argument named n.
type entry struct{ One, Other string }

// UnmarshalJSON reads a string, or an object with the forms one and other.
func (e *entry) UnmarshalJSON(data []byte) error {
	if err := json.Unmarshal(data, &e.Other); err == nil {
		return nil
	}
	type forms entry
	return json.Unmarshal(data, (*forms)(e))
}

// English returns the catalogue of the program. It panics where an embedded file is invalid, which a test excludes.
func English() *Catalogue {
	c, err := load("en", english)
	if err != nil {
		panic(err)
	}
	return c
}

// load reads every file in the folder of a language. A key may stand in one of them only.
func load(language string, files fs.FS) (*Catalogue, error) {
	c := &Catalogue{Language: language, entries: map[string]entry{}}
	names, err := fs.Glob(files, language+"/*.json")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		data, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		var part map[string]entry
		if err := json.Unmarshal(data, &part); err != nil {
			return nil, fmt.Errorf("read catalogue %s: %w", name, err)
		}
		for key, e := range part {
			if c.Has(key) {
				return nil, fmt.Errorf("read catalogue %s: key %q stands in another file, too", name, key)
			}
			c.entries[key] = e
		}
	}
	return c, nil
}

// Has reports whether there is a text under key.
func (c *Catalogue) Has(key string) bool { _, ok := c.entries[key]; return ok }

// Keys returns all keys in order.
func (c *Catalogue) Keys() []string {
	keys := make([]string, 0, len(c.entries))
	for key := range c.entries {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// Text returns the text under key with {name} replaced by the arguments, which are pairs of a name and a value. An
// int named n chooses the plural form. A key that is missing is returned itself: a test holds all templates to the
// catalogue.
func (c *Catalogue) Text(key string, pairs ...any) string {
	e, ok := c.entries[key]
	if !ok {
		return key
	}
	text := e.Other
	if !strings.Contains(text, "{") && e.One == "" {
		return text
	}
	replace := make([]string, 0, len(pairs))
	for i := 0; i+1 < len(pairs); i += 2 {
		name, value := fmt.Sprint(pairs[i]), pairs[i+1]
		n, isInt := value.(int)
		if isInt {
			value = Count(n)
		}
		if name == "n" && isInt && n == 1 && e.One != "" {
			text = e.One
		}
		replace = append(replace, "{"+name+"}", fmt.Sprint(value))
	}
	return strings.NewReplacer(replace...).Replace(text)
}

// Count formats a number with a comma between thousands: 12,345.
func Count(n int) string {
	digits := strconv.Itoa(n)
	sign := ""
	if n < 0 {
		sign, digits = "−", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}
