// Package api is /api/v1: laughs, days and clips for programs, and the way in for recordings.
//
//	request ─▶ Server.ServeHTTP ─▶ limit by network ─▶ token ─▶ limit by token ─▶ route's scope ─▶ handler(w, r, caller)
//
// Nobody is known by a cookie here: a request carries the token of an app or a device in Authorization, or, for devices
// that can send no header, a secret in its path that lets in nowhere else. All routes stand in one table (routes.go), each
// with its scope, its parameters and what it answers; openapi.go makes the description of the API from that table and the
// documents, and a test holds docs/openapi.json to it. Whatever a handler asks of the program it asks with the user IDs of
// its token. Errors are answered as application/problem+json, without paths, SQL or secrets.
package api
