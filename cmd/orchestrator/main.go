// Command orchestrator finds the laughter in a person's day. See orchestrator --help.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/chortle-audio/chortle/internal/footprint"
	"github.com/chortle-audio/chortle/orchestrator/cli"
	"github.com/chortle-audio/chortle/orchestrator/web"
)

// version is set by the build.
var version = "unknown"

// endsWithin bounds the time from a signal to the end. What is stored is stored by then, and the
// kernel ends the model with this process.
const endsWithin = 1900 * time.Millisecond

func main() {
	footprint.Start()
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) // else one write to a closed pipe kills a run; writes fail instead
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, func() {
		stop() // a second signal ends the process at once
		time.AfterFunc(endsWithin, func() { os.Exit(cli.ExitInterrupted) })
	})
	os.Exit(cli.Run(ctx, version, os.Args[1:], os.Environ(), os.Stdout, os.Stderr, cli.Faces{Serve: web.Serve}))
}
