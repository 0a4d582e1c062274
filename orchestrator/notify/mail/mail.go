// Package mail sends letters by SMTP.
package mail

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"strconv"
	"time"

	gomail "github.com/wneessen/go-mail"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/notify"
)

// Server is an SMTP server that takes letters.
type Server struct {
	// Host and Port of the server; User and Password may be empty.
	Host           string
	Port           int
	User, Password string
	// TLS from the first byte; else STARTTLS, which the server must offer, unless Plain is set.
	TLS, Plain bool
	// From is the sender: an address, with or without a name.
	From string
	// Roots are the authorities whose certificates are trusted; nil: those of the system.
	Roots *x509.CertPool
}

// ParseServer reads smtp://USER:PASSWORD@HOST:PORT (STARTTLS, port 587) or smtps://… (TLS from the first byte, port
// 465). A server on this machine, and one with ?tls=none, is spoken to in the clear. Errors hold nothing of the text.
func ParseServer(text, from string) (s Server, err error) {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.Scheme != "smtp" && u.Scheme != "smtps" || u.Path != "" && u.Path != "/" {
		return s, errors.New("read mail server: want smtp://USER:PASSWORD@HOST:PORT or smtps://…; a character of the password may have to be written as %XX")
	}
	if _, err := mail.ParseAddress(from); err != nil {
		return s, errors.New("read sender of mail: want an address such as chortle@example.org")
	}
	s = Server{Host: u.Hostname(), TLS: u.Scheme == "smtps", From: from, User: u.User.Username()}
	s.Password, _ = u.User.Password()
	if s.Port, err = strconv.Atoi(u.Port()); err != nil {
		s.Port = map[bool]int{true: 465, false: 587}[s.TLS]
	}
	s.Plain = !s.TLS && (local(s.Host) || u.Query().Get("tls") == "none")
	return s, nil
}

// local reports whether a host is this machine.
func local(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// ParseAddress reads the address of a person, as "mailto:NAME@HOST" or without its scheme, and returns it alone.
func ParseAddress(text string) (string, error) {
	address, err := mail.ParseAddress(text)
	if err != nil {
		return "", fmt.Errorf("read address %q: want one such as alice@example.org", text)
	}
	return address.Address, nil
}

// Send delivers a letter to one address within the context's time. orchestrator.ErrUnreachable where the server did not
// answer, orchestrator.ErrMayHaveArrived where it had the whole letter and did not say that it took it. Errors hold no
// secret.
func (s Server) Send(ctx context.Context, address string, l orchestrator.Letter) error {
	message, err := s.message(address, l)
	if err != nil {
		return fmt.Errorf("write mail: %w", err)
	}
	client, err := s.client(ctx)
	if err != nil {
		return fmt.Errorf("send mail: %w", err)
	}
	err = client.DialAndSendWithContext(ctx, message)
	if message.IsDelivered() {
		return nil // what follows is politeness
	}
	return explain(ctx, err)
}

func (s Server) client(ctx context.Context) (*gomail.Client, error) {
	timeout := 30 * time.Second
	if deadline, ok := ctx.Deadline(); ok {
		timeout = max(time.Millisecond, time.Until(deadline))
	}
	config := &tls.Config{ServerName: s.Host, MinVersion: tls.VersionTLS12, RootCAs: s.Roots}
	policy := gomail.TLSMandatory
	if s.Plain || s.TLS {
		policy = gomail.NoTLS
	}
	options := []gomail.Option{gomail.WithPort(s.Port), gomail.WithTimeout(timeout), gomail.WithTLSConfig(config), gomail.WithTLSPolicy(policy),
		gomail.WithHELO("localhost"), gomail.WithoutNoop(), gomail.WithDialContextFunc(s.dial(ctx, config))}
	if s.User != "" {
		options = append(options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(s.User), gomail.WithPassword(s.Password))
		if s.Plain || s.TLS { // the library does not see the encryption that dial makes, and refuses a bare password without one
			options = append(options, gomail.WithSMTPAuth(gomail.SMTPAuthPlainNoEnc))
		}
	}
	return gomail.NewClient(s.Host, options...)
}

// dial connects, with TLS where that comes first. The end of the context closes the connection, whatever it waits for.
func (s Server) dial(parent context.Context, config *tls.Config) gomail.DialContextFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err != nil {
			return nil, &dialError{err}
		}
		context.AfterFunc(parent, func() { conn.Close() })
		if !s.TLS {
			return conn, nil
		}
		encrypted := tls.Client(conn, config)
		if err := encrypted.HandshakeContext(ctx); err != nil {
			conn.Close()
			return nil, &dialError{err}
		}
		return encrypted, nil
	}
}

// dialError says that no connection came about.
type dialError struct{ error }

func (e *dialError) Unwrap() error { return e.error }

// message is the letter in MIME: plain text and HTML to choose from, and the sounds behind.
func (s Server) message(address string, l orchestrator.Letter) (*gomail.Msg, error) {
	m := gomail.NewMsg()
	if err := m.From(s.From); err != nil {
		return nil, errors.New("the sender is no address")
	}
	if err := m.To(address); err != nil {
		return nil, errors.New("it is no address")
	}
	m.Subject(l.Subject)
	m.SetDate()
	m.SetMessageIDWithValue(l.ID)
	m.SetGenHeader("Auto-Submitted", "auto-generated")
	if l.Unsubscribe != "" {
		if m.SetListUnsubscribeOneClick(l.Unsubscribe) != nil { // not of https: there is no button for it, but a link
			m.SetListUnsubscribe(l.Unsubscribe)
		}
	}
	m.SetBodyString(gomail.TypeTextPlain, l.Text)
	m.AddAlternativeString(gomail.TypeTextHTML, l.HTML)
	for _, a := range l.Attachments {
		if err := m.AttachReader(a.Name, bytes.NewReader(a.Data), gomail.WithFileContentType(gomail.ContentType(a.MediaType))); err != nil {
			return nil, fmt.Errorf("attach %s: %w", a.Name, err)
		}
	}
	return m, nil
}

// explain says in words of our own why a letter was not delivered, and what of it a caller branches on.
func explain(ctx context.Context, err error) error {
	var refused *gomail.SendError
	sent := errors.As(err, &refused)
	timedOut := ctx.Err() != nil || isTimeout(err)
	switch {
	case sent && (refused.Reason == gomail.ErrSMTPDataClose) && refused.ErrorCode() == 0:
		return fmt.Errorf("send mail: the server did not say whether it took the letter: %w", orchestrator.ErrMayHaveArrived)
	case timedOut:
		return fmt.Errorf("send mail: the server did not answer in time: %w", orchestrator.ErrUnreachable)
	case sent && refused.Reason == gomail.ErrSMTPRcptTo:
		return fmt.Errorf("send mail: the server does not accept the address of the recipient (%d)", refused.ErrorCode())
	case sent && refused.Reason == gomail.ErrSMTPMailFrom:
		return fmt.Errorf("send mail: the server does not accept the sender (%d); check the sender's address", refused.ErrorCode())
	case sent:
		return fmt.Errorf("send mail: the server refused the letter (%d)", refused.ErrorCode())
	}
	if unreachable := new(dialError); errors.As(err, &unreachable) {
		return fmt.Errorf("send mail: %s: %w", notify.Cause(err), orchestrator.ErrUnreachable)
	}
	if certificate := new(tls.CertificateVerificationError); errors.As(err, &certificate) {
		return errors.New("send mail: the certificate of the server is not valid")
	}
	return errors.New("send mail: the server refused to talk to us; check its address, name, password and kind of encryption")
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}
