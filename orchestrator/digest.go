package orchestrator

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Period is how often somebody wants a digest.
type Period string

// The periods.
const (
	PeriodDaily  Period = "daily"
	PeriodWeekly Period = "weekly"
)

// The kinds of addresses of a digest.
const (
	ToMail    = "mail"    // an e-mail address
	ToNtfy    = "ntfy"    // a topic of ntfy, with a clip
	ToMessage = "message" // any other service that takes short messages
)

// Quiet is the time of day in which nobody wants to be disturbed, in minutes since midnight, From included, To not. It may
// go over midnight. The zero value, and all where both are the same, is no time at all.
type Quiet struct{ From, To int }

// ParseQuiet reads "22:00-07:00"; the empty text is no time at all.
func ParseQuiet(text string) (q Quiet, err error) {
	if text == "" {
		return q, nil
	}
	from, to, ok := strings.Cut(text, "-")
	clock := func(text string) int {
		t, err := time.Parse("15:04", strings.TrimSpace(text))
		ok = ok && err == nil
		return t.Hour()*60 + t.Minute()
	}
	q = Quiet{clock(from), clock(to)}
	if !ok {
		return Quiet{}, fmt.Errorf("read quiet hours %q: want two times of day such as 22:00-07:00", text)
	}
	return q, nil
}

// String is the text that ParseQuiet reads.
func (q Quiet) String() string {
	if q.From == q.To {
		return ""
	}
	return fmt.Sprintf("%02d:%02d-%02d:%02d", q.From/60, q.From%60, q.To/60, q.To%60)
}

// Has reports whether a local time is a quiet one.
func (q Quiet) Has(local time.Time) bool {
	at := local.Hour()*60 + local.Minute()
	if q.From <= q.To {
		return q.From <= at && at < q.To
	}
	return at >= q.From || at < q.To
}

// Subscription is a digest of one user that goes to one address, period after period.
type Subscription struct {
	// ID is internal to the store; 0 until it is stored. People name a subscription by it.
	ID     int64
	UserID int64
	// Kind is that of the address: ToMail, ToNtfy or ToMessage.
	Kind string
	// Address is an e-mail address; of other kinds a form without secrets, for people to recognise.
	Address string
	Period  Period
	// Weekday on which a weekly digest is sent.
	Weekday time.Weekday
	Quiet   Quiet
	// Token is random text that ends the subscription: it stands in each letter.
	Token string
	// CreatedAt in UTC: no period that ended before is sent.
	CreatedAt time.Time
	// Last is what became of the latest digest; its zero value where there was none.
	Last Sent
}

// SecretField names the secret that holds the whole address, where that is not Address.
func (s Subscription) SecretField() string { return "digest_" + s.Token[:min(len(s.Token), 16)] }

// Validate returns an error that names the first field that cannot be used.
func (s Subscription) Validate() error {
	switch {
	case s.Kind != ToMail && s.Kind != ToNtfy && s.Kind != ToMessage:
		return fmt.Errorf("check digest: unknown kind of address %q", s.Kind)
	case s.Period != PeriodDaily && s.Period != PeriodWeekly:
		return fmt.Errorf("check digest: period %q: want %s or %s", s.Period, PeriodDaily, PeriodWeekly)
	case s.Weekday < time.Sunday || s.Weekday > time.Saturday:
		return fmt.Errorf("check digest: there is no weekday %d", s.Weekday)
	case s.Address == "", s.Token == "":
		return errors.New("check digest: no address")
	}
	return nil
}

// Days are the first and the last day of the latest period that is over at a local time: yesterday, or the seven days
// before the latest weekday on which it is sent.
func (s Subscription) Days(local time.Time) (from, to Date) {
	to = DateOf(local).Add(-1)
	if s.Period != PeriodWeekly {
		return to, to
	}
	past := (int(local.Weekday()) - int(s.Weekday) + 7) % 7
	to = to.Add(-past)
	return to.Add(-6), to
}

// SentState says what became of the digest of a period.
type SentState string

// The states of a digest.
const (
	SentBegun   SentState = "begun"   // somebody sends it now, or was killed while they did: it is not sent again
	SentDone    SentState = "sent"    // it was accepted
	SentNothing SentState = "nothing" // there was nothing to say
	SentFailed  SentState = "failed"  // it was refused: it is tried again
)

// MaxSendAttempts is how often a digest is tried that is refused.
const MaxSendAttempts = 5

// Sent is what became of the digest of one period.
type Sent struct {
	// To is the last day of the period, by which it is known.
	To       Date
	State    SentState
	Attempts int
	// Cause why it failed, without secrets; else empty.
	Cause string
	At    time.Time // UTC
}

// Digest is what a person's days of a period say.
type Digest struct {
	User     string
	Timezone string
	Period   Period
	// From and To are the first and the last local day.
	From, To Date
	// Laughs are sure ones that nobody marked wrong, as are those of Days: all days of the period, in order.
	Laughs int
	Days   []DayLaughs
	// Usual is the median of earlier periods in which there were laughs, of at most Period.Earlier; HasUsual is false where
	// there are fewer than three.
	Usual    int
	HasUsual bool
	// Best are up to three worth hearing, the best first: with a clip, and not of the same minutes where others are as good.
	Best []StoredLaugh
	// Longest laugh; nil where there is none.
	Longest *StoredLaugh
	// Heard is how much sound was read, Unheard how much is known to be missing: gaps, and Lost recordings that were given up.
	Heard, Unheard time.Duration
	Lost           int
}

// Earlier is how many periods before it a digest is compared with, at most: eight weeks, or four weeks of days.
func (p Period) Earlier() int {
	if p == PeriodDaily {
		return 28
	}
	return 8
}

// DayLaughs is a day of a digest.
type DayLaughs struct {
	Date   Date
	Laughs int
	// Silent days have no sound at all.
	Silent bool
}

// Empty reports whether there is nothing to say.
func (d Digest) Empty() bool { return d.Laughs == 0 && d.Unheard == 0 && d.Lost == 0 }

// Conditions of a delivery that a caller branches on.
var (
	// ErrMayHaveArrived says that a letter was handed over and nobody answered whether it was taken.
	ErrMayHaveArrived = errors.New("it may have arrived")
	// ErrUnreachable says that a server could not be reached, or did not answer at all.
	ErrUnreachable = errors.New("it could not be reached")
)

// Letter is a digest in words, ready to be sent.
type Letter struct {
	Subject string
	// Text is plain, HTML the same with a picture of the days; Short is a line or three for a phone.
	Text, HTML, Short string
	// Link to the days on the page; empty where nobody knows its address.
	Link string
	// Unsubscribe is an address that ends the subscription; empty where the page's is not known.
	Unsubscribe string
	// ID is the same whenever the letter is sent, so that whoever gets it twice can see that.
	ID          string
	Attachments []Attachment
}

// Attachment is a file that goes with a letter.
type Attachment struct {
	Name, MediaType string
	Data            []byte
}
