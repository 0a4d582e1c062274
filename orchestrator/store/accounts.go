package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
)

const accountColumns = "a.id, a.name, a.role, a.every_user, a.password, a.handle, a.created_at"

// AddAccount stores a new account with the hash of its password (empty: none) and returns it with its ID; the account's own ID
// and HasPassword do not count. orchestrator.ErrExists when the name is taken, orchestrator.ErrNotFound when there is no such user;
// the error of Validate when the account is not valid.
func (s *Store) AddAccount(ctx context.Context, account orchestrator.Account, password string) (orchestrator.Account, error) {
	if err := account.Validate(); err != nil {
		return account, err
	}
	account.HasPassword, account.CreatedAt = password != "", stored(account.CreatedAt)
	again := false // an attempt before may have been stored, and only its answer lost
	err := s.transaction(ctx, fmt.Sprintf("add account %q", account.Name), func(ctx context.Context, q querier) error {
		if again {
			before, _, err := findAccount(ctx, q, "a.handle = ?", account.Handle)
			if err == nil {
				account.ID = before.ID
				return nil
			}
			if !errors.Is(err, orchestrator.ErrNotFound) {
				return err
			}
		}
		again = true
		err := q.one(ctx, `INSERT INTO accounts (name, role, every_user, password, handle, created_at)
			VALUES (?1, ?2, ?3, ?4, ?5, ?6) RETURNING id`, []any{account.Name, string(account.Role), account.EveryUser, password,
			account.Handle, account.CreatedAt}, &account.ID)
		if err != nil {
			return s.uniqueIsExists(err)
		}
		return giveUsers(ctx, q, account)
	})
	return account, err
}

// UpdateAccount replaces name, role and users of the account with that ID. orchestrator.ErrNotFound when there is no such account or
// user, orchestrator.ErrExists when the name is taken; the error of Validate when the account is not valid.
func (s *Store) UpdateAccount(ctx context.Context, account orchestrator.Account) error {
	if err := account.Validate(); err != nil {
		return err
	}
	return s.transaction(ctx, fmt.Sprintf("update account %q", account.Name), func(ctx context.Context, q querier) error {
		n, err := q.exec(ctx, "UPDATE accounts SET name = ?1, role = ?2, every_user = ?3 WHERE id = ?4",
			account.Name, string(account.Role), account.EveryUser, account.ID)
		switch {
		case err != nil:
			return s.uniqueIsExists(err)
		case n == 0:
			return orchestrator.ErrNotFound
		}
		if _, err := q.exec(ctx, "DELETE FROM account_users WHERE account_id = ?1", account.ID); err != nil {
			return err
		}
		return giveUsers(ctx, q, account)
	})
}

func giveUsers(ctx context.Context, q querier, account orchestrator.Account) error {
	if account.EveryUser {
		return nil
	}
	for _, id := range account.Users {
		n, err := q.exec(ctx, `INSERT INTO account_users (account_id, user_id) SELECT CAST(?1 AS BIGINT), id FROM users WHERE id = ?2
			ON CONFLICT DO NOTHING`, account.ID, id)
		if err != nil {
			return err
		}
		if n == 0 {
			return orchestrator.ErrNotFound
		}
	}
	return nil
}

// SetPassword stores the hash of a password (empty: none) and ends all sessions of the account but one; 0 keeps none.
// orchestrator.ErrNotFound when there is no such account.
func (s *Store) SetPassword(ctx context.Context, accountID int64, password string, keepSession int64) error {
	return s.transaction(ctx, "set password", func(ctx context.Context, q querier) error {
		n, err := q.exec(ctx, "UPDATE accounts SET password = ?1 WHERE id = ?2", password, accountID)
		if err == nil && n == 0 {
			return orchestrator.ErrNotFound
		}
		if err != nil {
			return err
		}
		_, err = q.exec(ctx, "DELETE FROM sessions WHERE account_id = ?1 AND id <> ?2", accountID, keepSession)
		return err
	})
}

// Account returns the account of that name and the hash of its password; orchestrator.ErrNotFound when there is none.
func (s *Store) Account(ctx context.Context, name string) (account orchestrator.Account, password string, err error) {
	err = s.read(ctx, fmt.Sprintf("find account %q", name), func(ctx context.Context, q querier) error {
		account, password, err = findAccount(ctx, q, "a.name = ?", name)
		return err
	})
	return account, password, err
}

// AccountByID returns an account and the hash of its password; orchestrator.ErrNotFound when there is none.
func (s *Store) AccountByID(ctx context.Context, id int64) (account orchestrator.Account, password string, err error) {
	err = s.read(ctx, "find account", func(ctx context.Context, q querier) error {
		account, password, err = findAccount(ctx, q, "a.id = ?", id)
		return err
	})
	return account, password, err
}

// Accounts returns all accounts, by name.
func (s *Store) Accounts(ctx context.Context) (accounts []orchestrator.Account, err error) {
	err = s.read(ctx, "list accounts", func(ctx context.Context, q querier) error {
		accounts, _, err = findAccounts(ctx, q, where{})
		return err
	})
	return accounts, err
}

// RemoveAccount deletes an account with everything that lets it in. What it shared stays until it is revoked or expires, unless
// nobody else sees the user. orchestrator.ErrNotFound when there is none.
func (s *Store) RemoveAccount(ctx context.Context, id int64) error {
	return s.transaction(ctx, "remove account", func(ctx context.Context, q querier) error {
		n, err := q.exec(ctx, "DELETE FROM accounts WHERE id = ?1", id)
		if err == nil && n == 0 {
			return orchestrator.ErrNotFound
		}
		return err
	})
}

func findAccount(ctx context.Context, q querier, condition string, arg any) (orchestrator.Account, string, error) {
	var w where
	w.add(condition, arg)
	accounts, passwords, err := findAccounts(ctx, q, w)
	if err == nil && len(accounts) == 0 {
		err = orchestrator.ErrNotFound
	}
	if err != nil {
		return orchestrator.Account{}, "", err
	}
	return accounts[0], passwords[0], nil
}

// findAccounts reads accounts with their users, in one statement.
func findAccounts(ctx context.Context, q querier, w where) (accounts []orchestrator.Account, passwords []string, err error) {
	err = q.each(ctx, "SELECT "+accountColumns+", COALESCE(g.user_id, 0) FROM accounts a LEFT JOIN account_users g ON g.account_id = a.id"+w.String()+
		" ORDER BY a.name, g.user_id", w.args, func(scan func(...any) error) error {
		var a orchestrator.Account
		var password string
		var userID int64
		if err := scan(&a.ID, &a.Name, &a.Role, &a.EveryUser, &password, &a.Handle, instant{&a.CreatedAt}, &userID); err != nil {
			return err
		}
		if last := len(accounts) - 1; last < 0 || accounts[last].ID != a.ID {
			a.HasPassword = password != ""
			accounts, passwords = append(accounts, a), append(passwords, password)
		}
		if userID != 0 {
			last := &accounts[len(accounts)-1]
			last.Users = append(last.Users, userID)
		}
		return nil
	})
	return accounts, passwords, err
}

// usersOf returns the users that an account sees, by priority and name.
func usersOf(ctx context.Context, q querier, account orchestrator.Account) ([]orchestrator.User, error) {
	var w where
	if !account.EveryUser {
		w.add("id IN (SELECT user_id FROM account_users WHERE account_id = ?)", account.ID)
	}
	return findUsers(ctx, q, w)
}

// SeenBy returns the users that an account sees, by priority and name.
func (s *Store) SeenBy(ctx context.Context, account orchestrator.Account) (users []orchestrator.User, err error) {
	err = s.read(ctx, "list users of account", func(ctx context.Context, q querier) error {
		users, err = usersOf(ctx, q, account)
		return err
	})
	return users, err
}

// dropBereft deletes accounts that lost their only user: nothing is left that they could see. Those of who runs the server stay.
func dropBereft(ctx context.Context, q querier, ids []int64) (n int64, err error) {
	for batch := range slices.Chunk(ids, batchRows) {
		var w where
		in(&w, "id", batch)
		w.add("role <> 'admin' AND every_user = FALSE AND NOT EXISTS (SELECT 1 FROM account_users g WHERE g.account_id = accounts.id)")
		deleted, err := q.exec(ctx, "DELETE FROM accounts"+w.String(), w.args...)
		if err != nil {
			return n, err
		}
		n += deleted
	}
	return n, nil
}

// ids scans a column of ids.
func (q querier) ids(ctx context.Context, query string, args ...any) (ids []int64, err error) {
	err = q.each(ctx, query, args, func(scan func(...any) error) error {
		var id int64
		err := scan(&id)
		ids = append(ids, id)
		return err
	})
	return ids, err
}

// orNull is NULL for a time that is zero.
func orNull(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t
}

// orNone is NULL for an id that is zero.
func orNone(id int64) any {
	if id == 0 {
		return nil
	}
	return id
}

// scopesOf reads the scopes of a token.
func scopesOf(text string) (scopes []orchestrator.Scope) {
	for word := range strings.FieldsSeq(text) {
		scopes = append(scopes, orchestrator.Scope(word))
	}
	return scopes
}
