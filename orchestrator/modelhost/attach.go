package modelhost

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/chortle-audio/chortle/orchestrator"
)

var _ orchestrator.Spawner = (*Attached)(nil)

// Attached talks to a model that somebody else started, such as one under a debugger. It is known by
// its address and never by its process id: it is neither measured nor killed, and its end is only
// seen as a lost connection.
type Attached struct {
	config Config
	target string
}

// Attach returns an Attached for unix:PATH, or HOST:PORT on this machine: nothing is encrypted. Of
// config, WeightsSHA256, StartTimeout, StallTimeout, Trace and Log count; a debugger may hold the
// model for as long as it likes unless StallTimeout says otherwise.
func Attach(address string, config Config) (*Attached, error) {
	if config.StallTimeout == 0 {
		config.StallTimeout = 24 * time.Hour
	}
	config.Command = []string{"attached at " + address}
	a := &Attached{config: config.withDefaults(), target: "passthrough:///" + address}
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		if path == "" {
			return nil, fmt.Errorf("attach to %q: want unix:PATH", address)
		}
		a.target = address
		return a, nil
	}
	host, _, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err != nil || host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("attach to %q: want unix:PATH, or 127.0.0.1:PORT on this machine", address)
	}
	return a, nil
}

// Spawn connects, and returns when the model was accepted. Errors: as of Host, without an
// *orchestrator.ExitError.
func (a *Attached) Spawn(ctx context.Context) (orchestrator.Process, error) {
	conn, err := grpc.NewClient(a.target, append(a.config.dialOptions(), grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	if err != nil {
		return nil, fmt.Errorf("attach to model: %w", err)
	}
	p := newProcess(a.config, "attached")
	p.attached = conn
	p.unwatch = context.AfterFunc(ctx, func() { p.kill(ctx.Err()) })
	starting, cancel := context.WithTimeout(ctx, a.config.StartTimeout)
	defer cancel()
	if err := p.accept(starting, conn); err != nil {
		p.Stop()
		if ctx.Err() != nil {
			err = fmt.Errorf("start model: %w", ctx.Err())
		}
		return nil, err
	}
	p.memory.start(0) // of our own processes
	return p, nil
}

// explainAttached is explain for a process of which only the connection is seen: it names the address, and is
// orchestrator.ErrBadPlugin except where nobody was there, or we went away ourselves.
func (p *process) explainAttached(stage string, seen error) error {
	reason := p.killedFor()
	switch {
	case errors.Is(reason, context.Canceled), errors.Is(reason, context.DeadlineExceeded):
		return fmt.Errorf("%s: %w", stage, reason)
	case errors.Is(reason, errStopped):
		return p.bad(stage, reason)
	case reason != nil:
		seen = reason
	case p.rpc == nil && status.Code(seen) == codes.Unavailable:
		return p.bad(stage, seen)
	}
	return p.bad(stage, fmt.Errorf("%w: %w", orchestrator.ErrBadPlugin, seen))
}
