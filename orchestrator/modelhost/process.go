package modelhost

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hashicorp/go-plugin"
	"github.com/sirupsen/logrus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/chortle-audio/chortle/internal/footprint"
	inferencev1 "github.com/chortle-audio/chortle/internal/gen/chortle/inference/v1"
	"github.com/chortle-audio/chortle/internal/handshake"
	"github.com/chortle-audio/chortle/orchestrator"
)

var _ orchestrator.Process = (*process)(nil)

// exitGrace is how long the end of a process is waited for when something went wrong with it, so that
// the error can name the cause rather than its effect.
const exitGrace = 300 * time.Millisecond

// Reasons for which a process is killed, beside a canceled context.
var (
	errStopped   = errors.New("it was stopped")
	errOverLimit = errors.New("it took more memory than its limit")
	errLost      = errors.New("the connection to it was lost")
)

// outside are the signals that no crash gives: the kernel, an operator or a service manager sent them.
var outside = []string{syscall.SIGKILL.String(), syscall.SIGTERM.String(), syscall.SIGINT.String(), syscall.SIGHUP.String()}

// process is one running model.
type process struct {
	config Config
	path   string // of the program
	log    logrus.FieldLogger

	child    *child
	client   *plugin.Client
	dir      *socketDir       // nil where the process is not ours
	socket   string           // in it
	attached *grpc.ClientConn // to a process that is not ours; else nil
	lines    *lineLog
	spoke    atomic.Bool   // it wrote to stdout
	stderr   chan struct{} // closed when all of stderr was read; nil before launch
	memory   sampler
	unwatch  func() bool // ends the watch over Spawn's context

	rpc   inferencev1.InferenceServiceClient
	model orchestrator.Model
	wire  wireModel

	mu     sync.Mutex
	reason error // why we killed it; nil where we did not

	oomKills int64 // that the control group had seen before the start

	stopOnce sync.Once
	exit     orchestrator.Exit
}

func newProcess(config Config, path string) *process {
	p := &process{config: config, path: path, log: config.Log, child: newChild()}
	p.lines = newLineLog(config.Log, time.Now)
	p.memory = sampler{every: config.SampleEvery, limit: config.MemoryLimitBytes, over: func() { p.kill(errOverLimit) }}
	p.memory.memory.Before = settledMemory()
	return p
}

// start takes the process from nothing to ready. After an error it must be stopped.
func (p *process) start(ctx context.Context) error {
	p.unwatch = context.AfterFunc(ctx, func() { p.kill(ctx.Err()) })
	slow := fmt.Errorf("it was not ready within %v", p.config.StartTimeout)
	timer := time.AfterFunc(p.config.StartTimeout, func() { p.kill(slow) })
	defer timer.Stop()

	conn, err := p.connect()
	if err != nil {
		return p.explain("start model", err)
	}
	if err := p.accept(ctx, conn); err != nil {
		return err
	}
	// The connection stands, and nobody else needs the socket.
	if !p.config.KeepSocket {
		if err := os.RemoveAll(p.dir.sockets()); err != nil {
			return fmt.Errorf("start model: remove socket: %w", err)
		}
	}
	if !timer.Stop() {
		return p.explain("start model", slow)
	}
	footprint.Release() // starting takes more than the hours that follow
	p.log.WithFields(logrus.Fields{keyPID: p.PID(), keyModel: p.model.Name}).Debug("model process is ready")
	return nil
}

// accept asks the process at the other end of conn how it is and what its model is.
func (p *process) accept(ctx context.Context, conn *grpc.ClientConn) error {
	health, err := grpc_health_v1.NewHealthClient(conn).Check(ctx,
		&grpc_health_v1.HealthCheckRequest{Service: plugin.GRPCServiceName})
	if err != nil {
		return p.explain("start model", fmt.Errorf("check health: %w", err))
	}
	if health.GetStatus() != grpc_health_v1.HealthCheckResponse_SERVING {
		return p.bad("start model", fmt.Errorf("check health: %w: it answered %v", orchestrator.ErrBadPlugin, health.GetStatus()))
	}
	p.rpc = inferencev1.NewInferenceServiceClient(conn)
	described, err := p.rpc.GetModel(ctx, &inferencev1.GetModelRequest{})
	if err != nil {
		return p.explain("start model", fmt.Errorf("get model: %w", err))
	}
	if p.model, p.wire, err = modelFromProto(described, p.config.Heard, p.config.Resample != nil); err != nil {
		return p.bad("start model", err)
	}
	if want := p.config.WeightsSHA256; want != "" && p.model.SHA256 != want {
		return p.bad("start model", fmt.Errorf("check model %q: %w: the sha256 of its weights is %q; want %s",
			p.model.Name, orchestrator.ErrUnsupportedModel, p.model.SHA256, want))
	}
	if p.model.Plugin == "" {
		p.model.Plugin = filepath.Base(p.path)
	}
	return nil
}

// connect starts the program and returns the connection after a right handshake.
func (p *process) connect() (*grpc.ClientConn, error) {
	client, err := p.client.Client()
	if err != nil {
		return nil, p.explainHandshake(err)
	}
	conn, err := client.Dispense(handshake.PluginName)
	if err != nil {
		return nil, err
	}
	return conn.(*grpc.ClientConn), nil
}

// errBadHandshake says what to do about a program that is no plugin, or none of ours.
var errBadHandshake = fmt.Errorf("%w: want its handshake as the first line on stdout and its log on stderr "+
	"(docs/writing-a-plugin.md), by the protocol of this version", orchestrator.ErrBadPlugin)

func (p *process) explainHandshake(err error) error {
	switch {
	case p.PID() == 0:
		return err // the system could not start it
	case !p.spoke.Load():
		return errors.New("it wrote no handshake")
	}
	return fmt.Errorf("%w; it had: %.200s", errBadHandshake, printable(err.Error()))
}

// launch starts the program itself, with what go-plugin wants in its environment.
func (p *process) launch(env []string) error {
	cmd := exec.Command(p.path, p.config.Command[1:]...)
	cmd.Env = slices.Concat(p.config.Env, env)
	cmd.Dir = p.config.Dir
	p.oomKills = oomKills()
	if err := p.child.launch(cmd, p.dir.sockets(), p.config.box(p.path, p.dir.sockets())); err != nil {
		return err
	}
	p.stderr = make(chan struct{})
	go func() {
		defer close(p.stderr)
		lines := p.lines.writer()
		_, _ = io.Copy(lines, p.child.stderr) // ends with the process; a line lost then is no matter
		lines.close()
	}()
	p.memory.start(p.PID())
	return nil
}

// Model describes the model.
func (p *process) Model() orchestrator.Model { return p.model }

// Socket is the path at which the process listens; empty where that is not known.
func (p *process) Socket() string { return p.socket }

// Ended is closed when the process is gone, whoever ended it.
func (p *process) Ended() <-chan struct{} { return p.child.ended.Done() }

// PID of the process; 0 where it could not be started, or was not started by us.
func (p *process) PID() int { return p.child.id() }

// kill ends the group and notes why, unless it had ended before. It does not wait.
func (p *process) kill(reason error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.child.kill() && p.reason == nil {
		p.reason = reason
	}
	if p.attached != nil {
		p.child.end() // nothing of ours runs: only the calls end
	}
}

func (p *process) killedFor() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.reason
}

// Stop kills the process group and returns when it is gone and everything of it cleared away.
func (p *process) Stop() orchestrator.Exit {
	p.stopOnce.Do(p.stop)
	return p.exit
}

func (p *process) stop() {
	if p.unwatch != nil {
		p.unwatch()
	}
	p.memory.stop(p.child.ended.Err() == nil)
	p.kill(errStopped)
	if p.PID() != 0 {
		<-p.child.ended.Done()
		<-p.stderr
	}
	if p.attached != nil {
		_ = p.attached.Close() // nothing is under way any more
	} else {
		p.client.Kill() // nothing is left to kill: it closes the connection and ends its goroutines
	}
	p.lines.close()
	p.exit = p.child.close()
	p.exit.Command = p.command()
	if p.dir != nil {
		if err := p.dir.remove(); err != nil {
			p.log.WithError(err).Warn("remove socket of model process")
		}
	}
	p.exit.Stderr = p.lines.last()
	switch reason := p.killedFor(); {
	case errors.Is(reason, errOverLimit):
		p.exit.OverLimit = p.config.MemoryLimitBytes
	case reason == nil && slices.Contains(outside, p.exit.Signal):
		p.exit.Killed = true
		p.exit.OutOfMemory = p.exit.Signal == syscall.SIGKILL.String() && (oomKills() > p.oomKills || kernelNames(p.exit.PID))
	}
	p.memory.memory.After = settledMemory()
	p.exit.Memory = p.memory.memory
	if p.exit.PID != 0 {
		p.log.WithFields(logrus.Fields{keyPID: p.exit.PID, keySignal: p.exit.Signal, keyCode: p.exit.Code,
			keyPeak: p.exit.Memory.Model}).Debug("model process is gone")
	}
}

// longestCommand cuts the command in an error: arguments may be whole scripts.
const longestCommand = 120

// command is what was started, for people.
func (p *process) command() string {
	text := []rune(printable(strings.Join(p.config.Command, " ")))
	if len(text) > longestCommand {
		return string(text[:longestCommand]) + "…"
	}
	return string(text)
}

// bad reports a process that lives and broke its contract: which, and what it last said.
func (p *process) bad(stage string, err error) error {
	at := orchestrator.Exit{PID: p.PID(), Command: p.command(), Stderr: p.lines.last()}
	return fmt.Errorf("%s: %s: %w%s", stage, at.Name(), err, at.LastWords())
}

// explain turns what was seen of a failure into its cause: an *orchestrator.ExitError where the process
// is gone, which is looked at for a moment; the context's error where that ended it; else
// orchestrator.ErrBadPlugin.
func (p *process) explain(stage string, seen error) error {
	if p.attached != nil {
		return p.explainAttached(stage, seen)
	}
	if p.PID() == 0 {
		if reason := p.killedFor(); reason != nil {
			seen = reason
		}
		return fmt.Errorf("%s: %w", stage, seen)
	}
	grace := time.NewTimer(exitGrace)
	defer grace.Stop()
	select {
	case <-p.child.ended.Done():
	case <-grace.C:
		if status.Code(seen) != codes.Unavailable {
			if !errors.Is(seen, orchestrator.ErrBadPlugin) {
				seen = fmt.Errorf("%w: %w", orchestrator.ErrBadPlugin, seen)
			}
			return p.bad(stage, seen)
		}
		p.kill(errLost)
	}
	exit := p.Stop()
	switch reason := p.killedFor(); {
	case reason == nil:
		if code := status.Code(seen); code == codes.Unavailable || code == codes.Canceled {
			seen = nil // the same said less well
		}
	case errors.Is(reason, context.Canceled), errors.Is(reason, context.DeadlineExceeded):
		return fmt.Errorf("%s: %w", stage, reason)
	case errors.Is(reason, errOverLimit):
		seen = nil // the exit says so
	default:
		seen = reason
	}
	return &orchestrator.ExitError{Stage: stage, Exit: exit, Err: seen}
}
