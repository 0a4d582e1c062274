// Package issuer signs people in by OpenID Connect: the code flow with PKCE, state and nonce.
package issuer

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

const (
	// timeout bounds everything that is asked of the issuer for one sign-in.
	timeout = 10 * time.Second
	// maxAnswer bounds an answer of the issuer, in bytes.
	maxAnswer = 1 << 20
)

// Conditions that a caller branches on.
var (
	// ErrRefused marks an answer that does not hold: another state, nonce, issuer, audience or signature, or one that came too late.
	ErrRefused = errors.New("answer of the issuer refused")
	// ErrUnavailable marks an issuer that cannot be reached or does not answer as one.
	ErrUnavailable = errors.New("issuer unavailable")
)

// Issuer is one that people may sign in with. Safe for concurrent use.
type Issuer struct {
	address, clientID, clientSecret, redirect string
	client                                    *http.Client
	now                                       func() time.Time

	mu       sync.Mutex
	provider *oidc.Provider // nil until the issuer was asked once
}

// Flow is what the browser must bring back: it is kept in a cookie of the browser's own.
type Flow struct {
	State    string `json:"state"`
	Nonce    string `json:"nonce"`
	Verifier string `json:"verifier"`
}

// New returns an issuer by its address. redirect is where it sends people back. Nothing is asked of it before somebody signs in, so
// that the page is served while it is down.
func New(address, clientID, clientSecret, redirect string, now func() time.Time) *Issuer {
	return &Issuer{address: address, clientID: clientID, clientSecret: clientSecret, redirect: redirect, now: now,
		client: &http.Client{Timeout: timeout, Transport: bounded{http.DefaultTransport}}}
}

// bounded bounds what is read of an answer.
type bounded struct{ http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		response.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(response.Body, maxAnswer), response.Body}
	}
	return response, err
}

// Host is what people call the issuer.
func (i *Issuer) Host() string {
	u, err := url.Parse(i.address)
	if err != nil {
		return i.address
	}
	return u.Host
}

// Address is the issuer's own name for itself: half of an identity.
func (i *Issuer) Address() string { return i.address }

// discover asks the issuer where its addresses are, once for all.
func (i *Issuer) discover(ctx context.Context) (*oidc.Provider, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.provider != nil {
		return i.provider, nil
	}
	// The provider keeps this context for its keys: it must outlive the request.
	provider, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), i.client), i.address)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	i.provider = provider
	return provider, nil
}

func (i *Issuer) config(provider *oidc.Provider) *oauth2.Config {
	return &oauth2.Config{ClientID: i.clientID, ClientSecret: i.clientSecret, RedirectURL: i.redirect, Endpoint: provider.Endpoint(), Scopes: []string{oidc.ScopeOpenID}}
}

// Begin returns where to send the browser, and what it must bring back. ErrUnavailable.
func (i *Issuer) Begin(ctx context.Context) (address string, flow Flow, err error) {
	provider, err := i.discover(ctx)
	if err != nil {
		return "", Flow{}, err
	}
	flow = Flow{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier()}
	return i.config(provider).AuthCodeURL(flow.State, oidc.Nonce(flow.Nonce), oauth2.S256ChallengeOption(flow.Verifier)), flow, nil
}

// Finish checks what the issuer sent the browser back with, and returns whom it names. ErrRefused, ErrUnavailable.
func (i *Issuer) Finish(ctx context.Context, flow Flow, query url.Values) (subject string, err error) {
	if flow.State == "" || subtle.ConstantTimeCompare([]byte(flow.State), []byte(query.Get("state"))) != 1 {
		return "", fmt.Errorf("%w: another state", ErrRefused)
	}
	if query.Get("code") == "" { // such as error=access_denied: the person said no. Its text is the issuer's, and not repeated.
		return "", fmt.Errorf("%w: no code", ErrRefused)
	}
	provider, err := i.discover(ctx)
	if err != nil {
		return "", err
	}
	ctx = oidc.ClientContext(ctx, i.client)
	token, err := i.config(provider).Exchange(ctx, query.Get("code"), oauth2.VerifierOption(flow.Verifier))
	if refused := (*oauth2.RetrieveError)(nil); errors.As(err, &refused) {
		return "", fmt.Errorf("%w: code: status %d", ErrRefused, refused.Response.StatusCode)
	}
	if err != nil {
		return "", fmt.Errorf("%w: exchange code: %w", ErrUnavailable, err)
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return "", fmt.Errorf("%w: no id token", ErrRefused)
	}
	claims, err := provider.Verifier(&oidc.Config{ClientID: i.clientID, Now: i.now}).Verify(ctx, raw)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrRefused, err)
	}
	if subtle.ConstantTimeCompare([]byte(claims.Nonce), []byte(flow.Nonce)) != 1 {
		return "", fmt.Errorf("%w: another nonce", ErrRefused)
	}
	if claims.Subject == "" {
		return "", fmt.Errorf("%w: no subject", ErrRefused)
	}
	return claims.Subject, nil
}
