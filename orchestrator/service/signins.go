package service

import (
	"context"

	"github.com/chortle-audio/chortle/orchestrator/service/accounts"
)

// Accounts returns who may open the page, and how they sign in. All callers share one, so that all passwords together are hashed
// one at a time.
func (s *Service) Accounts(ctx context.Context) (*accounts.Accounts, error) {
	opened, err := s.Store(ctx)
	if err != nil {
		return nil, err
	}
	done, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	if s.accounts == nil {
		s.accounts = accounts.New(opened, s.Now)
	}
	return s.accounts, nil
}
