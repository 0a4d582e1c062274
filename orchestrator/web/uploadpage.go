package web

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"strconv"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/service/updates"
	"github.com/chortle-audio/chortle/orchestrator/service/uploads"
	"github.com/chortle-audio/chortle/orchestrator/web/api"
	"github.com/chortle-audio/chortle/orchestrator/web/internal/limits"
	"github.com/chortle-audio/chortle/orchestrator/web/words"
)

// Uploads receives recordings of users, from devices and from the page.
type Uploads interface {
	api.Uploads
	// DayOfUpload is the day to which a recording that waits to be read belongs; orchestrator.ErrNotFound where nobody can tell.
	DayOfUpload(ctx context.Context, user orchestrator.User, name string) (orchestrator.Date, error)
}

// uploadRoutes are where a person gives recordings by hand.
func (s *Server) uploadRoutes() []route {
	return []route{
		{method: "GET", pattern: "/u/{user}/upload", kind: page, need: member, handle: s.uploadPage},
		{method: "POST", pattern: "/u/{user}/upload", kind: form, need: member, body: anyLength, handle: s.receive},
	}
}

// anyLength is the body of a route that bounds it by itself.
const anyLength = 1 << 50

type uploadView struct {
	Action, Problem string
	Waiting         []waitingLine
	Used, Quota     string
}

type waitingLine struct{ Name, Size string }

func (s *Server) uploadPage(w http.ResponseWriter, r *http.Request, v viewer) error {
	return s.showUpload(w, r, v, http.StatusOK, "")
}

func (s *Server) showUpload(w http.ResponseWriter, r *http.Request, v viewer, status int, problem string) error {
	p, err := s.person(r.Context(), v, r.PathValue("user"), "upload")
	if err != nil {
		return err
	}
	list, used, quota, err := s.options.Uploads.Waiting(r.Context(), p.user)
	if err != nil {
		return err
	}
	show := uploadView{Action: p.Home + "/upload", Problem: problem, Used: words.Size(used), Quota: words.Size(quota)}
	for _, state := range list {
		show.Waiting = append(show.Waiting, waitingLine{state.Name, words.Size(state.Total)})
	}
	s.render(w, r, v, status, "upload.html", view{Title: word("upload.title"), Here: p.Home + "/upload", Person: p, Data: show})
	return nil
}

// uploadProblems are the words of what can be wrong with an upload.
var uploadProblems = []struct {
	err error
	key string
}{
	{uploads.ErrName, "upload.name"}, {uploads.ErrConflict, "upload.conflict"}, {uploads.ErrBusy, "upload.busy"}, {uploads.ErrCut, "upload.cut"},
	{uploads.ErrLength, "upload.empty"},
}

func uploadProblem(err error) string {
	if quota := (*uploads.QuotaError)(nil); errors.As(err, &quota) {
		if quota.Disk {
			return "upload.disk"
		}
		return "upload.quota"
	}
	for _, problem := range uploadProblems {
		if errors.Is(err, problem.err) {
			return problem.key
		}
	}
	return ""
}

// receive stores the files of a form as they come. Nothing is kept in memory or beside where it belongs.
func (s *Server) receive(w http.ResponseWriter, r *http.Request, v viewer) error {
	user, err := v.user(r.PathValue("user"))
	if err != nil {
		return err
	}
	stored, err := s.receiveForm(w, r, user)
	if err == nil {
		if wantsJSON(r) {
			w.Header().Set("Content-Type", "application/json")
			return json.NewEncoder(w).Encode(map[string]int{"stored": stored})
		}
		http.Redirect(w, r, s.path("/u/"+user.Name+"/upload"), http.StatusSeeOther)
		return nil
	}
	key := uploadProblem(err)
	limits.Early(w, r, func() {
		switch {
		case key == "":
			s.fail(w, r, route{kind: form, pattern: "/u/{user}/upload"}, v, err)
		case wantsJSON(r):
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusUnprocessableEntity)
			_ = json.NewEncoder(w).Encode(map[string]map[string]string{"error": {"code": key, "message": word(key)}}) // the status is sent; who went away reads no more
		default:
			if showErr := s.showUpload(w, r, v, http.StatusUnprocessableEntity, key); showErr != nil {
				s.fail(w, r, route{kind: form, pattern: "/u/{user}/upload"}, v, showErr)
			}
		}
	})
	return nil
}

// receiveForm returns how many files it stored. A field "modified" in front of a file says when that was last changed, in milliseconds
// of Unix time, and a field "read" that they are to be read at once.
func (s *Server) receiveForm(w http.ResponseWriter, r *http.Request, user orchestrator.User) (stored int, err error) {
	r.Body = io.NopCloser(limits.Patient(w, r))
	form, err := r.MultipartReader()
	if err != nil || r.ContentLength < 1 {
		return 0, inputError("form")
	}
	var modified time.Time
	soon, last := false, ""
	for {
		part, err := form.NextPart()
		switch {
		case err == io.EOF && stored == 0:
			return 0, uploads.ErrLength
		case err == io.EOF:
			if soon {
				s.readSoon(r.Context(), user, last)
			}
			return stored, nil
		case err != nil:
			return stored, uploads.ErrCut
		}
		switch part.FormName() {
		case "modified":
			text, _ := io.ReadAll(io.LimitReader(part, 32))
			if millis, err := strconv.ParseInt(string(text), 10, 64); err == nil {
				modified = time.UnixMilli(millis)
			}
		case "read":
			soon = true
		case "file":
			if part.FileName() == "" {
				continue // no file was chosen
			}
			if err := s.receiveFile(r, user, part, modified); err != nil {
				return stored, err
			}
			stored, last, modified = stored+1, part.FileName(), time.Time{}
		default:
			return stored, inputError("form")
		}
	}
}

func (s *Server) receiveFile(r *http.Request, user orchestrator.User, part *multipart.Part, modified time.Time) error {
	piece := uploads.Piece{Name: part.FileName(), Length: r.ContentLength, Total: r.ContentLength, AtMost: true, Modified: modified}
	piece.MayStill = func(context.Context) error {
		now, err := s.viewer(r)
		if err == nil && !now.may(member) {
			err = errNobody
		}
		if err == nil {
			_, err = now.user(user.Name)
		}
		return err
	}
	_, err := s.options.Uploads.Upload(r.Context(), user, piece, part)
	return err
}

// readSoon has a recording that has just come read by a run of its own, where none is under way.
func (s *Server) readSoon(ctx context.Context, user orchestrator.User, file string) {
	day, err := s.options.Uploads.DayOfUpload(ctx, user, file)
	if err == nil {
		err = s.options.Updates.Begin(updates.Request{User: user, From: day, To: day})
	}
	if err != nil {
		s.log.WithField("user", user.Name).WithField("error", s.scrub(err.Error())).Info("leave what was sent to the next run")
	}
}
