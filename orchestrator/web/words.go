package web

import (
	"strconv"

	"github.com/chortle-audio/chortle/orchestrator/web/words"
)

// catalogue holds all texts of the pages: words/en has a file for each part of the page.
var catalogue = words.English()

// word is the text of a key, its {name} replaced by pairs of a name and a value. A key without a text is a mistake of ours.
func word(key string, pairs ...any) string {
	if !catalogue.Has(key) {
		panic("no word for " + strconv.Quote(key))
	}
	return catalogue.Text(key, pairs...)
}

// plural is the text of a key for a number, its {n}.
func plural(key string, count int, pairs ...any) string {
	return word(key, append([]any{"n", count}, pairs...)...)
}
