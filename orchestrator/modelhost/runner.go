package modelhost

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
)

var _ runner.Runner = (*pluginRunner)(nil)

// pluginRunner is what go-plugin sees of a process: it may start it, read its first line and wait for
// it. It neither kills it nor reads its stderr, which are ours.
type pluginRunner struct {
	p   *process
	env []string
}

// newRunner gives the process our folder instead of the one below it that go-plugin made: the paths of
// sockets must be short.
func (p *process) newRunner(_ hclog.Logger, spec *exec.Cmd, _ string) (runner.Runner, error) {
	return &pluginRunner{p, append(spec.Env, plugin.EnvUnixSocketDir+"="+p.dir.sockets())}, nil
}

func (r *pluginRunner) Start(context.Context) error { return r.p.launch(r.env) }

func (r *pluginRunner) Stdout() io.ReadCloser {
	return io.NopCloser(&firstLine{from: r.p.child.stdout, spoke: &r.p.spoke})
}

func (r *pluginRunner) Stderr() io.ReadCloser { return io.NopCloser(strings.NewReader("")) }

func (r *pluginRunner) Wait(context.Context) error {
	<-r.p.child.ended.Done()
	return nil
}

// Kill does nothing: the process is killed by us alone, so that we know why it was.
func (r *pluginRunner) Kill(context.Context) error { return nil }

func (r *pluginRunner) ID() string {
	if pid := r.p.child.id(); pid != 0 {
		return strconv.Itoa(pid)
	}
	return ""
}

func (r *pluginRunner) Name() string { return r.p.path }

func (r *pluginRunner) Diagnose(context.Context) string { return "" }

// PluginToHost accepts a Unix socket in the folder that was made for it, which nobody else can enter
// and which is removed.
func (r *pluginRunner) PluginToHost(network, address string) (string, string, error) {
	if network != "unix" || filepath.Dir(address) != filepath.Clean(r.p.dir.sockets()) {
		return "", "", fmt.Errorf("listens on %s %q instead of a Unix socket in PLUGIN_UNIX_SOCKET_DIR", network, address)
	}
	r.p.socket = address
	return network, address, nil
}

func (r *pluginRunner) HostToPlugin(network, address string) (string, string, error) {
	return network, address, nil
}

// maxHandshakeBytes is more than a handshake ever is.
const maxHandshakeBytes = 4 << 10

// firstLine passes on the first line of what it reads from and swallows the rest, so that neither a
// line without an end nor later output of the process can stop it.
type firstLine struct {
	from   io.Reader
	spoke  *atomic.Bool // set when there was anything
	passed int
	done   bool
}

func (f *firstLine) Read(b []byte) (int, error) {
	if f.done {
		_, err := io.Copy(io.Discard, f.from)
		if err == nil {
			err = io.EOF
		}
		return 0, err
	}
	if len(b) == 0 {
		return 0, nil
	}
	n, err := f.from.Read(b[:min(len(b), maxHandshakeBytes-f.passed)])
	if n > 0 {
		f.spoke.Store(true)
	}
	if end := bytes.IndexByte(b[:n], '\n'); end >= 0 {
		f.done, n = true, end+1
	} else if f.passed+n >= maxHandshakeBytes {
		b[n-1] = '\n'
		f.done = true
	}
	f.passed += n
	return n, err
}
