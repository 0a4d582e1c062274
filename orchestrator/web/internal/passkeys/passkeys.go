// Package passkeys makes and checks passkeys: WebAuthn with credentials that the browser finds by itself, so that nobody types a name.
package passkeys

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/chortle-audio/chortle/orchestrator"
)

const (
	// life is for how long a person may look for the key that the browser asks for.
	life = 5 * time.Minute
	// most bounds the ceremonies that are open at once: anybody may begin one. The oldest goes first.
	most = 1024
)

// ErrRefused marks an answer of a browser that does not hold: another challenge, site, key or signature, or one that came too late.
var ErrRefused = errors.New("passkey refused")

// Site is where a browser stands. A passkey belongs to the host, and an answer to the origin.
type Site struct{ Host, Origin string }

// Key is a passkey as an account keeps it.
type Key struct {
	// Credential is the credential's own id, base64url without padding.
	Credential string
	// Data is JSON: public key, counter and flags.
	Data []byte
}

// Ceremonies are those that began and have not ended. Each is used once. Safe for concurrent use.
type Ceremonies struct {
	now func() time.Time

	mu    sync.Mutex
	open  map[string]ceremony
	order []string // of their beginning
}

type ceremony struct {
	session webauthn.SessionData
	begun   time.Time
}

// New returns none yet.
func New(now func() time.Time) *Ceremonies {
	return &Ceremonies{now: now, open: map[string]ceremony{}}
}

// keep remembers a ceremony under a name that nobody guesses.
func (c *Ceremonies) keep(session *webauthn.SessionData) string {
	name := rand.Text()
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.order) >= most {
		delete(c.open, c.order[0])
		c.order = c.order[1:]
	}
	c.open[name], c.order = ceremony{session: *session, begun: c.now()}, append(c.order, name)
	return name
}

// take returns a ceremony and forgets it.
func (c *Ceremonies) take(name string) (webauthn.SessionData, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	kept, ok := c.open[name]
	delete(c.open, name)
	if !ok || c.now().Sub(kept.begun) > life {
		return webauthn.SessionData{}, fmt.Errorf("%w: the ceremony is over", ErrRefused)
	}
	kept.session.Expires = time.Time{} // by our own clock, above
	return kept.session, nil
}

func party(site Site) (*webauthn.WebAuthn, error) {
	return webauthn.New(&webauthn.Config{RPID: site.Host, RPDisplayName: "Chortle", RPOrigins: []string{site.Origin},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{RequireResidentKey: protocol.ResidentKeyRequired(), ResidentKey: protocol.ResidentKeyRequirementRequired,
			UserVerification: protocol.VerificationRequired}})
}

// owner is an account as the library sees it.
type owner struct {
	account orchestrator.Account
	keys    []webauthn.Credential
}

func (o *owner) WebAuthnID() []byte                         { return []byte(o.account.Handle) }
func (o *owner) WebAuthnName() string                       { return o.account.Name }
func (o *owner) WebAuthnDisplayName() string                { return o.account.Name }
func (o *owner) WebAuthnCredentials() []webauthn.Credential { return o.keys }

func newOwner(account orchestrator.Account, keys []orchestrator.Passkey) (*owner, error) {
	o := &owner{account: account}
	for _, key := range keys {
		var credential webauthn.Credential
		if err := json.Unmarshal(key.Data, &credential); err != nil {
			return nil, fmt.Errorf("read passkey %d: %w", key.ID, err)
		}
		o.keys = append(o.keys, credential)
	}
	return o, nil
}

// BeginRegistration returns what the browser is to be asked to make a passkey for an account that has these already, as JSON-able
// options, and the name of the ceremony.
func (c *Ceremonies) BeginRegistration(site Site, account orchestrator.Account, have []orchestrator.Passkey) (options any, name string, err error) {
	owner, err := newOwner(account, have)
	if err != nil {
		return nil, "", err
	}
	rp, err := party(site)
	if err != nil {
		return nil, "", fmt.Errorf("begin passkey: %w", err)
	}
	creation, session, err := rp.BeginRegistration(owner, webauthn.WithExclusions(webauthn.Credentials(owner.keys).CredentialDescriptors()))
	if err != nil {
		return nil, "", fmt.Errorf("begin passkey: %w", err)
	}
	return creation.Response, c.keep(session), nil
}

// FinishRegistration checks the browser's answer and returns the new passkey. ErrRefused where it does not hold.
func (c *Ceremonies) FinishRegistration(site Site, name string, account orchestrator.Account, answer []byte) (Key, error) {
	session, err := c.take(name)
	if err != nil {
		return Key{}, err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return Key{}, fmt.Errorf("%w: %v", ErrRefused, err) //nolint:errorlint // the library's errors are nobody's to branch on
	}
	rp, err := party(site)
	if err != nil {
		return Key{}, fmt.Errorf("check passkey: %w", err)
	}
	credential, err := rp.CreateCredential(&owner{account: account}, session, parsed)
	if err != nil {
		return Key{}, fmt.Errorf("%w: %v", ErrRefused, err) //nolint:errorlint // as above
	}
	return keyOf(credential)
}

func keyOf(credential *webauthn.Credential) (Key, error) {
	credential.Attestation = webauthn.CredentialAttestation{} // nobody asked for it
	text, err := json.Marshal(credential)
	return Key{Credential: base64.RawURLEncoding.EncodeToString(credential.ID), Data: text}, err
}

// BeginSignIn returns what the browser is to be asked for somebody who has not said who they are, and the name of the ceremony.
func (c *Ceremonies) BeginSignIn(site Site) (options any, name string, err error) {
	rp, err := party(site)
	if err != nil {
		return nil, "", fmt.Errorf("begin sign-in: %w", err)
	}
	assertion, session, err := rp.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return nil, "", fmt.Errorf("begin sign-in: %w", err)
	}
	return assertion.Response, c.keep(session), nil
}

// FinishSignIn checks the browser's answer. find returns the account of a handle and its passkeys. It returns the account, which
// of its passkeys was used, and what that says of itself now. ErrRefused where the answer does not hold, or the passkey was copied.
func (c *Ceremonies) FinishSignIn(site Site, name string, answer []byte,
	find func(handle string) (orchestrator.Account, []orchestrator.Passkey, error)) (account orchestrator.Account, used orchestrator.Passkey, err error) {
	session, err := c.take(name)
	if err != nil {
		return account, used, err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return account, used, fmt.Errorf("%w: %v", ErrRefused, err) //nolint:errorlint // the library's errors are nobody's to branch on
	}
	rp, err := party(site)
	if err != nil {
		return account, used, fmt.Errorf("check passkey: %w", err)
	}
	var keys []orchestrator.Passkey
	var failed error
	_, credential, err := rp.ValidatePasskeyLogin(func(_, handle []byte) (webauthn.User, error) {
		if account, keys, failed = find(string(handle)); failed != nil {
			return nil, failed
		}
		return newOwner(account, keys)
	}, session, parsed)
	if failed != nil {
		return account, used, failed
	}
	if err != nil {
		return account, used, fmt.Errorf("%w: %v", ErrRefused, err) //nolint:errorlint // as above
	}
	if credential.Authenticator.CloneWarning {
		return account, used, fmt.Errorf("%w: its counter went back, as that of a copy does", ErrRefused)
	}
	now, err := keyOf(credential)
	if err != nil {
		return account, used, err
	}
	for _, key := range keys {
		if key.Credential == now.Credential {
			key.Data = now.Data
			return account, key, nil
		}
	}
	return account, used, fmt.Errorf("%w: the account has no such passkey", ErrRefused)
}
