package postgres

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/chortle-audio/chortle/orchestrator/store"
)

type dialect struct{ config *pgx.ConnConfig }

var _ store.Dialect = (*dialect)(nil)

// Bind implements store.Dialect. No statement has a question mark but for its parameters.
func (d *dialect) Bind(query string) string { return strings.ReplaceAll(query, "?", "$") }

// Judge implements store.Dialect.
func (d *dialect) Judge(err error) (store.Verdict, string) {
	where := fmt.Sprintf("database %q on %s", d.config.Database, d.config.Host)
	if failure := (*pgconn.PgError)(nil); errors.As(err, &failure) {
		return judgeState(failure.Code, where)
	}
	network := net.Error(nil)
	connect := (*pgconn.ConnectError)(nil)
	switch {
	case errors.As(err, &connect), errors.As(err, &network), pgconn.SafeToRetry(err), pgconn.Timeout(err),
		errors.Is(err, pgconn.ErrConnClosed), errors.Is(err, driver.ErrBadConn),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return store.VerdictTransient, "see whether the server of " + where + " runs and can be reached"
	}
	return store.VerdictOther, ""
}

// judgeState judges the SQLSTATE of a server's answer.
func judgeState(state, where string) (store.Verdict, string) {
	switch state {
	case "23505": // unique_violation
		return store.VerdictUnique, ""
	case "40001", "40P01", // serialization_failure, deadlock_detected
		"57014",                   // query_canceled, by a timeout
		"57P01", "57P02", "57P03", // admin_shutdown, crash_shutdown, cannot_connect_now
		"53300", // too_many_connections
		"25006", // read_only_sql_transaction: a standby that is about to take over
		"25P03": // idle_in_transaction_session_timeout
		return store.VerdictTransient, "see whether the server of " + where + " runs well"
	case "53100":
		return store.VerdictBroken, "make room on the disk of " + where
	case "3D000":
		return store.VerdictBroken, "create the " + where
	case "42501":
		return store.VerdictBroken, "grant the user of the address all rights on " + where
	}
	switch state[:min(2, len(state))] {
	case "08": // connection_exception
		return store.VerdictTransient, "see whether the server of " + where + " runs and can be reached"
	case "28": // invalid_authorization_specification
		return store.VerdictBroken, "check user and password of " + where
	case "53", "58", "XX": // insufficient_resources, system_error, internal_error
		return store.VerdictBroken, "look at the log of the server of " + where
	}
	return store.VerdictOther, ""
}

// Limit implements store.Dialect by the variable that the policies of the tables read. No user has the id 0: an empty list is
// nobody's, and not no limit.
func (d *dialect) Limit(userIDs []int64) string {
	ids := []string{"0"}
	for _, id := range userIDs {
		ids = append(ids, strconv.FormatInt(id, 10))
	}
	return "SET LOCAL chortle.users = '" + strings.Join(ids, ",") + "'"
}

// Check implements store.Dialect.
func (d *dialect) Check(ctx context.Context, db *sql.DB) (string, error) {
	var version string
	if err := db.QueryRowContext(ctx, "SHOW server_version").Scan(&version); err != nil {
		return "", err
	}
	return "PostgreSQL " + version, nil
}

// Scrub implements store.Dialect. The server's own log of changes is its own to clear.
func (d *dialect) Scrub(ctx context.Context, db *sql.DB, tables []string) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "SET statement_timeout = 0"); err != nil { // however large the tables are
		return err
	}
	_, err = conn.ExecContext(ctx, "VACUUM "+strings.Join(tables, ", "))
	_, resetErr := conn.ExecContext(context.WithoutCancel(ctx), "RESET statement_timeout")
	return errors.Join(err, resetErr)
}
