package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/service/updates"
	"github.com/chortle-audio/chortle/orchestrator/settings"
)

func digest(content string) string {
	sum := sha256.Sum256([]byte(content))
	return "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
}

func TestUpload(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	token := w.apiToken(t, "member", orchestrator.ScopeUpload)
	content := string(wavOf(t, 3))
	put := func(name, body string, headers ...string) (*http.Response, string) {
		response := w.api(token, "PUT", "/users/alice/recordings/"+name, body, headers...)
		var answer struct{ Code string }
		_ = json.NewDecoder(response.Body).Decode(&answer)
		return response, answer.Code
	}
	for _, c := range []struct {
		name, body string
		headers    []string
		status     int
		code       string
	}{
		{"a.wav", content, nil, 201, ""},
		{"a.wav", content, nil, 200, ""},
		{"a.wav", content, []string{"Repr-Digest", digest(content)}, 200, ""},
		{"a.wav", strings.ToUpper(content[:len(content)-1]) + "!", nil, 409, "conflict"},
		{"b.wav", content, []string{"Repr-Digest", digest("other")}, 422, "digest"},
		{"b.wav", content, []string{"Repr-Digest", "md5=:x:"}, 400, "input"},
		{"b.wav", content, []string{"Digest", "SHA-256=" + strings.Trim(digest(content)[8:], ":"), "Last-Modified", "Sun, 22 Nov 2026 14:30:00 GMT"}, 201, ""},
		{"c.wav", content[:1000], []string{"Content-Range", fmt.Sprintf("bytes 0-999/%d", len(content))}, 202, ""},
		{"c.wav", content[:1000], []string{"Content-Range", fmt.Sprintf("bytes 2000-2999/%d", len(content))}, 409, "offset"},
		{"c.wav", content[1000:], []string{"Content-Range", fmt.Sprintf("bytes 1000-%d/%d", len(content), len(content))}, 400, "input"},
		{"c.wav", content[1000:], []string{"Content-Range", "bytes 1000-*/*"}, 400, "input"},
		{"c.wav", content[1000:], []string{"Content-Range", fmt.Sprintf("bytes 1000-%d/%d", len(content)-1, len(content)+7)}, 400, "length"},
		{"c.wav", content[1000:], []string{"Content-Range", fmt.Sprintf("bytes 1000-%d/%d", len(content)-1, len(content)), "Repr-Digest", digest(content)}, 201, ""},
		{"c.txt", content, nil, 400, "name"},
		{"..", content, nil, 400, "path"},
		{"..%2f..%2fc.wav", content, nil, 400, "path"},
		{"%2e%2e", content, nil, 400, "path"},
		{".hidden.wav", content, nil, 400, "name"},
		{url.PathEscape(strings.Repeat("笑", 83) + "ab.wav"), content, nil, 201, ""},
		{url.PathEscape(strings.Repeat("笑", 84) + ".wav"), content, nil, 400, "name"},
		{"d.wav", content, []string{"Last-Modified", "yesterday"}, 400, "input"},
		{"d.wav?read=soon", content, nil, 400, "input"},
		{"d.wav", "", nil, 400, "input"},
	} {
		if response, code := put(c.name, c.body, c.headers...); response.StatusCode != c.status || code != c.code {
			t.Errorf("%.30s with %v: %d %q, want %d %q", c.name, c.headers, response.StatusCode, code, c.status, c.code)
		}
	}
	if response, _ := put("c.wav", content[:5], "Content-Range", "bytes 0-4/900000"); response.StatusCode != http.StatusConflict {
		t.Errorf("another length: %d", response.StatusCode)
	}
	if response, _ := put("part.wav", content[:5], "Content-Range", "bytes 0-4/9000"); response.Header.Get("Upload-Offset") != "5" || response.Header.Get("Upload-Length") != "9000" {
		t.Errorf("%v", response.Header)
	}
	if response := w.api(token, "HEAD", "/users/alice/recordings/part.wav", ""); response.StatusCode != http.StatusOK || response.Header.Get("Upload-Offset") != "5" {
		t.Errorf("HEAD: %d %v", response.StatusCode, response.Header)
	}
	for path, want := range map[string]int{"part.wav": 204, "a.wav": 204, "nothing.wav": 404} {
		if response := w.api(token, "DELETE", "/users/alice/recordings/"+path, ""); response.StatusCode != want {
			t.Errorf("DELETE %s: %d", path, response.StatusCode)
		}
	}
	// What was read already, by its hash, is not wanted again.
	opened, err := w.program.Store(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte("was read"))
	model := orchestrator.Model{Name: "yamnet", Version: "1", Window: 15600, Hop: 7680, Laughter: []string{"Laughter"}}
	scores := orchestrator.Scores{Classes: model.Laughter, Window: model.Window, Hop: model.Hop}
	scores.Close(orchestrator.SampleRateHz)
	if _, err := opened.SaveRecording(t.Context(), orchestrator.Result{UserID: w.users["alice"].ID, Model: model, Scores: scores,
		Recording: orchestrator.Recording{Name: "uploads/read.wav", Start: w.clock.now().Add(-time.Hour), SHA256: fmt.Sprintf("%x", sum)}}); err != nil {
		t.Fatal(err)
	}
	if response, _ := put("read.wav", "was read", "Repr-Digest", digest("was read")); response.StatusCode != http.StatusOK {
		t.Errorf("what was read: %d", response.StatusCode)
	}
}

// TestUploadOverTheWire: what only a connection shows.
func TestUploadOverTheWire(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *settings.Config) { c.Page.UploadQuota = 64 << 20 })
	server := httptest.NewServer(w.Server)
	t.Cleanup(server.Close)
	token := w.apiToken(t, "member", orchestrator.ScopeUpload)
	client := &http.Client{Transport: &http.Transport{ExpectContinueTimeout: time.Minute}}
	t.Cleanup(client.CloseIdleConnections)
	send := func(name, token string, length int64, body io.Reader) (int, string) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, server.URL+"/api/v1/users/alice/recordings/"+name, body)
		if err != nil {
			t.Fatal(err)
		}
		request.ContentLength = length
		request.Header.Set("Authorization", "Bearer "+token)
		request.Header.Set("Expect", "100-continue")
		response, err := client.Do(request)
		if err != nil {
			return 0, err.Error()
		}
		defer response.Body.Close()
		var answer struct{ Code string }
		_ = json.NewDecoder(response.Body).Decode(&answer)
		return response.StatusCode, answer.Code
	}
	if status, code := send("gigabyte.wav", token, 1<<30, io.LimitReader(endless{}, 1<<30)); status != http.StatusRequestEntityTooLarge || code != "large" {
		t.Errorf("1 GB against the quota: %d %q", status, code)
	}
	if status, code := send("most.wav", token, 60<<20, io.LimitReader(endless{}, 60<<20)); status != http.StatusCreated {
		t.Errorf("most of it: %d %q", status, code)
	}
	if status, code := send("more.wav", token, 8<<20, io.LimitReader(endless{}, 8<<20)); status != http.StatusInsufficientStorage || code != "quota" {
		t.Errorf("more than is left: %d %q", status, code)
	}
	if response := w.api(token, "DELETE", "/users/alice/recordings/most.wav", ""); response.StatusCode != http.StatusNoContent {
		t.Fatalf("take it back: %d", response.StatusCode)
	}
	if status, code := send("chunked.wav", token, -1, io.MultiReader(strings.NewReader("RIFF"))); status != http.StatusLengthRequired {
		t.Errorf("without a length: %d %q", status, code)
	}

	// A connection that breaks: what came is kept, and the sender goes on.
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(conn, "PUT /api/v1/users/alice/recordings/broken.wav HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Length: 1000\r\n\r\n%s", token, strings.Repeat("x", 400)); err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, conn) // until the server has seen it
	_ = conn.Close()
	if response := w.api(token, "HEAD", "/users/alice/recordings/broken.wav", ""); response.Header.Get("Upload-Offset") != "400" || response.Header.Get("Upload-Length") != "1000" {
		t.Errorf("after it broke: %d %v", response.StatusCode, response.Header)
	}

	// A token that is revoked in the middle.
	second := w.apiToken(t, "member", orchestrator.ScopeUpload)
	member, err := w.signIns(t).Account(t.Context(), "member")
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := w.signIns(t).Tokens(t.Context(), member.ID)
	if err != nil {
		t.Fatal(err)
	}
	revoke := sync.OnceValue(func() error {
		return w.signIns(t).RemoveToken(context.WithoutCancel(t.Context()), member.ID, tokens[len(tokens)-1].ID)
	})
	if status, code := send("revoked.wav", second, 20<<20, &then{io.LimitReader(endless{}, 20<<20), 10 << 20, revoke}); status != http.StatusUnauthorized || code != "token" {
		t.Errorf("revoked in the middle: %d %q", status, code)
	}
	if found, err := filepath.Glob(filepath.Join(w.program.Config.DataDir, "users", "*", "received", "uploads", "revoked*")); err != nil || len(found) > 0 {
		t.Errorf("it became a recording: %v, %v", found, err)
	}
}

// then does something once so many bytes of a body were read.
type then struct {
	io.Reader

	after int
	do    func() error
}

func (r *then) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if r.after -= n; r.after <= 0 {
		err = errors.Join(err, r.do())
		if err == nil || errors.Is(err, io.EOF) {
			if n == 0 {
				return 0, io.EOF
			}
			return n, nil
		}
	}
	return n, err
}

func TestOmiWebhook(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	secret := w.apiToken(t, "member", orchestrator.ScopeHook)
	sound := string(bytes.Repeat([]byte{0, 1, 0xfe, 0xff}, 8000))
	post := func(secret, query, body string, headers ...string) int {
		if len(headers) == 0 {
			headers = []string{"Content-Type", "application/octet-stream"}
		}
		return w.api("", "POST", "/hooks/omi/"+secret+query, body, headers...).StatusCode
	}
	for _, c := range []struct {
		secret, query, body string
		headers             []string
		want                int
	}{
		{secret, "?sample_rate=16000&uid=abc", sound, nil, 200}, {secret, "", sound, nil, 200}, {secret, "?sample_rate=fast", sound, nil, 400}, {secret, "?sample_rate=1", sound, nil, 400},
		{secret, "", `{"segments": [{"text": "ha ha ha"}]}`, []string{"Content-Type", "application/json"}, 415}, {secret, "", "transcript: ha ha ha ha", nil, 415}, {secret, "", "odd", nil, 415},
		{secret, "", "", nil, 415}, {secret, "", strings.Repeat("\x00", 5<<20), nil, 413}, {"chortle_forged", "", sound, nil, 401}, {w.apiToken(t, "member", orchestrator.ScopeUpload), "", sound, nil, 401},
	} {
		if got := post(c.secret, c.query, c.body, c.headers...); got != c.want {
			t.Errorf("%q, %.20q: %d, want %d", c.query, c.body, got, c.want)
		}
	}
	if w.api(secret, "GET", "/users", "").StatusCode != http.StatusForbidden || w.api(secret, "PUT", "/users/alice/recordings/a.wav", sound).StatusCode != http.StatusForbidden {
		t.Error("the secret of a webhook opens something else")
	}
	w.clock.add(time.Hour)
	if err := w.program.TidyUploads(t.Context()); err != nil {
		t.Fatal(err)
	}
	list, _, _, err := w.program.Waiting(t.Context(), w.users["alice"])
	if err != nil || len(list) != 2 || !strings.HasPrefix(list[0].Name, "stream_2026-11-23T08-59-59") {
		t.Errorf("%+v, %v", list, err)
	}
	if strings.Contains(w.log.String(), secret) {
		t.Error("the secret is in the log")
	}
}

func TestUploadPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	var read []string
	w.options.Updates = beginning{w.started, &read}
	form := func(fields ...string) (string, string) {
		var body bytes.Buffer
		writer := multipart.NewWriter(&body)
		for i := 0; i+1 < len(fields); i += 2 {
			make := writer.CreateFormField
			name, isFile := strings.CutPrefix(fields[i], "file=")
			if isFile {
				make = func(string) (io.Writer, error) { return writer.CreateFormFile("file", name) }
			}
			part, err := make(fields[i])
			if err == nil {
				_, err = io.WriteString(part, fields[i+1])
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := writer.Close(); err != nil {
			t.Fatal(err)
		}
		return body.String(), writer.FormDataContentType()
	}
	content := string(wavOf(t, 1))
	for _, c := range []struct {
		fields []string
		want   int
	}{
		{[]string{"modified", "1763820000000", "file=2026-11-22_14-30-00.wav", content, "file=b.wav", content}, 303},
		{[]string{"file=b.wav", content}, 303},
		{[]string{"file=b.wav", "other"}, 422},
		{[]string{"file=<script>.txt", content}, 422},
		{[]string{"file=", ""}, 422},
		{[]string{"file=large.wav", strings.Repeat("x", 2<<20)}, 422},
		{[]string{"something", "else"}, 400},
		{[]string{"read", "now", "file=2026-11-21_14-30-00.wav", content}, 303},
	} {
		body, kind := form(c.fields...)
		status, text := w.as("member", "POST", "/u/alice/upload", body, "Content-Type", kind)
		if status != c.want || strings.Contains(text, "<script>.txt") {
			t.Errorf("%.40q: %d, want %d", c.fields, status, c.want)
		}
	}
	body, kind := form("file=b.wav", "other")
	if status, text := w.as("member", "POST", "/u/alice/upload", body, "Content-Type", kind, "Accept", "application/json"); status != 422 || !strings.Contains(text, "upload.conflict") {
		t.Errorf("for the script: %d %s", status, text)
	}
	if status, _ := w.as("stranger", "POST", "/u/alice/upload", body, "Content-Type", kind); status != 404 {
		t.Errorf("a stranger: %d", status)
	}
	if status, text := w.as("member", "GET", "/u/alice/upload", ""); status != 200 || !strings.Contains(text, "2026-11-22_14-30-00.wav") || !strings.Contains(text, "enctype=\"multipart/form-data\"") {
		t.Errorf("the page: %d", status)
	}
	if len(read) != 1 || read[0] != "alice 2026-11-21" {
		t.Errorf("read at once: %v", read)
	}
	token := w.apiToken(t, "member", orchestrator.ScopeUpload)
	if response := w.api(token, "PUT", "/users/alice/recordings/2026-11-20_10-00-00.wav?read=now", content); response.StatusCode != http.StatusCreated || len(read) != 2 || read[1] != "alice 2026-11-20" {
		t.Errorf("by a device: %d, %v", response.StatusCode, read)
	}
}

// beginning notes what is to be read at once, and reads nothing.
type beginning struct {
	Updates

	read *[]string
}

func (b beginning) Begin(request updates.Request) error {
	*b.read = append(*b.read, request.User.Name+" "+request.From.String())
	return orchestrator.ErrLocked // as while a run is under way: the sender is answered all the same
}
