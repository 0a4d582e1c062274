// Package s3test gives tests a real S3 server on loopback: versitygw over a folder of the test's, which `make s3-server` builds.
package s3test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"os/exec"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/chortle-audio/chortle/internal/testkit"
)

// The keys that the server knows.
const (
	AccessKey = "tests"
	SecretKey = "of-clips-only"
	Region    = "eu-test-1"
)

// patience is how long a busy machine may take to start the server.
const patience = time.Minute

// Server is one that runs until the test ends.
type Server struct {
	// Endpoint is its address, such as http://127.0.0.1:40123.
	Endpoint string
	// Dir holds a folder for each bucket.
	Dir string
}

// Start starts a server with these buckets. Without the program the test is skipped, unless CHORTLE_TEST_S3 requires it.
func Start(t *testing.T, buckets ...string) *Server {
	t.Helper()
	program := testkit.S3Server(t)
	s := &Server{Dir: t.TempDir()}
	address := freeAddress(t)
	s.Endpoint = "http://" + address
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	command := exec.CommandContext(ctx, program, "--port", address, "--region", Region, "--quiet", "posix", "--sidecar", t.TempDir(), s.Dir)
	command.Env = []string{"ROOT_ACCESS_KEY=" + AccessKey, "ROOT_SECRET_KEY=" + SecretKey}
	var said bytes.Buffer
	command.Stdout, command.Stderr = &said, &said
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	var ending error
	ended := make(chan struct{})
	go func() {
		ending = command.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		stop()
		<-ended
	})
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	client, err := minio.New(address, &minio.Options{Creds: credentials.NewStaticV4(AccessKey, SecretKey, ""), Region: Region, Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	waiting, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		conn, err := (&net.Dialer{}).DialContext(waiting, "tcp", address)
		if err == nil {
			err = conn.Close()
		}
		if err == nil {
			break
		}
		select {
		case <-ended:
			t.Fatalf("start S3 server: %v: %s", ending, &said)
		case <-waiting.Done():
			t.Fatal(errors.Join(err, waiting.Err()))
		case <-time.After(10 * time.Millisecond):
		}
	}
	for _, bucket := range buckets {
		if err := client.MakeBucket(waiting, bucket, minio.MakeBucketOptions{Region: Region}); err != nil {
			t.Fatalf("make bucket: %v: %s", err, &said)
		}
	}
	return s
}

// freeAddress is one of loopback that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	return address
}
