// Package vault keeps secrets at rest: AES-256-GCM, a fresh nonce for every write, and the owner and
// the field as associated data, so that a sealed secret opens nowhere but where it was put.
//
// A sealed secret reads "v1.KEYID.BASE64", where KEYID names the key that sealed it and BASE64 holds
// nonce, ciphertext and tag.
package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/chortle-audio/chortle/orchestrator"
)

const version = "v1"

// Conditions that a caller branches on.
var (
	// ErrNoKey means that there is no key to seal or open with.
	ErrNoKey = orchestrator.WithCode(errors.New("there is no secret key"), orchestrator.CodeSecretKeyMissing)
	// ErrWrongKey means that another key sealed the secret, or that it was changed or moved.
	ErrWrongKey = orchestrator.WithCode(errors.New("the secret key does not open it"), orchestrator.CodeSecretKeyWrong)
)

// Vault seals and opens with one key. Its zero value has none and answers ErrNoKey. Safe for
// concurrent use.
type Vault struct {
	aead cipher.AEAD
	id   string
	raw  []byte
}

// New makes a vault from a key of 64 hexadecimal digits; an empty text makes one without a key. The
// key is never part of an error.
func New(key string) (Vault, error) {
	key = strings.TrimSpace(key)
	if key == "" {
		return Vault{}, nil
	}
	raw, err := hex.DecodeString(key)
	if err != nil || len(raw) != 32 {
		return Vault{}, fmt.Errorf("read secret key: want 64 hexadecimal digits, got %d characters (openssl rand -hex 32 makes one)", len(key))
	}
	block, err := aes.NewCipher(raw)
	if err != nil {
		return Vault{}, fmt.Errorf("read secret key: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return Vault{}, fmt.Errorf("read secret key: %w", err)
	}
	sum := sha256.Sum256(append([]byte("chortle key id\x00"), raw...))
	return Vault{aead: aead, id: hex.EncodeToString(sum[:4]), raw: raw}, nil
}

// KeyID names the key without telling it: eight hexadecimal digits; empty where there is none.
func (v Vault) KeyID() string { return v.id }

// Derive returns a key of 32 bytes that follows from the vault's own, by HKDF-SHA256, for one purpose: whoever has it
// knows neither that key nor those of other purposes. nil where the vault has no key.
func (v Vault) Derive(purpose string) []byte {
	if v.aead == nil {
		return nil
	}
	key, err := hkdf.Key(sha256.New, v.raw, nil, "chortle "+purpose, 32)
	if err != nil {
		panic(err) // only for a length that SHA-256 cannot give
	}
	return key
}

// KeyIDOf names the key that sealed a secret; empty for what is no sealed secret.
func KeyIDOf(sealed string) string {
	parts := strings.Split(sealed, ".")
	if len(parts) != 3 || parts[0] != version {
		return ""
	}
	return parts[1]
}

// Seal encrypts a secret for one field of one user. ErrNoKey where the vault has no key.
func (v Vault) Seal(userID int64, field, secret string) (string, error) {
	if v.aead == nil {
		return "", ErrNoKey
	}
	nonce := make([]byte, v.aead.NonceSize())
	rand.Read(nonce) // never fails: crypto/rand ends the process instead
	box := v.aead.Seal(nonce, nonce, []byte(secret), v.bound(userID, field))
	return strings.Join([]string{version, v.id, base64.RawURLEncoding.EncodeToString(box)}, "."), nil
}

// Open decrypts a sealed secret of one field of one user. Errors: ErrNoKey, ErrWrongKey.
func (v Vault) Open(userID int64, field, sealed string) (string, error) {
	if v.aead == nil {
		return "", ErrNoKey
	}
	id := KeyIDOf(sealed)
	if id == "" {
		return "", fmt.Errorf("open %s: it is no sealed secret: %w", field, ErrWrongKey)
	}
	if id != v.id {
		return "", fmt.Errorf("open %s: it was sealed with key %s, the key given is %s: %w", field, id, v.id, ErrWrongKey)
	}
	box, err := base64.RawURLEncoding.Strict().DecodeString(strings.Split(sealed, ".")[2])
	if err != nil || len(box) < v.aead.NonceSize() {
		return "", fmt.Errorf("open %s: it is damaged: %w", field, ErrWrongKey)
	}
	nonce, ciphertext := box[:v.aead.NonceSize()], box[v.aead.NonceSize():]
	secret, err := v.aead.Open(nil, nonce, ciphertext, v.bound(userID, field))
	if err != nil {
		return "", fmt.Errorf("open %s: %w", field, ErrWrongKey)
	}
	return string(secret), nil
}

// bound is what ties a secret to its place.
func (v Vault) bound(userID int64, field string) []byte {
	return []byte(version + "\x00" + v.id + "\x00" + strconv.FormatInt(userID, 10) + "\x00" + field)
}
