package audio_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/chortle-audio/chortle/internal/testkit"
)

// played is what a browser says of a clip.
type played struct {
	Name     string  `json:"name"`
	Ended    bool    `json:"ended"`
	At       float64 `json:"at"`       // where it stopped, in seconds
	Duration float64 `json:"duration"` // as the browser has it, in seconds
	Seeked   bool    `json:"seeked"`   // whether it played on after a jump
	Loudness float64 `json:"loudness"` // of all samples and channels, as a root mean square
	Error    string  `json:"error"`
}

// playPage plays each clip to its end, jumps into its middle and plays on, decodes it, and posts what came of that.
const playPage = `<!doctype html><script>
async function play(name) {
  const result = {name, ended: false, seeked: false, error: ""};
  const audio = new Audio("/clip/" + name);
  const until = (...events) => new Promise(done => {
    for (const event of [...events, "error"]) audio.addEventListener(event, () => done(event), {once: true});
    setTimeout(() => done("nothing"), 60000); // a player may stall without a word
  });
  try {
    audio.playbackRate = 4;
    let end = until("ended");
    await audio.play();
    await end;
    result.ended = audio.ended;
    result.at = audio.currentTime;
    result.duration = audio.duration;
    let moved = until("seeked");
    audio.currentTime = audio.duration / 2;
    await moved;
    end = until("ended");
    await audio.play();
    result.seeked = await end === "ended";
    if (audio.error) result.error = audio.error.message;
    const bytes = await (await fetch("/clip/" + name)).arrayBuffer();
    const sound = await new OfflineAudioContext(1, 1, 16000).decodeAudioData(bytes);
    let sum = 0;
    for (let c = 0; c < sound.numberOfChannels; c++) for (const sample of sound.getChannelData(c)) sum += sample * sample;
    result.loudness = Math.sqrt(sum / sound.length);
  } catch (error) {
    result.error += " " + error + (audio.error ? " " + audio.error.message : "");
  }
  return result;
}
(async () => {
  const results = await Promise.all(NAMES.map(play));
  await fetch("/done", {method: "POST", body: JSON.stringify(results)});
})();
</script>`

// playInBrowser plays clips in a Chromium of its own, which has ended when it returns.
func playInBrowser(t *testing.T, clips map[string][]byte) map[string]played {
	t.Helper()
	var names []string
	for name := range clips {
		names = append(names, name)
	}
	quoted, err := json.Marshal(names)
	if err != nil {
		t.Fatal(err)
	}
	types := map[string]string{"flac": "audio/flac", "opus": "audio/ogg", "wav": "audio/wav"}
	results := make(chan []byte, 1)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, strings.Replace(playPage, "NAMES", string(quoted), 1))
	})
	mux.HandleFunc("GET /clip/{name}", func(w http.ResponseWriter, r *http.Request) {
		name := r.PathValue("name")
		_, ending, _ := strings.Cut(name, ".")
		w.Header().Set("Content-Type", types[ending])
		w.Header().Set("Content-Length", fmt.Sprint(len(clips[name])))
		_, _ = w.Write(clips[name])
	})
	mux.HandleFunc("POST /done", func(_ http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body)
		results <- data
	})
	server := httptest.NewServer(mux)
	defer server.Close()

	// Chromium writes to its folders until the last of its processes is gone.
	browser := exec.CommandContext(t.Context(), testkit.Chromium(t), "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--mute-audio", "--autoplay-policy=no-user-gesture-required",
		"--user-data-dir="+t.TempDir(), server.URL)
	browser.Env = append(browser.Environ(), "HOME="+t.TempDir())
	browser.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	browser.Cancel = func() error { return syscall.Kill(-browser.Process.Pid, syscall.SIGKILL) }
	said, err := browser.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := browser.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan string, 1)
	go func() {
		text, _ := io.ReadAll(said) // until the last process of the family is gone
		ended <- string(text)
	}()
	var answer []byte
	select {
	case answer = <-results:
		_ = browser.Cancel()
		<-ended
	case text := <-ended:
		t.Errorf("chromium ended early: %s", text)
	}
	_ = browser.Wait() // it was killed
	var list []played
	if err := json.Unmarshal(answer, &list); err != nil {
		t.Fatalf("the page answered %q: %v", answer, err)
	}
	byName := map[string]played{}
	for _, p := range list {
		byName[p.Name] = p
	}
	return byName
}

// Clips of every form play to their end in a real browser, and from their middle.
func TestBrowserPlaysClips(t *testing.T) {
	t.Parallel()
	testkit.Chromium(t)
	a := newAudio(t)
	source := write(t, "a.wav", wav(speechlike(6)))
	clips := map[string][]byte{}
	for name, path := range map[string]string{
		"16 kHz.flac":   source,
		"8 kHz.flac":    convert(t, source, "a.wav", "-ar", "8000"),
		"11 kHz.flac":   convert(t, source, "a.wav", "-ar", "11025"),
		"stereo.flac":   convert(t, source, "a.wav", "-ar", "48000", "-ac", "2"),
		"six.flac":      convert(t, source, "a.wav", "-ar", "44100", "-ac", "6"),
		"192 kHz.flac":  convert(t, source, "a.wav", "-ar", "192000"),
		"recorder.opus": encode(t, speechlike(6)),
	} {
		clips[name] = cut(t, a, recording(path), span(0.5, 5.5))[0].Data
	}
	rendition, err := a.Rendition(t.Context(), clips["recorder.opus"])
	if err != nil {
		t.Fatal(err)
	}
	clips["recorder.wav"] = rendition
	for name, p := range playInBrowser(t, clips) {
		if !p.Ended || !p.Seeked || p.Error != "" || p.At < 4.95 || p.At > 5.2 || p.Duration < 4.95 || p.Duration > 5.2 || p.Loudness < 0.1 {
			t.Errorf("%s: %+v", name, p)
		}
		delete(clips, name)
	}
	for name := range clips {
		t.Errorf("%s was not played", name)
	}
}
