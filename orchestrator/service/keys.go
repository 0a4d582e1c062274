package service

import (
	"context"
	"errors"
	"fmt"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/store"
	"github.com/chortle-audio/chortle/orchestrator/vault"
)

// fieldAPIKey is the secret with which a user's source is read.
const fieldAPIKey = "api_key"

func (s *Service) vault() (vault.Vault, error) { return vault.New(s.Config.SecretKey) }

// CanSeal returns an *InvalidError where there is no secret key to seal API keys with.
func (s *Service) CanSeal() error {
	if s.Config.SecretKey == "" {
		return invalid("seal API key: %w", vault.ErrNoKey)
	}
	return nil
}

// apiKey opens the key of a user's source.
func (s *Service) apiKey(ctx context.Context, user orchestrator.User) (string, error) {
	opened, err := s.Store(ctx)
	if err != nil {
		return "", err
	}
	secret, err := opened.Secret(ctx, user.ID, fieldAPIKey)
	if errors.Is(err, orchestrator.ErrNotFound) {
		return "", orchestrator.WithCode(fmt.Errorf("open API key of user %s: there is none", user.Name), orchestrator.CodeAPIKeyMissing, "user", user.Name)
	}
	if err != nil {
		return "", err
	}
	box, err := s.vault()
	if err != nil {
		return "", err
	}
	key, err := box.Open(user.ID, fieldAPIKey, secret.Sealed)
	if err != nil {
		return "", fmt.Errorf("API key of user %s: %w", user.Name, err)
	}
	return key, nil
}

// SetAPIKey seals the key of a user's source and stores it.
func (s *Service) SetAPIKey(ctx context.Context, user orchestrator.User, key string) error {
	box, err := s.vault()
	if err != nil {
		return err
	}
	sealed, err := box.Seal(user.ID, fieldAPIKey, key)
	if err != nil {
		return fmt.Errorf("seal API key of user %s: %w", user.Name, err)
	}
	opened, err := s.Store(ctx)
	if err != nil {
		return err
	}
	return opened.SetSecret(ctx, store.Secret{UserID: user.ID, Field: fieldAPIKey, Sealed: sealed})
}

// SealedWith returns, by user id, the id of the secret key that each user's API key is encrypted with; users without
// an API key are missing.
func (s *Service) SealedWith(ctx context.Context) (map[int64]string, error) {
	opened, err := s.Store(ctx)
	if err != nil {
		return nil, err
	}
	secrets, err := opened.Secrets(ctx)
	sealed := map[int64]string{}
	for _, secret := range secrets {
		if secret.Field == fieldAPIKey {
			sealed[secret.UserID] = vault.KeyIDOf(secret.Sealed)
		}
	}
	return sealed, err
}

// TestKey asks the API whether it accepts the user's key, and returns the API's address. An *InvalidError where the
// user's source needs none.
func (s *Service) TestKey(ctx context.Context, user orchestrator.User) (address string, err error) {
	kind, _, err := kindOf(user)
	switch {
	case err != nil:
		return "", err
	case kind.testKey == nil:
		return "", invalid("user %s needs no API key: the source is %s", user.Name, user.Source)
	}
	return kind.testKey(ctx, s, user)
}

// RotateKeys encrypts every secret anew: opened with the secret key of the settings, sealed with next, 64 hexadecimal
// digits that came from the file named from. It is one transaction, and may be done again. No run may be under way.
// It returns how many secrets were changed, and the new key's id.
func (s *Service) RotateKeys(ctx context.Context, next, from string) (changed int, keyID string, err error) {
	to, err := vault.New(next)
	switch {
	case err != nil:
		return 0, "", invalid("%s: %w", from, err)
	case to.KeyID() == "":
		return 0, "", invalidCode(orchestrator.CodeNoSecretKeyFile, "%s is empty", from)
	}
	release, err := s.lockAlone(ctx) // a run under way still has the old key
	if err != nil {
		return 0, "", err
	}
	defer release()
	opened, err := s.Store(ctx)
	if err != nil {
		return 0, "", err
	}
	now, err := s.vault()
	if err != nil {
		return 0, "", err
	}
	changed, err = opened.Reseal(ctx, func(secret store.Secret) (string, error) {
		if vault.KeyIDOf(secret.Sealed) == to.KeyID() {
			_, err := to.Open(secret.UserID, secret.Field, secret.Sealed)
			return secret.Sealed, err
		}
		text, err := now.Open(secret.UserID, secret.Field, secret.Sealed)
		if err != nil {
			return "", err
		}
		return to.Seal(secret.UserID, secret.Field, text)
	})
	return changed, to.KeyID(), err
}
