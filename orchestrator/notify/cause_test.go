package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"syscall"
	"testing"
)

// TestCauseHoldsNothingOfTheAddress: the libraries of services rebuild an address from its parts, so that no list of
// its pieces finds them all in an error.
func TestCauseHoldsNothingOfTheAddress(t *testing.T) {
	t.Parallel()
	const secret = "T0KEN/B0T/Sup3rS3cret"
	for _, c := range []struct {
		err  error
		want string
	}{
		{&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, "connection refused"},
		{&net.OpError{Op: "read", Err: syscall.ECONNRESET}, "connection reset"},
		{&net.OpError{Op: "dial", Err: syscall.ENETUNREACH}, "network unreachable"},
		{&net.DNSError{Name: secret, Err: "no such host"}, "could not be resolved"},
		{&net.DNSError{Name: secret, Err: "timeout", IsTimeout: true}, "in time"},
		{context.DeadlineExceeded, "in time"},
		{&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}, "certificate"},
		{errors.New("bad token " + secret), "did not accept"},
	} {
		wrapped := fmt.Errorf("send to %s: %w", secret, &url.Error{Op: "Post", URL: "https://hooks.example.org/" + secret, Err: c.err})
		for _, err := range []error{wrapped, errors.Join(wrapped, errors.New(secret))} {
			if got := Cause(err); !strings.Contains(got, c.want) || strings.Contains(got, secret) || strings.Contains(got, "example") {
				t.Errorf("%v: got %q, want %q in it", c.err, got, c.want)
			}
		}
	}
}
