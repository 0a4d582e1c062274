package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/document"
)

// openAPI answers with the description of the API: it holds nothing of anybody's.
func (s *Server) openAPI(w http.ResponseWriter, _ *http.Request, _ caller) error {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(s.description) // nobody is there to be told
	return nil
}

// Description is the OpenAPI document, as it is served.
func (s *Server) Description() []byte { return s.description }

var placeholder = regexp.MustCompile(`\{(\w+)\}`)

// meaningsOfPaths say what stands in the addresses.
var meaningsOfPaths = map[string]string{
	"user": "name of a user", "day": "day in the user's zone, such as 2026-11-22", "id": "public ID of a laugh", "file": "name of a recording, with its ending",
	"secret": "secret of the device, from its token",
}

// describe makes the description out of the table of routes and the documents.
func (s *Server) describe() ([]byte, error) {
	schemas := map[string]any{}
	reference := func(v any) (map[string]any, error) { return refer(schemas, reflect.TypeOf(v)) }
	problem, err := reference(document.Problem{})
	if err != nil {
		return nil, err
	}
	paths := map[string]map[string]any{}
	for _, rule := range s.routes() {
		operation, err := operationOf(rule, reference, problem)
		if err != nil {
			return nil, err
		}
		if paths[rule.path] == nil {
			paths[rule.path] = map[string]any{}
		}
		paths[rule.path][strings.ToLower(rule.method)] = operation
	}
	description := map[string]any{
		"openapi": "3.1.0",
		"info": map[string]any{"title": "Chortle", "version": "1", "license": map[string]any{"name": "Apache-2.0", "identifier": "Apache-2.0"},
			"description": "Laughs, days and clips for programs, and the way in for recordings. Fields are added, never removed or given another meaning."},
		"servers":  []any{map[string]any{"url": s.Prefix + Root}},
		"security": []any{map[string]any{"token": []any{}}},
		"paths":    paths,
		"components": map[string]any{"schemas": schemas, "securitySchemes": map[string]any{"token": map[string]any{"type": "http", "scheme": "bearer",
			"description": "A token of an account, made on its page or by `orchestrator token add`."}}},
	}
	return json.MarshalIndent(description, "", "  ")
}

// operationOf describes a route; reference describes a document, and problem is what errors are answered with.
func operationOf(rule route, reference func(any) (map[string]any, error), problem map[string]any) (map[string]any, error) {
	failing := func(status int) map[string]any {
		return map[string]any{"description": http.StatusText(status), "content": map[string]any{"application/problem+json": map[string]any{"schema": problem}}}
	}
	operation := map[string]any{"summary": rule.says, "operationId": operationID(rule), "responses": map[string]any{}}
	params, err := paramsOf(rule)
	if err != nil {
		return nil, err
	}
	if params != nil {
		operation["parameters"] = params
	}
	if rule.sends != nil {
		body, err := reference(rule.sends)
		if err != nil {
			return nil, err
		}
		operation["requestBody"] = map[string]any{"required": true, "content": map[string]any{"application/json": map[string]any{"schema": body}}}
	}
	if rule.sound {
		operation["requestBody"] = map[string]any{"required": true, "content": map[string]any{"application/octet-stream": map[string]any{}}}
	}
	responses := map[string]any{}
	good := map[string]any{"description": http.StatusText(rule.status)}
	content := map[string]any{}
	if rule.answer != nil {
		body, err := reference(rule.answer)
		if err != nil {
			return nil, err
		}
		content["application/json"] = map[string]any{"schema": body}
	}
	for _, kind := range rule.media {
		content[kind] = map[string]any{}
	}
	if len(content) > 0 {
		good["content"] = content
	}
	for _, status := range append([]int{rule.status}, rule.also...) {
		good = maps.Clone(good)
		good["description"] = http.StatusText(status)
		responses[strconv.Itoa(status)] = good
	}
	failures := rule.errors
	switch rule.scope {
	case public:
		operation["security"] = []any{}
	case anyScope:
		failures = append([]int{401, 429, 500, 503}, failures...)
	default:
		failures = append([]int{401, 403, 429, 500, 503}, failures...)
		operation["security"] = []any{map[string]any{"token": []any{}}}
		operation["description"] = "The token needs the scope `" + string(rule.scope) + "`."
		if rule.inPath {
			operation["security"] = []any{}
			operation["description"] = "The secret in the path is that of a token with the scope `" + string(rule.scope) + "`; no header is needed."
		}
	}
	for _, status := range failures {
		responses[strconv.Itoa(status)] = failing(status)
	}
	operation["responses"] = responses
	return operation, nil
}

// paramsOf describes what stands in the address of a route, behind it, and in its headers.
func paramsOf(rule route) (params []any, err error) {
	for _, match := range placeholder.FindAllStringSubmatch(rule.path, -1) {
		says, known := meaningsOfPaths[match[1]]
		if !known {
			return nil, fmt.Errorf("describe %s: what is {%s}?", rule.path, match[1])
		}
		params = append(params, map[string]any{"name": match[1], "in": "path", "required": true, "description": says, "schema": schema("string")})
	}
	for _, p := range rule.params {
		described := map[string]any{"name": p.name, "in": p.in, "description": p.says, "schema": p.schema}
		if p.many {
			described["schema"] = map[string]any{"type": "array", "items": p.schema}
		}
		if p.required {
			described["required"] = true
		}
		params = append(params, described)
	}
	return params, nil
}

// operationID names a route for generators of clients: getUsersUserDays.
func operationID(rule route) string {
	var id strings.Builder
	id.WriteString(strings.ToLower(rule.method))
	for _, part := range regexp.MustCompile(`[A-Za-z0-9]+`).FindAllString(rule.path, -1) {
		id.WriteString(strings.ToUpper(part[:1]) + part[1:])
	}
	return id.String()
}

var stamp = reflect.TypeFor[document.Stamp]()

// refer describes a type of Go and returns the schema that refers to it.
func refer(schemas map[string]any, t reflect.Type) (map[string]any, error) {
	switch {
	case t == stamp:
		return schema("string", "format", "date-time"), nil
	case t.Kind() == reflect.Pointer:
		return refer(schemas, t.Elem())
	case t.Kind() == reflect.Struct:
		name := strings.TrimPrefix(t.Name(), "API")
		if _, known := schemas[name]; !known {
			schemas[name] = nil // it may hold itself
			described, err := object(schemas, t, name)
			if err != nil {
				return nil, err
			}
			schemas[name] = described
		}
		return map[string]any{"$ref": "#/components/schemas/" + name}, nil
	case t.Kind() == reflect.Slice:
		items, err := refer(schemas, t.Elem())
		return map[string]any{"type": "array", "items": items}, err
	case t.Kind() == reflect.Map:
		values, err := refer(schemas, t.Elem())
		return map[string]any{"type": "object", "additionalProperties": values}, err
	case t.Kind() == reflect.String:
		return schema("string"), nil
	case t.Kind() == reflect.Bool:
		return schema("boolean"), nil
	case t.Kind() == reflect.Float64:
		return schema("number"), nil
	case t.Kind() == reflect.Int, t.Kind() == reflect.Int64:
		return schema("integer"), nil
	}
	return nil, fmt.Errorf("describe %s: no schema for it", t)
}

func object(schemas map[string]any, t reflect.Type, name string) (map[string]any, error) {
	properties, required := map[string]any{}, []string{}
	for _, field := range reflect.VisibleFields(t) {
		tag, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if field.Anonymous || tag == "" {
			continue
		}
		says := meanings[name+"."+tag]
		if says == "" {
			return nil, fmt.Errorf("describe %s: what is its field %q?", name, tag)
		}
		of, err := refer(schemas, field.Type)
		if err != nil {
			return nil, err
		}
		of = maps.Clone(of)
		of["description"] = says
		if field.Type == stamp && strings.Contains(says, "null") {
			of["type"] = []string{"string", "null"}
		}
		if allowed := allowedValues[name+"."+tag]; allowed != nil {
			if items, ok := of["items"].(map[string]any); ok {
				items["enum"] = allowed
			} else {
				of["enum"] = allowed
			}
		}
		properties[tag] = of
		if !strings.Contains(options, "omitempty") {
			required = append(required, tag)
		}
	}
	described := map[string]any{"type": "object", "properties": properties}
	if len(required) > 0 {
		slices.Sort(required)
		described["required"] = required
	}
	return described, nil
}

// allowedValues are the values of fields that have few.
var allowedValues = map[string][]string{
	"Laugh.tier": {"sure", "maybe", ""}, "Laugh.mark": {"right", "wrong", ""}, "Change.mark": {"right", "wrong", "none"},
	"Token.role":   {string(orchestrator.RoleAdmin), string(orchestrator.RoleMember), string(orchestrator.RoleListener)},
	"Token.scopes": {string(orchestrator.ScopeRead), string(orchestrator.ScopeWrite), string(orchestrator.ScopeUpload), string(orchestrator.ScopeHook), string(orchestrator.ScopeFeed)},
}
