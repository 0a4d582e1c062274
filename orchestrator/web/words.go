package web

import (
	"fmt"
	"strconv"
)

// words are all texts of the pages, by key. Those with a number have two forms, below forms.
var words = map[string]string{
	"name":              "Chortle",
	"error.title":       "Something is wrong",
	"error.path":        "This address is not one of ours.",
	"error.host":        "This server does not answer under that name. Whoever runs it can set CHORTLE_BASE_URL.",
	"error.origin":      "This came from another site, so nothing was changed. Open the page anew and try again.",
	"error.nobody":      "You are not signed in, so nothing was changed.",
	"error.role":        "Your account may look and listen, but not change this.",
	"error.missing":     "There is nothing here, or it is not yours to see.",
	"error.exists":      "There is one of that name already.",
	"error.locked":      "A run is under way. Try again when it has finished.",
	"error.large":       "That is too large.",
	"error.unavailable": "The database does not answer. Nothing is lost; try again in a moment.",
	"error.internal":    "Something went wrong here. Nothing of yours is lost.",
	"error.number":      "The log has the cause under number",
	"login.title":       "Sign in",
	"login.name":        "Name",
	"login.password":    "Password",
	"login.submit":      "Sign in",
	"home.title":        "Home",
}

// forms are texts with a number: for one, and for all others. %d is the number.
var forms = map[string][2]string{
	"laughs": {"%d laugh", "%d laughs"},
}

// word is the text of a key. A key without a text is a mistake of ours.
func word(key string) string {
	text, ok := words[key]
	if !ok {
		panic("no word for " + strconv.Quote(key))
	}
	return text
}

// plural is the text of a key for a number.
func plural(key string, count int) string {
	text, ok := forms[key]
	if !ok {
		panic("no forms for " + strconv.Quote(key))
	}
	if count == 1 {
		return fmt.Sprintf(text[0], count)
	}
	return fmt.Sprintf(text[1], count)
}
