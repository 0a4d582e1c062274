// Package inferd is the plugin side of Chortle: it turns a Model into the gRPC service that the
// orchestrator, or a person with grpcurl, talks to.
//
//	stream ─▶ pcm ─▶ Framer ─▶ Batch ─▶ Model, one of several side by side ─▶ frames ─▶ stream
//
// A stream's messages are read and cut into batches by one goroutine, scored by whichever model is
// free, and answered in order by another. A stream owns a fixed number of sample buffers, and a batch
// holds one from the time it is filled until it is scored: that bounds the work in flight, and so the
// memory, however fast a client sends and however long a recording is.
//
// The models are in the folders below, the program itself in serve.
package inferd
