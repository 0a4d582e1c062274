// Package serve is the program inferd: it reads flags and environment, opens the model, and serves it,
// to an orchestrator that started it as a go-plugin or to anybody on a local address.
package serve

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"

	"google.golang.org/grpc"

	"github.com/chortle-audio/chortle/inferd"
	"github.com/chortle-audio/chortle/inferd/fake"
	"github.com/chortle-audio/chortle/inferd/yamnet"
	"github.com/chortle-audio/chortle/internal/artifacts"
	"github.com/chortle-audio/chortle/internal/handshake"
)

const help = `inferd scores sound with YAMNet. An orchestrator starts it by itself; by hand, use

    inferd serve [--listen 127.0.0.1:7070]     the same service, for grpcurl and for debugging

Flags, each with its setting in the environment:

    --weights PATH    CHORTLE_WEIGHTS          the weights of YAMNet, or "fake": a model that hears loudness as laughter
    --sha256 HEX      CHORTLE_WEIGHTS_SHA256   accept these weights instead of the known ones
    --library PATH    CHORTLE_TFLITE_LIBRARY   libtensorflowlite_c.so
    --threads N       CHORTLE_MODEL_THREADS    models side by side (0, the default: one for each usable core, 4 at most)

and of serve alone:

    --listen ADDRESS  host:port on this machine, or unix:PATH (default 127.0.0.1:7070)
    --allow-remote    listen on an address that other machines reach: there is no password and no encryption

Weights and library are looked for below CHORTLE_CACHE_DIR (default: chortle in the user's cache folder), where
"orchestrator setup" puts them. --model, CHORTLE_MODEL, CHORTLE_MODEL_SHA256 and CHORTLE_INFERD_THREADS are the old names of
--weights and its settings, and still work.
`

// Run is the program. It returns the exit code: 0 done, 1 failed, 2 bad usage. Standard output carries
// nothing but go-plugin's handshake, or the address that is listened on.
func Run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	underHost := getenv(handshake.CookieKey) == handshake.CookieValue
	standalone := len(args) > 0 && args[0] == "serve"
	if standalone {
		args = args[1:]
	}
	s, err := parse(args, getenv)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stdout, help)
		return 0
	case err != nil:
		fmt.Fprintf(stderr, "inferd: %v\n", err)
		return 2
	case standalone:
		err = listen(ctx, s, stdout, stderr)
	case underHost:
		err = servePlugin(s, stderr)
	default:
		fmt.Fprint(stderr, help)
		return 1
	}
	if err != nil {
		fmt.Fprintf(stderr, "inferd: %v\n", err)
		return 1
	}
	return 0
}

// settings of the program. The zero value of a text means that it was not given.
type settings struct {
	weights, sha256, library string
	threads                  int
	listen                   string
	allowRemote              bool
}

// usefulThreads is how many models keep up with one decoder, whatever it reads; each takes memory.
const usefulThreads = 4

func parse(args []string, getenv func(string) string) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("inferd", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	program, _ := os.Executable() // unknown: there is no packaged folder
	folders := artifacts.Locate(program, getenv)
	weights := getenv("CHORTLE_WEIGHTS")
	if old := getenv("CHORTLE_MODEL"); weights == "" && artifacts.IsWeights(old) {
		weights = old
	}
	flags.StringVar(&s.weights, "weights", cmp.Or(weights, folders.Path(artifacts.Model)), "")
	flags.StringVar(&s.weights, "model", s.weights, "") // its old name
	flags.StringVar(&s.sha256, "sha256", cmp.Or(getenv("CHORTLE_WEIGHTS_SHA256"), getenv("CHORTLE_MODEL_SHA256")), "")
	flags.StringVar(&s.library, "library", cmp.Or(getenv("CHORTLE_TFLITE_LIBRARY"), folders.Path(artifacts.TFLite)), "")
	threadsName := "CHORTLE_MODEL_THREADS"
	if getenv(threadsName) == "" {
		threadsName = "CHORTLE_INFERD_THREADS" // its old name
	}
	threads := flags.String("threads", getenv(threadsName), "")
	flags.StringVar(&s.listen, "listen", "127.0.0.1:7070", "")
	flags.BoolVar(&s.allowRemote, "allow-remote", false, "")
	if err := flags.Parse(args); err != nil {
		return s, fmt.Errorf("read flags: %w", err)
	}
	if flags.NArg() > 0 {
		return s, fmt.Errorf("read arguments: %q is not known; see inferd --help", flags.Arg(0))
	}
	const most = 256
	n, err := strconv.Atoi(cmp.Or(*threads, "0"))
	if err != nil || n < 0 || n > most {
		return s, fmt.Errorf("read threads (%s): invalid number %q, use 0 to %d", threadsName, *threads, most)
	}
	s.threads = cmp.Or(n, min(runtime.GOMAXPROCS(0), usefulThreads))
	return s, nil
}

// open prepares the service with its models.
func open(s settings) (*inferd.Server, error) {
	models := make([]inferd.Model, s.threads)
	if s.weights == artifacts.FakeWeights {
		for i := range models {
			models[i] = fake.Model{}
		}
	} else {
		var err error
		if models, err = yamnet.Open(yamnet.Options{
			Path: s.weights, Library: s.library, SHA256: s.sha256, Models: s.threads,
		}); err != nil {
			return nil, err
		}
	}
	return inferd.NewServer("inferd", models...)
}

// newGRPCServer lets messages be as large as the contract allows.
func newGRPCServer(options []grpc.ServerOption) *grpc.Server {
	options = append(options, grpc.ForceServerCodecV2(inferd.Codec()),
		grpc.MaxRecvMsgSize(handshake.MaxMessageBytes), grpc.MaxSendMsgSize(handshake.MaxMessageBytes))
	return grpc.NewServer(append(options, windows()...)...)
}
