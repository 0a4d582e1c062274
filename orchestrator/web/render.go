package web

import (
	"bytes"
	"compress/gzip"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"strings"
	"sync"

	"github.com/chortle-audio/chortle/orchestrator/web/chart"
)

//go:embed templates/*.html
var templateFiles embed.FS

// view is what a template gets.
type view struct {
	// Title of the page, without the program's name.
	Title string
	// Here is the address of the page itself, below the base, for links back to it.
	Here string
	// Viewer is who looks. See its methods below.
	Viewer viewer
	// Person is whose laughs the page is about; nil where it is about nobody's.
	Person *person
	// Said is what was just done, with the way back; nil for nothing.
	Said *said
	// Refresh is after how many seconds the page is loaded anew, where there are no scripts; 0: never.
	Refresh int
	// Data is the page's own.
	Data any
}

// What templates ask a viewer.
func (v viewer) SignedIn() bool  { return v.signedIn() }
func (v viewer) Name() string    { return v.account.Name }
func (v viewer) MayChange() bool { return v.may(member) }
func (v viewer) IsAdmin() bool   { return v.may(admin) }

// UserNames are the names of the users that the viewer sees.
func (v viewer) UserNames() (names []string) {
	for _, user := range v.users {
		names = append(names, user.Name)
	}
	return names
}

// renderer has one set of templates for each page: the layout with the page's blocks. No template makes HTML out of text.
type renderer struct{ sets map[string]*template.Template }

// loadPages parses all templates: what is wrong with one shows at start, not when somebody opens it.
func (s *Server) loadPages() (*renderer, error) {
	names, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil {
		return nil, err
	}
	functions := template.FuncMap{"path": s.path, "asset": s.assetPath, "t": word, "n": plural, "keys": func() []key { return keys },
		"language": func() string { return catalogue.Language }}
	r := &renderer{sets: map[string]*template.Template{}}
	for _, name := range names {
		base := name[len("templates/"):]
		if base == "layout.html" || base[0] == '_' {
			continue
		}
		set := template.New("layout.html").Funcs(functions).Option("missingkey=error")
		if set, err = set.ParseFS(templateFiles, "templates/layout.html", "templates/_*.html", name); err != nil {
			return nil, fmt.Errorf("parse page %s: %w", base, err)
		}
		if set, err = set.ParseFS(chart.Templates, "*.tmpl"); err != nil {
			return nil, fmt.Errorf("parse charts of %s: %w", base, err)
		}
		r.sets[base] = set
	}
	return r, nil
}

// render writes a page, as a whole or not at all.
func (s *Server) render(w http.ResponseWriter, r *http.Request, v viewer, status int, name string, content view) {
	content.Viewer = v
	if content.Here == "" {
		content.Here = r.URL.RequestURI()
	}
	if content.Said == nil && status == http.StatusOK {
		content.Said = s.saidOf(r, content.Person)
	}
	var out bytes.Buffer
	set := s.pages.sets[name]
	if set == nil {
		panic("no template " + name)
	}
	if err := set.Execute(&out, content); err != nil {
		s.log.WithError(err).WithField("template", name).Error("render page")
		http.Error(w, word("error.internal"), http.StatusInternalServerError)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Add("Vary", "Accept-Encoding")
	if out.Len() < smallest || !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		w.WriteHeader(status)
		_, _ = out.WriteTo(w) // nobody is there to be told
		return
	}
	header.Set("Content-Encoding", "gzip")
	w.WriteHeader(status)
	zip := zippers.Get().(*gzip.Writer)
	defer zippers.Put(zip)
	zip.Reset(w)
	_, _ = out.WriteTo(zip)
	_ = zip.Close()
}

// smallest is the size from which a page is compressed: one that fits a packet is as quick without.
const smallest = 1400

// zippers are kept: each holds tables of some hundred kilobytes. Pages hold no secret that an answer could be measured for: forms
// carry none, and sessions live in cookies.
var zippers = sync.Pool{New: func() any {
	zip, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed+2) // a valid level
	return zip
}}

// key is a key of the keyboard and what it does: the page's dialog lists them, and the script reads them there.
type key struct{ Key, Do string }

var keys = []key{{"j", "next"}, {"k", "previous"}, {"space", "play"}, {"y", "right"}, {"n", "wrong"}, {"u", "undo"}, {"s", "star"}, {"e", "note"}, {"?", "help"}}
