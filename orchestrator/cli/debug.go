package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/chortle-audio/chortle/orchestrator/service"
)

// debugging says how somebody who writes a model wants to look at it.
type debugging struct {
	keep   bool
	attach string
	trace  bool
}

func (d *debugging) bind(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&d.keep, "keep-model", false, "print the model's socket, and keep the model until Ctrl-C: for grpcurl")
	flags.StringVar(&d.attach, "attach", "", "use the model that listens at this `address`, unix:PATH or 127.0.0.1:PORT, and start none")
	flags.BoolVar(&d.trace, "trace-grpc", false, "print a line for every message to and from the model")
}

func (d *debugging) check() error {
	if d.keep && d.attach != "" {
		return usage("--keep-model goes without --attach: a model that is attached to lives on anyway")
	}
	if err := (service.Debug{Attach: d.attach}).Check(); err != nil {
		return usage("--attach: %w", err)
	}
	return nil
}

// options are what the flags want of the service.
func (d *debugging) options(a *app) service.Debug {
	options := service.Debug{Attach: d.attach}
	if d.trace {
		options.Trace = a.stderr
	}
	if d.keep {
		options.Keep = a.showKept
	}
	return options
}

// showKept says how to look at a model that is kept.
func (a *app) showKept(model service.KeptModel) {
	if model.Done {
		a.stderr.SetStatus("")
		fmt.Fprintf(a.stderr, "model process %d is kept; Ctrl-C ends it\n", model.PID)
		return
	}
	fmt.Fprintf(a.stderr, "model process %d listens at unix:%s\ntry: grpcurl -plaintext unix://%[2]s list\n", model.PID, model.Socket)
}
