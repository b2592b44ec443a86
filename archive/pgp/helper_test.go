package pgp_test

import (
	"bytes"
	"crypto/rand"
	"io"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"

	"lpexport/archive/pgp"
)

// born is when the keys of these tests were made, now is a day later.
var (
	born = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	now  = born.Add(24 * time.Hour)
)

// Kinds of keys.
var (
	rsa      = packet.Config{Algorithm: packet.PubKeyAlgoRSA, RSABits: 2048}
	elliptic = packet.Config{Algorithm: packet.PubKeyAlgoEdDSA, Curve: packet.Curve25519} // as gpg makes them
	modern   = packet.Config{Algorithm: packet.PubKeyAlgoEd25519}
	version6 = packet.Config{Algorithm: packet.PubKeyAlgoEd25519, V6Keys: true}
	nist     = packet.Config{Algorithm: packet.PubKeyAlgoECDSA, Curve: packet.CurveNistP256}
)

func newKey(t testing.TB, config packet.Config) *openpgp.Entity {
	t.Helper()
	config.Time = func() time.Time { return born }
	e, err := openpgp.NewEntity("Archive", "", "archive@archive.example", &config)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// public returns the binary form of the public keys.
func public(t testing.TB, entities ...*openpgp.Entity) []byte {
	t.Helper()
	var b bytes.Buffer
	for _, e := range entities {
		if err := e.Serialize(&b); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func private(t testing.TB, e *openpgp.Entity) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := e.SerializePrivateWithoutSigning(&b, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func armored(t testing.TB, kind string, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := armor.Encode(&b, kind, map[string]string{"Comment": "for bundles"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return append(b.Bytes(), '\n')
}

func read(t testing.TB, data ...[]byte) *pgp.Recipients {
	t.Helper()
	var files []pgp.File
	for _, d := range data {
		files = append(files, pgp.File{Name: "key.asc", Data: d})
	}
	r, err := pgp.ReadKeys(files, now)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func sealFor(t testing.TB, entities ...*openpgp.Entity) pgp.Sealed {
	t.Helper()
	s, err := read(t, public(t, entities...)).Seal(rand.Reader, now)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// encrypt writes content in pieces of the sizes given, the last one again and
// again.
func encrypt(t testing.TB, s pgp.Sealed, name string, content []byte, sizes ...int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := s.Encrypt(&b, name)
	if err != nil {
		t.Fatal(err)
	}
	for rest, i := content, 0; len(rest) > 0; i++ {
		n := len(rest)
		if len(sizes) > 0 {
			n = min(n, sizes[min(i, len(sizes)-1)])
		}
		if _, err := w.Write(rest[:n]); err != nil {
			t.Fatal(err)
		}
		rest = rest[n:]
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// decrypt opens data as the library does for a recipient.
func decrypt(data []byte, entities ...*openpgp.Entity) (content []byte, literal *packet.LiteralData, err error) {
	config := &packet.Config{Time: func() time.Time { return now }}
	md, err := openpgp.ReadMessage(bytes.NewReader(data), openpgp.EntityList(entities), nil, config)
	if err != nil {
		return nil, nil, err
	}
	content, err = io.ReadAll(md.UnverifiedBody)
	return content, md.LiteralData, err
}
