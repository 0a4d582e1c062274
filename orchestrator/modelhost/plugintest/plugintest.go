// Package plugintest is the conformance suite of model processes, for plugins in any language: one call of Run
// holds an implementation to everything that applies to it.
package plugintest

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/chortle-audio/chortle/internal/testkit"
	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/modelhost"
)

// Plugin is one implementation of the contract: a program, or one that serves already.
type Plugin struct {
	// Command starts the program. Env holds the NAME=value settings that it gets; PATH must be among them, for
	// the shells that some cases put around it.
	Command, Env []string
	// Address is where it serves already, in this process or another: unix:PATH or 127.0.0.1:PORT. Then there
	// is no Command, and what needs a process of its own is left out.
	Address string
}

// patience bounds every wait; none takes nearly as long.
const patience = time.Minute

// Run checks an implementation.
func Run(t *testing.T, p Plugin) {
	t.Run("recordings", func(t *testing.T) { recordings(t, p.start(t)) })
	t.Run("interruptions", func(t *testing.T) { interruptions(t, p.start(t)) })
	t.Run("stop while it classifies", func(t *testing.T) { stopInFlight(t, p.start(t)) })
	t.Run("three hours", func(t *testing.T) { threeHours(t, p.start(t)) })
	t.Run("wire", func(t *testing.T) { wireCases(t, p.dial(t)) })
	if p.Command == nil {
		return
	}
	t.Run("killed while it classifies", func(t *testing.T) { killed(t, p.start(t)) })
	t.Run("memory is given back", func(t *testing.T) { givenBack(t, p.start(t)) })
	t.Run("odd log and floods", func(t *testing.T) { oddLog(t, p) })
	t.Run("behind shells", func(t *testing.T) { behindShells(t, p) })
	t.Run("killed host", func(t *testing.T) { killedHost(t, p) })
}

// start returns a ready process, which is stopped and checked to be gone at the end of the test.
func (p Plugin) start(t *testing.T, changes ...func(*modelhost.Config)) orchestrator.Process {
	t.Helper()
	config := modelhost.Config{Command: p.Command, Env: p.Env, StartTimeout: patience}
	for _, change := range changes {
		change(&config)
	}
	var spawner orchestrator.Spawner
	if p.Address != "" {
		attached, err := modelhost.Attach(p.Address, config)
		if err != nil {
			t.Fatal(err)
		}
		spawner = attached
	} else {
		if config.SocketDir == "" {
			config.SocketDir = testkit.SocketDir(t)
		}
		spawner = modelhost.New(config)
	}
	process, err := spawner.Spawn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { checkGone(t, process) })
	return process
}

// dial connects to a plugin beside its host.
func (p Plugin) dial(t *testing.T) *grpc.ClientConn {
	t.Helper()
	target := p.Address
	if target == "" {
		process := p.start(t, func(c *modelhost.Config) { c.KeepSocket = true })
		target = "unix:" + process.(interface{ Socket() string }).Socket()
	}
	conn, err := grpc.NewClient(target, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallSendMsgSize(16<<20)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// logged makes a process log to a hook.
func logged(hook logrus.Hook) func(*modelhost.Config) {
	return func(c *modelhost.Config) {
		log := logrus.New()
		log.SetOutput(io.Discard)
		log.SetLevel(logrus.DebugLevel)
		log.AddHook(hook)
		c.Log = log
	}
}
