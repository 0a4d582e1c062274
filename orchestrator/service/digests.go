package service

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/notify"
	"github.com/chortle-audio/chortle/orchestrator/notify/mail"
	"github.com/chortle-audio/chortle/orchestrator/notify/ntfy"
	"github.com/chortle-audio/chortle/orchestrator/service/letters"
)

const (
	// letterTimeout bounds the delivery of one letter with its sounds.
	letterTimeout = 30 * time.Second
	// laterEvery is how often a server looks for digests that waited for the end of quiet hours.
	laterEvery = 10 * time.Minute
)

// SendDigests sends the digests that are due for the named users, or for all, or with dryRun only finds out which are.
// Each is sent once, whoever asks however often. A delivery that fails is told in its outcome.
func (s *Service) SendDigests(ctx context.Context, names []string, dryRun bool) ([]letters.Outcome, error) {
	users, err := s.usersOr(ctx, names)
	if err != nil {
		return nil, err
	}
	post, err := s.letters(ctx)
	if err != nil {
		return nil, err
	}
	outcomes, err := post.Send(ctx, users, dryRun)
	for _, o := range outcomes {
		log := s.Log.WithFields(fields{keyUser: o.User, "digest": o.Subscription.ID, keyDate: o.To.String()})
		switch {
		case dryRun:
		case o.Cause != "":
			log.WithField("cause", o.Cause).Warn("digest not delivered")
		case o.Result == letters.Delivered:
			log.Info("digest sent")
		}
	}
	return outcomes, err
}

// SendDigestsLater sends digests that are due, again and again until ctx ends: those that waited for the end of quiet hours.
func (s *Service) SendDigestsLater(ctx context.Context) {
	ticker := time.NewTicker(laterEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if _, err := s.SendDigests(ctx, nil, false); err != nil && ctx.Err() == nil {
				s.Log.WithError(err).Warn("send digests")
			}
		}
	}
}

// letters puts together what sends digests.
func (s *Service) letters(ctx context.Context) (*letters.Letters, error) {
	opened, err := s.Store(ctx)
	if err != nil {
		return nil, err
	}
	host := "chortle.invalid"
	if u, err := url.Parse(s.Config.Page.BaseURL); err == nil && u.Hostname() != "" {
		host = u.Hostname()
	} else if _, domain, ok := strings.Cut(strings.TrimSuffix(s.Config.Letters.MailFrom, ">"), "@"); ok {
		host = domain
	}
	return &letters.Letters{Store: opened, Sender: s.sender, Address: s.addressOf, Sound: s.portable, Page: s.Config.Page.BaseURL, Host: host,
		StopCommand: func(sub orchestrator.Subscription) string { return fmt.Sprintf("orchestrator digest stop %d", sub.ID) },
		MaxAttached: s.Config.Letters.MaxAttached, Timeout: letterTimeout, Now: s.Now}, nil
}

// sender of a kind of address.
func (s *Service) sender(kind string) (letters.Sender, error) {
	switch kind {
	case orchestrator.ToMail:
		return s.mailServer()
	case orchestrator.ToNtfy:
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.DisableKeepAlives = true // a call or two in a night
		return ntfy.Sender{HTTP: &http.Client{Transport: transport}}, nil
	}
	return messages{}, nil
}

func (s *Service) mailServer() (letters.Sender, error) {
	if s.Config.Letters.MailServer == "" {
		return nil, invalid("mail needs a server: set CHORTLE_SMTP_URL and CHORTLE_MAIL_FROM")
	}
	server, err := mail.ParseServer(s.Config.Letters.MailServer, s.Config.Letters.MailFrom)
	if err != nil {
		return nil, &InvalidError{err}
	}
	return server, nil
}

// messages sends the few lines of a letter to any address of shoutrrr.
type messages struct{}

// Send delivers a letter's short form.
func (messages) Send(ctx context.Context, address string, l orchestrator.Letter) error {
	return (&notify.Notifier{Timeout: letterTimeout}).Message(ctx, address, l.Subject, l.Short)
}

// portable is the sound of a laugh as an attachment: MP3, or the clip as it is where there is nothing to make one with.
func (s *Service) portable(ctx context.Context, laugh orchestrator.StoredLaugh) (attached orchestrator.Attachment, err error) {
	clip, err := s.Clip(ctx, laugh)
	if err != nil {
		return attached, err
	}
	sounds, err := s.Audio()
	if err != nil {
		return attached, err
	}
	name := clipName(laugh)
	extension := name[strings.LastIndexByte(name, '.'):]
	if mp3, err := sounds.Portable(ctx, clip, clipTitle(laugh), laugh.User); err == nil {
		return orchestrator.Attachment{Name: strings.TrimSuffix(name, extension) + ".mp3", MediaType: "audio/mpeg", Data: mp3}, nil
	} else if errors.Is(err, orchestrator.ErrBadRecording) || ctx.Err() != nil {
		return attached, err
	}
	mediaType := "audio/ogg"
	if extension == ".flac" {
		mediaType = "audio/flac"
	}
	return orchestrator.Attachment{Name: name, MediaType: mediaType, Data: clip}, nil
}

// SubscribeRequest says who wants which digest.
type SubscribeRequest struct {
	// To is an e-mail address, ntfy://HOST/TOPIC, or another address of shoutrrr.
	To      string
	Period  orchestrator.Period
	Weekday time.Weekday
	Quiet   orchestrator.Quiet
}

// Subscribe has a user's digests sent to an address, from the first period on that is not over yet. An *InvalidError
// where the address cannot be used.
func (s *Service) Subscribe(ctx context.Context, user orchestrator.User, request SubscribeRequest) (orchestrator.Subscription, error) {
	kind, shown, whole, err := classify(request.To)
	if err != nil {
		return orchestrator.Subscription{}, &InvalidError{err}
	}
	if kind == orchestrator.ToMail {
		if _, err := s.mailServer(); err != nil {
			return orchestrator.Subscription{}, err
		}
	}
	sub := orchestrator.Subscription{UserID: user.ID, Kind: kind, Address: shown, Period: request.Period, Weekday: request.Weekday,
		Quiet: request.Quiet, Token: letters.NewToken(), CreatedAt: s.Now()}
	if err := sub.Validate(); err != nil {
		return sub, &InvalidError{err}
	}
	sealed := ""
	if whole != "" {
		if err := s.CanSeal(); err != nil {
			return sub, fmt.Errorf("the address holds a secret: %w", err)
		}
		box, err := s.vault()
		if err != nil {
			return sub, err
		}
		if sealed, err = box.Seal(user.ID, sub.SecretField(), whole); err != nil {
			return sub, fmt.Errorf("seal address: %w", err)
		}
	}
	opened, err := s.Store(ctx)
	if err != nil {
		return sub, err
	}
	return opened.AddSubscription(ctx, sub, sealed)
}

// classify tells the kind of an address, how it is shown, and, where that lacks secrets, the whole of it.
func classify(text string) (kind, shown, whole string, err error) {
	text = strings.TrimSpace(text)
	scheme, rest, hasScheme := strings.Cut(text, "://")
	switch {
	case !hasScheme:
		shown, err = mail.ParseAddress(strings.TrimPrefix(text, "mailto:"))
		return orchestrator.ToMail, shown, "", err
	case scheme == "ntfy":
		if err := ntfy.Check(text); err != nil {
			return "", "", "", err
		}
		host, _, _ := strings.Cut(rest[strings.LastIndexByte(rest, '@')+1:], "/")
		return orchestrator.ToNtfy, "ntfy://" + host + "/…", text, nil
	}
	if err := (&notify.Notifier{Addresses: []string{text}}).Check(); err != nil {
		return "", "", "", errors.New("it is neither an e-mail address nor one of ntfy or shoutrrr, such as telegram://TOKEN@telegram?chats=ID")
	}
	return orchestrator.ToMessage, scheme + "://…", text, nil
}

// addressOf is the whole address of a subscription.
func (s *Service) addressOf(ctx context.Context, sub orchestrator.Subscription) (string, error) {
	if sub.Kind == orchestrator.ToMail {
		return sub.Address, nil
	}
	opened, err := s.Store(ctx)
	if err != nil {
		return "", err
	}
	secret, err := opened.Secret(ctx, sub.UserID, sub.SecretField())
	if err != nil {
		return "", err
	}
	box, err := s.vault()
	if err != nil {
		return "", err
	}
	address, err := box.Open(sub.UserID, sub.SecretField(), secret.Sealed)
	if err != nil {
		return "", fmt.Errorf("open address: %w", err)
	}
	return address, nil
}

// Subscriptions returns those of the named users, or of all.
func (s *Service) Subscriptions(ctx context.Context, names []string) (subs []orchestrator.Subscription, users map[int64]orchestrator.User, err error) {
	chosen, err := s.usersOr(ctx, names)
	if err != nil {
		return nil, nil, err
	}
	users, ids := map[int64]orchestrator.User{}, []int64{}
	for _, user := range chosen {
		users[user.ID] = user
		ids = append(ids, user.ID)
	}
	opened, err := s.Store(ctx)
	if err != nil {
		return nil, nil, err
	}
	subs, err = opened.Subscriptions(ctx, ids)
	return subs, users, err
}

// Unsubscribe ends a subscription of one of these users, nil for any. orchestrator.ErrNotFound when they have no such one.
func (s *Service) Unsubscribe(ctx context.Context, userIDs []int64, id int64) error {
	opened, err := s.Store(ctx)
	if err != nil {
		return err
	}
	return opened.RemoveSubscription(ctx, userIDs, id)
}

// SubscriptionOf finds what the token of a letter belongs to: orchestrator.ErrNotFound where it has ended.
func (s *Service) SubscriptionOf(ctx context.Context, token string) (orchestrator.Subscription, error) {
	opened, err := s.Store(ctx)
	if err != nil {
		return orchestrator.Subscription{}, err
	}
	return opened.SubscriptionByToken(ctx, token)
}
