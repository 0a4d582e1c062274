package web

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestSlowClients: whoever says nothing more is cut off, and holds up nobody for longer: here there is room for one connection.
func TestSlowClients(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for name, begins := range map[string]string{
		"nothing":          "",
		"half a header":    "GET / HTTP/1.1\r\nHost: localh",
		"no body":          "POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\nname=",
		"no second wish":   "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"no end of header": "GET / HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("x", 40<<10),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			soon := 20 * time.Millisecond
			server := serverFor(t.Context(), w.Server, patience{soon, soon, soon, soon})
			served := make(chan error, 1)
			go func() { served <- server.Serve(limited(listener, 1)) }()
			defer func() {
				_ = server.Close()
				<-served
			}()
			slow, err := net.Dial("tcp", listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer slow.Close()
			_, _ = io.WriteString(slow, begins) // it may be cut off by then
			_, _ = io.Copy(io.Discard, slow)    // until the server has had enough
			client := &http.Client{}
			defer client.CloseIdleConnections()
			response, err := client.Get("http://" + listener.Addr().String() + "/healthz")
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			if response.StatusCode != http.StatusOK {
				t.Errorf("the next one: %d", response.StatusCode)
			}
		})
	}
}
