package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"

	"github.com/chortle-audio/chortle/orchestrator"
)

// findPolicy returns the id of a policy, and adds it where it is new; 0 for the zero policy.
func findPolicy(ctx context.Context, q querier, policy orchestrator.Policy) (id int64, err error) {
	if reflect.ValueOf(policy).IsZero() {
		return 0, nil
	}
	body := asJSON(policy)
	sum := sha256.Sum256([]byte(body))
	digest := hex.EncodeToString(sum[:])
	find := func() error { return q.one(ctx, "SELECT id FROM policies WHERE digest = ?1", []any{digest}, &id) }
	if err := find(); !errors.Is(err, orchestrator.ErrNotFound) {
		return id, err
	}
	_, err = q.exec(ctx, "INSERT INTO policies (digest, name, version, body) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (digest) DO NOTHING",
		digest, policy.Name, policy.Version, body)
	if err != nil {
		return 0, err
	}
	return id, find()
}

// LaughPolicy returns the policy that a laugh was found under. orchestrator.ErrNotFound when that is not known, or
// there is no such laugh, or it is none of these users'.
func (s *Store) LaughPolicy(ctx context.Context, userIDs []int64, id string) (policy orchestrator.Policy, err error) {
	var w where
	ofUsers(&w, userIDs, id)
	err = s.read(ctx, fmt.Sprintf("find policy of laugh %q", id), func(ctx context.Context, q querier) error {
		policy = orchestrator.Policy{}
		return q.one(ctx, "SELECT body FROM policies WHERE id = (SELECT policy_id FROM laughs"+w.String()+")", w.args, fromJSON{&policy})
	})
	return policy, err
}
