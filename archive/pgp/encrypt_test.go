package pgp_test

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	mathrand "math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"

	"lpexport/archive/pgp"
)

// noise returns n bytes that are the same in every run.
func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = mathrand.NewChaCha8([32]byte{1}).Read(b) // never fails
	return b
}

func TestRecipientReadsWhatWasWritten(t *testing.T) {
	kinds := map[string]packet.Config{
		"RSA": rsa, "Curve25519": elliptic, "X25519": modern, "version 6": version6, "P-256": nist,
	}
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			key := newKey(t, kind)
			seal := sealFor(t, key)
			for _, size := range []int{0, 1, 511, 512, 513, 64<<10 - 1, 64 << 10, 64<<10 + 1, 3 << 20} {
				content := noise(size)
				got, literal, err := decrypt(encrypt(t, seal, "2026/a b-ü.eml", content), key)
				if err != nil {
					t.Fatalf("%d bytes: %v", size, err)
				}
				if !bytes.Equal(got, content) {
					t.Fatalf("%d bytes: not what was encrypted", size)
				}
				if literal.FileName != "a b-ü.eml" || !literal.IsBinary || literal.Time != 0 {
					t.Fatalf("%d bytes: wrapped as %q, binary %v, time %d", size, literal.FileName, literal.IsBinary, literal.Time)
				}
			}
		})
	}
}

func TestEachRecipientReadsAlone(t *testing.T) {
	first, second, stranger := newKey(t, rsa), newKey(t, elliptic), newKey(t, elliptic)
	data := encrypt(t, sealFor(t, first, second), "a.xml", []byte("text"))
	for _, key := range []*openpgp.Entity{first, second} {
		if got, _, err := decrypt(data, key); err != nil || string(got) != "text" {
			t.Errorf("a recipient reads %q, %v", got, err)
		}
	}
	if _, _, err := decrypt(data, stranger); err == nil {
		t.Error("somebody else reads it")
	}
	if bytes.Contains(data, []byte("a.xml")) {
		t.Error("the name is in the clear")
	}
}

// A bundle rendered again must be the one that was rendered before, whatever
// buffers the content came through.
func TestSameBytesHoweverWritten(t *testing.T) {
	seal := sealFor(t, newKey(t, elliptic))
	content := noise(300_000)
	want := encrypt(t, seal, "a.eml", content)
	random := mathrand.New(mathrand.NewPCG(1, 2))
	for range 30 {
		sizes := make([]int, 20)
		for i := range sizes {
			sizes[i] = 1 + random.IntN(1<<random.IntN(19))
		}
		if !bytes.Equal(encrypt(t, seal, "a.eml", content, sizes...), want) {
			t.Fatalf("written in pieces of %v: other bytes", sizes)
		}
	}
}

// A frozen seal gives these bytes for ever: an upgrade of the library that
// changed them would make rendering again differ from what was delivered.
func TestBytesStayAsTheyAre(t *testing.T) {
	frozen, err := os.ReadFile("testdata/seal.json")
	if err != nil {
		t.Fatal(err)
	}
	var seal pgp.Sealed
	if err := json.Unmarshal(frozen, &seal); err != nil {
		t.Fatal(err)
	}
	for size, want := range map[int]string{
		0:       "e8452cbfc2778300bbd2ac66efe5a9f7ccaf815b82dafe50fdb3e11613ebde52",
		10:      "b5a538fcb62ec2925625aabbeab3c5efb020d86f7f0fd33931f9740139132610",
		200_000: "1cb62252f7818e413f99e089d3396e391b0cd810855a516630b4c74140c01760",
	} {
		sum := sha256.Sum256(encrypt(t, seal, "mails/000001.eml", noise(size)))
		if got := hex.EncodeToString(sum[:]); got != want {
			t.Errorf("%d bytes: %s, want %s", size, got, want)
		}
	}
}

// With one session key for all files, two that begin alike would show it, and
// the difference of their first blocks, if they had the same prefix.
func TestEveryNameHasItsOwnPrefix(t *testing.T) {
	key := newKey(t, elliptic)
	seal := sealFor(t, key)
	seen := make(map[string]string)
	for _, name := range []string{"a.eml", "b.eml", "x/a.eml", "y/a.eml", "a.eml2"} {
		data := bytes.TrimPrefix(encrypt(t, seal, name, []byte("the same text")), pkesk(t, seal))
		// tag, length, version, then the encrypted random block
		prefix := string(data[3:19])
		if other, twice := seen[prefix]; twice {
			t.Errorf("%s and %s have the same prefix", name, other)
		}
		seen[prefix] = name
	}
	again := sealFor(t, key)
	if bytes.Equal(encrypt(t, seal, "a.eml", nil), encrypt(t, again, "a.eml", nil)) {
		t.Error("two seals give the same bytes")
	}
}

func TestDamageIsNoticed(t *testing.T) {
	key := newKey(t, elliptic)
	seal, content := sealFor(t, key), "an e-mail\r\n"
	data := encrypt(t, seal, "a.eml", []byte(content))
	head := len(pkesk(t, seal))
	for i := range data {
		for _, bit := range []byte{1, 0x80} {
			damaged := bytes.Clone(data)
			damaged[i] ^= bit
			got, _, err := decrypt(damaged, key)
			// Before the data there are bits that a reader can do without.
			if err == nil && (i >= head || string(got) != content) {
				t.Fatalf("byte %d of %d changed: %q is read without an error", i, len(data), got)
			}
		}
	}
	for n := range data {
		if _, _, err := decrypt(data[:n], key); err == nil {
			t.Fatalf("cut to %d of %d bytes: read without an error", n, len(data))
		}
	}
}

// counting fails when more than limit bytes have come.
type counting struct{ n, limit int }

var errFull = errors.New("full")

func (c *counting) Write(p []byte) (int, error) {
	if c.n += len(p); c.n > c.limit {
		return 0, errFull
	}
	return len(p), nil
}

// Were more kept than a few chunks, memory would grow with the file.
func TestNothingIsHeldBack(t *testing.T) {
	out := &counting{limit: 1 << 40}
	w, err := sealFor(t, newKey(t, elliptic)).Encrypt(out, "big")
	if err != nil {
		t.Fatal(err)
	}
	piece := make([]byte, 5<<20)
	for in := len(piece); in <= 20<<20; in += len(piece) {
		if _, err := w.Write(piece); err != nil {
			t.Fatal(err)
		}
		if held := in - out.n; held > 512<<10 {
			t.Fatalf("after %d bytes, %d are held back", in, held)
		}
	}
}

// A disk that is full must not look like a finished file.
func TestErrorOfTheTargetComesBack(t *testing.T) {
	seal := sealFor(t, newKey(t, elliptic))
	whole := len(encrypt(t, seal, "a", noise(200_000)))
	for limit := 0; limit < whole; limit += 997 {
		out := &counting{limit: limit}
		w, err := seal.Encrypt(out, "a")
		if err == nil {
			_, err = w.Write(noise(200_000))
			err = errors.Join(err, w.Close())
		}
		if !errors.Is(err, errFull) {
			t.Fatalf("room for %d of %d bytes: %v", limit, whole, err)
		}
	}
}

func TestWriterAfterClose(t *testing.T) {
	var out bytes.Buffer
	w, err := sealFor(t, newKey(t, elliptic)).Encrypt(&out, "a")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	size := out.Len()
	if _, err := w.Write([]byte("more")); err == nil {
		t.Error("written after Close")
	}
	if err := w.Close(); err == nil {
		t.Error("closed twice")
	}
	if out.Len() != size {
		t.Error("something followed the end")
	}
}

func TestEncryptRefuses(t *testing.T) {
	seal := sealFor(t, newKey(t, elliptic))
	for _, name := range []string{"", ".", "/a", "../a", "a/", "a/../b", strings.Repeat("n", 256), "\xff"} {
		if _, err := seal.Encrypt(io.Discard, name); err == nil {
			t.Errorf("%q: encrypted", name)
		}
	}
	if _, err := seal.Encrypt(io.Discard, "d/"+strings.Repeat("n", 255)); err != nil {
		t.Error(err)
	}
	if _, err := (pgp.Sealed{}).Encrypt(io.Discard, "a"); err == nil {
		t.Error("encrypted under no seal")
	}
}

func TestSealDrawsFromItsSource(t *testing.T) {
	keys := read(t, public(t, newKey(t, elliptic)))
	if _, err := keys.Seal(io.LimitReader(rand.Reader, 63), now); err == nil {
		t.Error("sealed with a key that was not drawn whole")
	}
	same := func() pgp.Sealed {
		s, err := keys.Seal(io.MultiReader(bytes.NewReader(noise(64)), rand.Reader), now)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	// The session key and the seed are the same, the packets that carry it not.
	one, two := same(), same()
	a := bytes.TrimPrefix(encrypt(t, one, "a", nil), pkesk(t, one))
	b := bytes.TrimPrefix(encrypt(t, two, "a", nil), pkesk(t, two))
	if !bytes.Equal(a, b) {
		t.Error("something besides the given source decides the session key or the prefix")
	}
}
