package letters_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"go.uber.org/goleak"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/service/letters"
	"github.com/chortle-audio/chortle/orchestrator/store"
	"github.com/chortle-audio/chortle/orchestrator/store/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sunday is a Sunday at four in the morning, in Berlin.
var sunday = time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)

// house is a database, a post, and what it delivered.
type house struct {
	*letters.Letters
	store *store.Store
	now   time.Time
	alice orchestrator.User

	mutex     sync.Mutex
	delivered []orchestrator.Letter
	fail      func(ctx context.Context) error
}

func build(t *testing.T) *house {
	t.Helper()
	log := logrus.New()
	log.SetOutput(io.Discard)
	opened, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "chortle.db"), log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { opened.Close() })
	h := &house{store: opened, now: sunday, fail: func(context.Context) error { return nil }}
	if h.alice, err = opened.AddUser(t.Context(), orchestrator.User{Name: "alice", Timezone: "Europe/Berlin", Source: "folder:/x", Enabled: true}); err != nil {
		t.Fatal(err)
	}
	h.Letters = &letters.Letters{Store: opened, Sender: func(string) (letters.Sender, error) { return h, nil },
		Address: func(_ context.Context, sub orchestrator.Subscription) (string, error) { return sub.Address, nil },
		Sound: func(_ context.Context, laugh orchestrator.StoredLaugh) (orchestrator.Attachment, error) {
			return orchestrator.Attachment{Name: laugh.ID + ".mp3", MediaType: "audio/mpeg", Data: make([]byte, 100)}, nil
		},
		Page: "https://example.org", Host: "example.org", StopCommand: func(sub orchestrator.Subscription) string { return fmt.Sprint("stop ", sub.ID) },
		MaxAttached: 250, Timeout: time.Minute, Now: func() time.Time { return h.now }}
	return h
}

func (h *house) Send(ctx context.Context, _ string, l orchestrator.Letter) error {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if err := h.fail(ctx); err != nil {
		return err
	}
	h.delivered = append(h.delivered, l)
	return nil
}

// record stores an hour of sound with laughs of these seconds.
func (h *house) record(t *testing.T, start time.Time, lengths ...float64) {
	t.Helper()
	model := orchestrator.Model{Name: "yamnet", Version: "1", Plugin: "inferd", SHA256: "abc", Window: 15600, Hop: 7680, Laughter: []string{"Laughter"}}
	scores := orchestrator.NewScores(model)
	scores.Close(3600 * orchestrator.SampleRateHz)
	var laughs []orchestrator.Laugh
	for i, length := range lengths {
		onset := int64(300+i*800) * orchestrator.SampleRateHz
		laughs = append(laughs, orchestrator.Laugh{Onset: onset, Offset: onset + int64(length*orchestrator.SampleRateHz), Peak: onset, Score: 0.5 + float64(i)/10, Class: "Laughter",
			ClassScores: []float64{0.5}, Tier: orchestrator.TierSure, Clip: fmt.Sprintf("alice/%d-%d.opus", start.Unix(), i)})
	}
	rec := orchestrator.Recording{Name: fmt.Sprint(start.Unix(), ".ogg"), Start: start, TimeSource: orchestrator.TimeFromName, Size: 1, ModTime: start, SHA256: fmt.Sprint("sha", start.Unix())}
	if _, err := h.store.SaveRecording(t.Context(), orchestrator.Result{UserID: h.alice.ID, Recording: rec, Model: model, Scores: scores, Laughs: laughs}); err != nil {
		t.Fatal(err)
	}
}

// read stores that a run read alice's day, with gaps.
func (h *house) read(t *testing.T, day orchestrator.Date, gaps ...orchestrator.Span) {
	t.Helper()
	id := "run of " + day.String()
	if err := h.store.BeginRun(t.Context(), orchestrator.Run{ID: id, Trigger: orchestrator.TriggerCron, StartedAt: h.now}); err != nil {
		t.Fatal(err)
	}
	d := orchestrator.UserDay{UserID: h.alice.ID, User: "alice", Date: day, Timezone: "Europe/Berlin", Status: orchestrator.StatusOK}
	for _, gap := range gaps {
		d.Spans = append(d.Spans, orchestrator.LedgerSpan{Span: gap, State: orchestrator.SpanFailed, Reason: "503", Attempts: 1, LastTried: h.now})
	}
	if err := h.store.SaveDay(t.Context(), id, d); err != nil {
		t.Fatal(err)
	}
	if err := h.store.EndRun(t.Context(), orchestrator.Run{ID: id, FinishedAt: h.now, Status: orchestrator.StatusOK}); err != nil {
		t.Fatal(err)
	}
}

func (h *house) subscribe(t *testing.T, bend func(*orchestrator.Subscription)) orchestrator.Subscription {
	t.Helper()
	sub := orchestrator.Subscription{UserID: h.alice.ID, Kind: orchestrator.ToMail, Address: "alice@example.org", Period: orchestrator.PeriodWeekly, Token: letters.NewToken(),
		CreatedAt: sunday.AddDate(0, -1, 0)}
	bend(&sub)
	sub, err := h.store.AddSubscription(t.Context(), sub, "")
	if err != nil {
		t.Fatal(err)
	}
	return sub
}

func (h *house) send(t *testing.T, want ...letters.Result) []letters.Outcome {
	t.Helper()
	outcomes, err := h.Letters.Send(t.Context(), []orchestrator.User{h.alice}, false)
	if err != nil {
		t.Fatal(err)
	}
	var got []letters.Result
	for _, o := range outcomes {
		got = append(got, o.Result)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	return outcomes
}

func as(d int) orchestrator.Date { return orchestrator.Date{Year: 2026, Month: 11, Day: d} }

func weekly(*orchestrator.Subscription) {}

// TestWhatALetterSays goes through the days of a week: what counts, what is best, what is usual, what is missing.
func TestWhatALetterSays(t *testing.T) {
	t.Parallel()
	h := build(t)
	noon := time.Date(2026, 11, 17, 11, 0, 0, 0, time.UTC)
	for week := range 4 {
		h.record(t, noon.AddDate(0, 0, -7*(week+1)), 1, 1)
	}
	h.record(t, noon, 1, 2, 1, 3.5)
	h.record(t, time.Date(2026, 11, 14, 22, 30, 0, 0, time.UTC), 1, 1, 1) // over midnight into the week, by her clock
	h.read(t, as(21), orchestrator.Span{Start: noon.Add(2 * time.Hour), End: noon.Add(5 * time.Hour)}, orchestrator.Span{Start: sunday, End: sunday.Add(time.Hour)})
	d, err := letters.Digest(t.Context(), h.store, h.alice, orchestrator.PeriodWeekly, as(15), as(21))
	if err != nil {
		t.Fatal(err)
	}
	if d.Laughs != 5 || !d.HasUsual || d.Usual != 2 || d.Heard != 90*time.Minute || d.Unheard != 3*time.Hour || d.Longest == nil || d.Longest.End.Sub(d.Longest.Start) != 3500*time.Millisecond {
		t.Errorf("%+v", d)
	}
	var days []string
	for _, day := range d.Days {
		days = append(days, fmt.Sprint(day.Laughs, day.Silent))
	}
	if got := strings.Join(days, " "); got != "1 false 0 true 4 false 0 true 0 true 0 true 0 true" {
		t.Errorf("days %s", got)
	}
	if len(d.Best) != 3 || d.Best[0].Score < d.Best[1].Score || d.Best[1].Score < d.Best[2].Score {
		t.Errorf("best %+v", d.Best)
	}
	few, err := letters.Digest(t.Context(), h.store, h.alice, orchestrator.PeriodDaily, as(17), as(17))
	if err != nil || few.Laughs != 4 || !few.HasUsual || few.Usual != 2 {
		t.Errorf("%+v, %v", few, err)
	}
}

// TestOnce: a letter is sent once a period, however often it is asked for, and in its time.
func TestOnce(t *testing.T) {
	t.Parallel()
	h := build(t)
	h.record(t, time.Date(2026, 11, 17, 11, 0, 0, 0, time.UTC), 1, 2)
	h.subscribe(t, weekly)
	h.send(t, letters.Unread) // the night before was not read yet
	h.read(t, as(21))
	outcome := h.send(t, letters.Delivered)[0]
	h.send(t, letters.Already)
	if len(h.delivered) != 1 || outcome.From != as(15) || outcome.To != as(21) {
		t.Fatalf("%d letters, %+v", len(h.delivered), outcome)
	}
	l := h.delivered[0]
	if len(l.Attachments) != 2 || !strings.Contains(l.Text, "2 laughs from 15 to 21 November") || !strings.HasPrefix(l.Unsubscribe, "https://example.org/unsubscribe/") ||
		!strings.HasSuffix(l.ID, "@example.org") {
		t.Errorf("%+v", l)
	}
	for range 6 { // days of the next week
		h.now = h.now.Add(24 * time.Hour)
		h.send(t, letters.Already)
	}
	h.now = h.now.Add(24 * time.Hour)
	h.read(t, as(28))
	h.send(t, letters.Nothing)
	h.send(t, letters.Already)
	h.now = time.Date(1970, 1, 4, 3, 0, 0, 0, time.UTC) // a clock that lost its battery
	h.send(t, letters.NotYet)
	if len(h.delivered) != 1 {
		t.Errorf("%d letters", len(h.delivered))
	}
}

// TestManyAtOnce: of several programs that send at once, one does.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	h := build(t)
	h.record(t, time.Date(2026, 11, 17, 11, 0, 0, 0, time.UTC), 1)
	h.read(t, as(21))
	h.subscribe(t, weekly)
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			if _, err := h.Letters.Send(t.Context(), []orchestrator.User{h.alice}, false); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if len(h.delivered) != 1 {
		t.Errorf("%d letters", len(h.delivered))
	}
}

// TestWhen: quiet hours, days that a subscriber did not ask for, and a dry run, which changes nothing.
func TestWhen(t *testing.T) {
	t.Parallel()
	h := build(t)
	h.record(t, time.Date(2026, 11, 21, 11, 0, 0, 0, time.UTC), 1)
	h.read(t, as(21))
	h.subscribe(t, func(s *orchestrator.Subscription) { s.Quiet = orchestrator.Quiet{From: 22 * 60, To: 8 * 60} })
	h.subscribe(t, func(s *orchestrator.Subscription) { s.CreatedAt = sunday.Add(-time.Hour) })
	h.subscribe(t, func(s *orchestrator.Subscription) { s.Period = orchestrator.PeriodDaily })
	h.subscribe(t, func(s *orchestrator.Subscription) { s.Kind = orchestrator.ToNtfy })
	h.subscribe(t, func(s *orchestrator.Subscription) { s.Kind = orchestrator.ToMessage })
	dry, err := h.Letters.Send(t.Context(), []orchestrator.User{h.alice}, true)
	if err != nil || dry[2].Result != letters.Would || dry[2].Letter == nil || len(h.delivered) != 0 {
		t.Errorf("dry run: %+v, %v", dry, err)
	}
	h.send(t, letters.Quiet, letters.NotYet, letters.Delivered, letters.Delivered, letters.Delivered)
	h.now = sunday.Add(4 * time.Hour) // eight o'clock
	h.send(t, letters.Delivered, letters.NotYet, letters.Already, letters.Already, letters.Already)
	for i, want := range []int{1, 1, 0, 1} {
		if got := len(h.delivered[i].Attachments); got != want {
			t.Errorf("letter %d has %d attachments, want %d", i, got, want)
		}
	}
	if err := h.Test(t.Context(), h.alice, dry[0].Subscription); err != nil || !strings.HasPrefix(h.delivered[4].Subject, "Test: ") {
		t.Errorf("test: %v", err)
	}
}

// TestFailures: what was refused is tried again, a few times; what may have arrived and what was killed in the middle never is;
// a mail server that does not answer is asked once.
func TestFailures(t *testing.T) {
	t.Parallel()
	h := build(t)
	h.record(t, time.Date(2026, 11, 17, 11, 0, 0, 0, time.UTC), 1)
	h.read(t, as(21))
	first, second := h.subscribe(t, weekly), h.subscribe(t, weekly)
	asked := 0
	h.fail = func(context.Context) error {
		asked++
		return fmt.Errorf("send mail: connection refused: %w", orchestrator.ErrUnreachable)
	}
	h.send(t, letters.Failed, letters.Failed)
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
	subs, err := h.store.Subscriptions(t.Context(), nil)
	if err != nil || subs[0].Last.State != orchestrator.SentFailed || !strings.Contains(subs[1].Last.Cause, "connection refused") {
		t.Errorf("%+v, %v", subs, err)
	}
	h.fail = func(context.Context) error { return fmt.Errorf("send mail: %w", orchestrator.ErrMayHaveArrived) }
	h.send(t, letters.Uncertain, letters.Uncertain)
	h.fail = func(context.Context) error { return nil }
	h.send(t, letters.Already, letters.Already)

	h.now = h.now.AddDate(0, 0, 7)
	h.record(t, time.Date(2026, 11, 24, 11, 0, 0, 0, time.UTC), 1)
	h.read(t, as(28))
	if mine, err := h.store.BeginDigest(t.Context(), first.ID, as(28), h.now); err != nil || !mine { // and then it was killed
		t.Fatal(mine, err)
	}
	refused := errors.New("send mail: the server refused the letter (554)")
	h.fail = func(context.Context) error { return refused }
	for range orchestrator.MaxSendAttempts {
		h.send(t, letters.Already, letters.Failed)
	}
	h.send(t, letters.Already, letters.Already)
	if len(h.delivered) != 0 {
		t.Errorf("%d letters of %d", len(h.delivered), second.ID)
	}
}
