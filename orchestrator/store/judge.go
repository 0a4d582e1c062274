package store

import (
	"context"
	"fmt"

	"github.com/chortle-audio/chortle/orchestrator"
)

func checkMark(mark orchestrator.Mark) error {
	switch mark {
	case orchestrator.MarkNone, orchestrator.MarkRight, orchestrator.MarkWrong:
		return nil
	}
	return fmt.Errorf("unknown mark %q; want %q, %q or none", mark, orchestrator.MarkRight, orchestrator.MarkWrong)
}

// ofUsers chooses the laugh of that id if it is one of these users'; no users are nobody.
func ofUsers(w *where, userIDs []int64, id string) {
	w.add("public_id = ?", id)
	if len(userIDs) == 0 {
		w.conditions = append(w.conditions, "1 = 0")
	}
	in(w, "user_id", userIDs)
}

// Laugh returns the laugh of that public id. orchestrator.ErrNotFound when there is none, or it is none of these
// users'.
func (s *Store) Laugh(ctx context.Context, userIDs []int64, id string) (laugh orchestrator.StoredLaugh, err error) {
	found := false
	for l, err := range s.LaughsOf(ctx, userIDs, orchestrator.LaughFilter{IDs: []string{id}, Limit: 1}) {
		if err != nil {
			return l, err
		}
		laugh, found = l, true
	}
	if !found {
		return laugh, fmt.Errorf("find laugh %q: %w", id, orchestrator.ErrNotFound)
	}
	return laugh, nil
}

// Mark stores a person's judgement of a laugh and returns the one before. It changes nothing else.
// orchestrator.ErrNotFound when there is no such laugh, or it is none of these users'.
func (s *Store) Mark(ctx context.Context, userIDs []int64, id string, mark orchestrator.Mark) (before orchestrator.Mark, err error) {
	if err := checkMark(mark); err != nil {
		return "", fmt.Errorf("mark laugh %q: %w", id, err)
	}
	var w where
	ofUsers(&w, userIDs, id)
	err = s.transaction(ctx, fmt.Sprintf("mark laugh %q", id), func(ctx context.Context, q querier) error {
		if err := q.one(ctx, "SELECT mark FROM laughs"+w.String(), w.args, &before); err != nil {
			return err
		}
		return setLaugh(ctx, q, userIDs, id, "mark", string(mark))
	})
	return before, err
}

// Star stars a laugh or takes its star away. It changes nothing else. Errors are those of Mark.
func (s *Store) Star(ctx context.Context, userIDs []int64, id string, star bool) error {
	return s.transaction(ctx, fmt.Sprintf("star laugh %q", id), func(ctx context.Context, q querier) error {
		return setLaugh(ctx, q, userIDs, id, "star", star)
	})
}

// Note replaces a laugh's note, of at most orchestrator.MaxNote bytes. It changes nothing else. Errors are those of
// Mark.
func (s *Store) Note(ctx context.Context, userIDs []int64, id, note string) error {
	if len(note) > orchestrator.MaxNote {
		return fmt.Errorf("note laugh %q: %d bytes are too long; want at most %d", id, len(note), orchestrator.MaxNote)
	}
	return s.transaction(ctx, fmt.Sprintf("note laugh %q", id), func(ctx context.Context, q querier) error {
		return setLaugh(ctx, q, userIDs, id, "note", note)
	})
}

// setLaugh changes one column of one laugh.
func setLaugh(ctx context.Context, q querier, userIDs []int64, id, column string, value any) error {
	w := where{next: 1, args: []any{value}}
	ofUsers(&w, userIDs, id)
	n, err := q.exec(ctx, "UPDATE laughs SET "+column+" = ?1"+w.String(), w.args...)
	if err == nil && n == 0 {
		return orchestrator.ErrNotFound
	}
	return err
}
