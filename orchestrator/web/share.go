package web

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/service/accounts"
)

// Shares are links that let anybody who has one hear some laughs.
type Shares interface {
	// AddShare makes a link, open for life (0: the default), and returns its token.
	AddShare(ctx context.Context, share orchestrator.Share, life time.Duration, password string) (token string, made orchestrator.Share, err error)
	// Share finds what a link opens, whether it has a password or not: orchestrator.ErrNotFound, accounts.ErrExpired.
	Share(ctx context.Context, token string) (orchestrator.Share, error)
	// OpenShare is Share with its password: accounts.ErrRefused where that is wrong.
	OpenShare(ctx context.Context, token, password string) (orchestrator.Share, error)
	CountVisit(ctx context.Context, shareID int64) error
	Shares(ctx context.Context, userIDs []int64) ([]orchestrator.Share, error)
	RevokeShare(ctx context.Context, userIDs []int64, id int64) error
}

// shareRoutes are how laughs are shared, and what a link opens: its page and its sounds, and nothing else.
func (s *Server) shareRoutes() []route {
	return []route{
		{method: "POST", pattern: "/l/{id}/share", kind: form, need: member, handle: s.addShare},
		{method: "GET", pattern: "/u/{user}/shares", kind: page, need: listener, handle: s.sharesPage},
		{method: "GET", pattern: "/u/{user}/share", kind: page, need: member, handle: s.chooseShared},
		{method: "POST", pattern: "/u/{user}/shares", kind: form, need: member, handle: s.addPlaylist},
		{method: "POST", pattern: "/u/{user}/shares/{number}/revoke", kind: form, need: member, handle: s.revokeShare},
		{method: "GET", pattern: "/s/{token}", kind: page, need: everybody, handle: s.visitShare},
		{method: "POST", pattern: "/s/{token}", kind: form, need: everybody, body: 8 << 10, handle: s.openShare},
		{method: "GET", pattern: "/s/{token}/{id}/clip", kind: data, need: everybody, handle: s.sharedClip},
		{method: "GET", pattern: "/s/{token}/{id}/clip.wav", kind: data, need: everybody, handle: s.sharedWAV},
	}
}

// shareDays are the lives that a person can choose, in days; the first is the default.
var shareDays = []int{14, 1, 90}

func (s *Server) addShare(w http.ResponseWriter, r *http.Request, v viewer) error {
	if err := r.ParseForm(); err != nil {
		return badForm(err)
	}
	id, ok := orchestrator.ParseLaughID(r.PathValue("id"))
	if !ok {
		return orchestrator.ErrNotFound
	}
	laugh, err := s.options.Laughs.Laugh(r.Context(), v.userIDs(), id)
	if err != nil {
		return err
	}
	life, err := shareLife(r.PostForm)
	if err != nil {
		return err
	}
	token, made, err := s.options.Shares.AddShare(r.Context(), orchestrator.Share{UserID: laugh.UserID, AccountID: v.account.ID, Title: r.PostForm.Get("title"),
		Laughs: []string{laugh.ID}}, life, r.PostForm.Get("password"))
	if err != nil {
		return err
	}
	return s.showShares(w, r, v, laugh.User, s.address(r, "/s/"+token), made.ID)
}

// address is an address of ours for somebody else: under the base, or else as this browser reaches us.
func (s *Server) address(r *http.Request, rest string) string {
	if s.base != nil {
		return s.base.String() + rest
	}
	scheme := "http://"
	if callerOf(r).secure {
		scheme = "https://"
	}
	return scheme + r.Host + rest
}

type sharesView struct {
	// Link is that of the share just made; nobody sees it again.
	Link, User string
	MayChange  bool
	Shares     []shareLine
}

type shareLine struct {
	ID                     int64
	Title, Until, Visited  string
	Laughs                 []string
	Visits, Count          int
	HasPassword, Over, New bool
}

func (s *Server) sharesPage(w http.ResponseWriter, r *http.Request, v viewer) error {
	return s.showShares(w, r, v, r.PathValue("user"), "", 0)
}

func (s *Server) showShares(w http.ResponseWriter, r *http.Request, v viewer, name, link string, made int64) error {
	p, err := s.person(r.Context(), v, name, "shares")
	if err != nil {
		return err
	}
	shares, err := s.options.Shares.Shares(r.Context(), p.ids())
	if err != nil {
		return err
	}
	show := sharesView{Link: link, User: p.Name, MayChange: v.may(member)}
	for _, share := range shares {
		line := shareLine{ID: share.ID, Title: share.Title, Laughs: share.Laughs, Count: len(share.Laughs), Visits: share.Visits, HasPassword: share.HasPassword,
			Over: !share.Open(s.now()), New: share.ID == made, Until: word("share.forever")}
		if !share.ExpiresAt.IsZero() {
			line.Until = s.moment(share.ExpiresAt, p)
		}
		show.Shares = append(show.Shares, line)
	}
	s.render(w, r, v, http.StatusOK, "shares.html", view{Title: word("share.title"), Here: p.Home + "/shares", Person: p, Data: show})
	return nil
}

func (s *Server) revokeShare(w http.ResponseWriter, r *http.Request, v viewer) error {
	user, err := v.user(r.PathValue("user"))
	if err != nil {
		return err
	}
	id, err := numbered(r)
	if err != nil {
		return err
	}
	if err := s.options.Shares.RevokeShare(r.Context(), []int64{user.ID}, id); err != nil {
		return err
	}
	http.Redirect(w, r, s.path("/u/"+user.Name+"/shares"), http.StatusSeeOther)
	return nil
}

// shareKey signs what a browser shows that has given a share's password. It lives as long as the process: afterwards people type it again.
var shareKey = func() []byte {
	key := make([]byte, 32)
	rand.Read(key) // never fails: crypto/rand ends the process instead
	return key
}()

const shareCookie = "chortle-share"

func shareProof(token string) string {
	mac := hmac.New(sha256.New, shareKey)
	mac.Write([]byte(token))
	return hex.EncodeToString(mac.Sum(nil))
}

// shareOf finds the share of an address. locked is true where its password was not given yet.
func (s *Server) shareOf(r *http.Request) (share orchestrator.Share, locked bool, err error) {
	token := r.PathValue("token")
	if share, err = s.options.Shares.Share(orchestrator.Unlimited(r.Context()), token); err != nil {
		return share, false, errShare(err)
	}
	locked = share.HasPassword && !hmac.Equal([]byte(s.cookie(r, shareCookie)), []byte(shareProof(token)))
	return share, locked, nil
}

// errShare says the same of a link that never was and of one that was revoked.
func errShare(err error) error {
	if errors.Is(err, orchestrator.ErrNotFound) {
		return errLink
	}
	return err
}

type sharedView struct {
	Title   string
	Locked  bool
	Problem string
	Action  string
	Laughs  []sharedLaugh
}

type sharedLaugh struct{ When, ISO, Long, Clip, WAV string }

func (s *Server) visitShare(w http.ResponseWriter, r *http.Request, _ viewer) error {
	share, locked, err := s.shareOf(r)
	if err != nil {
		return err
	}
	return s.showShare(w, r, share, locked, http.StatusOK, "")
}

func (s *Server) showShare(w http.ResponseWriter, r *http.Request, share orchestrator.Share, locked bool, status int, problem string) error {
	token := r.PathValue("token")
	show := sharedView{Title: share.Title, Locked: locked, Problem: problem, Action: "/s/" + token}
	if show.Title == "" {
		show.Title = plural("share.headings", len(share.Laughs))
	}
	if locked {
		show.Title = word("share.heading")
	} else {
		ctx := orchestrator.WithUsers(r.Context(), []int64{share.UserID})
		laughs, err := collect(s.options.Laughs.LaughsOf(ctx, []int64{share.UserID}, orchestrator.LaughFilter{IDs: share.Laughs, WithClip: true}))
		if err != nil {
			return err
		}
		slices.SortFunc(laughs, func(a, b orchestrator.StoredLaugh) int { // as they were chosen; those that were forgotten are missing
			return cmp.Compare(slices.Index(share.Laughs, a.ID), slices.Index(share.Laughs, b.ID))
		})
		for _, laugh := range laughs {
			location, err := time.LoadLocation(laugh.Timezone)
			if err != nil {
				return err
			}
			start := laugh.Start.In(location)
			show.Laughs = append(show.Laughs, sharedLaugh{When: catalogue.Day(orchestrator.DayIn(laugh.Start, location), orchestrator.DateOf(s.now().In(location))),
				ISO: start.Format(time.RFC3339), Long: catalogue.Seconds(laugh.End.Sub(laugh.Start)), Clip: "/s/" + token + "/" + laugh.ID + "/clip", WAV: "/s/" + token + "/" + laugh.ID + "/clip.wav"})
		}
		if err := s.options.Shares.CountVisit(orchestrator.Unlimited(r.Context()), share.ID); err != nil {
			return err
		}
	}
	s.render(w, r, viewer{}, status, "share.html", view{Title: show.Title, Here: "/", Data: show})
	return nil
}

func (s *Server) openShare(w http.ResponseWriter, r *http.Request, _ viewer) error {
	if err := r.ParseForm(); err != nil {
		return badForm(err)
	}
	token := r.PathValue("token")
	var share orchestrator.Share
	_, err := s.try(r, "share "+token, func(ctx context.Context) (orchestrator.Account, error) {
		var err error
		share, err = s.options.Shares.OpenShare(orchestrator.Unlimited(ctx), token, r.PostForm.Get("password"))
		return orchestrator.Account{}, err
	})
	if errors.Is(err, accounts.ErrRefused) {
		return s.showShare(w, r, share, true, http.StatusUnauthorized, "share.refused")
	}
	if err != nil {
		return errShare(err)
	}
	s.setCookie(w, r, shareCookie, shareProof(token), 24*time.Hour)
	http.Redirect(w, r, s.path("/s/"+token), http.StatusSeeOther) //nolint:gosec // path keeps it on this site
	return nil
}

// sharedSound finds a laugh of the share of an address.
func (s *Server) sharedSound(r *http.Request) (orchestrator.StoredLaugh, error) {
	share, locked, err := s.shareOf(r)
	id, ok := orchestrator.ParseLaughID(r.PathValue("id"))
	switch {
	case err != nil:
		return orchestrator.StoredLaugh{}, err
	case locked:
		return orchestrator.StoredLaugh{}, errNobody
	case !ok || !slices.Contains(share.Laughs, id):
		return orchestrator.StoredLaugh{}, orchestrator.ErrNotFound
	}
	laugh, err := s.options.Laughs.Laugh(orchestrator.WithUsers(r.Context(), []int64{share.UserID}), []int64{share.UserID}, id)
	if err == nil && laugh.Clip == "" {
		err = orchestrator.ErrNotFound
	}
	return laugh, err
}

func (s *Server) sharedClip(w http.ResponseWriter, r *http.Request, _ viewer) error {
	laugh, err := s.sharedSound(r)
	if err != nil {
		return err
	}
	return s.serveClip(unkept{w}, r, laugh)
}

func (s *Server) sharedWAV(w http.ResponseWriter, r *http.Request, _ viewer) error {
	laugh, err := s.sharedSound(r)
	if err != nil {
		return err
	}
	return s.serveWAV(unkept{w}, r, laugh)
}

// unkept lets nobody keep an answer: what is not shared any more must not live on in a browser or on the way to it.
type unkept struct{ http.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (u unkept) WriteHeader(status int) {
	u.Header().Set("Cache-Control", "no-store")
	u.Header().Del("ETag")
	u.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (u unkept) Unwrap() http.ResponseWriter { return u.ResponseWriter }
