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
	return people, err
}

// everybody is signed in.
type everybody []orchestrator.User

func (e everybody) Visit(context.Context, string, string) (orchestrator.Session, orchestrator.Account, []orchestrator.User, error) {
	return orchestrator.Session{ID: 1}, orchestrator.Account{ID: 1, Name: "alice", Role: orchestrator.RoleAdmin, EveryUser: true}, e, nil
}

func newServer(ctx context.Context, s *service.Service, people []orchestrator.User) (http.Handler, error) {
	opened, err := s.Store(ctx)
	if err != nil {
		return nil, err
	}
	sounds, err := s.Sounds()
	if err != nil {
		return nil, err
	}
	log := logrus.New()
	log.SetLevel(logrus.WarnLevel)
	return web.New(web.Options{Sessions: everybody(people), Laughs: opened, Heard: opened, Judging: s, Sounds: sounds, Log: log, Now: func() time.Time { return pagetest.Now }})
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
			return []string{"/l/" + l.ID}, err
		}
	}
	return nil, nil
}
