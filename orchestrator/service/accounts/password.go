package accounts

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// Bounds of a password, in characters and in bytes. There are no other rules: length is what counts, and a password manager knows
// better.
const (
	MinPassword = 10
	MaxPassword = 1024
)

// The cost of a hash: the least that OWASP recommends for argon2id, since the machine may be the smallest there is.
const (
	memoryKiB = 19 << 10
	passes    = 2
	threads   = 1
	saltBytes = 16
	keyBytes  = 32

	// What a hash that we read may ask for at most: a database that somebody changed must not take all memory.
	mostMemoryKiB = 64 << 10
	mostPasses    = 10
)

// maxWaiting is how many wait for their turn to hash at most.
const maxWaiting = 16

// Conditions that a face branches on.
var (
	// ErrPassword means that a new password is too short or too long.
	ErrPassword = fmt.Errorf("password must have %d characters at least, and %d bytes at most", MinPassword, MaxPassword)
	// ErrBusy means that too many want to sign in at once; it passes.
	ErrBusy = errors.New("too many sign in at once")
	// ErrRefused means that name and password, or whatever was shown instead, do not let in. It never says which was wrong.
	ErrRefused = errors.New("sign-in refused")
)

// hasher computes one hash at a time. The zero value is not ready; see newHasher.
type hasher struct{ turn, waiting chan struct{} }

func newHasher() hasher {
	return hasher{turn: make(chan struct{}, 1), waiting: make(chan struct{}, maxWaiting)}
}

// take waits for the turn: ErrBusy at once where too many wait already.
func (h hasher) take(ctx context.Context) (done func(), err error) {
	select {
	case h.waiting <- struct{}{}:
	default:
		return nil, ErrBusy
	}
	defer func() { <-h.waiting }()
	select {
	case h.turn <- struct{}{}:
		return func() {
			debug.FreeOSMemory() // the memory of a hash is many times what the program needs otherwise
			<-h.turn
		}, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// hash makes the PHC string of a password; ErrPassword when it may not be one.
func (h hasher) hash(ctx context.Context, password string) (string, error) {
	if utf8.RuneCountInString(password) < MinPassword || len(password) > MaxPassword {
		return "", ErrPassword
	}
	return h.hashAny(ctx, password)
}

// hashAny is hash without rules, for passwords of shares.
func (h hasher) hashAny(ctx context.Context, password string) (string, error) {
	done, err := h.take(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	salt := make([]byte, saltBytes)
	rand.Read(salt) // never fails: crypto/rand ends the process instead
	key := argon2.IDKey([]byte(password), salt, passes, memoryKiB, threads, keyBytes)
	encode := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memoryKiB, passes, threads, encode(salt), encode(key)), nil
}

// nobodys is the hash of nobody's password: an unknown name takes as long as a known one.
const nobodys = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// matches compares a password with a hash. An empty hash matches nothing, and takes as long.
func (h hasher) matches(ctx context.Context, hash, password string) (bool, error) {
	known := hash != ""
	if !known {
		hash = nobodys
	}
	if len(password) > MaxPassword {
		return false, nil
	}
	var version, memory, times, parallel uint32
	rest, ok := strings.CutPrefix(hash, "$argon2id$")
	parts := strings.Split(rest, "$")
	if !ok || len(parts) != 4 {
		return false, errors.New("read password hash: unknown form")
	}
	if _, err := fmt.Sscanf(parts[0]+" "+parts[1], "v=%d m=%d,t=%d,p=%d", &version, &memory, &times, &parallel); err != nil {
		return false, fmt.Errorf("read password hash: %w", err)
	}
	salt, saltErr := base64.RawStdEncoding.DecodeString(parts[2])
	key, keyErr := base64.RawStdEncoding.DecodeString(parts[3])
	if err := errors.Join(saltErr, keyErr); err != nil {
		return false, errors.New("read password hash: bad base64")
	}
	if version != argon2.Version || memory < 8 || memory > mostMemoryKiB || times < 1 || times > mostPasses || parallel < 1 || parallel > 4 || len(key) < 16 || len(key) > 64 {
		return false, errors.New("read password hash: its cost is out of bounds")
	}
	done, err := h.take(ctx)
	if err != nil {
		return false, err
	}
	defer done()
	got := argon2.IDKey([]byte(password), salt, times, memory, uint8(parallel), uint32(len(key)))
	return subtle.ConstantTimeCompare(got, key) == 1 && known, nil
}
