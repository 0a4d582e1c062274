package web

import (
	"archive/zip"
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/chortle-audio/chortle/orchestrator"
)

func TestExportOfAPerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	if _, err := w.program.Mark(t.Context(), []int64{w.users["alice"].ID}, w.laughs["alice"], orchestrator.MarkRight); err != nil {
		t.Fatal(err)
	}
	if err := w.program.Note(t.Context(), []int64{w.users["alice"].ID}, w.laughs["alice"], "=cmd|' /C calc'!A0"); err != nil {
		t.Fatal(err)
	}
	response := w.ask("member", "GET", "/u/alice/export.zip", "")
	content, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK || response.Header.Get("Content-Disposition") != `attachment; filename=alice-2026-11-23.zip` || response.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %v, %v", response.StatusCode, response.Header, err)
	}
	archive, err := zip.NewReader(strings.NewReader(string(content)), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, file := range archive.File {
		from, err := file.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(from)
		if err != nil {
			t.Fatal(err)
		}
		files[file.Name] = string(text)
	}
	clip := "clips/2026-11-22 12.00.01 Laughter 50% alice " + w.laughs["alice"] + ".wav"
	if len(files) != 7 || files[clip] != "RIFF no sound" || !strings.Contains(files["laughs.csv"], ",right,") || !strings.Contains(files["laughs.csv"], "'=cmd") ||
		!strings.Contains(files["laughs.jsonl"], w.laughs["alice"]) || !strings.Contains(files["recordings.csv"], "alice.wav") || !strings.Contains(files["person.json"], "Europe/London") {
		t.Errorf("%q", files)
	}
	if strings.Contains(string(content), "mallory") {
		t.Error("somebody else is in it")
	}
	var manifest struct {
		Laughs, Recordings, Clips int
		Missing                   int `json:"missing_clips"`
	}
	if err := json.Unmarshal([]byte(files["manifest.json"]), &manifest); err != nil || manifest.Laughs != 1 || manifest.Recordings != 1 || manifest.Clips != 1 || manifest.Missing != 0 {
		t.Errorf("%+v, %v", manifest, err)
	}
	if last := archive.File[len(archive.File)-1].Name; last != "manifest.json" {
		t.Errorf("%s comes last", last)
	}
	for range exportsAtOnce { // as many as there may be
		w.exporting <- struct{}{}
	}
	if got := w.ask("member", "GET", "/u/alice/export.zip", ""); got.StatusCode != http.StatusTooManyRequests || got.Header.Get("Retry-After") == "" {
		t.Errorf("one more: %d", got.StatusCode)
	}
}

func TestFeed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	secret := w.apiToken(t, "listener", orchestrator.ScopeFeed)
	response := w.ask("", "GET", "/feed/"+secret+"/laughs.xml", "")
	var feed rss
	if err := xml.NewDecoder(response.Body).Decode(&feed); err != nil || response.StatusCode != http.StatusOK || response.Header.Get("Cache-Control") != "no-store" ||
		!strings.Contains(response.Header.Get("X-Robots-Tag"), "noindex") || !strings.HasPrefix(response.Header.Get("Content-Type"), "application/rss+xml") {
		t.Fatalf("%d %v, %v", response.StatusCode, response.Header, err)
	}
	if len(feed.Channel.Items) != 1 || feed.Channel.Items[0].GUID.ID != w.laughs["alice"] || feed.Channel.Items[0].Published != "Sun, 22 Nov 2026 12:00:01 +0000" {
		t.Fatalf("%+v", feed)
	}
	enclosure := feed.Channel.Items[0].Enclosure
	clip, ok := strings.CutPrefix(enclosure.URL, "http://localhost")
	if got := w.ask("", "GET", clip, ""); !ok || got.StatusCode != http.StatusOK || got.Header.Get("Cache-Control") != "no-store" || enclosure.Length != int64(len("RIFF no sound")) || enclosure.Type != "audio/wav" {
		t.Errorf("%d, %+v", got.StatusCode, enclosure)
	}
	reader := w.apiToken(t, "member", orchestrator.ScopeRead)
	for _, path := range []string{"/feed/forged/laughs.xml", "/feed/" + reader + "/laughs.xml", "/feed/" + secret + "/" + w.laughs["mallory"] + "/clip", "/feed/" + secret + "/x/clip", "/feed/forged/" + w.laughs["alice"] + "/clip"} {
		if got := w.ask("", "GET", path, ""); got.StatusCode != http.StatusNotFound {
			t.Errorf("%.30s: %d", path, got.StatusCode)
		}
	}
	if w.api(secret, "GET", "/users", "").StatusCode != http.StatusForbidden {
		t.Error("the secret of a feed opens something else")
	}
	if _, err := w.program.Mark(t.Context(), []int64{w.users["alice"].ID}, w.laughs["alice"], orchestrator.MarkWrong); err != nil {
		t.Fatal(err)
	}
	if got := w.ask("", "GET", clip, ""); got.StatusCode != http.StatusNotFound {
		t.Errorf("what is marked wrong: %d", got.StatusCode)
	}
	listener, err := w.signIns(t).Account(t.Context(), "listener")
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := w.signIns(t).Tokens(t.Context(), listener.ID)
	if err != nil || w.signIns(t).RemoveToken(t.Context(), listener.ID, tokens[0].ID) != nil {
		t.Fatal(err)
	}
	if got := w.ask("", "GET", "/feed/"+secret+"/laughs.xml", ""); got.StatusCode != http.StatusNotFound {
		t.Errorf("revoked: %d", got.StatusCode)
	}
	if strings.Contains(w.log.String(), secret) {
		t.Error("the secret is in the log")
	}
}
