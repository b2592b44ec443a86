package pgp_test

import (
	"crypto/sha256"
	"io"
	"testing"
)

// The speed of encrypting stands beside that of the hash that every file pays
// for anyway.
func BenchmarkEncrypt(b *testing.B) {
	content := make([]byte, 1<<20)
	b.Run("encrypt", func(b *testing.B) {
		b.SetBytes(int64(len(content)))
		b.ReportAllocs()
		w, err := sealFor(b, newKey(b, elliptic)).Encrypt(io.Discard, "a.eml")
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if _, err := w.Write(content); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("sha256", func(b *testing.B) {
		b.SetBytes(int64(len(content)))
		for b.Loop() {
			sha256.Sum256(content)
		}
	})
}
