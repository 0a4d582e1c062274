package modelhost

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/sirupsen/logrus"
	"google.golang.org/grpc"

	"github.com/chortle-audio/chortle/internal/handshake"
	"github.com/chortle-audio/chortle/internal/sandbox"
	"github.com/chortle-audio/chortle/orchestrator"
)

var _ orchestrator.Spawner = (*Host)(nil)

// Config says how model processes are started and what they may take. Command is needed; the zero
// value of every other field means its default.
type Config struct {
	// Command is the program, by its path or by a name found in PATH, and its arguments.
	Command []string
	// Env holds the NAME=value settings that the process gets, beside go-plugin's own. Nothing of
	// the orchestrator's environment is passed on.
	Env []string
	// Dir is the folder in which the program runs. Default: the orchestrator's own.
	Dir string
	// WeightsSHA256, where it is not empty, is what the model must say of its weights.
	WeightsSHA256 string
	// StartTimeout bounds the time from the start until the model is accepted. Default: 20 s.
	StartTimeout time.Duration
	// StallTimeout is how long a process may leave everything that was sent unanswered before it is
	// killed. Default: 2 min.
	StallTimeout time.Duration
	// MemoryLimitBytes is the proportional set size of the process group above which it is killed;
	// it is looked at once per SampleEvery. 0: no limit.
	MemoryLimitBytes int64
	// SampleEvery is the time between two measurements of memory. Default: 200 ms.
	SampleEvery time.Duration
	// SocketDir is the folder below which each process gets one for its socket. Default: os.TempDir.
	SocketDir string
	// Resample yields the sound of chunks at another rate, in Hz, with offsets that count samples at that
	// rate, for models that want another than orchestrator.SampleRateHz. Default: those are refused.
	Resample func(ctx context.Context, chunks iter.Seq2[orchestrator.Chunk, error], rateHz int) iter.Seq2[orchestrator.Chunk, error]
	// Heard are the labels that a model is asked for beside laughter, where it has them. Default: HeardClasses.
	Heard []string
	// KeepSocket leaves the socket where it is until the process ends, so that others of this user can
	// talk to the model too.
	KeepSocket bool
	// Sandbox confines the process; see package sandbox. Default: as far as the kernel can.
	Sandbox sandbox.Mode
	// Read are files and folders that the process may read, beside its program, Dir and what Command and Env name.
	Read []string
	// Write are folders that the process may also write, such as for a cache. Default: only its socket's.
	Write []string
	// Trace, where it is not nil, gets a line for every message of every call.
	Trace io.Writer
	// Log takes what the processes write to stderr. Default: nothing is logged.
	Log logrus.FieldLogger
}

func (c Config) withDefaults() Config {
	c.StartTimeout = cmp.Or(c.StartTimeout, 20*time.Second)
	c.StallTimeout = cmp.Or(c.StallTimeout, 2*time.Minute)
	c.SampleEvery = cmp.Or(c.SampleEvery, 200*time.Millisecond)
	c.SocketDir = cmp.Or(c.SocketDir, os.TempDir())
	if c.Heard == nil {
		c.Heard = orchestrator.HeardClasses()
	}
	if c.Log == nil {
		silent := logrus.New()
		silent.SetOutput(io.Discard)
		c.Log = silent
	}
	return c
}

// Keys of the log's fields.
const (
	keyPID      = "pid"
	keyModel    = "model"
	keySignal   = "signal"
	keyCode     = "code"
	keyPeak     = "model_peak_bytes"
	keyLeftAway = "lines"
	keyFolder   = "folder"
)

// Host starts model processes. Safe for concurrent use.
type Host struct{ config Config }

// New returns a Host that starts processes as config says. It starts none yet.
func New(config Config) *Host { return &Host{config.withDefaults()} }

// Spawn starts a fresh process and returns when it is ready. What orchestrators of this user that were
// killed left in SocketDir is cleared away first. See orchestrator.Spawner; beside its
// errors, orchestrator.ErrBadPlugin says that the program is not a plugin or describes its model
// wrongly, and exec.ErrNotFound or fs.ErrNotExist that there is no such program.
func (h *Host) Spawn(ctx context.Context) (orchestrator.Process, error) {
	path, err := h.find()
	if err != nil {
		return nil, fmt.Errorf("start model: %w", err)
	}
	dir, err := makeSocketDir(h.config.SocketDir)
	if err != nil {
		return nil, fmt.Errorf("start model: make folder for socket: %w", err)
	}
	sweep(h.config.SocketDir, h.config.Log)
	p := newProcess(h.config, path)
	p.dir = dir
	p.client = newClient(p)
	if err := p.start(ctx); err != nil {
		p.Stop()
		return nil, err
	}
	return p, nil
}

// socketPathMax is the longest path of a Unix socket that every system takes.
const socketPathMax = 103

// find looks the program up, and whether there is room for the path of its socket.
func (h *Host) find() (string, error) {
	if len(h.config.Command) == 0 || h.config.Command[0] == "" {
		return "", orchestrator.WithCode(errors.New("find program: no command was given"), orchestrator.CodeModelMissing)
	}
	path, err := exec.LookPath(h.config.Command[0])
	if err != nil {
		return "", orchestrator.WithCode(fmt.Errorf("find program: %w", err), orchestrator.CodeModelMissing)
	}
	if longest := filepath.Join(h.config.SocketDir, socketDirPrefix+"4294967295", "s", "plugin4294967295"); len(longest) > socketPathMax {
		return "", fmt.Errorf("place socket: the path of folder %q is too long for a Unix socket; set TMPDIR to a shorter one", h.config.SocketDir)
	}
	return path, nil
}

// newClient prepares go-plugin's client for p. Only the handshake and the connection are its work:
// the process, its output and its end are ours.
func newClient(p *process) *plugin.Client {
	return plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig: plugin.HandshakeConfig{
			ProtocolVersion:  handshake.ProtocolVersion,
			MagicCookieKey:   handshake.CookieKey,
			MagicCookieValue: handshake.CookieValue,
		},
		Plugins:          plugin.PluginSet{handshake.PluginName: connPlugin{}},
		RunnerFunc:       p.newRunner,
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		SkipHostEnv:      true,
		UnixSocketConfig: &plugin.UnixSocketConfig{TempDir: p.dir.sockets()},
		// Ours ends first: it knows how to say what happened.
		StartTimeout: 2 * p.config.StartTimeout,
		// go-plugin's own parser of log lines panics on some of them.
		Logger:          hclog.New(&hclog.LoggerOptions{Level: hclog.Off, Output: io.Discard}),
		SyncStdout:      p.lines.writer(),
		SyncStderr:      p.lines.writer(),
		GRPCDialOptions: p.config.dialOptions(),
	})
}

func (c Config) dialOptions() []grpc.DialOption {
	return append(traced(c.Trace),
		grpc.WithDisableRetry(),
		grpc.WithDisableServiceConfig(),
		grpc.WithIdleTimeout(0), // the connection cannot be made twice: its socket file is gone
		grpc.WithDefaultCallOptions(
			grpc.MaxCallSendMsgSize(handshake.MaxMessageBytes),
			grpc.MaxCallRecvMsgSize(handshake.MaxMessageBytes)))
}

// connPlugin dispenses the connection itself.
type connPlugin struct{ plugin.NetRPCUnsupportedPlugin }

func (connPlugin) GRPCServer(*plugin.GRPCBroker, *grpc.Server) error {
	return errors.New("serve model: this side is the host")
}

func (connPlugin) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return conn, nil
}
