package settings

import "testing"

// L5, L7: what goes over a network in clear text, or stands in the arguments, is refused or named with its remedy.
func TestExposed(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]int{
		"sqlite:/data/chortle.db": 0, "postgres:///chortle": 0, "postgres://u:p@localhost/c": 0, "postgres://u:p@127.0.0.1/c": 0, "postgres://u@/c?host=/run/postgresql": 0,
		"postgres://u:p@db.example/c": 1, "postgres://u:p@db.example/c?sslmode=prefer": 1, "postgresql://u:p@db.example/c?sslmode=require": 1,
		"postgres://u:p@db.example/c?sslmode=verify-full": 0, "postgres://u:p@/c?host=db.example": 1,
	} {
		if got := (&Config{DatabaseURL: url}).Exposed(); len(got) != want {
			t.Errorf("%s: %v", url, got)
		}
	}
	for url, want := range map[string]int{"": 0, "https://hc-ping.com/x": 0, "http://127.0.0.1:8000/x": 0, "http://hc.example/x": 1} {
		if got := (&Config{Alerts: Alerts{PingURL: url}}).Exposed(); len(got) != want {
			t.Errorf("%s: %v", url, got)
		}
	}
	for host, want := range map[string]bool{"localhost": true, "::1": true, "127.0.0.9": true, "10.0.0.1": false, "localhost.example": false} {
		if isLoopback(host) != want {
			t.Errorf("%s: want %v", host, want)
		}
	}
	var s Settings
	s.passwordInArguments(map[string]string{"CHORTLE_DATABASE_URL": "postgres://u:hunter2@h/c", "CHORTLE_CLIPS_URL": "folder:/x"})
	if len(s.Warnings) != 1 {
		t.Errorf("warnings %q", s.Warnings)
	}
}
