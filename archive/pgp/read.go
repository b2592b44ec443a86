package pgp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

// Bounds of what a person can mean to configure.
const (
	maxFile = 1 << 20 // bytes; a key with hundreds of foreign signatures is a tenth of it
	maxKeys = 64      // each adds its packet to every file
)

const hintPublic = "give the file that `gpg --armor --export` writes, whole"

// File is a file of keys.
type File struct {
	Name string // for errors
	Data []byte // armored or binary, one key or several; kept, not changed
}

// ReadKeys reads the public keys of all files, and checks them for the time
// now. Nobody is left out in silence: its error joins a *KeyError for each file
// that is not wholly public keys, and for each key that is given twice or that
// Check refuses.
func ReadKeys(files []File, now time.Time) (*Recipients, error) {
	r := &Recipients{}
	first := make(map[string]string) // the file of each fingerprint
	var errs []error
	for _, f := range files {
		keys, err := f.keys()
		errs = append(errs, err)
		for _, k := range keys {
			if other, twice := first[k.fingerprint]; twice {
				errs = append(errs, k.fault(ErrDuplicate, "it is in "+other+" too: keep the newer one"))
				continue
			}
			first[k.fingerprint] = k.file
			r.keys = append(r.keys, k)
		}
	}
	errs = append(errs, r.Check(now))
	switch err := errors.Join(errs...); {
	case err != nil:
		return nil, err
	case len(r.keys) == 0:
		return nil, ErrNone
	case len(r.keys) > maxKeys:
		return nil, ErrTooMany
	}
	return r, nil
}

// keys returns the file's keys, each of which can be parsed.
func (f File) keys() ([]key, error) {
	certificates, err := f.certificates()
	if err != nil {
		return nil, err
	}
	keys := make([]key, 0, len(certificates))
	for _, packets := range certificates {
		k := key{file: f.Name, packets: packets}
		entity, err := k.parse()
		if err != nil {
			return nil, err
		}
		k.fingerprint = fmt.Sprintf("%X", entity.PrimaryKey.Fingerprint)
		keys = append(keys, k)
	}
	return keys, nil
}

// certificates splits the file into the packets of each key.
func (f File) certificates() ([][]byte, error) {
	if len(f.Data) > maxFile {
		return nil, f.fault(ErrMalformed, fmt.Sprintf("it has over %d bytes: %s", maxFile, hintPublic))
	}
	blocks, err := f.blocks()
	if err != nil {
		return nil, err
	}
	var all [][]byte
	for _, block := range blocks {
		certificates, err := f.split(block)
		if err != nil {
			return nil, err
		}
		all = append(all, certificates...)
	}
	return all, nil
}

var (
	armorBegin = []byte("-----BEGIN PGP ")
	armorEnd   = []byte("-----END PGP ")
)

// blocks returns the binary form of each armored block, or the file as it is
// when it is not armored.
func (f File) blocks() ([][]byte, error) {
	_, text, armored := bytes.Cut(f.Data, armorBegin)
	if !armored {
		return [][]byte{f.Data}, nil
	}
	var blocks [][]byte
	for part := range bytes.SplitSeq(text, armorBegin) {
		// Without its last line a block may have lost a revocation.
		if !bytes.Contains(part, armorEnd) {
			return nil, f.malformed()
		}
		block, err := armor.Decode(bytes.NewReader(append(bytes.Clone(armorBegin), part...)))
		if err != nil {
			return nil, f.malformed()
		}
		if block.Type == openpgp.PrivateKeyType {
			return nil, f.private()
		}
		data, err := io.ReadAll(block.Body)
		if err != nil || block.Type != openpgp.PublicKeyType {
			return nil, f.malformed()
		}
		blocks = append(blocks, data)
	}
	return blocks, nil
}

// Packets that certificates are made of (RFC 9580, section 5).
const (
	tagSignature     = 2
	tagSecretKey     = 5
	tagPublicKey     = 6
	tagSecretSubkey  = 7
	tagMarker        = 10
	tagTrust         = 12
	tagUserID        = 13
	tagPublicSubkey  = 14
	tagUserAttribute = 17
	tagPadding       = 21
)

// split cuts data before each primary key. The library would read all of it at
// once too, but leaves out without a word a key that it does not know.
func (f File) split(data []byte) ([][]byte, error) {
	var starts []int
	in := bytes.NewReader(data)
	packets := packet.NewOpaqueReader(in)
	for {
		at := len(data) - in.Len()
		p, err := packets.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, f.malformed()
		}
		switch p.Tag {
		case tagSecretKey, tagSecretSubkey:
			return nil, f.private()
		case tagPublicKey:
			starts = append(starts, at)
		case tagSignature, tagUserID, tagPublicSubkey, tagUserAttribute, tagMarker, tagTrust, tagPadding:
		default:
			return nil, f.malformed()
		}
	}
	if len(starts) == 0 || starts[0] != 0 {
		return nil, f.malformed()
	}
	certificates := make([][]byte, len(starts))
	for i, start := range starts {
		end := len(data)
		if i+1 < len(starts) {
			end = starts[i+1]
		}
		certificates[i] = data[start:end]
	}
	return certificates, nil
}

func (f File) malformed() error { return f.fault(ErrMalformed, hintPublic) }

func (f File) private() error {
	return f.fault(ErrPrivate, "keep it off this machine: give the public key, which `gpg --armor --export` writes")
}

func (f File) fault(err error, hint string) error {
	return &KeyError{File: f.Name, Hint: hint, Err: err}
}
