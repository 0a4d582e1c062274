package limitless_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/source/limitless"
	"github.com/chortle-audio/chortle/orchestrator/source/limitless/limitlesstest"
)

// pipes is a network that lies within the process, and so within a bubble of testing/synctest.
type pipes struct {
	accepted chan net.Conn
	closed   chan struct{}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.accepted:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p pipes) Close() error {
	close(p.closed)
	return nil
}

func (p pipes) Addr() net.Addr { return &net.IPAddr{} }

// bubble runs a test against a server where no time passes but that which all wait for. Clients have the defaults.
func bubble(t *testing.T, server *limitlesstest.Server, test func(t *testing.T, config limitless.Config)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		network := pipes{make(chan net.Conn), make(chan struct{})}
		web := &http.Server{Handler: server}
		ended := make(chan error)
		go func() { ended <- web.Serve(network) }()
		transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
			here, there := net.Pipe()
			select {
			case network.accepted <- there:
				return here, nil
			case <-network.closed:
				return nil, net.ErrClosed
			}
		}}
		t.Cleanup(func() {
			transport.CloseIdleConnections()
			web.Close()
			<-ended
		})
		test(t, limitless.Config{URL: "http://api.test", Key: key, HTTP: &http.Client{Transport: transport}})
	})
}

// recorder is a fault that notes when it struck.
func recorder(fault limitlesstest.Fault) (limitlesstest.Fault, func() []time.Time) {
	var mu sync.Mutex
	var times []time.Time
	return func(w http.ResponseWriter, r *http.Request, answer func(http.ResponseWriter)) {
			mu.Lock()
			times = append(times, time.Now())
			mu.Unlock()
			fault(w, r, answer)
		}, func() []time.Time {
			mu.Lock()
			defer mu.Unlock()
			return times
		}
}

func newClient(t *testing.T, config limitless.Config) *limitless.Client {
	t.Helper()
	client, err := limitless.NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// Old system, defect 13: a revoked key cost four requests a chunk, and retryAfter was ignored. Here no call of
// the key is made before the API allows it, whichever window it is for and whoever makes it.
func TestDefect13RetryAfterHoldsAllCallsOfTheKey(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault limitlesstest.Fault
		wait  time.Duration
	}{
		"a string":                              {limitlesstest.RetryInBody(`"3"`), 3 * time.Second},
		"a number":                              {limitlesstest.RetryInBody(`2.5`), 2500 * time.Millisecond},
		"seconds in the header":                 {limitlesstest.RetryInHeader("7"), 7 * time.Second},
		"a moment in the header":                {limitlesstest.RetryAt(40*time.Second, 0), 40 * time.Second},
		"a moment by a clock that is fast":      {limitlesstest.RetryAt(40*time.Second, time.Hour), 40 * time.Second},
		"a moment by a clock that is days slow": {limitlesstest.RetryAt(40*time.Second, -100*time.Hour), 40 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fault, struck := recorder(test.fault)
			server := &limitlesstest.Server{CallsPerMinute: 1 << 20, Keys: map[string][]limitlesstest.Recording{key: {sound(0, 24*time.Hour)}},
				Fault: func(limitlesstest.Call) limitlesstest.Fault { return fault }}
			dir := t.TempDir()
			bubble(t, server, func(t *testing.T, config limitless.Config) {
				config.Attempts, config.Limiter = 3, limitless.NewLimiter(180)
				first, other := newClient(t, config), newClient(t, config)
				for n, client := range []*limitless.Client{first, first, other} {
					if _, err := client.Download(t.Context(), hour(n), filepath.Join(dir, "chunk.ogg")); err == nil || !strings.Contains(err.Error(), "429") {
						t.Fatalf("window %d: %v", n, err)
					}
				}
				times := struck()
				if len(times) != 9 {
					t.Fatalf("%d calls, want 9", len(times))
				}
				for i, at := range times[1:] {
					if gap := at.Sub(times[i]); gap != test.wait {
						t.Errorf("call %d came after %s, want %s", i+2, gap, test.wait)
					}
				}
			})
		})
	}
}

// A call that waits for its turn when another one is refused waits for that, too.
func TestRefusalHoldsCallsThatWaitAlready(t *testing.T) {
	t.Parallel()
	server := &limitlesstest.Server{Keys: map[string][]limitlesstest.Recording{key: nil}}
	fault, struck := recorder(limitlesstest.RetryInBody(`"90"`))
	server.Fault = func(call limitlesstest.Call) limitlesstest.Fault {
		if call.N <= 2 {
			return fault
		}
		return nil
	}
	bubble(t, server, func(t *testing.T, config limitless.Config) {
		config.Limiter = limitless.NewLimiter(1) // one call a minute
		var group sync.WaitGroup
		began := time.Now()
		for range 2 {
			group.Go(func() {
				if err := newClient(t, config).CheckKey(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		for i, at := range struck() { // the second one's turn was after a minute, unless it came too late for that
			if got := at.Sub(began); got != time.Duration(i)*90*time.Second {
				t.Errorf("call %d after %s", i+1, got)
			}
		}
		if n, took := len(server.Calls()), time.Since(began); n != 4 || took < 3*time.Minute || took > 210*time.Second {
			t.Errorf("%d calls in %s", n, took)
		}
	})
}

// The API may refuse a key for longer than a night has time: nobody waits for that, and what is missing stays a gap.
func TestALongRefusalEndsTheUsersDay(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]limitlesstest.Fault{
		"string": limitlesstest.RetryInBody(`"7200"`), "huge": limitlesstest.RetryInBody(`1e300`), "moment": limitlesstest.RetryAt(2*time.Hour, -time.Hour),
		"in parts": limitlesstest.RetryInBody(`"1500"`), // three times within one call
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refused := false
			server := &limitlesstest.Server{Keys: map[string][]limitlesstest.Recording{key: {sound(9*time.Hour, 3*time.Hour)}}}
			server.Fault = func(call limitlesstest.Call) limitlesstest.Fault {
				if refused = refused || call.Span.Start.Hour() == 10; refused {
					return fault
				}
				return nil
			}
			bubble(t, server, func(t *testing.T, config limitless.Config) {
				config.Limiter = limitless.NewLimiter(1 << 30)
				began := time.Now()
				recs, missing, err := read(t, newClient(t, config), nil, 7)
				held, stopped := (*limitless.HeldError)(nil), (*orchestrator.StoppedError)(nil)
				if !errors.As(err, &held) || !errors.As(err, &stopped) {
					t.Fatalf("error %v", err)
				}
				if len(recs) != 2 || len(missing) != 18 || len(stopped.Left) != 1 || stopped.Left[0] != (orchestrator.Span{Start: day.Add(10 * time.Hour), End: day.Add(24 * time.Hour)}) {
					t.Errorf("%d recordings, %d missing, left %v", len(recs), len(missing), stopped.Left)
				}
				if took := time.Since(began); took > time.Hour {
					t.Errorf("it took %s", took)
				}
				if want := held.Until.UTC().Format(time.RFC3339); !strings.Contains(err.Error(), "refuses all calls with this key until "+want) {
					t.Errorf("error %v does not tell of %s", err, want)
				}
				if calls := len(server.Calls()); name != "in parts" && calls != 21 {
					t.Errorf("%d calls, want 21", calls)
				}
				if name == "string" && !held.Until.Truncate(time.Second).Equal(began.Add(2*time.Hour)) {
					t.Errorf("until %s, want two hours from %s", held.Until, began)
				}
			})
		})
	}
}

// A refusal at the end of a call that took long is no long refusal.
func TestAShortRefusalOfALongCall(t *testing.T) {
	t.Parallel()
	server := &limitlesstest.Server{Keys: map[string][]limitlesstest.Recording{key: {sound(0, 24*time.Hour)}}}
	server.Fault = func(call limitlesstest.Call) limitlesstest.Fault {
		switch {
		case call.Attempt <= 3:
			return limitlesstest.Slow(time.Second)
		case call.Attempt == 4:
			return limitlesstest.RetryInBody(`3600`)
		}
		return nil
	}
	dir := t.TempDir()
	bubble(t, server, func(t *testing.T, config limitless.Config) {
		began := time.Now()
		span := orchestrator.Span{Start: day, End: day.Add(2 * time.Hour)}
		if _, err := newClient(t, config).Download(t.Context(), span, filepath.Join(dir, "chunk.ogg")); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took < 2*time.Hour || len(server.Calls()) != 5 {
			t.Errorf("%d calls in %s", len(server.Calls()), took)
		}
	})
}

// The API's limit is 180 calls in any minute, also in the first.
func TestLimiterKeepsTheLimit(t *testing.T) {
	t.Parallel()
	server := &limitlesstest.Server{Keys: map[string][]limitlesstest.Recording{key: nil}}
	bubble(t, server, func(t *testing.T, config limitless.Config) {
		client, passed := newClient(t, config), 0
		for began := time.Now(); time.Since(began) < time.Minute; passed++ {
			if err := client.CheckKey(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if passed < 170 || passed > 181 { // the last one waited for the next minute
			t.Errorf("%d calls pass in the first minute", passed)
		}
	})
}

// Half a minute lies between the first attempt and the last, more or less.
func TestWaitsAreDoubled(t *testing.T) {
	t.Parallel()
	fault, struck := recorder(limitlesstest.Status(503))
	server := &limitlesstest.Server{Keys: map[string][]limitlesstest.Recording{key: nil}, Fault: func(limitlesstest.Call) limitlesstest.Fault { return fault }}
	bubble(t, server, func(t *testing.T, config limitless.Config) {
		if err := newClient(t, config).CheckKey(t.Context()); err == nil {
			t.Error("no error")
		}
		times := struck()
		for i, at := range times[1:] {
			wait := time.Second << i
			if gap := at.Sub(times[i]); gap < wait/2 || gap > wait*3/2+1 {
				t.Errorf("attempt %d came after %s, want about %s", i+2, gap, wait)
			}
		}
	})
}

// Old system, 3.2 Limits: nothing bounded how long a download took. A body that comes byte by byte never stalls,
// and is given up all the same.
func TestDefectASlowBodyIsGivenUp(t *testing.T) {
	t.Parallel()
	server := &limitlesstest.Server{Keys: map[string][]limitlesstest.Recording{key: {sound(0, 24*time.Hour)}}, CallsPerMinute: 1 << 20}
	slow := true
	server.Fault = func(call limitlesstest.Call) limitlesstest.Fault {
		if slow && call.Attempt <= 6 && call.Span.Start.Hour() == 3 {
			return limitlesstest.Slow(time.Second)
		}
		return nil
	}
	dir := t.TempDir()
	bubble(t, server, func(t *testing.T, config limitless.Config) {
		config.Stall = 2 * time.Second
		client, path, began := newClient(t, config), filepath.Join(dir, "chunk.ogg"), time.Now()
		if _, err := client.Download(t.Context(), hour(3), path); err == nil || !strings.Contains(err.Error(), "not there after 13m0s") {
			t.Errorf("error %v", err)
		}
		if took := time.Since(began); took < 6*13*time.Minute || took > 6*14*time.Minute {
			t.Errorf("it was given up after %s", took)
		}
		if _, err := os.Stat(path); err == nil {
			t.Error("a file was left")
		}
		if _, err := client.Download(t.Context(), hour(4), path); err != nil {
			t.Errorf("the next window: %v", err)
		}
		if _, err := client.Download(t.Context(), hour(3), path); err != nil {
			t.Errorf("the next night: %v", err)
		}
	})
}
