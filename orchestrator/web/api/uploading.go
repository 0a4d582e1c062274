package api

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/document"
	"github.com/chortle-audio/chortle/orchestrator/service/uploads"
	"github.com/chortle-audio/chortle/orchestrator/web/internal/limits"
)

// Uploads receives recordings of users. Errors are those of uploads.Spool.
type Uploads interface {
	Upload(ctx context.Context, user orchestrator.User, piece uploads.Piece, body io.Reader) (uploads.State, error)
	// UploadState and RemoveUpload: an error that wraps fs.ErrNotExist where there is nothing of it.
	UploadState(ctx context.Context, user orchestrator.User, name string) (uploads.State, error)
	RemoveUpload(ctx context.Context, user orchestrator.User, name string) error
	// Waiting is what was not read yet, and how much it is and may be, in bytes.
	Waiting(ctx context.Context, user orchestrator.User) (list []uploads.State, used, quota int64, err error)
	Stream(ctx context.Context, user orchestrator.User, who string, rate int, piece []byte) error
}

// uploadRoutes are the way in for recordings.
func (s *Server) uploadRoutes() []route {
	return []route{
		{method: "GET", path: "/users/{user}/recordings", scope: orchestrator.ScopeUpload, says: "What was sent and not read yet", status: 200, answer: document.APIUploads{}, errors: []int{404}, handle: s.waiting},
		{method: "GET", path: "/users/{user}/recordings/{file}", scope: orchestrator.ScopeUpload,
			says:   "How far an upload is; HEAD tells the same in the headers Upload-Offset and Upload-Length. What was read already is not here any more",
			status: 200, answer: document.APIUpload{}, errors: []int{400, 404}, handle: s.uploadState},
		{method: "PUT", path: "/users/{user}/recordings/{file}", scope: orchestrator.ScopeUpload, body: -1, sound: true,
			says: "Send a recording, or the next part of it; 201 once all of it is on the disk, 202 while parts are missing, 200 where it was here or was read before",
			params: []param{
				{name: "Content-Range", in: "header", says: "the part that is sent, such as `bytes 0-1048575/5000000`; without one, all of it is sent", schema: schema("string")},
				{name: "Repr-Digest", in: "header", says: "SHA-256 of the whole recording, such as `sha-256=:BASE64:`", schema: schema("string")},
				{name: "Last-Modified", in: "header", says: "when the file was last changed: where neither its name nor its content tells when it was recorded, it ended then", schema: schema("string")},
				{name: "read", in: "query", says: "`now`: a run reads it at once, where none is under way; else the next one does", schema: schema("string", "enum", []string{"now", "later"})},
			}, status: 201, also: []int{200, 202}, answer: document.APIUpload{}, errors: []int{400, 404, 409, 411, 413, 422, 507}, handle: s.upload},
		{method: "DELETE", path: "/users/{user}/recordings/{file}", scope: orchestrator.ScopeUpload, says: "Take back a recording that was not read yet, or a part of one", status: 204,
			errors: []int{400, 404, 409}, handle: s.removeUpload},
		{method: "POST", path: "/hooks/omi/{secret}", scope: orchestrator.ScopeHook, inPath: true, body: uploads.MaxPiece, sound: true,
			says: "The audio webhook of the Omi app: raw 16-bit samples, little-endian and mono, as they are recorded",
			params: []param{
				{name: "sample_rate", in: "query", says: "in Hz; by default 16000", schema: schema("integer", "minimum", 4000, "maximum", 48000)},
				{name: "uid", in: "query", says: "tells the streams of one address apart", schema: schema("string")},
			}, status: 200, errors: []int{400, 409, 413, 415, 507}, handle: s.omi},
	}
}

// Slots bound what comes in at once: memory and disk are the same whoever sends.
const mostAtOnce, mostOfOne, mostStreams = 16, 4, 4

// slots counts what is under way.
type slots struct {
	mu    sync.Mutex
	all   int
	ofOne map[int64]int
}

// take takes a slot for a token; ok is false where there is none.
func (s *slots) take(token int64, most, ofOne int) (release func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all >= most || s.ofOne[token] >= ofOne {
		return nil, false
	}
	if s.ofOne == nil {
		s.ofOne = map[int64]int{}
	}
	s.all++
	s.ofOne[token]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.all--
		if s.ofOne[token]--; s.ofOne[token] == 0 {
			delete(s.ofOne, token)
		}
	}, true
}

// uploadError turns an error of an upload into its answer.
func uploadError(w http.ResponseWriter, err error) error {
	offset, quota := (*uploads.OffsetError)(nil), (*uploads.QuotaError)(nil)
	problem := func(status int, code, format string, args ...any) error {
		return &answerError{status, code, fmt.Sprintf(format, args...)}
	}
	switch {
	case err == nil:
		return nil
	case errors.As(err, &offset):
		w.Header().Set("Upload-Offset", strconv.FormatInt(offset.Want, 10))
		return problem(http.StatusConflict, "offset", "Go on at byte %d: that is how much is here.", offset.Want)
	case errors.As(err, &quota) && quota.Disk:
		return problem(http.StatusInsufficientStorage, "disk", "The disk of the server is nearly full. Nothing was stored; try again later.")
	case errors.As(err, &quota):
		return problem(http.StatusInsufficientStorage, "quota", "%d of %d bytes wait to be read, and this does not fit beside them. It does after the next run.", quota.Used, quota.Quota)
	case errors.Is(err, uploads.ErrName):
		_, why, _ := strings.Cut(err.Error(), ": ")
		return problem(http.StatusBadRequest, "name", "That is no name of a recording: %s.", why)
	case errors.Is(err, uploads.ErrConflict):
		return problem(http.StatusConflict, "conflict", "Another recording of that name is here, with other content. Choose another name.")
	case errors.Is(err, uploads.ErrBusy):
		return problem(http.StatusConflict, "busy", "The same recording is being sent. Ask how far it is, and go on from there.")
	case errors.Is(err, uploads.ErrLength):
		return problem(http.StatusBadRequest, "length", "Content-Length, Content-Range and what is here already do not fit together.")
	case errors.Is(err, uploads.ErrCut):
		return problem(http.StatusBadRequest, "cut", "The body ended early. What came is kept: ask how far it is, and go on from there.")
	case errors.Is(err, uploads.ErrDigest):
		return problem(http.StatusUnprocessableEntity, "digest", "What came has another SHA-256 than the one that was told. It was dropped; send it again.")
	case errors.Is(err, uploads.ErrNoSound):
		return problem(http.StatusUnsupportedMediaType, "type", "Send raw 16-bit samples, little-endian and mono: no text, and no file with a header.")
	case errors.Is(err, fs.ErrNotExist):
		return orchestrator.ErrNotFound
	}
	return err
}

func uploadDocument(state uploads.State) document.APIUpload {
	return document.APIUpload{File: state.Name, Bytes: state.Total, Offset: state.Offset, Complete: state.Complete(), At: document.Stamp(state.At)}
}

func (s *Server) waiting(w http.ResponseWriter, r *http.Request, c caller) error {
	user, err := c.user(r.PathValue("user"))
	if err != nil {
		return err
	}
	list, used, quota, err := s.Uploads.Waiting(r.Context(), user)
	if err != nil {
		return err
	}
	answers := document.APIUploads{User: user.Name, UsedBytes: used, QuotaBytes: quota, Recordings: []document.APIUpload{}}
	for _, state := range list {
		answers.Recordings = append(answers.Recordings, uploadDocument(state))
	}
	return answer(w, http.StatusOK, answers)
}

func answerUpload(w http.ResponseWriter, status int, state uploads.State) error {
	w.Header().Set("Upload-Offset", strconv.FormatInt(state.Offset, 10))
	w.Header().Set("Upload-Length", strconv.FormatInt(state.Total, 10))
	return answer(w, status, uploadDocument(state))
}

func (s *Server) uploadState(w http.ResponseWriter, r *http.Request, c caller) error {
	user, err := c.user(r.PathValue("user"))
	if err != nil {
		return err
	}
	state, err := s.Uploads.UploadState(r.Context(), user, r.PathValue("file"))
	if err != nil {
		return uploadError(w, err)
	}
	return answerUpload(w, http.StatusOK, state)
}

func (s *Server) removeUpload(w http.ResponseWriter, r *http.Request, c caller) error {
	user, err := c.user(r.PathValue("user"))
	if err != nil {
		return err
	}
	if err := s.Uploads.RemoveUpload(r.Context(), user, r.PathValue("file")); err != nil {
		return uploadError(w, err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Server) upload(w http.ResponseWriter, r *http.Request, c caller) error {
	user, err := c.user(r.PathValue("user"))
	if err != nil {
		return err
	}
	values, err := query(r, []param{{name: "read", in: "query"}})
	if err != nil {
		return err
	}
	soon := values.Get("read") == "now"
	if text := values.Get("read"); text != "" && text != "later" && !soon {
		return badInput("Parameter \"read\" wants now or later.")
	}
	piece, err := pieceOf(r)
	if err != nil {
		return err
	}
	if _, _, quota, err := s.Uploads.Waiting(r.Context(), user); err != nil {
		return err
	} else if piece.Total > quota {
		return &answerError{http.StatusRequestEntityTooLarge, "large", fmt.Sprintf("A recording may have %d bytes at most.", quota)}
	}
	release, ok := s.receiving.take(c.token.ID, mostAtOnce, mostOfOne)
	if !ok {
		return &waitError{5 * time.Second}
	}
	defer release()
	piece.Name = r.PathValue("file")
	piece.MayStill = func(ctx context.Context) error {
		now, err := s.find(ctx, c.secret)
		if err == nil {
			err = now.may(route{scope: orchestrator.ScopeUpload})
		}
		if err == nil {
			_, err = now.user(user.Name)
		}
		return err
	}
	state, err := s.Uploads.Upload(r.Context(), user, piece, limits.Patient(w, r))
	if err != nil {
		limits.Early(w, r, func() { s.fail(w, r, "/users/{user}/recordings/{file}", uploadError(w, err)) })
		return nil
	}
	if state.Complete() && soon && s.ReadSoon != nil {
		s.ReadSoon(r.Context(), user, state.Name)
	}
	switch {
	case !state.Complete():
		return answerUpload(w, http.StatusAccepted, state)
	case state.Again:
		return answerUpload(w, http.StatusOK, state)
	}
	return answerUpload(w, http.StatusCreated, state)
}

// pieceOf reads from the headers of a request what of a recording it carries.
func pieceOf(r *http.Request) (piece uploads.Piece, err error) {
	if r.ContentLength < 0 {
		return piece, &answerError{http.StatusLengthRequired, "length", "Say how long the body is: Content-Length."}
	}
	piece.Length, piece.Total = r.ContentLength, r.ContentLength
	if text := r.Header.Get("Content-Range"); text != "" {
		if piece.Offset, piece.Total, err = parseRange(text, r.ContentLength); err != nil {
			return piece, err
		}
	}
	if piece.Length == 0 {
		return piece, badInput("The body is empty.")
	}
	for _, header := range []string{"Repr-Digest", "Digest"} {
		for _, text := range r.Header.Values(header) {
			sum, err := parseDigest(text)
			if err != nil {
				return piece, err
			}
			piece.SHA256 = sum
		}
	}
	if text := r.Header.Get("Last-Modified"); text != "" {
		if piece.Modified, err = http.ParseTime(text); err != nil {
			return piece, badInput("Last-Modified is no time: want one such as Sun, 22 Nov 2026 14:30:00 GMT.")
		}
	}
	return piece, nil
}

// parseRange reads "bytes FIRST-LAST/TOTAL" of a body of a length.
func parseRange(text string, length int64) (offset, total int64, err error) {
	bad := badInput("Content-Range does not fit: want bytes FIRST-LAST/TOTAL, with LAST-FIRST+1 bytes in the body.")
	span, ok := strings.CutPrefix(text, "bytes ")
	span, whole, cut := strings.Cut(span, "/")
	first, last, dash := strings.Cut(span, "-")
	if !ok || !cut || !dash {
		return 0, 0, bad
	}
	var numbers [3]int64
	for i, text := range []string{first, last, whole} {
		n, err := strconv.ParseUint(text, 10, 62)
		if err != nil {
			return 0, 0, bad
		}
		numbers[i] = int64(n)
	}
	if numbers[1]-numbers[0]+1 != length || numbers[1] >= numbers[2] {
		return 0, 0, bad
	}
	return numbers[0], numbers[2], nil
}

// parseDigest reads the SHA-256 of a Repr-Digest (sha-256=:BASE64:), or of a Digest of old (SHA-256=BASE64).
func parseDigest(text string) ([]byte, error) {
	for part := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		if !strings.EqualFold(name, "sha-256") {
			continue
		}
		if sum, err := base64.StdEncoding.DecodeString(strings.Trim(value, ":")); err == nil && len(sum) == sha256.Size {
			return sum, nil
		}
		break
	}
	return nil, badInput("The digest is none that is known here: want sha-256=:BASE64:.")
}

// omi is the audio webhook of the Omi app. It is answered as soon as the sound is on the disk.
func (s *Server) omi(w http.ResponseWriter, r *http.Request, c caller) error {
	if kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); kind != "" && kind != "application/octet-stream" && !strings.HasPrefix(kind, "audio/") {
		return uploadError(w, uploads.ErrNoSound)
	}
	if len(c.users) != 1 {
		return orchestrator.ErrNotFound
	}
	rate, values := orchestrator.SampleRateHz, r.URL.Query()
	if text := values.Get("sample_rate"); text != "" {
		var err error
		if rate, err = strconv.Atoi(text); err != nil || rate < 4000 || rate > 48000 {
			return badInput("Parameter \"sample_rate\" wants a number from 4000 to 48000.")
		}
	}
	release, ok := s.streaming.take(c.token.ID, mostStreams, mostStreams)
	if !ok {
		return &waitError{time.Second}
	}
	defer release()
	piece, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	if err := s.Uploads.Stream(r.Context(), c.users[0], strconv.FormatInt(c.token.ID, 10)+" "+values.Get("uid"), rate, piece); err != nil {
		return uploadError(w, err)
	}
	w.WriteHeader(http.StatusOK)
	return nil
}
