package api

import (
	"net/http"
	"slices"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/document"
)

// route is one line of the table: what a request looks like, which scope its token needs, what it is answered with.
type route struct {
	method, path string
	// scope of the token; public or anyScope where no certain one is needed.
	scope orchestrator.Scope
	// inPath says that the secret is a part of the path, as "secret".
	inPath bool
	// body of the request, where it carries sound: the most that it may have, in bytes; below 0 the handler bounds it. 0 means smallBody.
	body int64
	// says is one line for who writes a program.
	says string
	// params are what may stand behind the question mark, and which headers count.
	params []param
	// sends is the document that a request carries; nil for none. sound says that it carries sound.
	sends any
	sound bool
	// status and document of the answer; media where it is none.
	status int
	also   []int // further statuses with the same answer
	answer any
	media  []string
	// errors are statuses of the answers that are likely beside those that every route has.
	errors []int
	handle func(w http.ResponseWriter, r *http.Request, c caller) error
}

// The scopes of routes that need no certain one.
const (
	// public routes need no token.
	public orchestrator.Scope = "public"
	// anyScope routes need some token.
	anyScope orchestrator.Scope = "any"
)

// param is a parameter of a request.
type param struct {
	name, in, says string
	schema         map[string]any
	many, required bool
}

// routes is the table of everything that the API answers.
func (s *Server) routes() []route {
	return slices.Concat([]route{
		{method: "GET", path: "/openapi.json", scope: public, says: "This description", status: 200, media: []string{"application/json"}, handle: s.openAPI},
		{method: "GET", path: "/token", scope: anyScope, says: "What the token of the request may do", status: 200, answer: document.APIToken{}, handle: s.token},
		{method: "GET", path: "/users", scope: orchestrator.ScopeRead, says: "The users that the token reaches", status: 200, answer: document.APIUsers{}, handle: s.users},
		{method: "GET", path: "/users/{user}", scope: orchestrator.ScopeRead, says: "A user", status: 200, answer: document.APIUser{}, errors: []int{404}, handle: s.user},
		{method: "GET", path: "/users/{user}/days", scope: orchestrator.ScopeRead, says: "Days with their numbers of laughs, the earliest first; days without any are left out",
			params: []param{fromParam, toParam}, status: 200, answer: document.APIDays{}, errors: []int{400, 404}, handle: s.days},
		{method: "GET", path: "/users/{user}/days/{day}", scope: orchestrator.ScopeRead, says: "A day: its laughs counted, where there was sound, and where it is missing", status: 200,
			answer: document.APIDaySound{}, errors: []int{404}, handle: s.day},
		{method: "GET", path: "/laughs", scope: orchestrator.ScopeRead, says: "Laughs, page by page", params: laughParams, status: 200, answer: document.APILaughs{}, errors: []int{400, 404}, handle: s.laughs},
		{method: "GET", path: "/laughs/{id}", scope: orchestrator.ScopeRead, says: "A laugh", status: 200, answer: document.APILaugh{}, errors: []int{404}, handle: s.laugh},
		{method: "PATCH", path: "/laughs/{id}", scope: orchestrator.ScopeWrite, says: "Mark, star or note a laugh; what is absent stays as it is", sends: document.APIChange{}, status: 200,
			answer: document.APILaugh{}, errors: []int{400, 404, 413}, handle: s.change},
		{method: "DELETE", path: "/laughs/{id}", scope: orchestrator.ScopeWrite, says: "Forget a laugh for good, with its sound", status: 204, errors: []int{404}, handle: s.forget},
		{method: "GET", path: "/laughs/{id}/clip", scope: orchestrator.ScopeRead, says: "The sound of a laugh as it was cut", params: []param{rangeParam}, status: 200,
			media: []string{"audio/ogg", "audio/flac", "audio/wav"}, errors: []int{404, 416}, handle: s.clip},
		{method: "GET", path: "/laughs/{id}/clip.wav", scope: orchestrator.ScopeRead, says: "The same sound as WAV, which everything plays", params: []param{rangeParam}, status: 200,
			media: []string{"audio/wav"}, errors: []int{404, 416}, handle: s.clipWAV},
	}, s.uploadRoutes())
}

// schema makes a JSON schema out of pairs.
func schema(kind string, pairs ...any) map[string]any {
	out := map[string]any{"type": kind}
	for i := 0; i+1 < len(pairs); i += 2 {
		out[pairs[i].(string)] = pairs[i+1]
	}
	return out
}

// mostDays bounds the days of one answer, and mostLaughs the laughs of a page; usualLaughs is a page that says nothing of it.
const (
	mostDays                = 3700
	mostLaughs, usualLaughs = 500, 50
)

var (
	fromParam   = param{name: "from", in: "query", says: "first day; by default 30 days before `to`", schema: schema("string", "format", "date")}
	toParam     = param{name: "to", in: "query", says: "last day, included; by default today, in the user's zone", schema: schema("string", "format", "date")}
	rangeParam  = param{name: "Range", in: "header", says: "a part of the sound, such as `bytes=0-65535`; it is answered with 206", schema: schema("string")}
	laughParams = []param{
		{name: "user", in: "query", many: true, says: "name of a user; may be given several times; by default all that the token reaches", schema: schema("string")},
		{name: "from", in: "query", says: "first day, in each user's zone", schema: schema("string", "format", "date")},
		{name: "to", in: "query", says: "last day, included", schema: schema("string", "format", "date")},
		{name: "since", in: "query", says: "laughs that begin then or later", schema: schema("string", "format", "date-time")},
		{name: "until", in: "query", says: "laughs that begin earlier", schema: schema("string", "format", "date-time")},
		{name: "tier", in: "query", says: "by default both", schema: schema("string", "enum", []string{"sure", "maybe"})},
		{name: "class", in: "query", says: "label of the model, such as `Giggle`", schema: schema("string")},
		{name: "mark", in: "query", many: true, says: "`none` is what nobody marked; by default all; may be given several times", schema: schema("string", "enum", []string{"right", "wrong", "none"})},
		{name: "starred", in: "query", says: "`true`: starred ones only", schema: schema("boolean")},
		{name: "with_clip", in: "query", says: "`true`: those with sound only", schema: schema("boolean")},
		{name: "min_score", in: "query", says: "leaves out what is below it", schema: schema("number", "minimum", 0, "maximum", 1)},
		{name: "order", in: "query", says: "by default `oldest`", schema: schema("string", "enum", []string{"oldest", "newest", "best", "longest", "least-certain"})},
		{name: "limit", in: "query", says: "laughs of a page", schema: schema("integer", "minimum", 1, "maximum", mostLaughs, "default", usualLaughs)},
		{name: "after", in: "query", says: "the `next` of the page before, with everything else the same", schema: schema("string")},
	}
)
