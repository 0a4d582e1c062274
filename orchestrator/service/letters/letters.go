// Package letters sends people the digests that they subscribed to: once a period, however often it is asked to and
// wherever it is killed.
package letters

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"html"
	"slices"
	"strings"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/letter"
)

// Store keeps subscriptions and what became of their digests.
type Store interface {
	Diary
	Subscriptions(ctx context.Context, userIDs []int64) ([]orchestrator.Subscription, error)
	BeginDigest(ctx context.Context, subscriptionID int64, to orchestrator.Date, now time.Time) (mine bool, err error)
	EndDigest(ctx context.Context, subscriptionID int64, sent orchestrator.Sent) error
}

// Sender delivers a letter to an address of its kind. Errors hold no secret; orchestrator.ErrMayHaveArrived where the
// letter was handed over and nobody knows whether it was taken.
type Sender interface {
	Send(ctx context.Context, address string, l orchestrator.Letter) error
}

// Letters sends digests. All fields must be set. Safe for concurrent use.
type Letters struct {
	Store Store
	// Sender for a kind of address; an error says why there is none.
	Sender func(kind string) (Sender, error)
	// Address opens the whole address of a subscription.
	Address func(ctx context.Context, sub orchestrator.Subscription) (string, error)
	// Sound makes of the clip of a laugh what phones and mail programs play.
	Sound func(ctx context.Context, laugh orchestrator.StoredLaugh) (orchestrator.Attachment, error)
	// Page is the address under which people reach the page; empty: unknown. Host names this installation in the ids of letters.
	Page, Host string
	// StopCommand ends a subscription.
	StopCommand func(sub orchestrator.Subscription) string
	// MaxAttached bounds the attachments of a letter together, in bytes.
	MaxAttached int64
	// Timeout of one delivery.
	Timeout time.Duration
	Now     func() time.Time
}

// Outcome is what became of a subscription when digests were sent.
type Outcome struct {
	Subscription orchestrator.Subscription
	User         string
	// From and To are the days of the digest.
	From, To orchestrator.Date
	Result   Result
	// Cause why it failed; else empty.
	Cause string
	// Letter that was or would be sent; nil where there is none.
	Letter *orchestrator.Letter
}

// Result is what became of a digest.
type Result string

// The results.
const (
	Delivered Result = "sent"
	Nothing   Result = "nothing"     // there is nothing to say
	Already   Result = "already"     // it was sent, or given up
	NotYet    Result = "not-yet"     // no period is over since the subscription
	Quiet     Result = "quiet-hours" // it is sent later
	Unread    Result = "unread"      // no run has read the days yet
	Failed    Result = "failed"      // it is tried again
	Uncertain Result = "uncertain"   // it may have arrived, and is not sent again
	Would     Result = "would-send"  // it is due, and nothing was to be sent
)

// NewToken returns the token of a new subscription.
func NewToken() string { return strings.ToLower(rand.Text()) }

// Send sends what is due for these users, or only finds out what that is. A delivery that fails is an outcome, not an
// error; a server that did not answer is asked no second time.
func (l *Letters) Send(ctx context.Context, users []orchestrator.User, dryRun bool) (outcomes []Outcome, err error) {
	byID := map[int64]orchestrator.User{}
	ids := []int64{}
	for _, user := range users {
		byID[user.ID] = user
		ids = append(ids, user.ID)
	}
	subs, err := l.Store.Subscriptions(ctx, ids)
	if err != nil {
		return nil, err
	}
	down := map[string]error{}
	for _, sub := range subs {
		if ctx.Err() != nil {
			return outcomes, context.Cause(ctx)
		}
		outcome, err := l.send(ctx, byID[sub.UserID], sub, dryRun, down)
		if err != nil {
			return outcomes, fmt.Errorf("digest %d of user %s: %w", sub.ID, outcome.User, err)
		}
		outcomes = append(outcomes, outcome)
	}
	return outcomes, nil
}

// send sends one digest. Errors are the store's.
func (l *Letters) send(ctx context.Context, user orchestrator.User, sub orchestrator.Subscription, dryRun bool, down map[string]error) (o Outcome, err error) {
	location, err := user.Location()
	if err != nil {
		return o, err
	}
	local := l.Now().In(location)
	o = Outcome{Subscription: sub, User: user.Name}
	o.From, o.To = sub.Days(local)
	if o.Result = due(sub, o.To, local); o.Result != "" {
		return o, nil
	}
	status, err := l.Store.UserStatus(ctx, user.ID)
	if err != nil {
		return o, err
	}
	if status.Latest.Date.Before(o.To) {
		o.Result = Unread
		return o, nil
	}
	digest, err := Digest(ctx, l.Store, user, sub.Period, o.From, o.To)
	if err != nil {
		return o, err
	}
	if digest.Empty() {
		o.Result = Nothing
		if dryRun {
			return o, nil
		}
		if mine, err := l.Store.BeginDigest(ctx, sub.ID, o.To, l.Now()); err != nil || !mine {
			return o, err
		}
		return o, l.Store.EndDigest(ctx, sub.ID, orchestrator.Sent{To: o.To, State: orchestrator.SentNothing, At: l.Now()})
	}
	written, err := l.write(ctx, digest, sub, false)
	if err != nil {
		return o, err
	}
	o.Letter = &written
	if dryRun {
		o.Result = Would
		return o, nil
	}
	mine, err := l.Store.BeginDigest(ctx, sub.ID, o.To, l.Now())
	if err != nil || !mine {
		o.Result = Already
		return o, err
	}
	failure := l.deliver(ctx, sub, written, down)
	sent := orchestrator.Sent{To: o.To, State: orchestrator.SentDone, At: l.Now()}
	switch o.Result = Delivered; {
	case errors.Is(failure, orchestrator.ErrMayHaveArrived):
		o.Result, sent.State = Uncertain, orchestrator.SentBegun
	case failure != nil:
		o.Result, sent.State = Failed, orchestrator.SentFailed
	}
	if failure != nil {
		o.Cause, sent.Cause = failure.Error(), failure.Error()
	}
	return o, l.Store.EndDigest(context.WithoutCancel(ctx), sub.ID, sent)
}

// due says why a digest is not to be sent now; empty where it is.
func due(sub orchestrator.Subscription, to orchestrator.Date, local time.Time) Result {
	last := sub.Last
	switch {
	case to.Before(orchestrator.DateOf(sub.CreatedAt.In(local.Location()))):
		return NotYet
	case to.Before(last.To): // the clock went back
		return Already
	case to == last.To && (last.State != orchestrator.SentFailed || last.Attempts >= orchestrator.MaxSendAttempts):
		return Already
	case sub.Quiet.Has(local):
		return Quiet
	}
	return ""
}

// deliver hands a letter over. It remembers servers that did not answer.
func (l *Letters) deliver(ctx context.Context, sub orchestrator.Subscription, written orchestrator.Letter, down map[string]error) error {
	address, err := l.Address(ctx, sub)
	if err != nil {
		return err
	}
	sender, err := l.Sender(sub.Kind)
	if err != nil {
		return err
	}
	if before := down[sub.Kind]; before != nil && sub.Kind == orchestrator.ToMail { // all mail goes by one server
		return before
	}
	limited, cancel := context.WithTimeout(ctx, l.Timeout)
	defer cancel()
	err = sender.Send(limited, address, written)
	if errors.Is(err, orchestrator.ErrUnreachable) {
		down[sub.Kind] = err
	}
	return err
}

// write puts a digest into words and attaches the best sounds.
func (l *Letters) write(ctx context.Context, digest orchestrator.Digest, sub orchestrator.Subscription, test bool) (written orchestrator.Letter, err error) {
	var attached []orchestrator.Attachment
	if sub.Kind != orchestrator.ToMessage {
		if attached, err = l.attach(ctx, digest.Best, sub.Kind); err != nil {
			return written, err
		}
	}
	options := letter.Options{Page: l.Page, StopCommand: l.StopCommand(sub), Attached: len(attached), Test: test}
	if l.Page != "" {
		options.Unsubscribe = l.Page + "/unsubscribe/" + sub.Token
	}
	if written, err = letter.Write(digest, options); err != nil {
		return written, err
	}
	written.Attachments = attached
	written.ID = fmt.Sprintf("digest.%s.%s@%s", digest.To, sub.Token[:min(len(sub.Token), 16)], l.Host)
	return written, nil
}

// attach makes the sounds of the best laughs, the first ones, up to the first that does not fit, or whose sound is gone or
// cannot be made: the letter goes without.
func (l *Letters) attach(ctx context.Context, best []orchestrator.StoredLaugh, kind string) (attached []orchestrator.Attachment, err error) {
	left := l.MaxAttached
	for _, laugh := range best {
		if left <= 0 || kind == orchestrator.ToNtfy && len(attached) == 1 { // a message of ntfy has one
			break
		}
		sound, err := l.Sound(ctx, laugh)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err != nil || int64(len(sound.Data)) > left {
			break
		}
		left -= int64(len(sound.Data))
		attached = append(attached, sound)
	}
	return attached, nil
}

// Test sends a subscription a letter of its latest period, or of what there is of it, marked as a test, and counts it
// as nothing.
func (l *Letters) Test(ctx context.Context, user orchestrator.User, sub orchestrator.Subscription) error {
	location, err := user.Location()
	if err != nil {
		return err
	}
	from, to := sub.Days(l.Now().In(location))
	digest, err := Digest(ctx, l.Store, user, sub.Period, from, to)
	if err != nil {
		return err
	}
	written, err := l.write(ctx, digest, sub, true)
	if err != nil {
		return err
	}
	written.ID = NewToken() + "@" + l.Host
	return l.deliver(ctx, sub, written, map[string]error{})
}

// Trial is a letter that only says what it is told.
func (l *Letters) Trial(title, text string) orchestrator.Letter {
	return orchestrator.Letter{Subject: title, Text: text + "\n", HTML: "<p>" + html.EscapeString(text) + "</p>\n", Short: text, Link: l.Page, ID: NewToken() + "@" + l.Host}
}

// Weekdays are the names of the days of the week, Sunday first.
var Weekdays = []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}

// ParseWeekday reads the name of a day of the week.
func ParseWeekday(text string) (time.Weekday, error) {
	i := slices.Index(Weekdays, strings.ToLower(text))
	if i < 0 {
		return 0, fmt.Errorf("unknown weekday %q; want one of %s", text, strings.Join(Weekdays, ", "))
	}
	return time.Weekday(i), nil
}
