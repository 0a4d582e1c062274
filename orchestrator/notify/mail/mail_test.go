package mail_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/http/httptest"
	netmail "net/mail"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/notify/mail"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server is a small SMTP server on loopback. bend answers a command in its own way: a text that begins with a code, "hang"
// for no answer at all, "drop" to close; "" leaves the answer to the server.
type server struct {
	listener    net.Listener
	config      *tls.Config
	certificate *x509.Certificate
	direct      bool // TLS from the first byte
	starttls    bool
	bend        func(command string) string

	mutex    sync.Mutex
	commands []string
	letters  []string
	done     sync.WaitGroup
	end      chan struct{}
}

func serve(t *testing.T, s *server) *server {
	t.Helper()
	web := httptest.NewUnstartedServer(nil) // for its certificate
	web.StartTLS()
	t.Cleanup(web.Close)
	s.config = web.TLS.Clone()
	s.config.NextProtos = nil
	s.certificate = web.Certificate()
	var err error
	if s.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	s.end = make(chan struct{})
	s.done.Go(func() {
		for {
			conn, err := s.listener.Accept()
			if err != nil {
				return
			}
			s.done.Go(func() { s.talk(conn) })
		}
	})
	t.Cleanup(func() {
		close(s.end)
		s.listener.Close()
		s.done.Wait()
	})
	return s
}

func (s *server) talk(conn net.Conn) {
	defer func() { conn.Close() }()
	if s.direct {
		conn = tls.Server(conn, s.config)
	}
	reader := bufio.NewReader(conn)
	answer := func(command, usual string) bool {
		text := s.bend(command)
		switch text {
		case "":
			text = usual
		case "hang":
			<-s.end
			return false
		case "drop":
			return false
		}
		_, err := fmt.Fprintf(conn, "%s\r\n", text)
		return err == nil
	}
	if !answer("greeting", "220 here") {
		return
	}
	for {
		line, err := reader.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimSpace(line)
		s.mutex.Lock()
		s.commands = append(s.commands, line)
		s.mutex.Unlock()
		command, _, _ := strings.Cut(line, " ")
		var ok bool
		switch strings.ToUpper(command) {
		case "EHLO":
			text := "250-here"
			if _, encrypted := conn.(*tls.Conn); s.starttls && !encrypted {
				text += "\r\n250-STARTTLS"
			}
			ok = answer("EHLO", text+"\r\n250 AUTH PLAIN LOGIN")
		case "STARTTLS":
			if ok = answer("STARTTLS", "220 go on"); ok {
				conn = tls.Server(conn, s.config)
				reader = bufio.NewReader(conn)
			}
		case "AUTH":
			ok = answer("AUTH", "235 welcome")
		case "DATA":
			if ok = answer("DATA", "354 go on"); !ok {
				return
			}
			var letter strings.Builder
			for {
				line, err := reader.ReadString('\n')
				if err != nil {
					return
				}
				if line == ".\r\n" {
					break
				}
				letter.WriteString(strings.TrimPrefix(line, "."))
			}
			s.mutex.Lock()
			s.letters = append(s.letters, letter.String())
			s.mutex.Unlock()
			ok = answer("end", "250 taken")
		case "QUIT":
			answer("QUIT", "221 bye")
			return
		default:
			ok = answer(strings.ToUpper(command), "250 well")
		}
		if !ok {
			return
		}
	}
}

func plain(string) string { return "" }

// of is our side of a server.
func of(s *server) mail.Server {
	roots := x509.NewCertPool()
	roots.AddCert(s.certificate)
	return mail.Server{Host: "127.0.0.1", Port: s.listener.Addr().(*net.TCPAddr).Port, From: "Chortle <chortle@example.org>", User: "chortle", Password: "S3cret",
		TLS: s.direct, Plain: !s.direct && !s.starttls, Roots: roots}
}

func letter() orchestrator.Letter {
	return orchestrator.Letter{Subject: "Zoë: 3 laughs, 15 to 21 November", Text: "Three laughs.\n.\nHaha ü\n", HTML: "<p>Three <b>laughs</b> ü</p>\n", ID: "digest.1@example.org",
		Unsubscribe: "https://example.org/unsubscribe/token",
		Attachments: []orchestrator.Attachment{{Name: "1 Lachen ü.mp3", MediaType: "audio/mpeg", Data: bytes.Repeat([]byte{0, 255, '\n', '.'}, 5000)}}}
}

// TestLetters: what arrives is a letter of MIME in which every part is what it was, by each kind of encryption.
func TestLetters(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]*server{"plain": {bend: plain}, "STARTTLS": {bend: plain, starttls: true}, "TLS": {bend: plain, direct: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			serve(t, s)
			if err := of(s).Send(t.Context(), "alice@example.org", letter()); err != nil {
				t.Fatal(err)
			}
			s.mutex.Lock()
			defer s.mutex.Unlock()
			if !slices.ContainsFunc(s.commands, func(c string) bool { return strings.HasPrefix(c, "RCPT TO:<alice@example.org>") }) ||
				!slices.ContainsFunc(s.commands, func(c string) bool { return strings.HasPrefix(c, "AUTH ") }) || len(s.letters) != 1 {
				t.Fatalf("%d letters after %q", len(s.letters), s.commands)
			}
			checkLetter(t, s.letters[0])
		})
	}
}

func checkLetter(t *testing.T, raw string) {
	t.Helper()
	message, err := netmail.ReadMessage(strings.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	decoder := new(mime.WordDecoder)
	subject, err := decoder.DecodeHeader(message.Header.Get("Subject"))
	if err != nil || subject != letter().Subject {
		t.Errorf("subject %q, %v", subject, err)
	}
	for header, want := range map[string]string{"Message-Id": "<digest.1@example.org>", "List-Unsubscribe": "<https://example.org/unsubscribe/token>",
		"List-Unsubscribe-Post": "List-Unsubscribe=One-Click", "Auto-Submitted": "auto-generated", "To": "<alice@example.org>", "From": `"Chortle" <chortle@example.org>`} {
		if got := message.Header.Get(header); got != want {
			t.Errorf("%s: %q, want %q", header, got, want)
		}
	}
	parts := map[string]string{}
	walk(t, message.Header.Get("Content-Type"), "", message.Body, parts)
	want := letter()
	for kind, body := range map[string]string{"text/plain": want.Text, "text/html": want.HTML, "audio/mpeg": string(want.Attachments[0].Data)} {
		if got := parts[kind]; strings.ReplaceAll(got, "\r\n", "\n") != body && got != body {
			t.Errorf("%s: %.100q", kind, got)
		}
	}
	if parts["order"] != "multipart/mixed multipart/alternative text/plain text/html audio/mpeg " {
		t.Errorf("parts %q", parts["order"])
	}
	if parts["name"] != want.Attachments[0].Name {
		t.Errorf("attached as %q", parts["name"])
	}
}

// walk reads a part of MIME and those within.
func walk(t *testing.T, contentType, encoding string, body io.Reader, parts map[string]string) {
	t.Helper()
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		t.Fatalf("%q: %v", contentType, err)
	}
	parts["order"] += kind + " "
	if strings.HasPrefix(kind, "multipart/") {
		for reader := multipart.NewReader(body, params["boundary"]); ; {
			part, err := reader.NextRawPart()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if name := part.FileName(); name != "" {
				parts["name"], _ = new(mime.WordDecoder).DecodeHeader(name)
			}
			walk(t, part.Header.Get("Content-Type"), part.Header.Get("Content-Transfer-Encoding"), part, parts)
		}
	}
	switch encoding {
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	}
	text, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	parts[kind] = string(text)
}

// TestRefusals: a server that refuses, stalls or goes away is named in our words, and never costs more than the time that
// it is given.
func TestRefusals(t *testing.T) {
	t.Parallel()
	bad := func(command, answer string) func(string) string {
		return func(c string) string {
			if c == command {
				return answer
			}
			return ""
		}
	}
	for name, c := range map[string]struct {
		server    *server
		want      string
		is        error
		delivered bool
	}{
		"a greeting that never comes":       {server: &server{bend: bad("greeting", "hang")}, want: "did not answer in time", is: orchestrator.ErrUnreachable},
		"a login that stalls":               {server: &server{bend: bad("AUTH", "hang")}, want: "did not answer in time", is: orchestrator.ErrUnreachable},
		"a letter that nobody acknowledges": {server: &server{bend: bad("end", "hang")}, want: "did not say whether", is: orchestrator.ErrMayHaveArrived},
		"a connection that ends behind it":  {server: &server{bend: bad("end", "drop")}, want: "did not say whether", is: orchestrator.ErrMayHaveArrived},
		"a letter that is refused":          {server: &server{bend: bad("end", "554 spam from S3cret")}, want: "refused the letter (554)"},
		"a recipient that is unknown":       {server: &server{bend: bad("RCPT", "550 no such user S3cret")}, want: "address of the recipient (550)"},
		"a sender that is refused":          {server: &server{bend: bad("MAIL", "553 not yours")}, want: "the sender (553)"},
		"a wrong password":                  {server: &server{bend: bad("AUTH", "535 S3cret is wrong")}, want: "name, password"},
		"no STARTTLS":                       {server: &server{bend: plain}, want: "kind of encryption"},
		"a stall behind the letter":         {server: &server{bend: bad("QUIT", "hang")}, delivered: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := c.server
			serve(t, s)
			client := of(s)
			if name == "no STARTTLS" {
				client.Plain = false
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			err := client.Send(ctx, "alice@example.org", letter())
			if c.delivered {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "S3cret") || c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("got %v", err)
			}
			if c.is == nil && (errors.Is(err, orchestrator.ErrMayHaveArrived) || errors.Is(err, orchestrator.ErrUnreachable)) {
				t.Errorf("%v is more than that", err)
			}
		})
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	listener.Close()
	err = mail.Server{Host: "127.0.0.1", Port: port, Plain: true, From: "chortle@example.org"}.Send(t.Context(), "alice@example.org", letter())
	if !errors.Is(err, orchestrator.ErrUnreachable) || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("nobody there: %v", err)
	}
	untrusted := serve(t, &server{bend: plain, direct: true})
	client := of(untrusted)
	client.Roots = nil
	if err := client.Send(t.Context(), "alice@example.org", letter()); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a certificate that nobody trusts: %v", err)
	}
}

func TestServers(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]mail.Server{
		"smtp://a:b%40c@mail.example.org": {Host: "mail.example.org", Port: 587, User: "a", Password: "b@c"},
		"smtps://mail.example.org":        {Host: "mail.example.org", Port: 465, TLS: true},
		"smtp://localhost:25":             {Host: "localhost", Port: 25, Plain: true},
		"smtp://relay:25?tls=none":        {Host: "relay", Port: 25, Plain: true},
	} {
		got, err := mail.ParseServer(text, "chortle@example.org")
		want.From = "chortle@example.org"
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "mail.example.org", "http://S3cret@x", "smtp://", "smtp://a:S3cret/x@host"} {
		if _, err := mail.ParseServer(text, "chortle@example.org"); err == nil || strings.Contains(err.Error(), "S3cret") {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := mail.ParseServer("smtp://localhost", "nobody"); err == nil {
		t.Error("a sender without an address")
	}
}
