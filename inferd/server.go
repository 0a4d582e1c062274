package inferd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/chortle-audio/chortle/internal/gen/chortle/inference/v1"
)

// batchWindows is the most windows of one batch: enough for neighbours to share work, few enough for
// the batches of one chunk to keep several models busy.
const batchWindows = 8

// Server is the gRPC service. Its models work side by side on the batches of all streams. Safe for
// concurrent use.
type Server struct {
	pb.UnimplementedInferenceServiceServer

	model  Description
	logits logits
	plugin string
	models []Model
	jobs   chan *job
	quit   chan struct{} // closed by Close
	work   sync.WaitGroup
}

var _ pb.InferenceServiceServer = (*Server)(nil)

// NewServer serves models, at least one, which must all be the same one; they are the Server's from
// then on, also when an error is returned. The plugin is the name of the program, shown to people.
func NewServer(plugin string, models ...Model) (*Server, error) {
	if len(models) == 0 {
		return nil, errors.New("start service: no model")
	}
	s := &Server{
		model:  models[0].Describe(),
		logits: logitsOf(models[0]),
		plugin: plugin,
		models: models,
		jobs:   make(chan *job),
		quit:   make(chan struct{}),
	}
	if err := s.model.Validate(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	for _, model := range models {
		s.work.Go(func() { s.score(model) })
	}
	return s, nil
}

// Close ends what the service has under way, waits for it, and closes the models. It is called once,
// after the gRPC server was stopped.
func (s *Server) Close() error {
	close(s.quit)
	s.work.Wait()
	var errs []error
	for _, model := range s.models {
		errs = append(errs, model.Close())
	}
	return errors.Join(errs...)
}

// GetModel describes the model.
func (s *Server) GetModel(context.Context, *pb.GetModelRequest) (*pb.GetModelResponse, error) {
	return modelToProto(s.model, s.logits, s.plugin), nil
}

// Classify scores one recording. Whatever comes before a message that breaks the contract is answered.
func (s *Server) Classify(stream pb.InferenceService_ClassifyServer) error {
	request, err := stream.Recv()
	if errors.Is(err, io.EOF) {
		return invalid("check first message: want the config, got the end of the stream")
	} else if err != nil {
		return err
	}
	config, err := configFromProto(request, s.model, s.logits)
	if err != nil {
		return err
	}
	// When this function returns, gRPC cancels the stream's context, and with it the reader.
	reader := newReader(s, stream, config)
	s.work.Go(reader.run)
	for answer := range reader.answers {
		response, err := answer.wait(stream.Context())
		if err != nil {
			return err
		}
		if err := stream.Send(response); err != nil {
			return err
		}
	}
	return nil
}

// job is one batch on its way through a model.
type job struct {
	ctx    context.Context
	config streamConfig
	batch  Batch
	// done gets one value when the batch was scored, or never will be; frames and err are set then.
	done   chan struct{}
	frames []*pb.Frame
	err    error
	// free takes the batch's buffer back; it always has room.
	free chan<- []float32
}

// score works on jobs, with a model that nobody else uses, until the server is closed.
func (s *Server) score(model Model) {
	room := make([]float32, batchWindows*len(s.model.Labels))
	for {
		select {
		case <-s.quit:
			return
		case j := <-s.jobs:
			j.run(model, room[:j.batch.Windows*len(s.model.Labels)])
		}
	}
}

func (j *job) run(model Model, scores []float32) {
	defer close(j.done)
	if j.err = j.ctx.Err(); j.err != nil {
		return
	}
	predict := model.Predict
	if j.config.logits {
		predict = model.(LogitModel).PredictLogits
	}
	j.err = predict(j.batch.Samples, j.config.hop, scores)
	j.free <- j.batch.Samples
	if j.err == nil {
		j.frames, j.err = j.config.framesToProto(j.batch, scores)
	}
	if j.err != nil {
		last := j.batch.First + int64((j.batch.Windows-1)*j.config.hop)
		j.err = status.Error(codes.Internal, fmt.Sprintf("score frames at samples %d to %d: %v", j.batch.First, last, j.err))
	}
}

// answer is one response in the making; err ends the stream in its place.
type answer struct {
	index uint64
	final bool
	jobs  []*job
	err   error
}

// wait returns the response once all its jobs are done. Its errors are gRPC statuses.
func (a *answer) wait(ctx context.Context) (*pb.ClassifyResponse, error) {
	if a.err != nil {
		return nil, a.err
	}
	response := &pb.ClassifyResponse{ChunkIndex: a.index, Final: a.final}
	for _, j := range a.jobs {
		select {
		case <-ctx.Done():
			return nil, status.FromContextError(ctx.Err()).Err()
		case <-j.done:
		}
		if j.err != nil {
			return nil, j.err
		}
		response.Frames = append(response.Frames, j.frames...)
	}
	return response, nil
}
