// Package issuertest is an OpenID Connect issuer for tests. It signs in whom the test says, without asking.
package issuertest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Client is what the issuer calls the page.
const Client = "chortle"

// Issuer answers on loopback until the test ends.
type Issuer struct {
	URL string

	key *ecdsa.PrivateKey

	mu      sync.Mutex
	subject string
	change  func(claims map[string]any)
	signer  *ecdsa.PrivateKey
	flows   map[string]url.Values
	now     func() time.Time
}

// New starts an issuer whose tokens are of the time of now.
func New(t *testing.T, now func() time.Time) *Issuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	i := &Issuer{key: key, signer: key, flows: map[string]url.Values{}, now: now, change: func(map[string]any) {}}
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	i.URL = server.URL
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"issuer": i.URL, "authorization_endpoint": i.URL + "/authorize", "token_endpoint": i.URL + "/token", "jwks_uri": i.URL + "/keys",
			"id_token_signing_alg_values_supported": []string{"ES256"}})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: i.key.Public(), KeyID: "1", Algorithm: "ES256", Use: "sig"}}})
	})
	mux.HandleFunc("GET /authorize", i.authorize)
	mux.HandleFunc("POST /token", i.token)
	return i
}

// SignIn says whom the issuer names from now on. change may change what it says of them; nil changes nothing.
func (i *Issuer) SignIn(subject string, change func(claims map[string]any)) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if change == nil {
		change = func(map[string]any) {}
	}
	i.subject, i.change = subject, change
}

// SignWith makes the issuer sign with another key than it shows: a stranger's.
func (i *Issuer) SignWith(key *ecdsa.PrivateKey) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.signer = key
}

// Key is the one that the issuer shows.
func (i *Issuer) Key() *ecdsa.PrivateKey { return i.key }

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func (i *Issuer) authorize(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	if query.Get("client_id") != Client || query.Get("response_type") != "code" || query.Get("code_challenge_method") != "S256" {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	code := rand.Text()
	i.mu.Lock()
	i.flows[code] = query
	i.mu.Unlock()
	http.Redirect(w, r, query.Get("redirect_uri")+"?"+url.Values{"code": {code}, "state": {query.Get("state")}}.Encode(), http.StatusSeeOther)
}

func (i *Issuer) token(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	code := r.PostFormValue("code")
	query, ok := i.flows[code]
	delete(i.flows, code)
	challenge := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	if !ok || base64.RawURLEncoding.EncodeToString(challenge[:]) != query.Get("code_challenge") || r.PostFormValue("redirect_uri") != query.Get("redirect_uri") {
		w.WriteHeader(http.StatusBadRequest)
		answer(w, map[string]string{"error": "invalid_grant"})
		return
	}
	claims := map[string]any{"iss": i.URL, "aud": Client, "sub": i.subject, "nonce": query.Get("nonce"),
		"iat": i.now().Unix(), "exp": i.now().Add(time.Minute).Unix()}
	i.change(claims)
	text, err := json.Marshal(claims)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: i.signer, KeyID: "1"}}, nil)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	signed, err := signer.Sign(text)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	compact, err := signed.CompactSerialize()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	answer(w, map[string]any{"access_token": "none", "token_type": "Bearer", "id_token": compact})
}
