package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/chortle-audio/chortle/orchestrator/service"
	"github.com/chortle-audio/chortle/orchestrator/service/updates"
	"github.com/chortle-audio/chortle/orchestrator/settings"
)

// Faces are the other faces of the program, which the command line starts and does not know.
type Faces struct {
	// Serve answers on the listener until ctx is canceled, and closes it.
	Serve func(ctx context.Context, program *service.Service, listener net.Listener) error
}

func (a *app) serveCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "serve", Short: "Serve the page on which people hear their laughs",
		Long: `Serves the page until a signal ends it (exit code 0). Make an account first: orchestrator account add NAME --admin.

It listens on this machine only unless --listen says otherwise; docs/serve.md shows how to put it behind a proxy that
speaks HTTPS.`,
		Example: `  orchestrator serve
  orchestrator serve --listen 0.0.0.0:8467
  orchestrator serve --listen unix:/run/chortle/page.sock`,
		Args: noArgs,
	}
	bind(cmd.Flags(), "CHORTLE_LISTEN")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return a.serve(cmd.Context(), a.service) }
	return cmd
}

func (a *app) serve(ctx context.Context, program *service.Service) error {
	if a.faces.Serve == nil {
		return errors.New("serve page: this program was built without it")
	}
	signIns, err := program.Accounts(ctx)
	if err != nil {
		return err
	}
	all, err := signIns.List(ctx)
	if err != nil {
		return err
	}
	listener, err := a.listen(program.Config.Page.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w; choose another address with --listen", program.Config.Page.Listen, err)
	}
	fmt.Fprintf(a.stdout, "The page is at %s\n", a.pageAddress(program.Config.Page.BaseURL, listener.Addr()))
	if len(all) == 0 {
		fmt.Fprintln(a.stderr, "Nobody can sign in yet: make an account with orchestrator account add NAME --admin")
	}
	program.Child = a.child(program.Config)
	later, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		program.SendDigestsLater(later)
	}()
	defer func() {
		stop()
		<-done
	}()
	return a.faces.Serve(ctx, program, listener)
}

// child makes commands of this program that work on what a service works on: its settings are ours, those that came by flags and
// where the data lie by their variables.
func (a *app) child(config settings.Config) updates.Command {
	given := map[string]string{"CHORTLE_DATA_DIR": config.DataDir, "CHORTLE_DATABASE_URL": config.DatabaseURL, "CHORTLE_CLIPS_URL": config.ClipsURL,
		"CHORTLE_SETTLE": config.Settle.String()}
	for _, value := range a.settings.Values {
		if _, known := given[value.Name]; !known && a.settings.FromFlag(value.Name) {
			given[value.Name] = value.Text
		}
	}
	program, err := os.Executable()
	if err != nil {
		return nil // it was found when the settings were read
	}
	var environ []string
	for _, entry := range a.environ {
		name, _, _ := strings.Cut(entry, "=")
		if _, ours := given[strings.TrimSuffix(name, "_FILE")]; !ours && !strings.HasPrefix(name, "LISTEN_") {
			environ = append(environ, entry)
		}
	}
	for name, value := range given {
		environ = append(environ, name+"="+value)
	}
	return func(args ...string) *exec.Cmd {
		if a.settings.EnvFile != "" {
			args = append(args, "--env-file", a.settings.EnvFile)
		}
		process := exec.Command(program, args...) //nolint:noctx // ourselves; Updates ends it
		process.Env, process.Stderr = environ, os.Stderr
		return process
	}
}

// pageAddress is where people open the page.
func (a *app) pageAddress(base string, addr net.Addr) string {
	if base != "" {
		return base + "/"
	}
	if addr.Network() == "unix" {
		return "unix:" + addr.String()
	}
	host, port, err := net.SplitHostPort(addr.String())
	if ip := net.ParseIP(host); err == nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port) + "/"
}

// listen opens the address of the setting. A socket that systemd holds is taken where it has one for us.
func (a *app) listen(address string) (net.Listener, error) {
	fds, _ := strconv.Atoi(a.getenv("LISTEN_FDS"))
	if pid, _ := strconv.Atoi(a.getenv("LISTEN_PID")); fds > 0 && pid == os.Getpid() {
		const first = 3
		file := os.NewFile(first, "systemd")
		defer file.Close()
		return net.FileListener(file)
	}
	if address == "systemd" {
		return nil, errors.New("systemd has given this process no socket")
	}
	path, ok := strings.CutPrefix(address, "unix:")
	if !ok {
		return net.Listen("tcp", address)
	}
	if err := removeStale(path); err != nil {
		return nil, err
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o660); err != nil { //nolint:gosec // for the proxy, by its group
		return nil, errors.Join(err, listener.Close())
	}
	return listener, nil
}

// removeStale removes a socket that nobody answers any more.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	if err != nil || info.Mode()&os.ModeSocket == 0 {
		return nil // nothing is there, or something that listening refuses
	}
	conn, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		return errors.Join(errors.New("another program answers there"), conn.Close())
	}
	return os.Remove(path)
}
