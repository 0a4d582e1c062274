// Package limitless reads a user's recordings from the Limitless API.
//
// The API's facts: GET /v1/download-audio?startMs=…&endMs=… with the header X-API-Key, two hours a
// call at most, 180 calls a minute a key; 200 is Ogg Opus, 404 means that there is no audio, 429
// carries the seconds to wait as a string, and 500, 502, 503 and 504 are common at night and pass.
package limitless

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/chortle-audio/chortle/orchestrator"
)

// What a call can come to, beside an error that a later call may not meet.
var (
	// ErrNoAudio is the API's 404: there is no audio in this window.
	ErrNoAudio = errors.New("no audio in this window")
	// ErrBadKey is a key that the API refuses: no further call will do better.
	ErrBadKey = orchestrator.WithCode(errors.New("the API refused the key"), orchestrator.CodeAPIKeyRefused)
	// ErrGone is an answer of a service that is no more: 410, or 404 with a page for people.
	ErrGone = orchestrator.WithCode(errors.New("the API has ended"), orchestrator.CodeAPIEnded)
)

var (
	// errKeep is an error of our own disk: it is not the API's, and the next window would meet it, too.
	errKeep = errors.New("keep download")
	// errRefused is an answer that asking again will not change, and that says nothing of other windows.
	errRefused = errors.New("the API refused the request")
)

// isFinal says whether an error would meet every further call of a run, too.
func isFinal(err error) bool {
	held := (*HeldError)(nil)
	return errors.Is(err, ErrBadKey) || errors.Is(err, ErrGone) || errors.Is(err, errKeep) || errors.As(err, &held)
}

// isPage tells a page for people.
func isPage(header http.Header) bool {
	kind, _, _ := strings.Cut(header.Get("Content-Type"), ";")
	return strings.EqualFold(strings.TrimSpace(kind), "text/html")
}

// Config of a Client. Zero values mean the defaults.
type Config struct {
	// URL of the API, such as https://api.limitless.ai. Required.
	URL string
	// Key is the user's API key. Required.
	Key string
	// Attempts at one call, the first included; default 6.
	Attempts int
	// FirstWait before the second attempt, doubled for each further one up to MaxWait, with jitter;
	// defaults 1 s and 1 min: together half a minute. A 429 says itself how long to wait; beyond an hour
	// that is a *HeldError.
	FirstWait, MaxWait time.Duration
	// Stall is how long an answer may go without a byte; default 30 s.
	Stall time.Duration
	// Limiter of the key, for all who call with it; nil means one of the client's own, for 180 calls a minute.
	Limiter *Limiter
	// Retrying is told of each call that is made again; nil means nobody listens.
	Retrying func(Retry)
	// HTTP is the client to call with; nil means one of its own that follows no redirect, for the key
	// would go with it.
	HTTP *http.Client
}

// Retry is a call that failed and is made again.
type Retry struct {
	// Span that was asked for; zero for other calls.
	Span orchestrator.Span
	// Attempt that failed, from 1 on.
	Attempt int
	// Err is why; it names the status that was answered.
	Err error
	// Wait until the next attempt.
	Wait time.Duration
}

// Client calls the API for one key. Safe for concurrent use.
type Client struct {
	config Config
	http   *http.Client

	mu    sync.Mutex
	calls orchestrator.Calls
}

// NewClient checks the configuration.
func NewClient(config Config) (*Client, error) {
	base, err := url.Parse(config.URL)
	if err != nil || base.Host == "" || (base.Scheme != "https" && base.Scheme != "http") {
		return nil, fmt.Errorf("check address of the Limitless API %q: want https://HOST", config.URL)
	}
	if strings.TrimSpace(config.Key) == "" {
		return nil, fmt.Errorf("check API key: there is none; %w", ErrBadKey)
	}
	if config.Attempts == 0 {
		config.Attempts = 6
	}
	if config.FirstWait == 0 {
		config.FirstWait = time.Second
	}
	if config.MaxWait == 0 {
		config.MaxWait = time.Minute
	}
	if config.Stall == 0 {
		config.Stall = 30 * time.Second
	}
	if config.Limiter == nil {
		config.Limiter = NewLimiter(callsPerMinute)
	}
	client := config.HTTP
	if client == nil {
		transport := http.DefaultTransport.(*http.Transport).Clone() // so that closing it is nobody else's concern
		transport.DisableCompression = true                          // a compressed answer would come without its length
		client = &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	return &Client{config: config, http: client}, nil
}

// Close drops idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Calls counts what was asked of the API since the client was made.
func (c *Client) Calls() orchestrator.Calls {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls.Clone()
}

// CheckKey asks the API whether it accepts the key: nil, ErrBadKey, or an error that says nothing
// about the key.
func (c *Client) CheckKey(ctx context.Context) error {
	return c.try(ctx, orchestrator.Span{}, "/v1/lifelogs?limit=1&includeContents=false&includeMarkdown=false", func(response *http.Response, body io.Reader) error {
		_, err := io.Copy(io.Discard, io.LimitReader(body, 1<<20))
		return err
	})
}

// Download writes the audio of a window to the file at path, which it makes, and returns the
// SHA-256 of the content. What passes is tried again; on error no file is left.
//
// Errors: ErrNoAudio, ErrBadKey, *HeldError, or what the last attempt met.
func (c *Client) Download(ctx context.Context, span orchestrator.Span, path string) (string, error) {
	var sum string
	query := fmt.Sprintf("/v1/download-audio?startMs=%d&endMs=%d", span.Start.UnixMilli(), span.End.UnixMilli())
	err := c.try(ctx, span, query, func(response *http.Response, body io.Reader) (err error) {
		file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
		if err != nil {
			return backoff.Permanent(fmt.Errorf("%w: %w; let this user write there", errKeep, err))
		}
		hash := sha256.New()
		most := mostBytes(span)
		limited := &io.LimitedReader{R: body, N: most}
		if err = copyOgg(file, hash, limited); err == nil && limited.N == 0 {
			err = fmt.Errorf("read answer: it is longer than %d MB, which %s of sound cannot be", most/1e6, span.Duration())
		}
		if closeErr := file.Close(); err == nil && closeErr != nil {
			err = notKept(closeErr)
		}
		sum = hex.EncodeToString(hash.Sum(nil))
		return err
	})
	if err != nil {
		return "", errors.Join(err, removeIfThere(path))
	}
	return sum, nil
}

// mostBytes is what an answer cannot reach: sound in the highest bit rate of Opus, with a tenth for Ogg's
// framing, and what a header may hold.
func mostBytes(span orchestrator.Span) int64 {
	const bytesPerSecond, header = 510_000 / 8, 1 << 20
	return int64(span.Duration().Seconds()*bytesPerSecond*1.1) + header
}

// longestCall is how long an attempt may take: what comes no faster than five times as fast as it was recorded
// would not be there by the morning.
func longestCall(span orchestrator.Span) time.Duration { return time.Minute + span.Duration()/5 }

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// copyOgg copies an answer that must be Ogg. An error of the disk is not the API's and is not tried again.
func copyOgg(file *os.File, hash hash.Hash, body io.Reader) error {
	head := make([]byte, 4)
	n, err := io.ReadFull(body, head)
	if n == 0 && errors.Is(err, io.EOF) {
		return fmt.Errorf("read answer: it is empty")
	}
	if !bytes.Equal(head[:n], []byte("OggS")) {
		return fmt.Errorf("read answer: it is not Ogg audio")
	}
	body = io.MultiReader(bytes.NewReader(head), body)
	buffer := make([]byte, 64<<10)
	for {
		n, err := body.Read(buffer)
		if n > 0 {
			hash.Write(buffer[:n])
			if _, writeErr := file.Write(buffer[:n]); writeErr != nil {
				return notKept(writeErr)
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read answer: %w", err)
		}
	}
}

// notKept is the end of a download that the disk does not take.
func notKept(err error) error {
	return backoff.Permanent(orchestrator.WithCode(fmt.Errorf("%w: %w", errKeep, err), orchestrator.CodeDownloads))
}

// try calls until an attempt succeeds, cannot succeed, or was the last.
func (c *Client) try(ctx context.Context, span orchestrator.Span, pathAndQuery string, use func(*http.Response, io.Reader) error) error {
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval, wait.Multiplier = c.config.FirstWait, c.config.MaxWait, 2
	patience := longestWait
	attempt := 0
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		if attempt++; attempt > 1 {
			c.count(func(calls *orchestrator.Calls) { calls.Retries++ })
		}
		return struct{}{}, c.once(ctx, pathAndQuery, &patience, longestCall(span), use)
	}, backoff.WithBackOff(wait), backoff.WithMaxTries(uint(c.config.Attempts)), backoff.WithMaxElapsedTime(0),
		backoff.WithNotify(func(err error, wait time.Duration) {
			if c.config.Retrying != nil {
				c.config.Retrying(Retry{span, attempt, err, wait})
			}
		}))
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func (c *Client) count(f func(*orchestrator.Calls)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(&c.calls)
}

// once is one attempt, which takes no longer than longest. What the API asks it to wait is taken off patience.
func (c *Client) once(ctx context.Context, pathAndQuery string, patience *time.Duration, longest time.Duration, use func(*http.Response, io.Reader) error) error {
	if err := c.config.Limiter.wait(ctx, *patience); err != nil {
		return backoff.Permanent(err)
	}
	stalled := fmt.Errorf("call API: no byte for %s", c.config.Stall)
	slow := fmt.Errorf("call API: the answer is not there after %s", longest)
	ctx, cancelSlow := context.WithTimeoutCause(ctx, longest, slow)
	defer cancelSlow()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(c.config.Stall, func() { cancel(stalled) })
	defer watch.Stop()
	late := func(err error) error {
		if cause := context.Cause(ctx); cause == stalled || cause == slow {
			return cause
		}
		return err
	}

	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(c.config.URL, "/")+pathAndQuery, nil)
	if err != nil {
		return backoff.Permanent(fmt.Errorf("call API: %w", plain(err)))
	}
	request.Header.Set("X-API-Key", strings.TrimSpace(c.config.Key))
	request.Header.Set("Accept", "audio/ogg, application/json")
	response, err := c.http.Do(request)
	if err != nil {
		c.count(func(calls *orchestrator.Calls) { calls.Add(0) })
		return late(fmt.Errorf("call API: %w", plain(err)))
	}
	defer response.Body.Close()
	c.count(func(calls *orchestrator.Calls) { calls.Add(response.StatusCode) })
	if response.StatusCode != http.StatusOK {
		return c.refusal(response, patience)
	}
	body := &countingReader{body: response.Body, read: func(n int) {
		watch.Reset(c.config.Stall)
		c.count(func(calls *orchestrator.Calls) { calls.Bytes += int64(n) })
	}}
	if err := use(response, body); err != nil {
		c.count(func(calls *orchestrator.Calls) { calls.Failed++ })
		return late(err)
	}
	return nil
}

// plain takes the address, and with it the query, out of net/http's errors.
func plain(err error) error {
	if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

// refusal turns an answer that is not 200 into an error: one that passes, or a permanent one.
func (c *Client) refusal(response *http.Response, patience *time.Duration) error {
	body, _ := io.ReadAll(io.LimitReader(response.Body, 4<<10))
	err := fmt.Errorf("call API: it answered %s", response.Status)
	switch code := response.StatusCode; {
	case code == http.StatusGone, code == http.StatusNotFound && isPage(response.Header):
		return backoff.Permanent(fmt.Errorf("%w: %w", err, ErrGone))
	case code == http.StatusNotFound:
		return backoff.Permanent(ErrNoAudio)
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return backoff.Permanent(fmt.Errorf("%w: %w", err, ErrBadKey))
	case code == http.StatusTooManyRequests:
		wait, told := retryAfter(response.Header, body)
		if !told {
			return err
		}
		held := c.config.Limiter.hold(wait)
		if *patience -= wait; *patience < 0 {
			return backoff.Permanent(fmt.Errorf("%w: %w", err, &HeldError{held}))
		}
		return fmt.Errorf("%w: %w", err, &backoff.RetryAfterError{Duration: wait})
	case code >= 500:
		return err
	}
	return backoff.Permanent(fmt.Errorf("%w: %w", err, errRefused))
}

// countingReader tells of every read that brought bytes.
type countingReader struct {
	body io.Reader
	read func(n int)
}

func (r *countingReader) Read(p []byte) (int, error) {
	n, err := r.body.Read(p)
	if n > 0 {
		r.read(n)
	}
	return n, err
}
