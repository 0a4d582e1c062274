package web

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/document"
	"github.com/chortle-audio/chortle/orchestrator/web/internal/limits"
	"github.com/chortle-audio/chortle/orchestrator/web/internal/media"
	"github.com/chortle-audio/chortle/orchestrator/web/words"
)

// Exporting writes everything that is kept of a person into a zip, as it is read.
type Exporting interface {
	ExportPerson(ctx context.Context, user orchestrator.User, to io.Writer) (document.PersonExport, error)
}

// outRoutes are how a person takes their laughs elsewhere: all of them at once, or the latest by a feed.
func (s *Server) outRoutes() []route {
	return []route{
		{method: "GET", pattern: "/u/{user}/export.zip", kind: data, need: member, handle: s.export},
		{method: "GET", pattern: "/feed/{token}/laughs.xml", kind: data, need: everybody, handle: s.feed},
		{method: "GET", pattern: "/feed/{token}/{id}/clip", kind: data, need: everybody, handle: s.feedClip},
	}
}

// exportsAtOnce bounds the exports that are written at the same time: each reads all that there is of somebody.
const exportsAtOnce = 2

// export streams everything of a person. What goes wrong in the middle breaks the connection, so that nobody takes a part for all.
func (s *Server) export(w http.ResponseWriter, r *http.Request, v viewer) error {
	user, err := v.user(r.PathValue("user"))
	if err != nil {
		return err
	}
	select {
	case s.exporting <- struct{}{}:
		defer func() { <-s.exporting }()
	default:
		return &waitError{10 * time.Second}
	}
	header := w.Header()
	header.Set("Content-Type", "application/zip")
	header.Set("Cache-Control", "no-store")
	header.Set("Content-Disposition", disposition("attachment", fmt.Sprintf("%s-%s.zip", user.Name, s.now().UTC().Format(time.DateOnly))))
	if r.Method == http.MethodHead {
		return nil
	}
	if _, err := s.options.Exporting.ExportPerson(r.Context(), user, limits.PatientWriter(w)); err != nil {
		if r.Context().Err() == nil {
			s.log.WithField("user", user.Name).WithField("error", s.scrub(err.Error())).Error("export person")
		}
		panic(http.ErrAbortHandler)
	}
	return nil
}

// feedLength is how many laughs a feed has, the latest first.
const feedLength = 50

// feedOf finds whose feed an address opens. Wrong ones are limited by network, like sign-ins.
func (s *Server) feedOf(r *http.Request) (orchestrator.User, context.Context, error) {
	refund, wait, ok := s.byNetwork.Take(callerOf(r).network(), s.now())
	if !ok {
		return orchestrator.User{}, nil, &waitError{wait}
	}
	ctx := orchestrator.Unlimited(r.Context())
	token, _, users, err := s.options.Tokens.Token(ctx, r.PathValue("token"))
	if err == nil && (!token.May(orchestrator.ScopeFeed) || len(users) != 1) {
		err = orchestrator.ErrNotFound
	}
	if !errors.Is(err, orchestrator.ErrNotFound) {
		refund()
	}
	if err != nil {
		return orchestrator.User{}, nil, errShare(err)
	}
	return users[0], orchestrator.WithUsers(ctx, []int64{users[0].ID}), nil
}

// rss is a feed as players of podcasts read it.
type rss struct {
	XMLName xml.Name `xml:"rss"`
	Version string   `xml:"version,attr"`
	Channel struct {
		Title       string    `xml:"title"`
		Link        string    `xml:"link"`
		Description string    `xml:"description"`
		Language    string    `xml:"language"`
		TTL         int       `xml:"ttl"`
		Items       []rssItem `xml:"item"`
	} `xml:"channel"`
}

type rssItem struct {
	Title       string       `xml:"title"`
	Description string       `xml:"description"`
	GUID        rssGUID      `xml:"guid"`
	Published   string       `xml:"pubDate"`
	Enclosure   rssEnclosure `xml:"enclosure"`
}

type rssGUID struct {
	Permanent bool   `xml:"isPermaLink,attr"`
	ID        string `xml:",chardata"`
}

type rssEnclosure struct {
	URL    string `xml:"url,attr"`
	Length int64  `xml:"length,attr"`
	Type   string `xml:"type,attr"`
}

// feed is the latest sure laughs of a person that have sound.
func (s *Server) feed(w http.ResponseWriter, r *http.Request, _ viewer) error {
	user, ctx, err := s.feedOf(r)
	if err != nil {
		return err
	}
	location, err := user.Location()
	if err != nil {
		return err
	}
	feed := rss{Version: "2.0"}
	feed.Channel.Title, feed.Channel.Link = word("feed.title", "name", user.Name), s.address(r, "/")
	feed.Channel.Description, feed.Channel.Language, feed.Channel.TTL = word("feed.say", "zone", words.Zone(user.Timezone)), catalogue.Language, 60
	today := orchestrator.DateOf(s.now().In(location))
	filter := orchestrator.LaughFilter{Tier: orchestrator.TierSure, Marks: orchestrator.NotWrong(), WithClip: true, Order: orchestrator.OrderNewest, Limit: feedLength}
	for laugh, err := range s.options.Laughs.LaughsOf(ctx, []int64{user.ID}, filter) {
		if err != nil {
			return err
		}
		size, err := s.clipSize(ctx, laugh.Clip)
		if errors.Is(err, orchestrator.ErrNotFound) {
			continue // its sound is gone
		}
		if err != nil {
			return err
		}
		feed.Channel.Items = append(feed.Channel.Items, rssItem{
			Title:       catalogue.Day(orchestrator.DayIn(laugh.Start, location), today) + ", " + words.Clock(laugh.Start, location),
			Description: word("feed.item", "what", className(laugh.Class), "long", catalogue.Seconds(laugh.End.Sub(laugh.Start))),
			GUID:        rssGUID{ID: laugh.ID}, Published: laugh.Start.In(location).Format(time.RFC1123Z),
			Enclosure: rssEnclosure{s.address(r, "/feed/"+r.PathValue("token")+"/"+laugh.ID+"/clip"), size, media.Type(laugh.Clip)}})
	}
	w.Header().Set("Content-Type", "application/rss+xml; charset=utf-8")
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return nil //nolint:nilerr // nobody is there any more
	}
	_ = xml.NewEncoder(w).Encode(feed) // the status is sent; who went away reads no more
	return nil
}

func (s *Server) clipSize(ctx context.Context, key string) (int64, error) {
	sound, err := s.options.Sounds.Original(ctx, key)
	if err != nil {
		return 0, err
	}
	size, err := sound.Seek(0, io.SeekEnd)
	return size, errors.Join(err, sound.Close())
}

// feedClip is the sound of a laugh that the feed may have: what is marked wrong or forgotten is not in it, and nobody keeps it.
func (s *Server) feedClip(w http.ResponseWriter, r *http.Request, _ viewer) error {
	user, ctx, err := s.feedOf(r)
	if err != nil {
		return err
	}
	id, ok := orchestrator.ParseLaughID(r.PathValue("id"))
	if !ok {
		return orchestrator.ErrNotFound
	}
	laugh, err := s.options.Laughs.Laugh(ctx, []int64{user.ID}, id)
	switch {
	case err != nil:
		return err
	case laugh.Clip == "" || laugh.Tier != orchestrator.TierSure || laugh.Mark == orchestrator.MarkWrong:
		return orchestrator.ErrNotFound
	}
	return s.serveClip(unkept{w}, r, laugh)
}
