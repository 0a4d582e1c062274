package serve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/signal"
	"strings"
	"syscall"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection"

	pb "github.com/chortle-audio/chortle/internal/gen/chortle/inference/v1"
)

// listen serves whoever connects to an address, until a signal comes or ctx ends.
func listen(ctx context.Context, s settings, stdout, stderr io.Writer) (err error) {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if !s.allowRemote && !isLocal(s.listen) {
		return fmt.Errorf("listen on %s: other machines may reach it, and there is no password; listen on 127.0.0.1:PORT, or add --allow-remote", s.listen)
	}
	service, err := open(s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, service.Close()) }()
	network, address := "tcp", s.listen
	if path, ok := strings.CutPrefix(s.listen, "unix:"); ok {
		network, address = "unix", path
	}
	listener, err := net.Listen(network, address)
	if err != nil {
		return err
	}
	server := newGRPCServer([]grpc.ServerOption{grpc.WaitForHandlers(true)})
	pb.RegisterInferenceServiceServer(server, service)
	status := health.NewServer() // serving, as a whole
	status.SetServingStatus("plugin", healthpb.HealthCheckResponse_SERVING)
	healthpb.RegisterHealthServer(server, status)
	reflection.Register(server)
	defer context.AfterFunc(ctx, server.Stop)()
	fmt.Fprintln(stdout, "listening on", listener.Addr())
	if network == "tcp" {
		fmt.Fprintf(stderr, "try: grpcurl -plaintext %s list\n", listener.Addr())
	}
	return server.Serve(listener)
}

// isLocal reports whether only this machine reaches an address.
func isLocal(address string) bool {
	if strings.HasPrefix(address, "unix:") {
		return true
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
