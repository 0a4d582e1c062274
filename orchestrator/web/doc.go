// Package web is the page: what a person opens in a browser to hear laughs.
//
//	request ─▶ Server.ServeHTTP ─▶ headers, Host, cross-origin check, size ─▶ guard ─▶ handler(w, r, viewer)
//
// All routes stand in one table (routes.go), each with what it needs; a route without a rule does not compile. The guard
// wraps the whole mux: it finds out who asks, compares with the rule, and hands a viewer to the handler. Whatever a handler
// asks of the program it asks with the viewer's user IDs, so that another person's things are not found (404).
//
// Handlers return errors; fail.go turns them into answers, without paths, SQL or secrets. The log has the cause under the
// number that the answer shows.
package web
