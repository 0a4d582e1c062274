package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/source/limitless/limitlesstest"
)

// devFlags say how the server of our own behaves.
type devFlags struct {
	listen  string
	minutes int
	fail    int
	faults  []string
	date    string
}

func (a *app) devLimitlessCommand() *cobra.Command {
	var flags devFlags
	cmd := &cobra.Command{
		Use: "dev-limitless", Short: "Be the Limitless API, with sound that is made for it", Hidden: true,
		Long: `Serves what the Limitless API serves, with a day of made sound for two users, for trying things out by
hand: with the same limits and errors, and on demand with a share of calls that fail.`,
		Example: "  orchestrator dev-limitless --fail 10\n  orchestrator dev-limitless --fail 50 --fault 429,slow,endless",
		Args:    noArgs,
	}
	cmd.Flags().StringVar(&flags.listen, "listen", "127.0.0.1:7788", "loopback `address` to listen on")
	cmd.Flags().IntVar(&flags.minutes, "minutes", 66, "length of each user's sound")
	cmd.Flags().IntVar(&flags.fail, "fail", 0, "how many of a hundred calls fail")
	cmd.Flags().StringSliceVar(&flags.faults, "fault", []string{"502"}, "`how` they fail, each in one of these ways: "+strings.Join(faultNames(), ", "))
	cmd.Flags().StringVar(&flags.date, "date", "", "`day` of the sound, in UTC (default: yesterday)")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if flags.minutes < 5 || flags.minutes > 1440 || flags.fail < 0 || flags.fail > 100 || len(flags.faults) == 0 {
			return usage("want --minutes from 5 to 1440, --fail from 0 to 100 and some --fault")
		}
		for _, name := range flags.faults {
			if limitlesstest.Faults[name] == nil {
				return usage("--fault %q: want some of %s", name, strings.Join(faultNames(), ", "))
			}
		}
		if host, _, err := net.SplitHostPort(flags.listen); err != nil || !net.ParseIP(host).IsLoopback() {
			return usage("--listen %q: want a loopback address such as 127.0.0.1:7788", flags.listen)
		}
		date, err := parseDate("--date", flags.date)
		if err != nil {
			return err
		}
		if flags.date == "" {
			date = orchestrator.Yesterday(a.now(), time.UTC)
		}
		return a.devLimitless(cmd.Context(), flags, date)
	}
	return cmd
}

func faultNames() []string { return slices.Sorted(maps.Keys(limitlesstest.Faults)) }

func (a *app) devLimitless(ctx context.Context, flags devFlags, date orchestrator.Date) error {
	server, err := a.devServer(ctx, flags, date)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", flags.listen)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, `Serving the sound of %s for two users. What to type elsewhere:
  export CHORTLE_LIMITLESS_URL=http://%s
  %[3]s key new dev.key
  export CHORTLE_SECRET_KEY_FILE=dev.key
  echo dev-alice | %[3]s user add alice --timezone UTC --source limitless --api-key-stdin
  echo dev-bob   | %[3]s user add bob   --timezone UTC --source limitless --api-key-stdin
  %[3]s run --date %[1]s
`, date, listener.Addr(), a.program())
	web := &http.Server{Handler: server, ReadHeaderTimeout: time.Minute}
	stop := context.AfterFunc(ctx, func() { _ = web.Close() })
	defer stop()
	if err := web.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// devServer makes the sound, which is the demo's, and the server that has it.
func (a *app) devServer(ctx context.Context, flags devFlags, date orchestrator.Date) (*limitlesstest.Server, error) {
	dir := filepath.Join(a.settings.Config.DataDir, "dev-limitless")
	if err := makeDataDir(dir); err != nil {
		return nil, err
	}
	days := demoDays(time.Duration(flags.minutes) * time.Minute)
	if err := a.makeSound(ctx, dir, days); err != nil {
		return nil, err
	}
	sound, err := a.openAudio()
	if err != nil {
		return nil, err
	}
	server := &limitlesstest.Server{Keys: map[string][]limitlesstest.Recording{}}
	midnight := date.Span(time.UTC).Start
	for _, day := range days {
		key := "dev-" + day.user
		for _, r := range day.recordings {
			recording, err := limitlesstest.FromFile(ctx, sound, filepath.Join(day.folder(dir), day.name(r)), midnight.Add(r.Start))
			if err != nil {
				return nil, err
			}
			server.Keys[key] = append(server.Keys[key], recording)
		}
	}
	server.Fault = func(call limitlesstest.Call) limitlesstest.Fault {
		a.log.WithFields(fields{"call": call.N, "path": call.Path, "from": call.Span.Start, "to": call.Span.End}).Info("called")
		if rand.IntN(100) < flags.fail {
			return limitlesstest.Faults[flags.faults[rand.IntN(len(flags.faults))]]
		}
		return nil
	}
	return server, nil
}
