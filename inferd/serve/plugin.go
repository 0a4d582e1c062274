package serve

import (
	"context"
	"errors"
	"io"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc"

	"github.com/chortle-audio/chortle/inferd"
	"github.com/chortle-audio/chortle/internal/footprint"
	pb "github.com/chortle-audio/chortle/internal/gen/chortle/inference/v1"
	"github.com/chortle-audio/chortle/internal/handshake"
)

// servePlugin serves the orchestrator that started this process, until it says stop or is gone. The
// model is ready before the handshake is printed.
func servePlugin(s settings, stderr io.Writer) error {
	go dieWithHost(os.Getppid())
	started := time.Now()
	service, err := open(s)
	if err != nil {
		return err
	}
	footprint.Release() // what opening it took
	// The host reads these lines, and leaves out what its own level does; a value that is not a string could end it.
	log := hclog.New(&hclog.LoggerOptions{Level: hclog.Debug, Output: stderr, JSONFormat: true})
	log.Debug("model ready", "model", s.weights, "threads", strconv.Itoa(s.threads), "took", time.Since(started).Round(time.Millisecond).String())
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: plugin.HandshakeConfig{
			ProtocolVersion:  handshake.ProtocolVersion,
			MagicCookieKey:   handshake.CookieKey,
			MagicCookieValue: handshake.CookieValue,
		},
		Plugins:    plugin.PluginSet{handshake.PluginName: &inferencePlugin{service: service}},
		GRPCServer: newGRPCServer,
		Logger:     log,
	})
	// The end of the process gives back what the service holds: its streams may still be ending.
	return nil
}

// inferencePlugin is what go-plugin knows of the service; only this side is used here.
type inferencePlugin struct {
	plugin.NetRPCUnsupportedPlugin
	service *inferd.Server
}

var _ plugin.GRPCPlugin = (*inferencePlugin)(nil)

// GRPCServer registers the service.
func (p *inferencePlugin) GRPCServer(_ *plugin.GRPCBroker, server *grpc.Server) error {
	pb.RegisterInferenceServiceServer(server, p.service)
	return nil
}

// GRPCClient is the other side's.
func (p *inferencePlugin) GRPCClient(context.Context, *plugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, errors.New("make client: inferd is only a server")
}

// dieWithHost ends this process when the orchestrator is gone, however that died, so that a model never
// outlives it. The orchestrator alone holds the other end of standard output, which tells also where shells
// stand between the two; the parent is watched for hosts that gave no pipe.
func dieWithHost(parent int) {
	stdout := []unix.PollFd{{Fd: int32(syscall.Stdout)}} // errors and hang-ups are reported unasked
	for range time.Tick(250 * time.Millisecond) {
		told, _ := unix.Poll(stdout, 0)
		if told > 0 && stdout[0].Revents&(unix.POLLERR|unix.POLLHUP) != 0 || os.Getppid() != parent {
			os.Exit(1)
		}
	}
}
