package web

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/chortle-audio/chortle/orchestrator/service"
)

const (
	// How long a client may take: for its headers, for a whole request, and for an answer that is no sound. Sound has as long as it plays.
	headerTimeout, readTimeout, writeTimeout, idleTimeout = 10 * time.Second, 30 * time.Second, 30 * time.Second, 2 * time.Minute
	// maxHeader bounds the headers of a request, in bytes.
	maxHeader = 32 << 10
	// maxConnections bounds the connections at once: each takes some memory, and a slow client holds one.
	maxConnections = 256
	// endsWithin is how long requests under way have when the server ends.
	endsWithin = 1500 * time.Millisecond
)

// Serve answers on the listener until ctx is canceled, and closes it. What is under way then has a moment to end. It returns an error
// when the database cannot be opened, or the listener fails.
func Serve(ctx context.Context, program *service.Service, listener net.Listener) error {
	started := program.Updates()
	defer started.Close()
	options, err := OptionsOf(ctx, program, started)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	server, err := New(options)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	requests, endRequests := context.WithCancel(context.WithoutCancel(ctx))
	defer endRequests()
	httpServer := serverFor(requests, server, patience{headerTimeout, readTimeout, writeTimeout, idleTimeout})
	var tidying sync.WaitGroup
	tidying.Go(func() { tidyUploads(requests, program) })
	defer tidying.Wait()
	defer endRequests()
	served := make(chan error, 1)
	go func() { served <- httpServer.Serve(limited(listener, maxConnections)) }()
	select {
	case err = <-served:
	case <-ctx.Done():
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), endsWithin)
		defer cancel()
		if httpServer.Shutdown(ending) != nil {
			endRequests()
			_ = httpServer.Close() // whoever is still there is cut off
		}
		err = <-served
	}
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return err
}

// tidyEvery is how often it is looked for streams of devices that have ended.
const tidyEvery = time.Minute

// tidyUploads gives streams of devices that have ended their names, until ctx is canceled. A run does the same.
func tidyUploads(ctx context.Context, program *service.Service) {
	ticker := time.NewTicker(tidyEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			_ = program.TidyUploads(ctx) // a database that is away is told by whoever asks for a page
		}
	}
}

// patience is how long a client may take; see the constants.
type patience struct{ header, read, write, idle time.Duration }

func serverFor(requests context.Context, handler http.Handler, p patience) *http.Server {
	return &http.Server{Handler: handler, ReadHeaderTimeout: p.header, ReadTimeout: p.read, WriteTimeout: p.write, IdleTimeout: p.idle,
		MaxHeaderBytes: maxHeader, BaseContext: func(net.Listener) context.Context { return requests }, ErrorLog: discardLog()}
}

// OptionsOf wires the page to the program; started starts the runs that people ask for.
func OptionsOf(ctx context.Context, program *service.Service, started Updates) (Options, error) {
	signIns, err := program.Accounts(ctx)
	if err != nil {
		return Options{}, err
	}
	opened, err := program.Store(ctx)
	if err != nil {
		return Options{}, err
	}
	sounds, err := program.Sounds()
	if err != nil {
		return Options{}, err
	}
	page := program.Config.Page
	var oidc *OIDC
	if page.OIDC.Issuer != "" {
		oidc = &OIDC{Issuer: page.OIDC.Issuer, ClientID: page.OIDC.ClientID, ClientSecret: page.OIDC.ClientSecret}
	}
	return Options{
		BaseURL: page.BaseURL, Listen: page.Listen, TrustedNetworks: page.TrustedNetworks, TrustUnix: page.TrustUnix,
		Hide:        []string{program.Config.DatabaseURL, program.Config.DataDir, program.ClipsPlace()},
		ProxyHeader: page.ProxyHeader, OIDC: oidc, MetricsToken: page.MetricsToken,
		Sessions: signIns, SignIns: signIns, Links: signIns, Trusted: signIns,
		Own: signIns, Passkeys: signIns, Identities: signIns,
		Shares: signIns, Tokens: signIns, Administration: signIns,
		Standing: program, People: program, SourceKeys: program, Metrics: program, Digests: program, Letters: program,
		Updates: started, Marks: program, Reprocessing: program, Uploads: program, Exporting: program,
		Laughs: opened, Heard: opened, Judging: program, Sounds: sounds,
		Log: program.Log, Now: program.Now,
	}, nil
}

// limited makes a listener of which so many connections are open at once; further ones wait in the kernel.
func limited(l net.Listener, most int) net.Listener {
	return &limitedListener{Listener: l, slots: make(chan struct{}, most), closed: make(chan struct{})}
}

type limitedListener struct {
	net.Listener

	slots  chan struct{}
	closed chan struct{}
	once   sync.Once
}

// Accept implements net.Listener.
func (l *limitedListener) Accept() (net.Conn, error) {
	select {
	case l.slots <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	conn, err := l.Listener.Accept()
	if err != nil {
		<-l.slots
		return nil, err
	}
	return &limitedConn{Conn: conn, release: sync.OnceFunc(func() { <-l.slots })}, nil
}

// Close implements net.Listener.
func (l *limitedListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

type limitedConn struct {
	net.Conn

	release func()
}

// Close implements net.Conn.
func (c *limitedConn) Close() error {
	defer c.release()
	return c.Conn.Close()
}
