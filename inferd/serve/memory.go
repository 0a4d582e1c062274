package serve

import "google.golang.org/grpc"

// windows keep a client from sending far ahead of the models: gRPC would let it have 16 MB under way.
func windows() []grpc.ServerOption {
	return []grpc.ServerOption{grpc.StaticStreamWindowSize(256 << 10), grpc.StaticConnWindowSize(512 << 10)}
}
