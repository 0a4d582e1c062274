package cli

import (
	"context"
	"io"
	"time"
)

// RunAt is Run at another time of day.
func RunAt(ctx context.Context, now func() time.Time, args, environ []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := newApp("test", args, environ, stdout, stderr)
	a.now, a.stdin = now, stdin
	return a.execute(ctx)
}
