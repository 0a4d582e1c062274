package limitless_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/source/limitless"
	"github.com/chortle-audio/chortle/orchestrator/source/limitless/limitlesstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const key = "sk-test-key-which-must-never-be-seen"

var day = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)

// sound is a recording whose "audio" is a byte a second, so that a test can count what it got.
func sound(from, length time.Duration) limitlesstest.Recording {
	return limitlesstest.Recording{Start: day.Add(from), Length: length,
		Cut: func(_ context.Context, from, to time.Duration) ([]byte, error) {
			return []byte("OggS" + strings.Repeat(".", int((to-from)/time.Second))), nil
		}}
}

func length(_ context.Context, path string) (time.Duration, error) {
	data, err := os.ReadFile(path)
	return time.Duration(strings.Count(string(data), ".")) * time.Second, err
}

func serve(t *testing.T, server *limitlesstest.Server) *limitless.Client {
	t.Helper()
	return serveStalling(t, server, time.Minute)
}

// serveStalling gives up an answer that brings no byte for stall.
func serveStalling(t *testing.T, server *limitlesstest.Server, stall time.Duration) *limitless.Client {
	t.Helper()
	web := httptest.NewServer(server)
	t.Cleanup(web.Close)
	client, err := limitless.NewClient(limitless.Config{URL: web.URL, Key: key,
		FirstWait: time.Millisecond, MaxWait: 2 * time.Millisecond, Stall: stall, Limiter: limitless.NewLimiter(60000)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func hour(n int) orchestrator.Span {
	return orchestrator.Span{Start: day.Add(time.Duration(n) * time.Hour), End: day.Add(time.Duration(n+1) * time.Hour)}
}

func TestDownloadMeetsEveryFault(t *testing.T) {
	t.Parallel()
	elsewhere := &atomic.Int32{}
	thief := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-API-Key") != "" {
			elsewhere.Add(1)
		}
	}))
	t.Cleanup(thief.Close)
	for _, test := range []struct {
		name  string
		fault limitlesstest.Fault
		times int // how often the fault strikes before the right answer comes; -1 means always
		calls int // calls that it takes in all
		is    error
		says  string
	}{
		{"no fault", nil, 0, 1, nil, ""},
		{"500 passes", limitlesstest.Status(500), 1, 2, nil, ""},
		{"502 passes", limitlesstest.Status(502), 2, 3, nil, ""},
		{"503 passes", limitlesstest.Status(503), 3, 4, nil, ""},
		{"504 passes at the last attempt", limitlesstest.Status(504), 5, 6, nil, ""},
		{"504 for ever", limitlesstest.Status(504), -1, 6, nil, "504"},
		{"401 is final", limitlesstest.Status(401), -1, 1, limitless.ErrBadKey, "key"},
		{"403 is final", limitlesstest.Status(403), -1, 1, limitless.ErrBadKey, "key"},
		{"400 is final", limitlesstest.Status(400), -1, 1, nil, "400"},
		{"404 means no audio", limitlesstest.Status(404), -1, 1, limitless.ErrNoAudio, ""},
		{"429 with a string", limitlesstest.RetryInBody(`"0.01"`), 1, 2, nil, ""},
		{"429 with a number", limitlesstest.RetryInBody(`0.01`), 1, 2, nil, ""},
		{"429 with a header", limitlesstest.RetryInHeader("0"), 1, 2, nil, ""},
		{"429 with nonsense", limitlesstest.RetryInBody(`{"soon":true}`), 1, 2, nil, ""},
		{"429 for ever", limitlesstest.RetryInBody(`"0"`), -1, 6, nil, "429"},
		{"a web page", limitlesstest.HTML, 1, 2, nil, ""},
		{"a web page for ever", limitlesstest.HTML, -1, 6, nil, "not Ogg"},
		{"an empty answer for ever", limitlesstest.Empty, -1, 6, nil, "empty"},
		{"a body cut short", limitlesstest.Truncate, 2, 3, nil, ""},
		{"a body cut short for ever", limitlesstest.Truncate, -1, 6, nil, "unexpected EOF"},
		{"a wrong length", limitlesstest.WrongLength, 1, 2, nil, ""},
		{"a reset connection", limitlesstest.Reset, 1, 2, nil, ""},
		{"a stalled body", limitlesstest.Stall, 1, 2, nil, ""},
		{"no answer for ever", limitlesstest.Silence, -1, 6, nil, "no byte for"},
		{"a body without end", limitlesstest.Endless, 1, 2, nil, ""},
		{"a body without end for ever", limitlesstest.Endless, -1, 6, nil, "longer than 5 MB, which 1m0s of sound cannot be"},
		{"a redirect is not followed", limitlesstest.Redirect(thief.URL), -1, 1, nil, "302"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := &limitlesstest.Server{Keys: map[string][]limitlesstest.Recording{key: {sound(0, time.Hour)}}, CallsPerMinute: 1 << 20}
			server.Fault = func(call limitlesstest.Call) limitlesstest.Fault {
				if test.fault != nil && (test.times < 0 || call.Attempt <= test.times) {
					return test.fault
				}
				return nil
			}
			stall := time.Minute
			if strings.Contains(test.name, "stalled") || strings.Contains(test.name, "no answer") {
				stall = 200 * time.Millisecond
			}
			client := serveStalling(t, server, stall)
			path := filepath.Join(t.TempDir(), "chunk.ogg")
			sum, err := client.Download(t.Context(), orchestrator.Span{Start: day, End: day.Add(time.Minute)}, path)
			if got := len(server.Calls()); got != test.calls {
				t.Errorf("%d calls, want %d", got, test.calls)
			}
			if calls := client.Calls(); calls.Total != test.calls || calls.Retries != test.calls-1 {
				t.Errorf("counted %+v", calls)
			}
			_, statErr := os.Stat(path)
			if test.times >= 0 {
				if err != nil || statErr != nil || len(sum) != 64 {
					t.Fatalf("sum %q, error %v, file %v", sum, err, statErr)
				}
				if got, _ := length(t.Context(), path); got != time.Minute {
					t.Errorf("got %s of audio", got)
				}
				return
			}
			if err == nil || test.is != nil && !errors.Is(err, test.is) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("error %v", err)
			}
			if strings.Contains(err.Error(), key) || strings.Contains(err.Error(), "startMs") {
				t.Errorf("the error tells too much: %v", err)
			}
			if statErr == nil {
				t.Error("a file was left")
			}
		})
	}
	t.Cleanup(func() {
		if elsewhere.Load() > 0 {
			t.Error("the key went to another host")
		}
	})
}

func TestCheckKeyTellsABadKeyFromABadNight(t *testing.T) {
	t.Parallel()
	server := &limitlesstest.Server{Keys: map[string][]limitlesstest.Recording{key: nil}}
	if err := serve(t, server).CheckKey(t.Context()); err != nil {
		t.Error(err)
	}
	for status, bad := range map[int]bool{401: true, 403: true, 429: false, 500: false, 503: false} {
		server := &limitlesstest.Server{Fault: func(limitlesstest.Call) limitlesstest.Fault { return limitlesstest.Status(status) },
			Keys: map[string][]limitlesstest.Recording{key: nil}}
		if err := serve(t, server).CheckKey(t.Context()); err == nil || errors.Is(err, limitless.ErrBadKey) != bad {
			t.Errorf("%d: %v", status, err)
		}
	}
}

// read drains the source for a day and writes down what came.
func read(t *testing.T, client *limitless.Client, ledger []orchestrator.LedgerSpan, nights int) (recs []orchestrator.Recording, missing []orchestrator.SpanError, last error) {
	t.Helper()
	dir := t.TempDir()
	source, err := limitless.New(limitless.Options{Client: client, Dir: dir, Chunk: 30 * time.Minute, Length: length, EmptyNights: nights,
		Ledger: func(context.Context, orchestrator.Span) ([]orchestrator.LedgerSpan, error) { return ledger, nil },
		Now:    func() time.Time { return day.Add(26 * time.Hour) }})
	if err != nil {
		t.Fatal(err)
	}
	for rec, err := range source.Recordings(t.Context(), orchestrator.Span{Start: day, End: day.Add(24 * time.Hour)}) {
		gap := (*orchestrator.SpanError)(nil)
		switch {
		case errors.As(err, &gap):
			missing = append(missing, *gap)
		case err != nil:
			last = err
		default:
			if files, _ := os.ReadDir(dir); len(files) != 1 {
				t.Errorf("%d files on disk while %s is read, want 1", len(files), rec.Name)
			}
			recs = append(recs, rec)
			if err := rec.Release(); err != nil {
				t.Error(err)
			}
		}
	}
	if files, _ := os.ReadDir(dir); len(files) != 0 {
		t.Errorf("%d files left on disk", len(files))
	}
	return recs, missing, last
}

func TestADayIsReadWindowByWindow(t *testing.T) {
	t.Parallel()
	server := &limitlesstest.Server{Keys: map[string][]limitlesstest.Recording{key: {sound(9*time.Hour, 3*time.Hour)}}}
	recs, missing, err := read(t, serve(t, server), nil, 7)
	if err != nil || len(recs) != 6 || len(missing) != 42 || len(server.Calls()) != 48 {
		t.Fatalf("%d recordings, %d missing, %d calls, error %v", len(recs), len(missing), len(server.Calls()), err)
	}
	if !recs[0].Start.Equal(day.Add(9*time.Hour)) || recs[0].Uncertainty != 0 || recs[0].TimeSource != orchestrator.TimeFromSource {
		t.Errorf("first %+v", recs[0])
	}
}

// The mystery of the old system's section 3.3: the API joins what it has, so that a gap shifts all that follows.
func TestAGapInsideAWindowIsFoundByHalving(t *testing.T) {
	t.Parallel()
	server := &limitlesstest.Server{Keys: map[string][]limitlesstest.Recording{key: {
		sound(9*time.Hour, 10*time.Minute), sound(9*time.Hour+20*time.Minute, 10*time.Minute)}}}
	recs, _, err := read(t, serve(t, server), nil, 7)
	if err != nil {
		t.Fatal(err)
	}
	var total time.Duration
	for _, rec := range recs {
		total += rec.Window.Duration() - rec.Uncertainty
		inFirst := !rec.Start.Before(day.Add(9*time.Hour)) && rec.Start.Before(day.Add(9*time.Hour+10*time.Minute))
		inSecond := rec.Window.End.After(day.Add(9*time.Hour + 20*time.Minute))
		if !inFirst && !inSecond {
			t.Errorf("%s lies in the gap", rec.Name)
		}
		if rec.Uncertainty > time.Minute {
			t.Errorf("%s may be off by %s", rec.Name, rec.Uncertainty)
		}
	}
	if missing := 20*time.Minute - total; missing < 0 || missing > 10*time.Second { // a byte is a whole second
		t.Errorf("read %s of 20 minutes", total)
	}
}

func TestTheLedgerSaysWhatIsAskedFor(t *testing.T) {
	t.Parallel()
	half := func(n int) orchestrator.Span {
		return orchestrator.Span{Start: day.Add(time.Duration(n) * 30 * time.Minute), End: day.Add(time.Duration(n+1) * 30 * time.Minute)}
	}
	var ledger []orchestrator.LedgerSpan
	for n := range 48 {
		ledger = append(ledger, orchestrator.LedgerSpan{Span: half(n), State: orchestrator.SpanRead})
	}
	ledger[40].State = orchestrator.SpanFailed
	ledger[10].State = orchestrator.SpanEmpty
	server := &limitlesstest.Server{Keys: map[string][]limitlesstest.Recording{key: {sound(0, 24*time.Hour)}}}
	recs, _, err := read(t, serve(t, server), ledger, 0)
	if err != nil || len(recs) != 1 || recs[0].Window != half(40) {
		t.Fatalf("asked again for the failed span only: %d recordings, error %v", len(recs), err)
	}
	if recs, _, _ = read(t, serve(t, server), ledger, 7); len(recs) != 2 {
		t.Errorf("a young empty span is asked for again: %d recordings, want 2", len(recs))
	}
	if recs, _, _ = read(t, serve(t, server), ledger[:47], 0); len(recs) != 2 || recs[0].Window != half(40) {
		t.Errorf("failed spans come first: %d recordings", len(recs))
	}
}

func TestABadKeyEndsTheUserAfterOneCall(t *testing.T) {
	t.Parallel()
	server := &limitlesstest.Server{}
	recs, missing, err := read(t, serve(t, server), nil, 7)
	if !errors.Is(err, limitless.ErrBadKey) || len(recs)+len(missing) != 0 || len(server.Calls()) != 1 {
		t.Fatalf("%d recordings, %d missing, %d calls, error %v", len(recs), len(missing), len(server.Calls()), err)
	}
}

func TestHalfOfAllCallsMayFail(t *testing.T) {
	t.Parallel()
	server := &limitlesstest.Server{Keys: map[string][]limitlesstest.Recording{key: {sound(0, 24*time.Hour)}}, CallsPerMinute: 1 << 20}
	faults := []limitlesstest.Fault{limitlesstest.Status(500), limitlesstest.Truncate, limitlesstest.Reset, limitlesstest.HTML, limitlesstest.RetryInBody(`"0"`)}
	server.Fault = func(call limitlesstest.Call) limitlesstest.Fault {
		if call.N%2 == 0 {
			return faults[call.N/2%len(faults)]
		}
		return nil
	}
	recs, missing, err := read(t, serve(t, server), nil, 7)
	if err != nil || len(recs) != 48 || len(missing) != 0 {
		t.Fatalf("%d recordings, %d missing, error %v", len(recs), len(missing), err)
	}
}

func TestAnInterruptedDownloadLeavesNoFile(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	server := &limitlesstest.Server{Keys: map[string][]limitlesstest.Recording{key: {sound(0, time.Hour)}}}
	server.Fault = func(limitlesstest.Call) limitlesstest.Fault {
		return func(w http.ResponseWriter, r *http.Request, answer func(http.ResponseWriter)) {
			cancel()
			limitlesstest.Stall(w, r, answer)
		}
	}
	path := filepath.Join(t.TempDir(), "chunk.ogg")
	if _, err := serve(t, server).Download(ctx, hour(0), path); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("a file was left")
	}
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"", "api.limitless.ai", "ftp://api.limitless.ai", "https://"} {
		if _, err := limitless.NewClient(limitless.Config{URL: url, Key: key}); err == nil || strings.Contains(fmt.Sprint(err), key) {
			t.Errorf("%q: %v", url, err)
		}
	}
	if _, err := limitless.NewClient(limitless.Config{URL: "https://api.limitless.ai", Key: " \n"}); !errors.Is(err, limitless.ErrBadKey) {
		t.Errorf("empty key: %v", err)
	}
	for _, chunk := range []time.Duration{0, -time.Minute, 3 * time.Hour} {
		if _, err := limitless.New(limitless.Options{Dir: t.TempDir(), Chunk: chunk}); err == nil {
			t.Errorf("chunk of %s was accepted", chunk)
		}
	}
}
