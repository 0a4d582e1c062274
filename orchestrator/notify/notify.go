// Package notify tells people and machines how the nights went: alerts by shoutrrr addresses,
// healthchecks-style pings, and a metrics file for node_exporter. Nothing here can fail a run.
package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/nicholas-fedor/shoutrrr"

	"github.com/chortle-audio/chortle/orchestrator"
)

// tailBytes is how much of the log goes with a failure: healthchecks keeps 100 kB, a phone shows less.
const tailBytes = 10 << 10

// Notifier sends alerts and pings. Its zero value sends nothing. Safe for concurrent use.
type Notifier struct {
	// Addresses in shoutrrr's form, such as ntfy://ntfy.sh/topic. They hold secrets.
	Addresses []string
	// PingURL is the address of a check at a healthchecks-style service; /start and /fail are put
	// behind it.
	PingURL string
	// Timeout of one ping or one message; 0 means 10 s.
	Timeout time.Duration
	// HTTP sends the pings; nil means a client of its own.
	HTTP *http.Client
}

// Check returns an error that names the first address that cannot be used, without its secrets.
func (n *Notifier) Check() error {
	for i, address := range n.Addresses {
		if _, err := shoutrrr.CreateSender(address); err != nil {
			scheme, _, _ := strings.Cut(address, ":")
			return fmt.Errorf("check notification address %d (%s:…): it is no shoutrrr address", i+1, scheme)
		}
	}
	if n.PingURL == "" {
		return nil
	}
	if parsed, err := url.Parse(n.PingURL); err != nil || parsed.Host == "" || !strings.HasPrefix(parsed.Scheme, "http") {
		return errors.New("check ping address: it is not an address; use one such as https://hc-ping.com/UUID")
	}
	return nil
}

// Send delivers lines, all in one message; none are not sent. Its errors hold no address.
func (n *Notifier) Send(ctx context.Context, lines []string) error {
	if len(lines) == 0 {
		return nil
	}
	text := strings.Join(lines, "\n")
	var failures []error
	for i, address := range n.Addresses {
		if err := n.send(ctx, address, text); err != nil {
			scheme, _, _ := strings.Cut(address, ":")
			failures = append(failures, fmt.Errorf("send alert to address %d (%s:…): %w", i+1, scheme, err))
		}
	}
	return errors.Join(failures...)
}

// send delivers one text.
func (n *Notifier) send(ctx context.Context, address, text string) error {
	return n.Message(ctx, address, "Chortle", text)
}

// Message sends a title and a text to one address. shoutrrr knows no context: where that ends first, what was begun ends
// by its timeout, unwatched. orchestrator.ErrMayHaveArrived where the service did not answer in time. Errors hold no address.
func (n *Notifier) Message(ctx context.Context, address, title, text string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	sender, err := shoutrrr.CreateSender(address)
	if err != nil {
		return errors.New("it is no shoutrrr address")
	}
	sender.Timeout = n.timeout()
	answer := make(chan error, 1)
	go func() { answer <- errors.Join(sender.Send(title+"\n"+text, nil)...) }()
	select {
	case err = <-answer:
	case <-ctx.Done():
		err = context.DeadlineExceeded
	}
	switch {
	case err == nil:
		return nil
	case timedOut(err):
		return fmt.Errorf("%s: %w", Cause(err), orchestrator.ErrMayHaveArrived)
	}
	return errors.New(Cause(err))
}

func timedOut(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout() || errors.Is(err, context.DeadlineExceeded)
}

// Cause says why a message could not be sent in words of our own: the libraries of the services put addresses, with
// the secrets in them, into their errors in many forms.
func Cause(err error) string {
	var (
		dns         *net.DNSError
		certificate *tls.CertificateVerificationError
	)
	switch {
	case timedOut(err):
		return "the service did not answer in time"
	case errors.As(err, &dns):
		return "the name of the service could not be resolved"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, syscall.ECONNRESET):
		return "connection reset"
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return "network unreachable"
	case errors.As(err, &certificate):
		return "the certificate of the service is not valid"
	}
	return "the service did not accept the message; check its address and token"
}

// Start pings that a run begins.
func (n *Notifier) Start(ctx context.Context) error { return n.ping(ctx, "/start", nil) }

// End pings how a run ended: success for exit code 0, else failure with the end of the log.
func (n *Notifier) End(ctx context.Context, run orchestrator.Run, log []byte) error {
	if run.ExitCode == orchestrator.ExitOK {
		return n.ping(ctx, "", nil)
	}
	if len(log) > tailBytes {
		log = log[len(log)-tailBytes:]
	}
	return n.ping(ctx, "/fail", log)
}

func (n *Notifier) ping(ctx context.Context, suffix string, body []byte) error {
	if n.PingURL == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, n.timeout())
	defer cancel()
	address := strings.TrimSuffix(n.PingURL, "/") + suffix
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return errors.New("ping: invalid address")
	}
	client := n.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	response, err := client.Do(request)
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("ping%s: it did not answer within %v", suffix, n.timeout())
	}
	if err != nil {
		return fmt.Errorf("ping%s: %s", suffix, Cause(err)) // the address may hold the check's secret
	}
	defer response.Body.Close()
	if response.StatusCode >= 300 {
		return fmt.Errorf("ping%s: it answered %s", suffix, response.Status)
	}
	return nil
}

func (n *Notifier) timeout() time.Duration {
	if n.Timeout == 0 {
		return 10 * time.Second
	}
	return n.Timeout
}
