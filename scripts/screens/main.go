// Screens takes pictures of every page: narrow, middling and wide, light and dark, full, empty and failing. They are looked at
// before they are committed.
//
//	go run ./scripts/screens [-out docs/screens] [-only REGEXP]
//
// It needs Chromium, and the libraries that `orchestrator setup` fetches.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/chortle-audio/chortle/internal/artifacts"
	"github.com/chortle-audio/chortle/internal/pagetest"
	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/service"
	"github.com/chortle-audio/chortle/orchestrator/service/updates"
	"github.com/chortle-audio/chortle/orchestrator/web"
)

func main() {
	out := flag.String("out", "docs/screens", "`folder` for the pictures")
	only := flag.String("only", "", "`regular expression` of the pictures to take")
	serve := flag.String("serve", "", "serve the pages at this `address` instead, for a person's own browser")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *out, *only, *serve); err != nil {
		fmt.Fprintln(os.Stderr, "screens:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out, only, serve string) error {
	wanted, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	home, err := os.MkdirTemp("", "screens")
	if err != nil {
		return err
	}
	defer os.RemoveAll(home)
	cache, err := os.UserCacheDir()
	if err != nil {
		return err
	}
	cache = filepath.Join(cache, "chortle")
	s := pagetest.Open(home, pagetest.Parts{Opus: filepath.Join(cache, artifacts.Opus), FFmpeg: filepath.Join(cache, artifacts.FFmpeg)})
	defer s.Close()
	people, err := fill(ctx, s)
	if err != nil {
		return fmt.Errorf("make laughs: %w", err)
	}
	handler, err := newServer(ctx, s, people)
	if err != nil {
		return err
	}
	address := "127.0.0.1:0"
	if serve != "" {
		address = serve
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	defer server.Close()
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	base := "http://" + listener.Addr().String()
	if serve != "" {
		fmt.Println(base + "/   alice is full, bob is failing, cleo is empty")
		select {
		case <-ctx.Done():
			return nil
		case err := <-failed:
			return err
		}
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	return shoot(ctx, base, out, wanted, func(name string) ([]string, error) { return addresses(ctx, s, people, name) })
}

// fill makes three people: one with a good year, one whose recorder has fallen silent after a bad night, one who has just begun.
func fill(ctx context.Context, s *service.Service) (people []orchestrator.User, err error) {
	for _, p := range []struct {
		name, zone string
		options    pagetest.Options
	}{
		{"alice", "Europe/London", pagetest.Options{Days: 331, PerDay: 26, Clips: true}},
		{"bob", "Asia/Kathmandu", pagetest.Options{Days: 20, PerDay: 9, Clips: true, Silent: 3, Failing: true}},
		{"cleo", "America/New_York", pagetest.Options{}},
	} {
		user, err := pagetest.AddUser(ctx, s, p.name, p.zone)
		if err != nil {
			return nil, err
		}
		if err := pagetest.Fill(ctx, s, user, p.options); err != nil {
			return nil, err
		}
		user.Policy = `{"name":"default","version":1,"classes":{"*":{"sure":0.3,"maybe":0.14}},"release":0.1}` // that the laughs were made under
		if err := s.UpdateUser(ctx, user); err != nil {
			return nil, err
		}
		people = append(people, user)
	}
	opened, err := s.Store(ctx)
	if err != nil {
		return nil, err
	}
	// Somebody has listened already: stars on the best of some days, and marks.
	best, err := opened.BestOfDays(ctx, people[0].ID, orchestrator.DateOf(pagetest.Now).Add(-60), orchestrator.DateOf(pagetest.Now))
	if err != nil {
		return nil, err
	}
	ids := []int64{people[0].ID}
	for date, l := range best {
		if date.Day%5 == 0 {
			err = errors.Join(err, opened.Star(ctx, ids, l.ID, true), opened.Note(ctx, ids, l.ID, "when the cat fell off the piano"))
		}
		if date.Day%2 == 0 {
			_, markErr := opened.Mark(ctx, ids, l.ID, orchestrator.MarkRight)
			err = errors.Join(err, markErr)
		}
	}
	if err != nil {
		return nil, err
	}
	// And has said of the last weeks what is right: what was heard loudly, mostly.
	i := 0
	for l, err := range opened.LaughsOf(ctx, ids, orchestrator.LaughFilter{From: orchestrator.DateOf(pagetest.Now).Add(-20), To: orchestrator.DateOf(pagetest.Now).Add(-12)}) {
		if err != nil {
			return nil, err
		}
		mark := orchestrator.MarkWrong
		if i++; l.Score > 0.33 && i%9 != 0 || i%7 == 0 {
			mark = orchestrator.MarkRight
		}
		if _, err := opened.Mark(ctx, ids, l.ID, mark); err != nil {
			return nil, err
		}
	}
	return people, nil
}

// everybody is signed in.
type everybody []orchestrator.User

func (e everybody) Visit(context.Context, string, string) (orchestrator.Session, orchestrator.Account, []orchestrator.User, error) {
	return orchestrator.Session{ID: 1}, orchestrator.Account{ID: 1, Name: "alice", Role: orchestrator.RoleAdmin, EveryUser: true}, e, nil
}

// working is an update under way of one person, alice's never ends and bob's went wrong.
type working map[int64]updates.State

func (w working) Begin(updates.Request) error              { return orchestrator.ErrLocked }
func (w working) State(userID int64) (updates.State, bool) { s, ok := w[userID]; return s, ok }
func (w working) Stop(int64)                               {}

func newServer(ctx context.Context, s *service.Service, people []orchestrator.User) (http.Handler, error) {
	yesterday := orchestrator.DateOf(pagetest.Now).Add(-1)
	options, err := web.OptionsOf(ctx, s, working{
		people[1].ID: {Request: updates.Request{User: people[1]}, StartedAt: pagetest.Now.Add(-time.Hour), FinishedAt: pagetest.Now.Add(-50 * time.Minute), RunID: "fill-bob", ExitCode: orchestrator.ExitIncomplete, Done: 2, Laughs: 3},
		people[2].ID: {Request: updates.Request{User: people[2], From: yesterday, To: yesterday, Again: true, Recordings: 12, Sound: 9*time.Hour + 40*time.Minute}, StartedAt: pagetest.Now.Add(-7 * time.Minute),
			Recording: "14-03.ogg", Position: 20 * time.Minute, Length: time.Hour, Done: 3, Laughs: 12, Heard: 130 * time.Minute},
	})
	if err != nil {
		return nil, err
	}
	log := logrus.New()
	log.SetLevel(logrus.WarnLevel)
	options.Sessions, options.Log, options.Now = everybody(people), log, func() time.Time { return pagetest.Now }
	return web.New(options)
}

// share makes a link to some of alice's best laughs, and returns its path.
func share(ctx context.Context, s *service.Service, user orchestrator.User) (string, error) {
	opened, err := s.Store(ctx)
	if err != nil {
		return "", err
	}
	signIns, err := s.Accounts(ctx)
	if err != nil {
		return "", err
	}
	account, err := signIns.Add(ctx, orchestrator.Account{Name: "alice", Role: orchestrator.RoleAdmin, EveryUser: true}, "")
	if err != nil {
		return "", err
	}
	list := orchestrator.Share{UserID: user.ID, AccountID: account.ID, Title: "For grandma, of the autumn"}
	for l, err := range opened.LaughsOf(ctx, []int64{user.ID}, orchestrator.LaughFilter{Starred: true, Order: orchestrator.OrderBest, Limit: 5}) {
		if err != nil {
			return "", err
		}
		list.Laughs = append(list.Laughs, l.ID)
	}
	token, _, err := signIns.AddShare(ctx, list, 0, "")
	return "/s/" + token, err
}

// addresses are what of a person's pages is pictured: the path of each page by its name.
func addresses(ctx context.Context, s *service.Service, people []orchestrator.User, name string) ([]string, error) {
	opened, err := s.Store(ctx)
	if err != nil {
		return nil, err
	}
	for _, user := range people {
		if user.Name != name {
			continue
		}
		for l, err := range opened.LaughsOf(ctx, []int64{user.ID}, orchestrator.LaughFilter{Order: orchestrator.OrderNewest, Tier: orchestrator.TierSure, Starred: name == "alice", Limit: 1}) {
			if err != nil || name != "alice" {
				return []string{"/l/" + l.ID}, err
			}
			shared, err := share(ctx, s, user)
			return []string{"/l/" + l.ID, shared}, err
		}
	}
	return nil, nil
}
