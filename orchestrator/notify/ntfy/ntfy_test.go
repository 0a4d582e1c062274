package ntfy_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/notify/ntfy"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server is a server of ntfy as far as publishing goes.
type server struct {
	web    *httptest.Server
	status func(r *http.Request) int // 0: it hangs
	got    []message
}

type message struct {
	path, auth, title, text, file, click string
	body                                 []byte
}

func serve(t *testing.T, status func(r *http.Request) int) *server {
	t.Helper()
	s := &server{status: status}
	s.web = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		decode := func(name string) string {
			text, err := new(mime.WordDecoder).DecodeHeader(r.Header.Get(name))
			if err != nil {
				t.Error(err)
			}
			return text
		}
		m := message{path: r.Method + " " + r.URL.Path, auth: r.Header.Get("Authorization"), title: decode("Title"), file: decode("Filename"), click: decode("Click"), body: body,
			text: strings.ReplaceAll(decode("Message"), `\n`, "\n")}
		s.got = append(s.got, m)
		code := s.status(r)
		if code == 0 {
			<-r.Context().Done()
			return
		}
		w.WriteHeader(code)
	}))
	t.Cleanup(s.web.Close)
	return s
}

func (s *server) address(user string) string {
	return "ntfy://" + user + strings.TrimPrefix(s.web.URL, "http://") + "/S3cretTopic?scheme=http"
}

func letter() orchestrator.Letter {
	return orchestrator.Letter{Subject: "Zoë: 3 laughs", Short: "Three laughs ü\nhttps://example.org/l/1", Link: "https://example.org/u/zoe",
		Attachments: []orchestrator.Attachment{{Name: "1 Lachen ü.mp3", MediaType: "audio/mpeg", Data: bytes.Repeat([]byte{0, 255}, 5000)}}}
}

func TestSend(t *testing.T) {
	t.Parallel()
	for user, auth := range map[string]string{"": "", "me:pw@": "Basic bWU6cHc=", ":tk_abc@": "Bearer tk_abc"} {
		s := serve(t, func(*http.Request) int { return 200 })
		if err := (ntfy.Sender{HTTP: s.web.Client()}).Send(t.Context(), s.address(user), letter()); err != nil {
			t.Fatal(err)
		}
		want := letter()
		if len(s.got) != 1 {
			t.Fatalf("%d messages", len(s.got))
		}
		if m := s.got[0]; m.path != "PUT /S3cretTopic" || m.auth != auth || m.title != want.Subject || m.text != want.Short || m.file != want.Attachments[0].Name ||
			m.click != want.Link || !bytes.Equal(m.body, want.Attachments[0].Data) {
			t.Errorf("%q: %.500q", user, m)
		}
	}
}

// TestWithoutFile: where the server takes no file, or none as large, the text arrives alone; a long one is cut at a line.
func TestWithoutFile(t *testing.T) {
	t.Parallel()
	s := serve(t, func(r *http.Request) int {
		if r.Header.Get("Filename") != "" {
			return http.StatusRequestEntityTooLarge
		}
		return 200
	})
	long := letter()
	long.Short = strings.Repeat("a line of forty characters and no more. \n", 120)
	if err := (ntfy.Sender{HTTP: s.web.Client()}).Send(t.Context(), s.address(""), long); err != nil {
		t.Fatal(err)
	}
	if len(s.got) != 2 || s.got[1].file != "" || len(s.got[1].body) > 4000 || !strings.HasPrefix(long.Short, string(s.got[1].body)+"\n") {
		t.Errorf("%.300q", s.got)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{401: "name, password and topic", 403: "name, password and topic", 500: "answered 500", 0: "did not say"} {
		s := serve(t, func(*http.Request) int { return status })
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		if status == 0 {
			ctx, cancel = context.WithTimeout(t.Context(), 300*time.Millisecond)
		}
		err := ntfy.Sender{HTTP: s.web.Client()}.Send(ctx, s.address("me:S3cret@"), letter())
		cancel()
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "S3cret") || (status == 0) != errors.Is(err, orchestrator.ErrMayHaveArrived) {
			t.Errorf("%d: %v", status, err)
		}
	}
	s := serve(t, func(*http.Request) int { return 200 })
	s.web.Close()
	if err := (ntfy.Sender{HTTP: s.web.Client()}).Send(t.Context(), s.address(""), letter()); !errors.Is(err, orchestrator.ErrUnreachable) || strings.Contains(err.Error(), "S3cret") {
		t.Errorf("nobody there: %v", err)
	}
	for _, address := range []string{"ntfy://", "https://ntfy.sh/x", "S3cret"} {
		if err := ntfy.Check(address); err == nil || strings.Contains(err.Error(), "S3cret") {
			t.Errorf("%q: %v", address, err)
		}
	}
}
