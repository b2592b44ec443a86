package pgp_test

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"

	"lpexport/archive/pgp"
)

const (
	publicBlock  = "PGP PUBLIC KEY BLOCK"
	privateBlock = "PGP PRIVATE KEY BLOCK"
)

// Vendors send keys in any of these forms.
func TestReadsEveryForm(t *testing.T) {
	a, b := newKey(t, elliptic), newKey(t, rsa)
	text := func(e *openpgp.Entity) []byte { return armored(t, publicBlock, public(t, e)) }
	for name, files := range map[string][][]byte{
		"binary, one file":           {public(t, a, b)},
		"binary, two files":          {public(t, a), public(t, b)},
		"armored together":           {armored(t, publicBlock, public(t, a, b))},
		"armored one by one":         {slices.Concat(text(a), text(b))},
		"armored and binary":         {text(a), public(t, b)},
		"with CR LF":                 {bytes.ReplaceAll(slices.Concat(text(a), text(b)), []byte("\n"), []byte("\r\n"))},
		"with words around":          {slices.Concat([]byte("Our key:\n\n"), text(a), []byte("\nand\n"), text(b), []byte("Bye\n"))},
		"behind a byte order mark":   {slices.Concat([]byte("\xef\xbb\xbf"), text(a), text(b))},
		"with a packet of padding":   {slices.Concat(public(t, a), []byte{0xc0 | 21, 3, 1, 2, 3}, public(t, b))},
		"with a packet of local use": {slices.Concat(public(t, a), []byte{0xc0 | 12, 1, 1}, public(t, b))},
	} {
		r := read(t, files...)
		want := []string{fmt.Sprintf("%X", a.PrimaryKey.Fingerprint), fmt.Sprintf("%X", b.PrimaryKey.Fingerprint)}
		if got := r.Fingerprints(); !slices.Equal(got, want) {
			t.Errorf("%s: keys %v, want %v", name, got, want)
		}
		seal, err := r.Seal(rand.Reader, now)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, e := range []*openpgp.Entity{a, b} {
			if _, _, err := decrypt(encrypt(t, seal, "a", nil), e); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestReadKeysRefuses(t *testing.T) {
	good := newKey(t, elliptic)
	text := armored(t, publicBlock, public(t, good))
	secret := private(t, newKey(t, elliptic))
	for name, c := range map[string]struct {
		data  []byte
		want  error
		print bool // the fingerprint is known
	}{
		"armored private key":            {armored(t, privateBlock, secret), pgp.ErrPrivate, false},
		"binary private key":             {secret, pgp.ErrPrivate, false},
		"private key that says public":   {armored(t, publicBlock, secret), pgp.ErrPrivate, false},
		"private key behind a public":    {slices.Concat(public(t, good), secret), pgp.ErrPrivate, false},
		"private subkey of a public key": {privateSubkey(t), pgp.ErrPrivate, false},
		"nothing":                        {nil, pgp.ErrMalformed, false},
		"words":                          {[]byte("ask us for our key"), pgp.ErrMalformed, false},
		"armored nothing":                {armored(t, publicBlock, nil), pgp.ErrMalformed, false},
		"armored message":                {armored(t, "PGP MESSAGE", public(t, good)), pgp.ErrMalformed, false},
		"armor cut":                      {text[:len(text)-30], pgp.ErrMalformed, false},
		"binary cut":                     {public(t, good)[:200], pgp.ErrMalformed, false},
		"armor in UTF-16":                {utf16le(text), pgp.ErrMalformed, false},
		"more behind it":                 {append(public(t, good), "and more"...), pgp.ErrMalformed, false},
		"encrypted file":                 {encrypt(t, sealFor(t, good), "a", nil), pgp.ErrMalformed, false},
		"subkey first":                   {public(t, good)[primaryBytes(t, good):], pgp.ErrMalformed, false},
		"more before it":                 {slices.Concat(public(t, good)[primaryBytes(t, good):], public(t, good)), pgp.ErrMalformed, false},
		"primary key alone":              {public(t, good)[:primaryBytes(t, good)], pgp.ErrMalformed, false},
		"too big":                        {slices.Concat(public(t, good), bytes.Repeat([]byte{0xc0 | 12, 0}, 1<<19)), pgp.ErrMalformed, false},
		"unknown version":                {unknownVersion(t, newKey(t, elliptic)), pgp.ErrMalformed, false},
		"unknown version behind a good":  {slices.Concat(public(t, good), unknownVersion(t, newKey(t, elliptic))), pgp.ErrMalformed, false},
		"twice":                          {public(t, good, good), pgp.ErrDuplicate, true},
		"expired":                        {public(t, lasting(t, 23*time.Hour)), pgp.ErrExpired, true},
		"expired behind a good":          {public(t, good, lasting(t, 23*time.Hour)), pgp.ErrExpired, true},
		"revoked":                        {public(t, revoked(t)), pgp.ErrRevoked, true},
		"subkey revoked":                 {public(t, subkeyRevoked(t)), pgp.ErrRevoked, true},
		"no encryption subkey":           {public(t, signing(t)), pgp.ErrUnusable, true},
		"subkey of somebody else":        {public(t, foreign(t)), pgp.ErrUnusable, true},
		"short RSA":                      {public(t, newKey(t, packet.Config{Algorithm: packet.PubKeyAlgoRSA, RSABits: 1024})), pgp.ErrWeak, true},
		"not yet valid":                  {public(t, newborn(t)), pgp.ErrUnusable, true},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := pgp.ReadKeys([]pgp.File{{Name: "other.asc", Data: public(t, newKey(t, modern))}, {Name: "vendor.asc", Data: c.data}}, now)
			if r != nil || !errors.Is(err, c.want) {
				t.Fatalf("%v, want %q", err, c.want)
			}
			var fault *pgp.KeyError
			if !errors.As(err, &fault) || fault.File != "vendor.asc" || fault.Hint == "" {
				t.Errorf("%#v does not say which file and what to do", fault)
			}
			if (fault.Fingerprint != "") != c.print || !strings.Contains(err.Error(), fault.Fingerprint) {
				t.Errorf("%v: fingerprint %q", err, fault.Fingerprint)
			}
		})
	}
}

func TestReadKeysNamesEveryFault(t *testing.T) {
	_, err := pgp.ReadKeys([]pgp.File{
		{Name: "words.asc", Data: []byte("words")},
		{Name: "old.asc", Data: public(t, lasting(t, time.Hour))},
		{Name: "ours.asc", Data: private(t, newKey(t, elliptic))},
	}, now)
	for _, want := range []string{"words.asc", "old.asc", "ours.asc"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: nothing of %s", err, want)
		}
	}
}

func TestReadKeysCounts(t *testing.T) {
	if _, err := pgp.ReadKeys(nil, now); !errors.Is(err, pgp.ErrNone) {
		t.Errorf("no file: %v", err)
	}
	var many []*openpgp.Entity
	for range 65 {
		many = append(many, newKey(t, elliptic))
	}
	if _, err := pgp.ReadKeys([]pgp.File{{Name: "a", Data: public(t, many[:64]...)}}, now); err != nil {
		t.Errorf("64 keys: %v", err)
	}
	if _, err := pgp.ReadKeys([]pgp.File{{Name: "a", Data: public(t, many...)}}, now); !errors.Is(err, pgp.ErrTooMany) {
		t.Errorf("65 keys: %v", err)
	}
}

// A process that runs for years must stop when a key has expired, and be able
// to say so before.
func TestKeyExpiresWhileInUse(t *testing.T) {
	key := lasting(t, 48*time.Hour)
	r := read(t, public(t, newKey(t, elliptic), key))
	if err := r.Check(born.Add(47 * time.Hour)); err != nil {
		t.Errorf("an hour before: %v", err)
	}
	for _, check := range []func(time.Time) error{r.Check, func(at time.Time) error {
		_, err := r.Seal(rand.Reader, at)
		return err
	}} {
		err := check(born.Add(49 * time.Hour))
		if !errors.Is(err, pgp.ErrExpired) || !strings.Contains(err.Error(), fmt.Sprintf("%X", key.PrimaryKey.Fingerprint)) {
			t.Errorf("an hour after: %v", err)
		}
	}
}

// A key whose owner moved on to a newer subkey may have lost the older one.
func TestNewestSubkeyIsTaken(t *testing.T) {
	key := newKey(t, elliptic)
	if err := key.AddEncryptionSubkey(&packet.Config{Time: func() time.Time { return born.Add(time.Hour) }}); err != nil {
		t.Fatal(err)
	}
	data := encrypt(t, sealFor(t, key), "a", nil)
	key.Subkeys = key.Subkeys[1:]
	if _, _, err := decrypt(data, key); err != nil {
		t.Error(err)
	}
}

func lasting(t testing.TB, d time.Duration) *openpgp.Entity {
	config := elliptic
	config.KeyLifetimeSecs = uint32(d / time.Second)
	return newKey(t, config)
}

func revoked(t testing.TB) *openpgp.Entity {
	key := newKey(t, elliptic)
	if err := key.Revoke(packet.KeySuperseded, "", &packet.Config{Time: func() time.Time { return born.Add(time.Hour) }}); err != nil {
		t.Fatal(err)
	}
	return key
}

func subkeyRevoked(t testing.TB) *openpgp.Entity {
	key := newKey(t, elliptic)
	if err := key.Subkeys[0].Revoke(packet.KeyCompromised, "", &packet.Config{Time: func() time.Time { return born.Add(time.Hour) }}); err != nil {
		t.Fatal(err)
	}
	return key
}

// signing returns a key without its encryption subkey.
func signing(t testing.TB) *openpgp.Entity {
	key := newKey(t, elliptic)
	key.Subkeys = nil
	return key
}

// foreign returns a key with the subkey of another: whoever can change the file
// on its way would read the bundles.
func foreign(t testing.TB) *openpgp.Entity {
	key := newKey(t, elliptic)
	key.Subkeys = newKey(t, elliptic).Subkeys
	return key
}

func newborn(t testing.TB) *openpgp.Entity {
	config := elliptic
	config.Time = func() time.Time { return now.Add(time.Hour) }
	key, err := openpgp.NewEntity("", "", "archive@archive.example", &config)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// privateSubkey returns a public key with a private subkey.
func privateSubkey(t testing.TB) []byte {
	key := newKey(t, elliptic)
	b := bytes.NewBuffer(public(t, signing(t)))
	if err := key.Subkeys[0].Serialize(b, true); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// primaryBytes is the size of the primary key's packet.
func primaryBytes(t testing.TB, e *openpgp.Entity) int {
	t.Helper()
	var b bytes.Buffer
	if err := e.PrimaryKey.Serialize(&b); err != nil {
		t.Fatal(err)
	}
	return b.Len()
}

// unknownVersion makes the key one of a version that nobody knows yet.
func unknownVersion(t testing.TB, e *openpgp.Entity) []byte {
	data := public(t, e)
	data[2] = 9 // behind tag and length
	return data
}

func utf16le(text []byte) []byte {
	b := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(string(text))) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}

// Whatever the file holds: no panic, and what is taken as keys is encrypted to,
// with a packet for each.
func FuzzReadKeys(f *testing.F) {
	key := newKey(f, elliptic)
	f.Add(public(f, key))
	f.Add(public(f, key, newKey(f, modern)))
	f.Add(armored(f, publicBlock, public(f, key)))
	f.Add(private(f, key))
	f.Add(public(f, revoked(f)))
	f.Add(unknownVersion(f, key))
	f.Add([]byte("-----BEGIN PGP \n-----END PGP "))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := pgp.ReadKeys([]pgp.File{{Name: "a", Data: data}}, now)
		if err != nil {
			if r != nil {
				t.Fatal("keys and an error")
			}
			return
		}
		seal, err := r.Seal(rand.Reader, now)
		if err != nil {
			t.Fatalf("%v was taken: %v", r.Fingerprints(), err)
		}
		packets := packet.NewOpaqueReader(bytes.NewReader(pkesk(t, seal)))
		for range r.Fingerprints() {
			if p, err := packets.Next(); err != nil || p.Tag != 1 {
				t.Fatalf("no packet for one of %v: %v", r.Fingerprints(), err)
			}
		}
		if _, err := packets.Next(); err != io.EOF {
			t.Fatalf("too many packets: %v", err)
		}
	})
}
