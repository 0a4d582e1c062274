package postgres

import (
	"bytes"
	"net"
	"net/url"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/chortle-audio/chortle/internal/pgtest"
	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/store/storetest"
)

// deafener stands between store and server. Armed, it breaks the connection once the server has
// answered a commit, and keeps that answer to itself.
type deafener struct {
	armed atomic.Bool
	fired atomic.Int64
}

// listen forwards to the server's socket, until the end of the test, and returns the address to use.
func (d *deafener) listen(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	server := filepath.Join(query.Get("host"), ".s.PGSQL.5432")
	dir := t.TempDir()
	listener, err := net.Listen("unix", filepath.Join(dir, ".s.PGSQL.5432"))
	if err != nil {
		t.Fatal(err)
	}
	var working sync.WaitGroup
	working.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return // closed
			}
			working.Go(func() { d.forward(t, client, server) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		working.Wait()
	})
	query.Set("host", dir)
	u.RawQuery = query.Encode()
	return u.String()
}

func (d *deafener) forward(t *testing.T, client net.Conn, address string) {
	server, err := net.Dial("unix", address)
	if err != nil {
		t.Error(err)
		return
	}
	var deaf atomic.Bool
	var working sync.WaitGroup
	working.Go(func() {
		defer client.Close()
		buffer := make([]byte, 64<<10)
		for {
			n, err := server.Read(buffer)
			if err != nil || deaf.Load() {
				return
			}
			if _, err := client.Write(buffer[:n]); err != nil {
				return
			}
		}
	})
	buffer := make([]byte, 64<<10)
	for {
		n, err := client.Read(buffer)
		if err != nil {
			break
		}
		if bytes.Contains(bytes.ToLower(buffer[:n]), []byte("commit\x00")) && d.armed.CompareAndSwap(true, false) {
			deaf.Store(true)
			d.fired.Add(1)
		}
		if _, err := server.Write(buffer[:n]); err != nil {
			break
		}
	}
	_ = server.Close()
	working.Wait()
}

// TestAnswerToCommitIsLost: what was stored is not known, so it is done again, and counts once.
func TestAnswerToCommitIsLost(t *testing.T) {
	t.Parallel()
	address := pgtest.Database(t)
	if u, err := url.Parse(address); err != nil || u.Query().Get("host") == "" {
		t.Skip("the server is not reached by a socket")
	}
	var d deafener
	s := open(t, d.listen(t, address), quiet())

	d.armed.Store(true)
	user := addUser(t, s, "alice")
	rec := storetest.Recording("a.ogg", start)
	save := func(laughs ...orchestrator.Laugh) orchestrator.Saved {
		t.Helper()
		d.armed.Store(true)
		saved, err := s.SaveRecording(t.Context(), storetest.Result(user, rec, laughs...))
		if err != nil {
			t.Fatal(err)
		}
		return saved
	}
	if saved := save(storetest.At(1, 2), storetest.At(3, 4)); saved.New != 2 || count(t, s) != 2 {
		t.Errorf("first: %+v, %d rows", saved, count(t, s))
	}
	if saved := save(storetest.At(3, 4), storetest.At(5, 6)); saved.New != 1 || len(saved.Orphans) != 1 || saved.Orphans[0] != "clip-1-2" || count(t, s) != 2 {
		t.Errorf("second: %+v, %d rows", saved, count(t, s))
	}
	run := orchestrator.Run{ID: "run", Trigger: orchestrator.TriggerManual, StartedAt: start}
	d.armed.Store(true)
	if err := s.BeginRun(t.Context(), run); err != nil {
		t.Error(err)
	}
	failed := storetest.Recording("b.ogg", start)
	d.armed.Store(true)
	if err := s.FailRecording(t.Context(), "run", user.ID, failed, "no"); err != nil {
		t.Error(err)
	}
	if state, err := s.FindRecording(t.Context(), user.ID, failed); err != nil || state.Attempts != 1 {
		t.Errorf("failed recording: %+v, %v", state, err)
	}
	if fired := d.fired.Load(); fired != 5 {
		t.Errorf("%d of 5 answers were lost", fired)
	}
}
