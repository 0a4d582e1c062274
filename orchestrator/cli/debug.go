package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/modelhost"
)

// debugging says how somebody who writes a model wants to look at it.
type debugging struct {
	keep   bool
	attach string
	trace  bool
}

func (d *debugging) bind(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&d.keep, "keep-inferd", false, "print the model's socket, and keep the model until Ctrl-C: for grpcurl")
	flags.StringVar(&d.attach, "attach", "", "use the model that listens at this `address`, unix:PATH or 127.0.0.1:PORT, and start none")
	flags.BoolVar(&d.trace, "trace-grpc", false, "print a line for every message to and from the model")
}

func (d *debugging) check() error {
	if d.keep && d.attach != "" {
		return usage("--keep-inferd goes without --attach: a model that is attached to lives on anyway")
	}
	if d.attach != "" {
		if _, err := modelhost.Attach(d.attach, modelhost.Config{}); err != nil {
			return usage("--attach: %w", err)
		}
	}
	return nil
}

// debugged makes a spawner of the configuration that start would start.
func (a *app) debugged(start modelhost.Config) (orchestrator.Spawner, error) {
	if a.debug.trace {
		start.Trace = a.stderr
	}
	if a.debug.attach != "" {
		return modelhost.Attach(a.debug.attach, start)
	}
	start.KeepSocket = a.debug.keep
	host := modelhost.New(start)
	if a.debug.keep {
		return keeper{a, host}, nil
	}
	return host, nil
}

// keeper starts models that live until the run is interrupted.
type keeper struct {
	*app
	orchestrator.Spawner
}

// Spawn implements orchestrator.Spawner.
func (k keeper) Spawn(ctx context.Context) (orchestrator.Process, error) {
	process, err := k.Spawner.Spawn(ctx)
	if err != nil {
		return nil, err
	}
	open, ok := process.(interface {
		Socket() string
		Ended() <-chan struct{}
	})
	if !ok {
		process.Stop()
		return nil, errors.New("keep model: its socket is not known")
	}
	fmt.Fprintf(k.stderr, "model process %d listens at unix:%s\ntry: grpcurl -plaintext unix://%[2]s list\n", process.PID(), open.Socket())
	return &kept{process, ctx, open.Ended(), k.app}, nil
}

// kept is a process whose end is put off.
type kept struct {
	orchestrator.Process
	interrupted context.Context
	ended       <-chan struct{}
	*app
}

// Stop waits until the run is interrupted or the process ends by itself, and then does what it should.
func (k *kept) Stop() orchestrator.Exit {
	if k.interrupted.Err() == nil {
		k.stderr.SetStatus("")
		fmt.Fprintf(k.stderr, "model process %d is kept; Ctrl-C ends it\n", k.PID())
	}
	select {
	case <-k.interrupted.Done():
	case <-k.ended:
	}
	return k.Process.Stop()
}
