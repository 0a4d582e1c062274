package storetest

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

func subscription(user orchestrator.User, token string) orchestrator.Subscription {
	return orchestrator.Subscription{UserID: user.ID, Kind: orchestrator.ToNtfy, Address: "ntfy://ntfy.sh/xxxxx", Period: orchestrator.PeriodWeekly,
		Weekday: time.Sunday, Quiet: orchestrator.Quiet{From: 1320, To: 420}, Token: token, CreatedAt: noon}
}

func testDigests(t *testing.T, f *fixture) {
	ctx := t.Context()
	alice, bob := f.user(t, "alice"), f.user(t, "bob")
	hers, err := f.AddSubscription(ctx, subscription(alice, "token-of-alice-which-is-long"), "sealed")
	must(t, err)
	again, err := f.AddSubscription(ctx, subscription(alice, "token-of-alice-which-is-long"), "sealed") // the answer was lost
	must(t, err)
	expect(t, "again", again, hers)
	mail := subscription(bob, "token-of-bob")
	mail.Kind, mail.Address, mail.Period = orchestrator.ToMail, "bob@example.org", orchestrator.PeriodDaily
	his, err := f.AddSubscription(ctx, mail, "")
	must(t, err)
	if _, err := f.AddSubscription(ctx, orchestrator.Subscription{UserID: alice.ID}, ""); err == nil {
		t.Error("an invalid one was stored")
	}
	mail.UserID, mail.Token = 999, "other"
	if _, err := f.AddSubscription(ctx, mail, ""); !errors.Is(err, orchestrator.ErrNotFound) {
		t.Errorf("of an unknown user: %v", err)
	}
	secret, err := f.Secret(ctx, alice.ID, hers.SecretField())
	must(t, err)
	expect(t, "the address is sealed", secret.Sealed, "sealed")
	for name, c := range map[string]struct {
		ids  []int64
		want []orchestrator.Subscription
	}{"all": {nil, []orchestrator.Subscription{hers, his}}, "bob": {[]int64{bob.ID}, []orchestrator.Subscription{his}}, "nobody": {[]int64{}, nil}} {
		subs, err := f.Subscriptions(ctx, c.ids)
		must(t, err)
		expect(t, name, subs, c.want)
	}
	found, err := f.SubscriptionByToken(ctx, "token-of-bob")
	must(t, err)
	expect(t, "by token", found, his)
	if _, err := f.SubscriptionByToken(ctx, "forged"); !errors.Is(err, orchestrator.ErrNotFound) {
		t.Errorf("forged: %v", err)
	}

	// Of many at once, one sends.
	to := orchestrator.Date{Year: 2026, Month: 11, Day: 21}
	var mine atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			ok, err := f.BeginDigest(ctx, hers.ID, to, noon)
			if err != nil {
				t.Error(err)
			}
			if ok {
				mine.Add(1)
			}
		})
	}
	all.Wait()
	expect(t, "who sends", mine.Load(), int32(1))
	begin := func(want bool) {
		t.Helper()
		ok, err := f.BeginDigest(ctx, hers.ID, to, noon)
		must(t, err)
		expect(t, "may be sent", ok, want)
	}
	end := func(state orchestrator.SentState, cause string) {
		must(t, f.EndDigest(ctx, hers.ID, orchestrator.Sent{To: to, State: state, Cause: cause, At: noon.Add(time.Minute)}))
	}
	for range orchestrator.MaxSendAttempts - 1 {
		begin(false) // whoever had it was killed
		end(orchestrator.SentFailed, "connection refused")
		begin(true)
	}
	end(orchestrator.SentFailed, "connection refused")
	begin(false) // too often
	to = to.Add(7)
	begin(true)
	end(orchestrator.SentDone, "")
	begin(false)
	hers.Last = orchestrator.Sent{To: to, State: orchestrator.SentDone, Attempts: 1, At: noon.Add(time.Minute)}
	subs, err := f.Subscriptions(ctx, []int64{alice.ID})
	must(t, err)
	expect(t, "the latest digest", subs, []orchestrator.Subscription{hers})

	for _, ids := range [][]int64{{}, {bob.ID}} {
		if err := f.RemoveSubscription(ctx, ids, hers.ID); !errors.Is(err, orchestrator.ErrNotFound) {
			t.Errorf("removed by %v: %v", ids, err)
		}
	}
	must(t, f.RemoveSubscription(ctx, []int64{alice.ID}, hers.ID))
	must(t, f.RemoveSubscription(ctx, nil, his.ID))
	if _, err := f.Secret(ctx, alice.ID, hers.SecretField()); !errors.Is(err, orchestrator.ErrNotFound) {
		t.Errorf("the address is still there: %v", err)
	}
	if _, err := f.BeginDigest(ctx, hers.ID, to, noon); !errors.Is(err, orchestrator.ErrNotFound) {
		t.Errorf("digest of what is gone: %v", err)
	}

	must(t, f.SetDevices(ctx, []int64{alice.ID, bob.ID}))
	_, err = f.PurgeUser(ctx, bob)
	must(t, err)
	devices, err := f.Devices(ctx)
	must(t, err)
	expect(t, "the broker is still to forget bob", devices, []int64{alice.ID, bob.ID})
	must(t, f.SetDevices(ctx, []int64{alice.ID}))
	devices, err = f.Devices(ctx)
	must(t, err)
	expect(t, "devices", devices, []int64{alice.ID})
}

// subscribe gives a user a subscription with a digest.
func (f *fixture) subscribe(t *testing.T, user orchestrator.User) {
	t.Helper()
	sub, err := f.AddSubscription(t.Context(), subscription(user, "token of "+user.Name), "sealed address of "+user.Name)
	must(t, err)
	_, err = f.BeginDigest(t.Context(), sub.ID, orchestrator.Date{Year: 2026, Month: 11, Day: 21}, noon)
	must(t, err)
}
