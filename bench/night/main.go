// Command night measures a night for two users: once their recordings come from the Limitless API, of which a
// share of calls fails, and once the same sound comes from a folder. It says what the orchestrator took of
// memory, disk and time, and whether that is within the targets.
//
// Small by default; -hours 16 is a whole night. The ratio of times is a target from -hours 8 on: below that
// the calls for the hours without sound outweigh the work.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/audio"
	"github.com/chortle-audio/chortle/orchestrator/audio/synth"
	"github.com/chortle-audio/chortle/orchestrator/source/limitless/limitlesstest"
)

// The targets.
const (
	mostMemory = 96e6
	mostRatio  = 1.3
	ratioFrom  = 8 // hours
)

var (
	users = []string{"alice", "bob"}
	day   = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	begin = 4 * time.Hour // of the day, when the sound begins
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "night:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("night", flag.ExitOnError)
	hours := flags.Int("hours", 2, "how many hours of sound each user has")
	fail := flags.Int("fail", 10, "how many of a hundred calls fail")
	bin := flags.String("bin", "bin", "`folder` of the programs")
	sound := flags.String("sound", "build/night", "`folder` of the sound, which is made once")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *hours < 1 || *hours > 20 {
		return fmt.Errorf("-hours %d: want 1 to 20", *hours)
	}
	dir, err := os.MkdirTemp("", "chortle-night-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	n := night{dir: dir, hours: *hours, fail: *fail}
	if n.program, err = filepath.Abs(filepath.Join(*bin, "orchestrator")); err != nil {
		return err
	}
	if err := n.makeSound(ctx, *sound); err != nil {
		return fmt.Errorf("make sound: %w", err)
	}
	folder, err := n.fromFolder(ctx)
	if err != nil {
		return fmt.Errorf("read from a folder: %w", err)
	}
	api, err := n.fromAPI(ctx)
	if err != nil {
		return fmt.Errorf("read from the API: %w", err)
	}
	return n.judge(folder, api)
}

// night is one measurement.
type night struct {
	dir, program string
	hours, fail  int
	sounds       *audio.Audio
	files        map[string]string // an hour of sound for each user
	chunk        atomic.Int64      // the largest answer of the server
	calls        atomic.Int64
}

// figures are what a run took.
type figures struct {
	wall   time.Duration
	peak   int64
	disk   int64 // the most that lay in the folders of the users
	audio  float64
	laughs int
	calls  int
	source time.Duration // spent on fetching, pauses included
	again  int
}

// makeSound encodes an hour for each user, unless it is there.
func (n *night) makeSound(ctx context.Context, dir string) error {
	ffmpeg, err := exec.LookPath("ffmpeg")
	if err != nil {
		return err
	}
	if n.sounds, err = audio.New(audio.Options{FFmpeg: ffmpeg}); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	n.files = map[string]string{}
	for i, user := range users {
		path := filepath.Join(dir, user+".ogg")
		if n.files[user], err = filepath.Abs(path); err != nil {
			return err
		}
		if _, err := os.Stat(path); err == nil {
			continue
		}
		fmt.Fprintf(os.Stderr, "making an hour of sound for %s …\n", user)
		if err := n.sounds.Encode(ctx, path, orchestrator.SampleRateHz, synth.New(uint64(i+1), time.Hour).Samples()); err != nil {
			return err
		}
	}
	return nil
}

// serial tells the hours of all users apart: the same sound, in files of their own.
func serial(user string, hour int) uint32 {
	return uint32(slices.Index(users, user)+1)<<16 | uint32(hour)
}

func (n *night) fromFolder(ctx context.Context) (figures, error) {
	place := filepath.Join(n.dir, "folder")
	env := []string{"CHORTLE_SETTLE=0s"}
	for _, user := range users {
		root := filepath.Join(place, "recordings", user)
		if err := os.MkdirAll(root, 0o700); err != nil {
			return figures{}, err
		}
		content, err := os.ReadFile(n.files[user])
		if err != nil {
			return figures{}, err
		}
		for hour := range n.hours {
			name := day.Add(begin + time.Duration(hour)*time.Hour).Format("2006-01-02T15-04-05Z.ogg")
			if err := os.WriteFile(filepath.Join(root, name), limitlesstest.Renumber(content, serial(user, hour)), 0o600); err != nil {
				return figures{}, err
			}
		}
		if _, err := n.call(ctx, place, env, "user", "add", user, "--timezone", "UTC", "--source", "folder:"+root); err != nil {
			return figures{}, err
		}
	}
	return n.measure(ctx, place, env)
}

func (n *night) fromAPI(ctx context.Context) (figures, error) {
	server := &limitlesstest.Server{Keys: map[string][]limitlesstest.Recording{}}
	for _, user := range users {
		for hour := range n.hours {
			recording, err := n.recording(ctx, user, hour)
			if err != nil {
				return figures{}, err
			}
			server.Keys["key-of-"+user] = append(server.Keys["key-of-"+user], recording)
		}
	}
	random := rand.New(rand.NewPCG(1, 2)) // users are read one after the other, so calls come one at a time
	faults := []limitlesstest.Fault{limitlesstest.Status(http.StatusBadGateway), limitlesstest.Truncate, limitlesstest.Status(http.StatusGatewayTimeout),
		limitlesstest.Reset, limitlesstest.Status(http.StatusInternalServerError)}
	server.Fault = func(limitlesstest.Call) limitlesstest.Fault {
		n.calls.Add(1)
		if random.IntN(100) < n.fail {
			return faults[random.IntN(len(faults))]
		}
		return nil
	}
	web := httptest.NewServer(server)
	defer web.Close()

	place := filepath.Join(n.dir, "api")
	if err := os.MkdirAll(place, 0o700); err != nil {
		return figures{}, err
	}
	key := filepath.Join(place, "secret.key")
	if _, err := n.call(ctx, place, nil, "key", "new", key); err != nil {
		return figures{}, err
	}
	env := []string{"CHORTLE_LIMITLESS_URL=" + web.URL, "CHORTLE_SECRET_KEY_FILE=" + key}
	for _, user := range users {
		path := filepath.Join(place, user+".key")
		if err := os.WriteFile(path, []byte("key-of-"+user), 0o600); err != nil {
			return figures{}, err
		}
		if _, err := n.call(ctx, place, env, "user", "add", user, "--timezone", "UTC", "--source", "limitless", "--api-key-file", path); err != nil {
			return figures{}, err
		}
	}
	return n.measure(ctx, place, env)
}

// recording is one hour of a user at the server.
func (n *night) recording(ctx context.Context, user string, hour int) (limitlesstest.Recording, error) {
	recording, err := limitlesstest.FromFile(ctx, n.sounds, n.files[user], day.Add(begin+time.Duration(hour)*time.Hour))
	if err != nil {
		return recording, err
	}
	cut := recording.Cut
	recording.Cut = func(ctx context.Context, from, to time.Duration) ([]byte, error) {
		content, err := cut(ctx, from, to)
		for size := int64(len(content)); size > n.chunk.Load(); {
			n.chunk.Store(size)
		}
		return limitlesstest.Renumber(content, serial(user, hour)), err
	}
	return recording, nil
}

// call runs the orchestrator in a place of its own.
func (n *night) call(ctx context.Context, place string, env []string, args ...string) ([]byte, error) {
	command := exec.CommandContext(ctx, n.program, args...)
	command.Env = slices.Concat(command.Environ(), []string{"CHORTLE_DATA_DIR=" + filepath.Join(place, "data")}, env)
	var complaint strings.Builder
	command.Stderr = &complaint
	output, err := command.Output()
	if err != nil {
		return output, fmt.Errorf("orchestrator %s: %w: %s", args[0], err, complaint.String())
	}
	return output, nil
}

// measure runs the day, again where something is left, and adds up what that took.
func (n *night) measure(ctx context.Context, place string, env []string) (sum figures, err error) {
	ctx, cancel := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() { sum.disk = watch(ctx, filepath.Join(place, "data", "users")) })
	defer func() {
		cancel()
		watching.Wait()
	}()
	var run struct {
		Users []struct {
			Audio  float64 `json:"audio_seconds"`
			Laughs struct {
				New int `json:"new"`
			} `json:"laughs"`
			Memory struct {
				Peak int64 `json:"peak_bytes"`
			} `json:"memory"`
			Calls struct {
				Total int `json:"total"`
			} `json:"source_calls"`
			Stages struct {
				Source float64 `json:"source_seconds"`
			} `json:"stages"`
		} `json:"users"`
	}
	began := time.Now()
	output, err := n.call(ctx, place, env, "run", "--date", day.Format(time.DateOnly), "--json")
	for exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.ExitCode() == orchestrator.ExitIncomplete && sum.again < 3; sum.again++ {
		output, err = n.call(ctx, place, env, "run", "--date", day.Format(time.DateOnly), "--json")
	}
	sum.wall = time.Since(began)
	if err != nil {
		return sum, err
	}
	if err := json.Unmarshal(output, &run); err != nil {
		return sum, err
	}
	for _, user := range run.Users {
		sum.peak = max(sum.peak, user.Memory.Peak)
		sum.audio += user.Audio
		sum.laughs += user.Laughs.New
		sum.calls += user.Calls.Total
		sum.source += time.Duration(user.Stages.Source * float64(time.Second))
	}
	return sum, nil
}

// watch returns the most that the files below a folder took at any time until ctx ends.
func watch(ctx context.Context, dir string) (most int64) {
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		var size int64
		_ = filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error { // files come and go meanwhile
			if err == nil && !entry.IsDir() {
				if info, err := entry.Info(); err == nil {
					size += info.Size()
				}
			}
			return nil
		})
		most = max(most, size)
		select {
		case <-ctx.Done():
			return most
		case <-ticker.C:
		}
	}
}

// judge prints the figures, and fails where a target is missed.
func (n *night) judge(folder, api figures) error {
	for _, row := range []struct {
		name string
		figures
	}{{"folder", folder}, {"API", api}} {
		fmt.Printf("%-7s %6.1f s, of it %.1f s for fetching  peak %5.1f MB  downloads %5.2f MB  audio %.0f s  %d laughs  %d calls\n", row.name, row.wall.Seconds(), row.source.Seconds(),
			float64(row.peak)/1e6, float64(row.disk)/1e6, row.audio, row.laughs, row.calls)
	}
	missed := 0
	target := func(what string, met bool, detail string) {
		verdict := "PASS"
		if !met {
			verdict = "FAIL"
			missed++
		}
		fmt.Printf("%s  %s: %s\n", verdict, what, detail)
	}
	ratio := api.wall.Seconds() / folder.wall.Seconds()
	heard := float64(n.hours*len(users)) * 3600
	target("all audio read, in one night", api.again == 0 && api.audio > heard-1 && folder.audio > heard-1, fmt.Sprintf("%.0f of %.0f s", api.audio, heard))
	target("peak memory", api.peak <= mostMemory, fmt.Sprintf("%.1f MB, at most %d", float64(api.peak)/1e6, int64(mostMemory/1e6)))
	target("downloads on disk", api.disk <= n.chunk.Load(), fmt.Sprintf("%.2f MB, at most a chunk of %.2f", float64(api.disk)/1e6, float64(n.chunk.Load())/1e6))
	if n.hours >= ratioFrom {
		target("wall time", ratio <= mostRatio, fmt.Sprintf("%.2f of the folder's, at most %.1f", ratio, mostRatio))
	} else {
		fmt.Printf("      wall time: %.2f of the folder's; a target from -hours %d on\n", ratio, ratioFrom)
	}
	if missed > 0 {
		return fmt.Errorf("%d targets were missed", missed)
	}
	return nil
}
