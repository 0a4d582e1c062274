package backup

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/chortle-audio/chortle/orchestrator"
)

// ErrUnauthenticated marks a backup of which this key does not say that it wrote it.
var ErrUnauthenticated = orchestrator.WithCode(errors.New("the backup is not authenticated"), orchestrator.CodeBackupUnauthenticated)

// Key authenticates backups. Its zero value is no key: what is written then has no mark, and no mark can be checked.
type Key struct {
	// ID names the secret key that Secret follows from, without telling it.
	ID string
	// Secret is the key of the HMAC, 32 bytes.
	Secret []byte
}

// Origin says what is known of who wrote a backup.
type Origin string

// The origins.
const (
	// OriginKnown is a backup that was written with this very key.
	OriginKnown Origin = "authenticated"
	// OriginUnmarked is one without a mark: of an older program, of one without a secret key, or of anybody.
	OriginUnmarked Origin = "unmarked"
	// OriginOtherKey is one that says it was written with another key.
	OriginOtherKey Origin = "other_key"
	// OriginUnchecked is one with a mark, where there is no key to check it with.
	OriginUnchecked Origin = "unchecked"
)

// markName is the last file of an archive: the HMAC-SHA256 of the manifest's bytes. The manifest has the hashes of all
// other files, so the mark stands for everything.
const markName = "manifest.hmac"

// maxMark bounds the mark's file, in bytes.
const maxMark = 4 << 10

// mark is the content of markName.
type mark struct {
	Key  string `json:"key"`
	HMAC string `json:"hmac_sha256"`
}

// hash returns what the manifest's bytes go through.
func (k Key) hash() hash.Hash { return hmac.New(sha256.New, k.Secret) }

// mark returns the mark of a manifest; nil without a key.
func (k Key) mark(manifest []byte) ([]byte, error) {
	if len(k.Secret) == 0 {
		return nil, nil
	}
	sum := k.hash()
	sum.Write(manifest)
	return json.Marshal(mark{k.ID, hex.EncodeToString(sum.Sum(nil))})
}

// origin judges the mark of a manifest whose bytes went through sum. It is nil where there is none.
func (k Key) origin(found *mark, sum hash.Hash) (Origin, error) {
	switch {
	case found == nil:
		return OriginUnmarked, nil
	case len(k.Secret) == 0:
		return OriginUnchecked, nil
	case found.Key != k.ID:
		return OriginOtherKey, nil
	}
	want, err := hex.DecodeString(found.HMAC)
	if err != nil || !hmac.Equal(want, sum.Sum(nil)) {
		return "", fmt.Errorf("%w: somebody without the secret key changed it", ErrDamaged)
	}
	return OriginKnown, nil
}

func readMark(content io.Reader, size int64) (*mark, error) {
	found := new(mark)
	if size > maxMark {
		return nil, fmt.Errorf("%w: its mark is too large", ErrDamaged)
	}
	if err := json.NewDecoder(io.LimitReader(content, maxMark)).Decode(found); err != nil {
		return nil, fmt.Errorf("%w: its mark: %w", ErrDamaged, err)
	}
	return found, nil
}
