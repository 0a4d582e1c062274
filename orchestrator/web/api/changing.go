package api

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/document"
)

// read reads the document of a request: JSON and nothing behind it, without fields that nobody knows.
func read(r *http.Request, to any) error {
	if kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); kind != "application/json" && kind != "application/merge-patch+json" {
		return &answerError{http.StatusUnsupportedMediaType, "type", "Send JSON, with Content-Type: application/json."}
	}
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	err := decoder.Decode(to)
	if err == nil && decoder.Decode(&struct{}{}) != io.EOF {
		err = errors.New("something follows")
	}
	if large := (*http.MaxBytesError)(nil); err != nil && !errors.As(err, &large) {
		return badInput("The body is not the document that is wanted here: see /openapi.json.")
	}
	return err
}

func (s *Server) change(w http.ResponseWriter, r *http.Request, c caller) error {
	l, err := s.laughOf(r, c)
	if err != nil {
		return err
	}
	var change document.APIChange
	if err := read(r, &change); err != nil {
		return err
	}
	// Everything is looked at before anything is stored.
	var mark orchestrator.Mark
	if change.Mark != nil {
		if mark, err = markOf(*change.Mark); err != nil {
			return err
		}
	}
	if change.Note != nil && (len(*change.Note) > orchestrator.MaxNote || !utf8.ValidString(*change.Note) || strings.ContainsRune(*change.Note, 0)) {
		return badInput("A note is text of at most %d bytes.", orchestrator.MaxNote)
	}
	ctx, ids := r.Context(), c.userIDs()
	if change.Mark != nil {
		if _, err = s.Judging.Mark(ctx, ids, l.ID, mark); err != nil {
			return err
		}
	}
	if change.Star != nil {
		if err = s.Judging.Star(ctx, ids, l.ID, *change.Star); err != nil {
			return err
		}
	}
	if change.Note != nil {
		if err = s.Judging.Note(ctx, ids, l.ID, *change.Note); err != nil {
			return err
		}
	}
	if l, err = s.Laughs.Laugh(ctx, ids, l.ID); err != nil {
		return err
	}
	return answer(w, http.StatusOK, s.laughDocument(l))
}

func (s *Server) forget(w http.ResponseWriter, r *http.Request, c caller) error {
	l, err := s.laughOf(r, c)
	if err != nil {
		return err
	}
	if err := s.Judging.Forget(r.Context(), c.userIDs(), l.ID); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
