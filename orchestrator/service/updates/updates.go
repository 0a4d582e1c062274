package updates

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/chortle-audio/chortle/orchestrator"
)

// Command makes a command of this program with these arguments, under the settings of this process, that is not started yet.
type Command func(args ...string) *exec.Cmd

// Request says what is to be read.
type Request struct {
	User     orchestrator.User
	From, To orchestrator.Date
	// Again reads what is stored already, too.
	Again bool
	// Recordings and Sound are what that will be, as far as it is known before; zero where it is not.
	Recordings int
	Sound      time.Duration
}

// State is how far an update is, or how it ended.
type State struct {
	Request

	StartedAt time.Time
	// FinishedAt is zero while it works.
	FinishedAt time.Time
	// Stopping says that somebody wants it to end.
	Stopping bool
	// Recording is read now; Position in it, and Length, 0 where that is not known.
	Recording        string
	Position, Length time.Duration
	// Done recordings, with Heard of sound and new Laughs; Failed ones could not be read.
	Done, Failed, Laughs int
	Heard                time.Duration
	// RunID is the run that ended; empty where it could not begin, or said nothing. ExitCode is its process's.
	RunID    string
	ExitCode int
}

// Share is how much of what was known before is done, in 0..1; of the recording that is read where nothing was known.
func (s State) Share() float64 {
	switch {
	case s.Sound > 0:
		return min(1, (s.Heard+s.Position).Seconds()/s.Sound.Seconds())
	case s.Length > 0:
		return min(1, s.Position.Seconds()/s.Length.Seconds())
	}
	return 0
}

// ErrNoCommand says that this program cannot start another of itself.
var ErrNoCommand = errors.New("start run: this program has no command for it")

// endsWithin is how long a run has to end once it was asked to; it takes two seconds at most.
const endsWithin = 4 * time.Second

// Updates starts runs, one at a time, and knows of each person's last. Safe for concurrent use. Close it after use.
type Updates struct {
	command Command
	now     func() time.Time
	log     logrus.FieldLogger

	mu     sync.Mutex
	states map[int64]*State // by user
	under  *job             // nil where none is
	closed bool
}

// job is a run under way.
type job struct {
	userID  int64
	process *exec.Cmd
	done    chan struct{}
}

// New returns Updates that start runs by a command; nil: none can be started.
func New(command Command, now func() time.Time, log logrus.FieldLogger) *Updates {
	return &Updates{command: command, now: now, log: log, states: map[int64]*State{}}
}

// Begin starts a run for a request and returns at once. orchestrator.ErrLocked while another one is under way, ErrNoCommand where
// none can be started.
func (u *Updates) Begin(request Request) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	switch {
	case u.command == nil || u.closed:
		return ErrNoCommand
	case u.under != nil:
		return orchestrator.ErrLocked
	}
	args := []string{"run", "--user", request.User.Name, "--from", request.From.String(), "--to", request.To.String(), "--trigger", string(orchestrator.TriggerManual), "--events"}
	if request.Again {
		args = append(args, "--reprocess")
	}
	process := u.command(args...)
	process.SysProcAttr = child()
	out, err := process.StdoutPipe()
	if err != nil {
		return fmt.Errorf("start run: %w", err)
	}
	if err := process.Start(); err != nil {
		return fmt.Errorf("start run: %w", err)
	}
	state := &State{Request: request, StartedAt: u.now()}
	u.states[request.User.ID] = state
	u.under = &job{userID: request.User.ID, process: process, done: make(chan struct{})}
	go u.follow(u.under, state, out)
	return nil
}

// follow reads what a run says until it ends.
func (u *Updates) follow(j *job, state *State, out io.Reader) {
	defer close(j.done)
	lines := bufio.NewReaderSize(out, 64<<10)
	for broken := false; ; {
		text, err := lines.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) { // none of ours: it must not hold the run up
			broken = true
			continue
		}
		if err != nil {
			break
		}
		var l line
		if !broken && json.Unmarshal(text, &l) == nil { // what else stands there is for people
			u.mu.Lock()
			take(state, l)
			u.mu.Unlock()
		}
		broken = false
	}
	err := j.process.Wait()
	u.mu.Lock()
	defer u.mu.Unlock()
	state.FinishedAt, state.Recording, state.Position, state.Length = u.now(), "", 0, 0
	state.ExitCode = j.process.ProcessState.ExitCode()
	u.under = nil
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		u.log.WithError(err).Warn("follow run")
	}
}

// take notes what a run said.
func take(s *State, l line) {
	switch l.Kind {
	case kindProgress:
		s.Recording, s.Position, s.Length = l.Recording, orchestrator.SamplesToDuration(l.Position), orchestrator.SamplesToDuration(l.Length)
	case kindDone:
		s.Recording, s.Position, s.Length = "", 0, 0
		if l.Failed {
			s.Failed++
			return
		}
		s.Done++
		s.Laughs += l.Laughs
		s.Heard += orchestrator.SamplesToDuration(l.Length)
	case kindEnd:
		s.RunID = l.Run
	}
}

// State returns how far a user's last update is; ok is false where there was none since this program started.
func (u *Updates) State(userID int64) (state State, ok bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if s := u.states[userID]; s != nil {
		return *s, true
	}
	return state, false
}

// Stop has a user's update end, and returns at once. What was read is kept. Nothing happens where none is under way.
func (u *Updates) Stop(userID int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.under != nil && u.under.userID == userID {
		u.states[userID].Stopping = true
		_ = u.under.process.Process.Signal(syscall.SIGTERM) // it may have ended just now
	}
}

// Close ends what is under way and waits for its end. It never fails.
func (u *Updates) Close() {
	u.mu.Lock()
	u.closed = true
	j := u.under
	u.mu.Unlock()
	if j == nil {
		return
	}
	u.Stop(j.userID)
	patience := time.AfterFunc(endsWithin, func() { _ = j.process.Process.Kill() })
	defer patience.Stop()
	<-j.done
}
