package store

import (
	"context"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

// Invite stores a link, by the SHA-256 of its secret, that lets an account in once before it expires; an earlier one of the account
// is void. orchestrator.ErrNotFound when there is no such account.
func (s *Store) Invite(ctx context.Context, accountID int64, secret string, now, expires time.Time) error {
	return s.transaction(ctx, "invite account", func(ctx context.Context, q querier) error {
		if _, _, err := findAccount(ctx, q, "a.id = ?", accountID); err != nil {
			return err
		}
		_, err := q.exec(ctx, `INSERT INTO invitations (account_id, secret, created_at, expires_at) VALUES (?1, ?2, ?3, ?4)
			ON CONFLICT (account_id) DO UPDATE SET secret = excluded.secret, created_at = excluded.created_at, expires_at = excluded.expires_at`,
			accountID, secret, now, expires)
		return err
	})
}

// Invitation returns whom a link lets in. orchestrator.ErrNotFound where it is unknown, used, void or expired at now.
func (s *Store) Invitation(ctx context.Context, secret string, now time.Time) (account orchestrator.Account, err error) {
	err = s.read(ctx, "find invitation", func(ctx context.Context, q querier) error {
		account, err = findInvited(ctx, q, secret, now)
		return err
	})
	return account, err
}

func findInvited(ctx context.Context, q querier, secret string, now time.Time) (orchestrator.Account, error) {
	var id int64
	if err := q.one(ctx, "SELECT account_id FROM invitations WHERE secret = ?1 AND expires_at > ?2", []any{secret, now}, &id); err != nil {
		return orchestrator.Account{}, err
	}
	account, _, err := findAccount(ctx, q, "a.id = ?", id)
	return account, err
}

// Accept uses a link up: of several who try at once, one gets in. With a password's hash it sets that and ends all sessions; an empty
// one leaves the password as it is. Errors as Invitation.
func (s *Store) Accept(ctx context.Context, secret, password string, now time.Time) (account orchestrator.Account, err error) {
	err = s.transaction(ctx, "accept invitation", func(ctx context.Context, q querier) error {
		if account, err = findInvited(ctx, q, secret, now); err != nil {
			return err
		}
		n, err := q.exec(ctx, "DELETE FROM invitations WHERE secret = ?1", secret)
		if err != nil {
			return err
		}
		if n == 0 {
			return orchestrator.ErrNotFound
		}
		if password == "" {
			return nil
		}
		account.HasPassword = true
		if _, err := q.exec(ctx, "UPDATE accounts SET password = ?1 WHERE id = ?2", password, account.ID); err != nil {
			return err
		}
		_, err = q.exec(ctx, "DELETE FROM sessions WHERE account_id = ?1", account.ID)
		return err
	})
	return account, err
}

// Invited returns the IDs of the accounts that have an open link, with its end.
func (s *Store) Invited(ctx context.Context, now time.Time) (ends map[int64]time.Time, err error) {
	err = s.read(ctx, "list invitations", func(ctx context.Context, q querier) error {
		ends = map[int64]time.Time{}
		return q.each(ctx, "SELECT account_id, expires_at FROM invitations WHERE expires_at > ?1", []any{now}, func(scan func(...any) error) error {
			var id int64
			var end time.Time
			err := scan(&id, instant{&end})
			ends[id] = end
			return err
		})
	})
	return ends, err
}

// AddPasskey stores a passkey and returns it with its ID. orchestrator.ErrExists when the credential is known already.
func (s *Store) AddPasskey(ctx context.Context, key orchestrator.Passkey) (orchestrator.Passkey, error) {
	key.CreatedAt, key.UsedAt = stored(key.CreatedAt), time.Time{}
	err := s.transaction(ctx, "add passkey", func(ctx context.Context, q querier) error {
		if _, _, err := findAccount(ctx, q, "a.id = ?", key.AccountID); err != nil {
			return err
		}
		err := q.one(ctx, `INSERT INTO passkeys (account_id, credential, name, data, created_at) VALUES (?1, ?2, ?3, ?4, ?5) RETURNING id`,
			[]any{key.AccountID, key.Credential, key.Name, string(key.Data), key.CreatedAt}, &key.ID)
		return s.uniqueIsExists(err)
	})
	return key, err
}

// Passkeys returns the passkeys of an account, the oldest first.
func (s *Store) Passkeys(ctx context.Context, accountID int64) (keys []orchestrator.Passkey, err error) {
	err = s.read(ctx, "list passkeys", func(ctx context.Context, q querier) error {
		keys = nil
		return q.each(ctx, "SELECT id, account_id, credential, name, data, created_at, used_at FROM passkeys WHERE account_id = ?1 ORDER BY id",
			[]any{accountID}, func(scan func(...any) error) error {
				var key orchestrator.Passkey
				var data string
				err := scan(&key.ID, &key.AccountID, &key.Credential, &key.Name, &data, instant{&key.CreatedAt}, instant{&key.UsedAt})
				key.Data = []byte(data)
				keys = append(keys, key)
				return err
			})
	})
	return keys, err
}

// UsePasskey notes a use of a passkey and what it says of itself now. orchestrator.ErrNotFound when it is gone.
func (s *Store) UsePasskey(ctx context.Context, id int64, data []byte, now time.Time) error {
	return s.transaction(ctx, "note passkey", func(ctx context.Context, q querier) error {
		n, err := q.exec(ctx, "UPDATE passkeys SET data = ?1, used_at = ?2 WHERE id = ?3", string(data), now, id)
		if err == nil && n == 0 {
			return orchestrator.ErrNotFound
		}
		return err
	})
}

// RemovePasskey deletes a passkey of an account. orchestrator.ErrNotFound when it has no such one.
func (s *Store) RemovePasskey(ctx context.Context, accountID, id int64) error {
	return s.removeOwned(ctx, "remove passkey", "passkeys", accountID, id)
}

// AccountByHandle returns the account that passkeys name so; orchestrator.ErrNotFound when there is none.
func (s *Store) AccountByHandle(ctx context.Context, handle string) (account orchestrator.Account, err error) {
	err = s.read(ctx, "find account", func(ctx context.Context, q querier) error {
		account, _, err = findAccount(ctx, q, "a.handle = ?", handle)
		return err
	})
	return account, err
}

// AddIdentity links an account with its counterpart at an issuer. orchestrator.ErrExists when that belongs to an account already.
func (s *Store) AddIdentity(ctx context.Context, identity orchestrator.Identity) (orchestrator.Identity, error) {
	identity.CreatedAt = stored(identity.CreatedAt)
	err := s.transaction(ctx, "add identity", func(ctx context.Context, q querier) error {
		if _, _, err := findAccount(ctx, q, "a.id = ?", identity.AccountID); err != nil {
			return err
		}
		err := q.one(ctx, "INSERT INTO identities (account_id, issuer, subject, created_at) VALUES (?1, ?2, ?3, ?4) RETURNING id",
			[]any{identity.AccountID, identity.Issuer, identity.Subject, identity.CreatedAt}, &identity.ID)
		return s.uniqueIsExists(err)
	})
	return identity, err
}

// AccountByIdentity returns the account that an issuer knows as subject; orchestrator.ErrNotFound when there is none.
func (s *Store) AccountByIdentity(ctx context.Context, issuer, subject string) (account orchestrator.Account, err error) {
	err = s.read(ctx, "find identity", func(ctx context.Context, q querier) error {
		var id int64
		if err := q.one(ctx, "SELECT account_id FROM identities WHERE issuer = ?1 AND subject = ?2", []any{issuer, subject}, &id); err != nil {
			return err
		}
		account, _, err = findAccount(ctx, q, "a.id = ?", id)
		return err
	})
	return account, err
}

// Identities returns those of an account, the oldest first.
func (s *Store) Identities(ctx context.Context, accountID int64) (identities []orchestrator.Identity, err error) {
	err = s.read(ctx, "list identities", func(ctx context.Context, q querier) error {
		identities = nil
		return q.each(ctx, "SELECT id, account_id, issuer, subject, created_at FROM identities WHERE account_id = ?1 ORDER BY id", []any{accountID},
			func(scan func(...any) error) error {
				var i orchestrator.Identity
				err := scan(&i.ID, &i.AccountID, &i.Issuer, &i.Subject, instant{&i.CreatedAt})
				identities = append(identities, i)
				return err
			})
	})
	return identities, err
}

// RemoveIdentity unlinks one of an account's. orchestrator.ErrNotFound when it has no such one.
func (s *Store) RemoveIdentity(ctx context.Context, accountID, id int64) error {
	return s.removeOwned(ctx, "remove identity", "identities", accountID, id)
}
