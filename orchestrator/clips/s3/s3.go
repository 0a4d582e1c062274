// Package s3 keeps clips in a bucket of an S3 store: AWS, Garage, SeaweedFS, MinIO, R2 and what else speaks its protocol.
package s3

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/encrypt"

	"github.com/chortle-audio/chortle/orchestrator"
	"github.com/chortle-audio/chortle/orchestrator/clips"
)

const (
	// attempts at one call before its error is told; the client waits between them, longer each time, with jitter.
	attempts = 5
	// patience bounds one call, its attempts included. A clip has some hundred kB.
	patience = 2 * time.Minute
	// headTimeout is how long a store may think before it begins to answer.
	headTimeout = 30 * time.Second
)

// Config says which store it is. Its zero value is AWS, by the usual chain of credentials: the environment's AWS_…, ~/.aws, the machine's role.
type Config struct {
	// Endpoint is the store's address, such as https://s3.example.org:3900; empty for AWS.
	Endpoint string
	// Region is that of the bucket; empty lets the store say it.
	Region string
	// AccessKey and SecretKey, where the usual chain is not to be asked.
	AccessKey, SecretKey string
	// PathStyle puts the bucket into the path; otherwise AWS gets it in the name of the host, and everybody else in the path.
	PathStyle bool
	// CAFile is a PEM file of authorities that are trusted beside the system's; empty for none.
	CAFile string
	// Encryption asks the store to encrypt: "", "AES256", or "aws:kms:KEY" by a key of its key service.
	Encryption string
}

// Bucket keeps clips below a prefix of a bucket. Safe for concurrent use; machines may share it. Close it after use.
type Bucket struct {
	client         *minio.Client
	bucket, prefix string
	encryption     encrypt.ServerSide
	transport      *http.Transport
}

var _ orchestrator.Clips = (*Bucket)(nil)

// Open reads an address such as //bucket/prefix. Nothing is asked of the store yet.
func Open(address string, config Config) (*Bucket, error) {
	bucket, prefix, _ := strings.Cut(strings.TrimPrefix(address, "//"), "/")
	prefix = strings.Trim(prefix, "/")
	if !strings.HasPrefix(address, "//") || bucket == "" || prefix != "" && clips.Check(prefix) != nil {
		return nil, fmt.Errorf("open clips at s3:%s: want s3://BUCKET or s3://BUCKET/PREFIX", address)
	}
	endpoint := &url.URL{Scheme: "https", Host: "s3.amazonaws.com"}
	if config.Endpoint != "" {
		u, err := url.Parse(config.Endpoint)
		if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || strings.Trim(u.Path, "/") != "" {
			return nil, fmt.Errorf("open clips at s3:%s: address of the store %q: want https:// with a host", address, config.Endpoint)
		}
		endpoint = u
	}
	transport, err := newTransport(config.CAFile)
	if err != nil {
		return nil, fmt.Errorf("open clips at s3:%s: %w", address, err)
	}
	keys := credentials.NewStaticV4(config.AccessKey, config.SecretKey, "")
	if config.AccessKey == "" {
		keys = credentials.NewChainCredentials([]credentials.Provider{&credentials.EnvAWS{}, &credentials.FileAWSCredentials{}, &credentials.IAM{}})
	}
	lookup := minio.BucketLookupAuto
	if config.PathStyle {
		lookup = minio.BucketLookupPath
	}
	client, err := minio.New(endpoint.Host, &minio.Options{Creds: keys, Secure: endpoint.Scheme == "https", Region: config.Region, BucketLookup: lookup,
		Transport: transport, MaxRetries: attempts, TrailingHeaders: false})
	if err != nil {
		return nil, fmt.Errorf("open clips at s3:%s: %w", address, err)
	}
	b := &Bucket{client: client, bucket: bucket, prefix: prefix, transport: transport}
	if b.encryption, err = encryption(config.Encryption); err != nil {
		return nil, fmt.Errorf("open clips at s3:%s: %w", address, err)
	}
	return b, nil
}

func newTransport(caFile string) (*http.Transport, error) {
	transport, err := minio.DefaultTransport(true)
	if err != nil {
		return nil, err
	}
	transport.ResponseHeaderTimeout = headTimeout
	if caFile == "" {
		return transport, nil
	}
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return nil, fmt.Errorf("read authorities: %w", err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read authorities: %s holds no certificate in PEM", caFile)
	}
	transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	return transport, nil
}

func encryption(text string) (encrypt.ServerSide, error) {
	key, isKMS := strings.CutPrefix(text, "aws:kms:")
	switch {
	case text == "":
		return nil, nil
	case text == "AES256":
		return encrypt.NewSSE(), nil
	case isKMS && key != "":
		return encrypt.NewSSEKMS(key, nil)
	}
	return nil, fmt.Errorf("encryption %q: want AES256 or aws:kms:KEY", text)
}

// Close ends the use of the bucket.
func (b *Bucket) Close() error {
	b.transport.CloseIdleConnections()
	return nil
}

// Sweep implements what a folder needs: a store keeps an object as a whole or not at all.
func (b *Bucket) Sweep(time.Time) error { return nil }

func (b *Bucket) object(key string) string { return path.Join(b.prefix, key) }

// Put implements orchestrator.Clips. The store checks the data by its MD5, which is signed; signing it in chunks as well, as the client does
// over plain HTTP, closes the data from two goroutines at once when an answer comes early.
func (b *Bucket) Put(ctx context.Context, key string, data []byte) error {
	if err := check(ctx, key); err != nil {
		return fmt.Errorf("put clip: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, err := backoff.Retry(ctx, func() (minio.UploadInfo, error) {
		info, err := b.client.PutObject(ctx, b.bucket, b.object(key), bytes.NewReader(data), int64(len(data)), minio.PutObjectOptions{
			ContentType: contentType(key), SendContentMd5: true, DisableContentSha256: true, DisableMultipart: true, ServerSideEncryption: b.encryption})
		if err != nil && minio.ToErrorResponse(err).StatusCode != http.StatusConflict { // the client tries again what else may pass
			err = backoff.Permanent(err)
		}
		return info, err
	}, backoff.WithMaxTries(attempts), backoff.WithBackOff(&backoff.ExponentialBackOff{InitialInterval: 50 * time.Millisecond, RandomizationFactor: 0.5, Multiplier: 3, MaxInterval: 5 * time.Second}))
	if err != nil {
		return fmt.Errorf("put clip %s: %w", key, b.remedy(err))
	}
	return nil
}

// contentType is for whoever looks into the bucket by other programs.
func contentType(key string) string {
	switch path.Ext(key) {
	case ".opus", ".ogg":
		return "audio/ogg"
	case ".flac":
		return "audio/flac"
	case ".wav":
		return "audio/wav"
	}
	return "application/octet-stream"
}

// Open implements orchestrator.Clips. What is not read is not fetched: each Seek begins a new answer of the store.
func (b *Bucket) Open(ctx context.Context, key string) (io.ReadSeekCloser, orchestrator.ClipInfo, error) {
	if err := check(ctx, key); err != nil {
		return nil, orchestrator.ClipInfo{}, fmt.Errorf("open clip: %w", err)
	}
	object, err := b.client.GetObject(ctx, b.bucket, b.object(key), minio.GetObjectOptions{})
	if err != nil {
		return nil, orchestrator.ClipInfo{}, fmt.Errorf("open clip %s: %w", key, b.remedy(err))
	}
	info, err := object.Stat()
	if err != nil {
		return nil, orchestrator.ClipInfo{}, fmt.Errorf("open clip %s: %w", key, errors.Join(b.remedy(err), object.Close()))
	}
	return object, orchestrator.ClipInfo{Size: info.Size, ModTime: info.LastModified}, nil
}

// Stat describes a clip without opening it. orchestrator.ErrNotFound where there is none.
func (b *Bucket) Stat(ctx context.Context, key string) (orchestrator.ClipInfo, error) {
	if err := check(ctx, key); err != nil {
		return orchestrator.ClipInfo{}, fmt.Errorf("look at clip: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	info, err := b.client.StatObject(ctx, b.bucket, b.object(key), minio.StatObjectOptions{})
	if err != nil {
		return orchestrator.ClipInfo{}, fmt.Errorf("look at clip %s: %w", key, b.remedy(err))
	}
	return orchestrator.ClipInfo{Size: info.Size, ModTime: info.LastModified}, nil
}

// Delete implements orchestrator.Clips.
func (b *Bucket) Delete(ctx context.Context, key string) error {
	if err := check(ctx, key); err != nil {
		return fmt.Errorf("delete clip: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := b.client.RemoveObject(ctx, b.bucket, b.object(key), minio.RemoveObjectOptions{})
	if err = b.remedy(err); err != nil && !errors.Is(err, orchestrator.ErrNotFound) {
		return fmt.Errorf("delete clip %s: %w", key, err)
	}
	return nil
}

// Keys implements orchestrator.Clips. The store lists a thousand at a time, by the bytes of their names.
func (b *Bucket) Keys(ctx context.Context, below string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		prefix := b.object(below)
		if below != "" {
			if err := clips.Check(below); err != nil {
				yield("", fmt.Errorf("list clips: %w", err))
				return
			}
		}
		if prefix != "" {
			prefix += "/"
		}
		ctx, cancel := context.WithCancel(ctx)
		defer cancel() // ends the listing where the caller stops
		for object := range b.client.ListObjectsIter(ctx, b.bucket, minio.ListObjectsOptions{Prefix: prefix, Recursive: true}) {
			if object.Err != nil {
				yield("", fmt.Errorf("list clips: %w", b.remedy(object.Err)))
				return
			}
			key := object.Key
			if b.prefix != "" {
				key = strings.TrimPrefix(key, b.prefix+"/")
			}
			if clips.Check(key) != nil {
				continue // another program's: no clip has such a name
			}
			if !yield(key, nil) {
				return
			}
		}
		if err := ctx.Err(); err != nil {
			yield("", fmt.Errorf("list clips: %w", context.Cause(ctx)))
		}
	}
}

func check(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return clips.Check(key)
}

// remedies are what a person can do about an error of a store, by its code.
var remedies = map[string]string{
	"NoSuchBucket":                 "make the bucket, or correct its name in the address of the clips",
	"AccessDenied":                 "let the key read, write, list and delete in the bucket",
	"XAdminUserNotFound":           "the store does not know the key: correct its id",
	"InvalidAccessKeyId":           "the store does not know the key: correct its id",
	"SignatureDoesNotMatch":        "the secret does not belong to the key: correct it",
	"RequestTimeTooSkewed":         "the clock of this machine is wrong: set it",
	"AuthorizationHeaderMalformed": "the bucket is in another region: correct it",
	"PermanentRedirect":            "the bucket is in another region: correct it",
	"QuotaExceeded":                "the bucket is full: free some space, or raise its quota",
	"XMinioStorageFull":            "the store is full: free some space",
	"InsufficientStorage":          "the store is full: free some space",
}

// remedy turns an error of the client into ours; nil stays nil. No text of the store's gets further than its code: it may name requests and hosts.
func (b *Bucket) remedy(err error) error {
	if err == nil {
		return nil
	}
	var answer minio.ErrorResponse
	if errors.As(err, &answer) {
		if remedy, ok := remedies[answer.Code]; ok {
			return fmt.Errorf("bucket %s: %s; %s", b.bucket, answer.Code, remedy)
		}
		if answer.StatusCode == http.StatusNotFound {
			return orchestrator.ErrNotFound
		}
		return fmt.Errorf("bucket %s: %s (status %d)", b.bucket, answer.Code, answer.StatusCode)
	}
	var unknown x509.UnknownAuthorityError
	if errors.As(err, &unknown) {
		return fmt.Errorf("bucket %s: the store's certificate is of an unknown authority; name a file with it", b.bucket)
	}
	return fmt.Errorf("bucket %s: %w", b.bucket, err)
}
