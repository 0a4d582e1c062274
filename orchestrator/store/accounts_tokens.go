package store

import (
	"context"
	"strings"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

const tokenColumns = "t.id, t.account_id, COALESCE(t.user_id, 0), t.name, t.scopes, t.created_at, t.expires_at, t.used_at" //nolint:gosec // names of columns

func columnsOfToken(t *orchestrator.APIToken, scopes *string) []any {
	return []any{&t.ID, &t.AccountID, &t.UserID, &t.Name, scopes, instant{&t.CreatedAt}, instant{&t.ExpiresAt}, instant{&t.UsedAt}}
}

// AddToken stores a token of the API under the SHA-256 of its secret and returns it with its ID. orchestrator.ErrNotFound when there
// is no such account, or no such user.
func (s *Store) AddToken(ctx context.Context, token orchestrator.APIToken, secret string) (orchestrator.APIToken, error) {
	token.CreatedAt, token.ExpiresAt, token.UsedAt = stored(token.CreatedAt), stored(token.ExpiresAt), time.Time{}
	err := s.transaction(ctx, "add token", func(ctx context.Context, q querier) error {
		if _, _, err := findAccount(ctx, q, "a.id = ?", token.AccountID); err != nil {
			return err
		}
		if token.UserID != 0 {
			if _, err := s.takeUser(ctx, q, token.UserID); err != nil {
				return err
			}
		}
		words := make([]string, len(token.Scopes))
		for i, scope := range token.Scopes {
			words[i] = string(scope)
		}
		return q.one(ctx, `INSERT INTO api_tokens (account_id, user_id, secret, name, scopes, created_at, expires_at)
			VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) RETURNING id`, []any{token.AccountID, orNone(token.UserID), secret, token.Name, strings.Join(words, " "),
			token.CreatedAt, orNull(token.ExpiresAt)}, &token.ID)
	})
	return token, err
}

// Token returns the token with that secret, its account, and the users that it reaches: those that the account sees, limited to the
// token's own where it has one. orchestrator.ErrNotFound where it is unknown, expired at now, or revoked.
func (s *Store) Token(ctx context.Context, secret string, now time.Time) (token orchestrator.APIToken, account orchestrator.Account, users []orchestrator.User, err error) {
	err = s.read(ctx, "find token", func(ctx context.Context, q querier) error {
		var scopes string
		err := q.one(ctx, "SELECT "+tokenColumns+" FROM api_tokens t WHERE t.secret = ?1 AND (t.expires_at IS NULL OR t.expires_at > ?2)", []any{secret, now},
			columnsOfToken(&token, &scopes)...)
		if err != nil {
			return err
		}
		token.Scopes = scopesOf(scopes)
		if account, _, err = findAccount(ctx, q, "a.id = ?", token.AccountID); err != nil {
			return err
		}
		all, err := usersOf(ctx, q, account)
		users = nil
		for _, user := range all {
			if token.UserID == 0 || token.UserID == user.ID {
				users = append(users, user)
			}
		}
		return err
	})
	if err != nil {
		return orchestrator.APIToken{}, orchestrator.Account{}, nil, err
	}
	return token, account, users, nil
}

// Tokens returns the tokens of an account, the oldest first, also those that have expired.
func (s *Store) Tokens(ctx context.Context, accountID int64) (tokens []orchestrator.APIToken, err error) {
	err = s.read(ctx, "list tokens", func(ctx context.Context, q querier) error {
		tokens = nil
		return q.each(ctx, "SELECT "+tokenColumns+" FROM api_tokens t WHERE t.account_id = ?1 ORDER BY t.id", []any{accountID}, func(scan func(...any) error) error {
			var token orchestrator.APIToken
			var scopes string
			err := scan(columnsOfToken(&token, &scopes)...)
			token.Scopes = scopesOf(scopes)
			tokens = append(tokens, token)
			return err
		})
	})
	return tokens, err
}

// TouchToken notes that a token was used. One that is gone is no error.
func (s *Store) TouchToken(ctx context.Context, id int64, now time.Time) error {
	return s.transaction(ctx, "note token", func(ctx context.Context, q querier) error {
		_, err := q.exec(ctx, "UPDATE api_tokens SET used_at = ?1 WHERE id = ?2", now, id)
		return err
	})
}

// RemoveToken deletes a token of an account. orchestrator.ErrNotFound when it has no such one.
func (s *Store) RemoveToken(ctx context.Context, accountID, id int64) error {
	return s.removeOwned(ctx, "remove token", "api_tokens", accountID, id)
}
