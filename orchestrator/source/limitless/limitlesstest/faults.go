package limitlesstest

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Fault is a way to misbehave. answer writes the right answer, for faults that spoil it.
type Fault func(w http.ResponseWriter, r *http.Request, answer func(http.ResponseWriter))

// Status answers with a status and the API's form of an error.
func Status(code int) Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ func(http.ResponseWriter)) {
		refuse(w, code, http.StatusText(code))
	}
}

// RetryInBody answers 429 and writes value, as JSON, into the body's retryAfter.
func RetryInBody(value string) Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ func(http.ResponseWriter)) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusTooManyRequests)
		fmt.Fprintf(w, `{"error":"Rate limit exceeded","retryAfter":%s}`, value)
	}
}

// RetryInHeader answers 429 with the seconds in the Retry-After header.
func RetryInHeader(seconds string) Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ func(http.ResponseWriter)) {
		w.Header().Set("Retry-After", seconds)
		refuse(w, http.StatusTooManyRequests, "Rate limit exceeded")
	}
}

// RetryAt answers 429 with a moment in the Retry-After header, as far ahead as wait by the server's clock, which
// may differ from the caller's by skew.
func RetryAt(wait, skew time.Duration) Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ func(http.ResponseWriter)) {
		now := time.Now().Add(skew).UTC()
		w.Header().Set("Date", now.Format(http.TimeFormat))
		w.Header().Set("Retry-After", now.Add(wait).Format(http.TimeFormat))
		refuse(w, http.StatusTooManyRequests, "Rate limit exceeded")
	}
}

// HTML answers 200 with a web page, as a captive portal does.
func HTML(w http.ResponseWriter, _ *http.Request, _ func(http.ResponseWriter)) {
	w.Header().Set("Content-Type", "text/html")
	fmt.Fprint(w, "<!doctype html><title>Sign in to the network</title>")
}

// Empty answers 200 without a byte.
func Empty(w http.ResponseWriter, _ *http.Request, _ func(http.ResponseWriter)) {
	w.Header().Set("Content-Type", "audio/ogg")
	w.WriteHeader(http.StatusOK)
}

// Redirect sends the caller elsewhere.
func Redirect(to string) Fault {
	return func(w http.ResponseWriter, r *http.Request, _ func(http.ResponseWriter)) {
		http.Redirect(w, r, to, http.StatusFound)
	}
}

// Reset cuts the connection before any answer.
func Reset(http.ResponseWriter, *http.Request, func(http.ResponseWriter)) {
	panic(http.ErrAbortHandler)
}

// Truncate sends the right length and half of the body, and cuts the connection.
func Truncate(w http.ResponseWriter, r *http.Request, answer func(http.ResponseWriter)) {
	whole := &bufferedAnswer{header: w.Header()}
	answer(whole)
	w.Header().Set("Content-Length", strconv.Itoa(whole.body.Len()))
	w.Write(whole.body.Bytes()[:whole.body.Len()/2])
	http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// WrongLength sends the whole body and says that it is longer.
func WrongLength(w http.ResponseWriter, r *http.Request, answer func(http.ResponseWriter)) {
	whole := &bufferedAnswer{header: w.Header()}
	answer(whole)
	w.Header().Set("Content-Length", strconv.Itoa(whole.body.Len()+1000))
	w.Write(whole.body.Bytes())
}

// Stall sends the first half of the body and then nothing, until the caller goes away.
func Stall(w http.ResponseWriter, r *http.Request, answer func(http.ResponseWriter)) {
	whole := &bufferedAnswer{header: w.Header()}
	answer(whole)
	w.Write(whole.body.Bytes()[:whole.body.Len()/2])
	http.NewResponseController(w).Flush()
	<-r.Context().Done()
}

// Slow sends a byte after each pause, until the body is whole or the caller goes away.
func Slow(pause time.Duration) Fault {
	return func(w http.ResponseWriter, r *http.Request, answer func(http.ResponseWriter)) {
		whole := &bufferedAnswer{header: w.Header()}
		answer(whole)
		tick := time.NewTicker(pause)
		defer tick.Stop()
		for _, b := range whole.body.Bytes() {
			select {
			case <-tick.C:
			case <-r.Context().Done():
				return
			}
			w.Write([]byte{b})
			http.NewResponseController(w).Flush()
		}
	}
}

// Endless sends the body again and again, until the caller goes away.
func Endless(w http.ResponseWriter, r *http.Request, answer func(http.ResponseWriter)) {
	whole := &bufferedAnswer{header: w.Header()}
	answer(whole)
	w.Header().Del("Content-Length")
	for r.Context().Err() == nil {
		if _, err := w.Write(whole.body.Bytes()); err != nil {
			return
		}
	}
}

// Silence sends nothing at all, until the caller goes away.
func Silence(_ http.ResponseWriter, r *http.Request, _ func(http.ResponseWriter)) {
	<-r.Context().Done()
}

type bufferedAnswer struct {
	header http.Header
	body   bytes.Buffer
}

func (b *bufferedAnswer) Header() http.Header         { return b.header }
func (b *bufferedAnswer) WriteHeader(int)             {}
func (b *bufferedAnswer) Write(p []byte) (int, error) { return b.body.Write(p) }

// Faults by the names that a person may type.
var Faults = map[string]Fault{
	"401": Status(http.StatusUnauthorized), "403": Status(http.StatusForbidden), "404": Status(http.StatusNotFound),
	"429": RetryInBody(`"3"`), "500": Status(http.StatusInternalServerError), "502": Status(http.StatusBadGateway),
	"503": Status(http.StatusServiceUnavailable), "504": Status(http.StatusGatewayTimeout),
	"html": HTML, "empty": Empty, "reset": Reset, "cut": Truncate, "wrong-length": WrongLength, "redirect": Redirect("http://127.0.0.1:9/"),
	"stalled": Stall, "silent": Silence, "slow": Slow(100 * time.Millisecond), "endless": Endless,
}
