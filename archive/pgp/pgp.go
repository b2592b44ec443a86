// Package pgp encrypts the files of a bundle to the OpenPGP keys of those who
// may read them (RFC 9580).
//
// Files are a pure function of what was frozen at the cut, so all randomness is
// drawn there, once: Recipients.Seal makes the session key, the packets that
// carry it to each recipient, and a seed. Sealed.Encrypt then writes a file's
// bytes from the seal, the file's name and its content alone, the same ones at
// each rendering.
//
// The data packets are of version 1 (AES-256 in CFB mode with a modification
// detection code), which every OpenPGP program of the last twenty years reads;
// files are neither compressed nor signed.
package pgp

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	pgperrors "github.com/ProtonMail/go-crypto/openpgp/errors"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

// What can be wrong with keys. A *KeyError wraps any but the last two.
var (
	ErrMalformed = errors.New("is not an OpenPGP public key")
	ErrPrivate   = errors.New("holds a private key")
	ErrDuplicate = errors.New("is given twice")
	ErrExpired   = errors.New("has expired")
	ErrRevoked   = errors.New("is revoked")
	ErrWeak      = errors.New("has an algorithm or a size that is too weak")
	ErrUnusable  = errors.New("has no valid part to encrypt to")
	ErrNone      = errors.New("no keys to encrypt to")
	ErrTooMany   = fmt.Errorf("more than %d keys to encrypt to", maxKeys)
)

const hintCurrent = "ask its owner for a current public key to encrypt to"

// KeyError is a key that nothing can be encrypted to.
type KeyError struct {
	File        string // as it was named to ReadKeys
	Fingerprint string // of the primary key in upper-case hex, or ""
	Hint        string // what a person can do about it, or ""
	Err         error
}

// Error returns the fact, without the hint.
func (e *KeyError) Error() string {
	if e.Fingerprint == "" {
		return fmt.Sprintf("%s %v", e.File, e.Err)
	}
	return fmt.Sprintf("%s: key %s %v", e.File, e.Fingerprint, e.Err)
}

// Unwrap returns the cause.
func (e *KeyError) Unwrap() error { return e.Err }

// Recipients are the keys that a bundle is encrypted to. They do not change,
// and may be used by several goroutines.
type Recipients struct{ keys []key }

// key is one certificate. Its packets are parsed at each use, because the
// library keeps what it found out about a signature in what it parsed.
type key struct {
	file, fingerprint string
	packets           []byte
}

// Fingerprints returns those of the primary keys, in the order they were read:
// upper-case hex.
func (r *Recipients) Fingerprints() []string {
	prints := make([]string, 0, len(r.keys))
	for _, k := range r.keys {
		prints = append(prints, k.fingerprint)
	}
	return prints
}

// Check tells whether a bundle can be encrypted to every one of the keys at the
// time at, which may be one to come, to warn in time. Its error joins a *KeyError
// for each that cannot: it has expired then, is revoked, or has no part to
// encrypt to.
func (r *Recipients) Check(at time.Time) error {
	_, err := r.choose(at)
	return err
}

// choose returns for each key the part of it to encrypt to at the time at.
func (r *Recipients) choose(at time.Time) ([]*packet.PublicKey, error) {
	chosen := make([]*packet.PublicKey, len(r.keys))
	errs := make([]error, len(r.keys))
	for i, k := range r.keys {
		chosen[i], errs[i] = k.choose(at)
	}
	return chosen, errors.Join(errs...)
}

// choose returns the part of the certificate that at the time at is the one to
// encrypt to: the newest valid encryption subkey, else the primary key where it
// is for encryption too. An error is a *KeyError.
func (k key) choose(at time.Time) (*packet.PublicKey, error) {
	entity, err := k.parse()
	if err != nil {
		return nil, err
	}
	chosen, err := entity.EncryptionKeyWithError(at, &packet.Config{})
	if err != nil {
		return nil, k.fault(reason(err), hintCurrent)
	}
	return chosen.PublicKey, nil
}

func (k key) parse() (*openpgp.Entity, error) {
	entity, err := openpgp.ReadEntity(packet.NewReader(bytes.NewReader(k.packets)))
	if err != nil {
		return nil, k.fault(ErrMalformed, hintPublic)
	}
	return entity, nil
}

func (k key) fault(err error, hint string) *KeyError {
	return &KeyError{File: k.file, Fingerprint: k.fingerprint, Hint: hint, Err: err}
}

// reason puts the library's error in our words. Its own can hold control
// characters.
func reason(err error) error {
	cause := err
	var primary pgperrors.ErrEncryptionKeySelection
	var sub *pgperrors.ErrEncryptionKeySelection
	switch {
	case errors.As(err, &primary):
		cause = primary.PrimaryKeyErr
	case errors.As(err, &sub):
		cause = sub.EncSelectionErr
	}
	var weak pgperrors.WeakAlgorithmError
	switch {
	case errors.Is(cause, pgperrors.ErrKeyExpired):
		return ErrExpired
	case errors.Is(cause, pgperrors.ErrKeyRevoked):
		return ErrRevoked
	case errors.As(cause, &weak):
		return ErrWeak
	}
	return ErrUnusable
}
