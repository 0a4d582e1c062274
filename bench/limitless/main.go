// Command limitless serves what the Limitless API serves, with a day of made sound for two users, for trying things
// out by hand: with the same limits and errors, and on demand with a share of calls that fail.
//
//	go run ./bench/limitless --fail 10
//	go run ./bench/limitless --fail 50 --fault 429,slow,endless
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log" //nolint:depguard // the form that the server of the standard library wants
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/audio"
	"github.com/chortle-audio/chortle/orchestrator/service/demo"
	"github.com/chortle-audio/chortle/orchestrator/source/limitless/limitlesstest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "limitless:", err)
		os.Exit(2)
	}
}

// options say how the server behaves.
type options struct {
	listen, dir, ffmpeg string
	minutes, fail       int
	faults              []string
	date                orchestrator.Date
}

func faultNames() []string { return slices.Sorted(maps.Keys(limitlesstest.Faults)) }

func parse(args []string, stderr io.Writer) (o options, err error) {
	flags := flag.NewFlagSet("limitless", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.listen, "listen", "127.0.0.1:7788", "loopback `address` to listen on")
	flags.StringVar(&o.dir, "dir", filepath.Join("build", "limitless"), "`folder` of the sound, which is made once")
	flags.StringVar(&o.ffmpeg, "ffmpeg", "ffmpeg", "`program` that encodes the sound")
	flags.IntVar(&o.minutes, "minutes", 66, "length of each user's sound")
	flags.IntVar(&o.fail, "fail", 0, "how many of a hundred calls fail")
	faults := flags.String("fault", "502", "`how` they fail, each in one of these ways: "+strings.Join(faultNames(), ", "))
	date := flags.String("date", "", "`day` of the sound, in UTC (default: yesterday)")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	o.faults = strings.FieldsFunc(*faults, func(r rune) bool { return r == ',' })
	if flags.NArg() > 0 {
		return o, fmt.Errorf("it takes no arguments, and %q is one", flags.Arg(0))
	}
	if o.minutes < 5 || o.minutes > 1440 || o.fail < 0 || o.fail > 100 || len(o.faults) == 0 {
		return o, errors.New("want --minutes from 5 to 1440, --fail from 0 to 100 and some --fault")
	}
	for _, name := range o.faults {
		if limitlesstest.Faults[name] == nil {
			return o, fmt.Errorf("--fault %q: want some of %s", name, strings.Join(faultNames(), ", "))
		}
	}
	if host, _, err := net.SplitHostPort(o.listen); err != nil || !net.ParseIP(host).IsLoopback() {
		return o, fmt.Errorf("--listen %q: want a loopback address such as 127.0.0.1:7788", o.listen)
	}
	if *date == "" {
		o.date = orchestrator.Yesterday(time.Now(), time.UTC)
		return o, nil
	}
	o.date, err = orchestrator.ParseDate(*date)
	return o, err
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	server, err := o.server(ctx, log.New(stderr, "", log.LstdFlags))
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", o.listen)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, `Serving the sound of %s for two users. What to type elsewhere:
  export CHORTLE_LIMITLESS_URL=http://%s
  orchestrator key new dev.key
  export CHORTLE_SECRET_KEY_FILE=dev.key
  echo dev-alice | orchestrator user add alice --timezone UTC --source limitless --api-key-stdin
  echo dev-bob   | orchestrator user add bob   --timezone UTC --source limitless --api-key-stdin
  orchestrator run --date %[1]s
`, o.date, listener.Addr())
	web := &http.Server{Handler: server, ReadHeaderTimeout: time.Minute}
	stop := context.AfterFunc(ctx, func() { _ = web.Close() })
	defer stop()
	if err := web.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// server makes the sound, which is the demo's, and the server that has it.
func (o options) server(ctx context.Context, log *log.Logger) (*limitlesstest.Server, error) {
	ffmpeg, err := exec.LookPath(o.ffmpeg)
	if err != nil {
		return nil, err
	}
	sound, err := audio.New(audio.Options{FFmpeg: ffmpeg})
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(o.dir, 0o700); err != nil {
		return nil, err
	}
	days := demo.Days(time.Duration(o.minutes) * time.Minute)
	if err := demo.Make(ctx, sound, o.dir, days, func(done, total int64, files int) {}); err != nil {
		return nil, err
	}
	server := &limitlesstest.Server{Keys: map[string][]limitlesstest.Recording{}}
	midnight := o.date.Span(time.UTC).Start
	for _, day := range days {
		key := "dev-" + day.User
		for path, start := range day.Files(o.dir) {
			recording, err := limitlesstest.FromFile(ctx, sound, path, midnight.Add(start))
			if err != nil {
				return nil, err
			}
			server.Keys[key] = append(server.Keys[key], recording)
		}
	}
	server.Fault = func(call limitlesstest.Call) limitlesstest.Fault {
		log.Printf("call %d: %s, %v to %v", call.N, call.Path, call.Span.Start, call.Span.End)
		if rand.IntN(100) < o.fail {
			return limitlesstest.Faults[o.faults[rand.IntN(len(o.faults))]]
		}
		return nil
	}
	return server, nil
}
