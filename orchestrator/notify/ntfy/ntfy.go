// Package ntfy sends letters to topics of ntfy: a title, a few lines, a link, and the best sound as an attachment.
package ntfy

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/notify"
)

// longest message that a server takes, in bytes: a longer one becomes a file.
const longest = 4000

// Sender sends to any topic. HTTP may not be nil.
type Sender struct{ HTTP *http.Client }

// topic of an address in shoutrrr's form: ntfy://USER:PASSWORD@HOST/TOPIC?scheme=https. A password without a user is a
// token.
func topic(address string) (u *url.URL, user *url.Userinfo, err error) {
	parsed, err := url.Parse(address)
	if err != nil || parsed.Scheme != "ntfy" || strings.Trim(parsed.Path, "/") == "" && parsed.Host == "" {
		return nil, nil, errors.New("it is no address of ntfy; want ntfy://HOST/TOPIC")
	}
	u = &url.URL{Scheme: "https", Host: parsed.Host, Path: parsed.Path}
	if strings.Trim(parsed.Path, "/") == "" { // ntfy://TOPIC
		u.Host, u.Path = "ntfy.sh", "/"+parsed.Host
	}
	options := parsed.Query()
	if strings.EqualFold(options.Get("scheme"), "http") || strings.EqualFold(options.Get("disabletls"), "yes") {
		u.Scheme = "http"
	}
	return u, parsed.User, nil
}

// Check returns an error where an address cannot be used; it holds nothing of it.
func Check(address string) error {
	_, _, err := topic(address)
	return err
}

// Send delivers a letter within the context's time. orchestrator.ErrUnreachable where the server did not answer,
// orchestrator.ErrMayHaveArrived where it had it all and said nothing. Errors hold no secret. A server that takes no
// attachments, or none as large, gets the letter without.
func (s Sender) Send(ctx context.Context, address string, l orchestrator.Letter) error {
	at, user, err := topic(address)
	if err != nil {
		return fmt.Errorf("send to ntfy: %w", err)
	}
	if len(l.Attachments) > 0 {
		status, err := s.put(ctx, at, user, l, &l.Attachments[0])
		if err != nil || status < 300 {
			return err
		}
		if status != http.StatusRequestEntityTooLarge && status != http.StatusBadRequest && status != http.StatusTooManyRequests {
			return refused(status)
		}
	}
	status, err := s.put(ctx, at, user, l, nil)
	if err == nil && status >= 300 {
		err = refused(status)
	}
	return err
}

func refused(status int) error {
	if status == http.StatusUnauthorized || status == http.StatusForbidden {
		return fmt.Errorf("send to ntfy: the server does not let us publish there (%d); check name, password and topic", status)
	}
	return fmt.Errorf("send to ntfy: the server answered %d", status)
}

// put publishes one message: its text is the body, or a header where the body is a file.
func (s Sender) put(ctx context.Context, at *url.URL, user *url.Userinfo, l orchestrator.Letter, file *orchestrator.Attachment) (status int, err error) {
	text := cut(l.Short)
	body, header := []byte(text), http.Header{"Title": {encoded(l.Subject)}}
	if file != nil {
		body = file.Data
		header.Set("Message", encoded(strings.ReplaceAll(text, "\n", `\n`))) // as its documentation has it
		header.Set("Filename", encoded(file.Name))
	}
	if l.Link != "" {
		header.Set("Click", l.Link)
	}
	header.Set("Tags", "laughing")
	var written atomic.Bool
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteRequest: func(info httptrace.WroteRequestInfo) { written.Store(info.Err == nil) }})
	request, err := http.NewRequestWithContext(traced, http.MethodPut, at.String(), bytes.NewReader(body))
	if err != nil {
		return 0, errors.New("send to ntfy: it is no address")
	}
	request.Header = header
	if password, ok := user.Password(); ok && user.Username() == "" {
		request.Header.Set("Authorization", "Bearer "+password)
	} else if user != nil {
		request.SetBasicAuth(user.Username(), password)
	}
	response, err := s.HTTP.Do(request)
	switch {
	case err != nil && written.Load():
		return 0, fmt.Errorf("send to ntfy: the server did not say whether it took the message: %w", orchestrator.ErrMayHaveArrived)
	case err != nil:
		return 0, fmt.Errorf("send to ntfy: %s: %w", notify.Cause(err), orchestrator.ErrUnreachable)
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 64<<10))
	return response.StatusCode, response.Body.Close()
}

// cut shortens a text to whole lines that fit.
func cut(text string) string {
	for len(text) > longest {
		i := strings.LastIndexByte(text, '\n')
		if i < 0 {
			return text[:longest]
		}
		text = text[:i]
	}
	return text
}

// encoded is a text for a header: as it is where it is plain ASCII, else one word of RFC 2047, however long: ntfy decodes it.
func encoded(text string) string {
	if !strings.Contains(text, "=?") && !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
		return text
	}
	return "=?UTF-8?B?" + base64.StdEncoding.EncodeToString([]byte(text)) + "?="
}
