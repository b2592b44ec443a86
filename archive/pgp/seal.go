package pgp

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// Sealed is all that was random in the encryption of one bundle, made once at
// its cut. It is a secret: whoever has it reads the bundle. It goes to JSON as
// it is, for the checkpoint, which holds the clear text anyway; fmt and slog
// print "redacted". Log nothing as JSON that a Sealed is inside of.
type Sealed struct {
	// fmt cannot call Format on what is in an unexported field. It looks behind
	// one pointer then, but not behind two.
	hidden *hidden
}

type hidden struct{ seal *seal }

const (
	sealVersion = 1
	sealCipher  = "AES-256" // every recipient is taken to know it, as RFC 9580 says it should
	keyBytes    = 32
	seedBytes   = 32
)

// seal is how a Sealed is frozen: no field is ever renamed.
type seal struct {
	Version      int      `json:"version"`
	Fingerprints []string `json:"fingerprints"` // whom it is for: upper-case hex
	PKESK        []byte   `json:"pkesk"`        // the packets that carry the session key, one for each
	Cipher       string   `json:"cipher"`
	SessionKey   []byte   `json:"session_key"`
	Seed         []byte   `json:"seed"` // of the files' prefixes
	Sum          []byte   `json:"sum"`  // SHA-256 of the JSON without it
}

// Seal draws from random what the encryption of one bundle needs, for all the
// recipients. now must be the time: an error is as of Check, or of random. The
// padding of RSA and the ephemeral keys of elliptic curves may be drawn from
// the system's source instead.
func (r *Recipients) Seal(random io.Reader, now time.Time) (Sealed, error) {
	chosen, err := r.choose(now)
	if err != nil {
		return Sealed{}, err
	}
	s := &seal{Version: sealVersion, Fingerprints: r.Fingerprints(), Cipher: sealCipher}
	drawn := make([]byte, keyBytes+seedBytes)
	if _, err := io.ReadFull(random, drawn); err != nil {
		return Sealed{}, fmt.Errorf("draw a session key: %w", err)
	}
	s.SessionKey, s.Seed = drawn[:keyBytes:keyBytes], drawn[keyBytes:]
	var pkesk bytes.Buffer
	config := &packet.Config{Rand: random}
	for i, public := range chosen {
		if err := packet.SerializeEncryptedKeyAEAD(&pkesk, public, packet.CipherAES256, false, s.SessionKey, config); err != nil {
			return Sealed{}, r.keys[i].fault(ErrUnusable, hintCurrent)
		}
	}
	s.PKESK = pkesk.Bytes()
	s.Sum = s.sum()
	return Sealed{&hidden{s}}, nil
}

// Fingerprints returns those of the keys that can open it: upper-case hex.
func (s Sealed) Fingerprints() []string {
	if s.IsZero() {
		return []string{}
	}
	return slices.Clone(s.hidden.seal.Fingerprints)
}

// IsZero says that nothing was sealed.
func (s Sealed) IsZero() bool { return s.hidden == nil }

// MarshalJSON writes the whole secret, or null.
func (s Sealed) MarshalJSON() ([]byte, error) {
	if s.IsZero() {
		return []byte("null"), nil
	}
	return json.Marshal(s.hidden.seal)
}

// UnmarshalJSON reads what MarshalJSON wrote. Anything else is an error: a
// session key with one wrong bit makes files that nobody can ever open, and
// nobody would notice here.
func (s *Sealed) UnmarshalJSON(data []byte) error {
	var read *seal
	if err := json.Unmarshal(data, &read); err != nil {
		return errors.New("seal: not the JSON of one") // its text could hold a part of the key
	}
	if read == nil {
		s.hidden = nil
		return nil
	}
	if err := read.check(); err != nil {
		return fmt.Errorf("seal: %w", err)
	}
	s.hidden = &hidden{read}
	return nil
}

func (s *seal) check() error {
	switch {
	case s.Version != sealVersion || s.Cipher != sealCipher:
		return fmt.Errorf("version %d with cipher %q is not known", s.Version, s.Cipher)
	case len(s.SessionKey) != keyBytes, len(s.Seed) != seedBytes, len(s.PKESK) == 0, !bytes.Equal(s.Sum, s.sum()):
		return errors.New("damaged: not what was frozen")
	}
	return nil
}

func (s *seal) sum() []byte {
	rest := *s
	rest.Sum = nil
	data, err := json.Marshal(rest)
	if err != nil {
		panic(err) // plain strings and bytes
	}
	sum := sha256.Sum256(data)
	return sum[:]
}

const redacted = "redacted"

func (Sealed) Format(state fmt.State, _ rune) { _, _ = state.Write([]byte(redacted)) }
func (Sealed) String() string                 { return redacted }
func (Sealed) GoString() string               { return redacted }
func (Sealed) LogValue() slog.Value           { return slog.StringValue(redacted) }
