package postgres

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/chortle-audio/chortle/internal/pgtest"
	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/store"
	"github.com/chortle-audio/chortle/orchestrator/store/storetest"
)

var roles atomic.Int64

// owned makes a database that an ordinary role owns: nothing holds a superuser, as whom other tests connect, to policies.
func owned(t *testing.T) string {
	t.Helper()
	address := pgtest.Database(t)
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	database := strings.TrimPrefix(u.Path, "/")
	role := fmt.Sprintf("%s_owner_%d", database, roles.Add(1))
	pgtest.Execute(t, address, "CREATE ROLE "+role+" LOGIN PASSWORD 'x'")
	t.Cleanup(func() {
		pgtest.Execute(t, address, "REASSIGN OWNED BY "+role+" TO CURRENT_USER")
		pgtest.Execute(t, address, "DROP OWNED BY "+role)
		pgtest.Execute(t, address, "ALTER DATABASE "+database+" OWNER TO CURRENT_USER")
		pgtest.Execute(t, address, "DROP ROLE "+role)
	})
	pgtest.Execute(t, address, "ALTER DATABASE "+database+" OWNER TO "+role)
	u.User = url.UserPassword(role, "x")
	return u.String()
}

// TestSecondWall: where a query forgets to ask for the viewer's users only, the database still shows nobody else's rows, and changes none.
func TestSecondWall(t *testing.T) {
	t.Parallel()
	address := owned(t)
	s := open(t, address, quiet())
	alice, bob := addUser(t, s, "alice"), addUser(t, s, "bob")
	ctx := t.Context()
	for _, user := range []orchestrator.User{alice, bob} {
		run := orchestrator.Run{ID: "run of " + user.Name, StartedAt: start}
		if err := s.BeginRun(ctx, run); err != nil {
			t.Fatal(err)
		}
		if _, err := s.SaveRecording(ctx, storetest.Result(user, storetest.Recording(user.Name+".ogg", start), storetest.At(1, 2), storetest.At(5, 6))); err != nil {
			t.Fatal(err)
		}
		if err := s.SetSecret(ctx, store.Secret{UserID: user.ID, Field: "api_key", Sealed: "sealed"}); err != nil {
			t.Fatal(err)
		}
		for laugh, err := range s.Laughs(ctx, orchestrator.LaughFilter{Users: []string{user.Name}}) {
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.AddShare(ctx, orchestrator.Share{UserID: user.ID, Laughs: []string{laugh.ID}, CreatedAt: start}, "secret of "+laugh.ID, ""); err != nil {
				t.Fatal(err)
			}
		}
		spans := []orchestrator.LedgerSpan{{Span: orchestrator.Span{Start: start, End: start.Add(time.Hour)}, State: "failed"}}
		day := orchestrator.UserDay{UserID: user.ID, Date: orchestrator.DateOf(start), Spans: spans, Errors: []orchestrator.RunError{{Message: "no"}}}
		if err := s.SaveDay(ctx, run.ID, day); err != nil {
			t.Fatal(err)
		}
	}

	// The store's own methods, asked for everything.
	for name, c := range map[string]struct {
		ids  []int64
		want int
	}{"nobody": {nil, 0}, "alice": {[]int64{alice.ID}, 2}, "both": {[]int64{alice.ID, bob.ID}, 4}, "unknown": {[]int64{999}, 0}} {
		limited := orchestrator.WithUsers(ctx, c.ids)
		laughs := 0
		for laugh, err := range s.Laughs(limited, orchestrator.LaughFilter{}) {
			if err != nil {
				t.Fatal(err)
			}
			if laughs++; name == "alice" && laugh.User != "alice" {
				t.Errorf("alice's account sees a laugh of %s", laugh.User)
			}
		}
		users, err := s.Users(limited)
		if err != nil || laughs != c.want || len(users) != c.want/2 {
			t.Errorf("%s sees %d laughs of %d users, %v", name, laughs, len(users), err)
		}
	}
	limited := orchestrator.WithUsers(ctx, []int64{alice.ID})
	if secrets, err := s.Secrets(limited); err != nil || len(secrets) != 1 {
		t.Errorf("secrets: %v, %v", secrets, err)
	}
	if removed, err := s.WipeUser(limited, bob.ID); err == nil || removed.Laughs != 0 {
		t.Errorf("alice's account wipes bob: %+v, %v", removed, err)
	}
	if count(t, s) != 4 {
		t.Error("laughs are gone")
	}

	// Every table that holds something of a user's, by hand, without any condition.
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	for _, table := range []string{"users", "secrets", "recordings", "scores", "laughs", "run_users", "run_errors", "run_spans", "ledger", "shares", "share_laughs"} {
		counts := map[string]int{}
		for who, ids := range map[string][]int64{"all": nil, "alice": {alice.ID}, "nobody": {}} {
			tx, err := conn.Begin(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if who != "all" {
				if _, err := tx.Exec(ctx, (&dialect{}).Limit(ids)); err != nil {
					t.Fatal(err)
				}
			}
			var n int
			if err := tx.QueryRow(ctx, "SELECT COUNT(*) FROM "+table).Scan(&n); err != nil {
				t.Fatal(err)
			}
			counts[who] = n
			if err := tx.Rollback(ctx); err != nil {
				t.Fatal(err)
			}
		}
		if counts["all"] == 0 || counts["alice"]*2 != counts["all"] || counts["nobody"] != 0 {
			t.Errorf("%s: %v", table, counts)
		}
	}
	// The limit ends with its transaction: the next one is a run's.
	var n int
	if err := conn.QueryRow(ctx, "SELECT COUNT(*) FROM laughs").Scan(&n); err != nil || n != 4 {
		t.Errorf("afterwards %d laughs, %v", n, err)
	}
}

// TestEveryTableOfAUserHasAPolicy finds tables that refer to users and are open to all.
func TestEveryTableOfAUserHasAPolicy(t *testing.T) {
	t.Parallel()
	address := pgtest.Database(t)
	open(t, address, quiet())
	conn, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	rows, err := conn.Query(t.Context(), `SELECT DISTINCT c.table_name::text FROM information_schema.columns c JOIN pg_class p ON p.relname = c.table_name
		WHERE c.table_schema = 'public' AND c.column_name IN ('user_id', 'recording_id', 'run_user_id', 'share_id') AND c.table_name <> 'api_tokens'
			AND NOT (p.relrowsecurity AND p.relforcerowsecurity)`) // a token is found before anybody is known
	if err != nil {
		t.Fatal(err)
	}
	open, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(open) > 0 {
		t.Errorf("tables without a policy: %v, %v; SELECT chortle_limit('TABLE', 'user_id') in a migration makes one", open, err)
	}
}
