package webhook

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"strings"
)

// Shape is how a signature is made and written.
type Shape string

// The published shapes: LivePerson's default, and what it changes on request.
const (
	SHA1Base64   Shape = "sha1-base64"
	SHA1Hex      Shape = "sha1-hex"
	SHA256Base64 Shape = "sha256-base64"
	SHA256Hex    Shape = "sha256-hex"
)

// form is a shape as it is written: a prefix, and a length that no other shape
// with that prefix has.
type form struct {
	shape  Shape
	prefix string
	length int // of what follows the prefix
	hash   func() hash.Hash
	size   int // of the MAC
	decode func(to, from []byte) (int, error)
}

var forms = []form{
	{SHA1Base64, "sha1=", 28, sha1.New, sha1.Size, base64.StdEncoding.Strict().Decode},
	{SHA1Hex, "sha1=", 40, sha1.New, sha1.Size, hex.Decode},
	{SHA256Base64, "sha256=", 44, sha256.New, sha256.Size, base64.StdEncoding.Strict().Decode},
	{SHA256Hex, "sha256=", 64, sha256.New, sha256.Size, hex.Decode},
}

// Shapes returns all shapes, LivePerson's default first.
func Shapes() []Shape {
	shapes := make([]Shape, len(forms))
	for i, f := range forms {
		shapes[i] = f.shape
	}
	return shapes
}

func shapeNames() []string {
	names := make([]string, len(forms))
	for i, f := range forms {
		names[i] = string(f.shape)
	}
	return names
}

func (s Shape) known() bool {
	for _, f := range forms {
		if f.shape == s {
			return true
		}
	}
	return false
}

// signature is what a sender says the body's MAC is.
type signature struct {
	shape Shape
	hash  func() hash.Hash
	mac   []byte
}

// parseSignature reads the header's value, which has nothing but a prefix and
// the MAC; false: it has none of the published shapes.
func parseSignature(value string) (signature, bool) {
	for _, f := range forms {
		text, ok := strings.CutPrefix(value, f.prefix)
		if !ok || len(text) != f.length {
			continue
		}
		mac := make([]byte, f.length)
		n, err := f.decode(mac, []byte(text))
		return signature{f.shape, f.hash, mac[:n]}, err == nil && n == f.size
	}
	return signature{}, false
}

// keyring holds the secrets that events may be signed with.
type keyring struct{ keys [][]byte }

func newKeyring(secrets []string) *keyring {
	k := &keyring{}
	for _, s := range secrets {
		k.keys = append(k.keys, []byte(s))
	}
	return k
}

// signed tells whether s is the MAC of the body under one of the keys. All are
// tried, so that the time it takes does not tell which.
func (k *keyring) signed(s signature, body []byte) bool {
	var sum [sha256.Size]byte
	match := 0
	for _, key := range k.keys {
		h := hmac.New(s.hash, key)
		h.Write(body)
		match |= subtle.ConstantTimeCompare(h.Sum(sum[:0]), s.mac)
	}
	return match == 1
}
