package service

import (
	"context"
	"fmt"
	"strings"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/notify"
)

// Tested is what became of one test notification.
type Tested struct {
	// To is the address without its secrets; For says what goes there: "alerts", or "digest of alice".
	To, For string
	// Err is why it could not be delivered, without secrets; nil where the service took it.
	Err error
}

// TestNotifications sends a test message where real ones go and the same way. Named users: a test letter to each of
// their digests' addresses. Addresses: a message to each, whether it is in use or not. Neither: to every address that
// alerts go to. An *InvalidError where there is nothing to test.
func (s *Service) TestNotifications(ctx context.Context, names, addresses []string) (tested []Tested, err error) {
	switch {
	case len(names) > 0:
		tested, err = s.testDigests(ctx, names)
	case len(addresses) > 0:
		for _, address := range addresses {
			tested = append(tested, s.testAddress(ctx, address))
		}
	default:
		for i, address := range s.Config.Alerts.NotifyURLs {
			one := s.testAlerts(ctx, address)
			one.To = fmt.Sprintf("address %d (%s)", i+1, one.To)
			tested = append(tested, one)
		}
	}
	if err == nil && len(tested) == 0 {
		err = invalid("there is nothing to test: no address is set in CHORTLE_NOTIFY_URLS")
		if len(names) > 0 {
			err = invalid("there is nothing to test: nobody gets a digest; add one with orchestrator digest add")
		}
	}
	return tested, err
}

// scheme is all of an address that is no secret.
func scheme(address string) string {
	kind, _, _ := strings.Cut(address, ":")
	return kind + ":…"
}

const testTitle, testText = "Chortle", "This is a test. Notifications arrive here."

// testAlerts sends a test the way alerts go.
func (s *Service) testAlerts(ctx context.Context, address string) Tested {
	return Tested{To: scheme(address), For: "alerts", Err: (&notify.Notifier{Timeout: notifyTimeout}).Message(ctx, address, testTitle, testText)}
}

// testAddress sends a test to an address of any kind.
func (s *Service) testAddress(ctx context.Context, address string) Tested {
	kind, shown, whole, err := classify(address)
	if err != nil {
		return Tested{To: scheme(address), For: "test", Err: err}
	}
	if whole == "" {
		whole = shown
	}
	tested := Tested{To: shown, For: "test"}
	sender, err := s.sender(kind)
	if err != nil {
		tested.Err = err
		return tested
	}
	post, err := s.letters(ctx)
	if err != nil {
		tested.Err = err
		return tested
	}
	limited, cancel := context.WithTimeout(ctx, letterTimeout)
	defer cancel()
	tested.Err = sender.Send(limited, whole, post.Trial(testTitle, testText))
	return tested
}

// testDigests sends a test letter to every subscription of the users.
func (s *Service) testDigests(ctx context.Context, names []string) (tested []Tested, err error) {
	subs, users, err := s.Subscriptions(ctx, names)
	if err != nil {
		return nil, err
	}
	for _, sub := range subs {
		one, err := s.TestSubscription(ctx, users[sub.UserID], sub)
		if err != nil {
			return tested, err
		}
		tested = append(tested, one)
	}
	return tested, nil
}

// TestSubscription sends a test letter to a subscription. It counts as no digest.
func (s *Service) TestSubscription(ctx context.Context, user orchestrator.User, sub orchestrator.Subscription) (Tested, error) {
	post, err := s.letters(ctx)
	if err != nil {
		return Tested{}, err
	}
	return Tested{To: sub.Address, For: "digest of " + user.Name, Err: post.Test(ctx, user, sub)}, nil
}
