package giggles

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// Keys opens the API keys of the old system: AES-256-GCM, the nonce before the ciphertext, the account's
// id as associated data, all in base64. The zero value opens none.
type Keys struct{ aead cipher.AEAD }

// NewKeys reads the old ENCRYPTION_KEY: 64 hexadecimal digits, or none. It is never part of an error.
func NewKeys(text string) (Keys, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return Keys{}, nil
	}
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != 32 {
		return Keys{}, fmt.Errorf("read ENCRYPTION_KEY: want 64 hexadecimal digits, got %d characters", len(text))
	}
	block, err := aes.NewCipher(raw)
	if err != nil {
		return Keys{}, fmt.Errorf("read ENCRYPTION_KEY: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return Keys{}, fmt.Errorf("read ENCRYPTION_KEY: %w", err)
	}
	return Keys{aead}, nil
}

// open decrypts the key of an account.
func (k Keys) open(userID, sealed string) (string, error) {
	if k.aead == nil {
		return "", errors.New("open API key: there is no ENCRYPTION_KEY; give the old system's")
	}
	box, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil || len(box) < k.aead.NonceSize() {
		return "", errors.New("open API key: it is damaged; give the user a new one")
	}
	text, err := k.aead.Open(nil, box[:k.aead.NonceSize()], box[k.aead.NonceSize():], []byte(userID))
	if err != nil {
		return "", errors.New("open API key: ENCRYPTION_KEY does not open it; give the one that it was stored with")
	}
	return string(text), nil
}
