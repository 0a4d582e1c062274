package plugintest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/chortle-audio/chortle/orchestrator/modelhost"
)

// hostName is what the test's own program is called where it is a host that will be killed.
const hostName = "chortle-plugintest-host"

// hostOrder is what such a host reads from its standard input.
type hostOrder struct {
	Command, Env, Write []string
	SocketDir           string
}

// init makes a host of the program of any test that uses this package, so that its TestMain need not know.
func init() {
	if os.Args[0] == hostName {
		beHost()
	}
}

// beHost starts a plugin, says its process id, and waits to be killed: at the latest its standard input ends
// with the test.
func beHost() {
	var order hostOrder
	if err := json.NewDecoder(os.Stdin).Decode(&order); err != nil {
		fmt.Fprintln(os.Stderr, "read order:", err)
		os.Exit(1)
	}
	p, err := modelhost.New(modelhost.Config{Command: order.Command, Env: order.Env, SocketDir: order.SocketDir, Write: order.Write,
		StartTimeout: patience}).Spawn(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(p.PID())
	_, _ = io.Copy(io.Discard, os.Stdin)
	p.Stop()
	os.Exit(0)
}
