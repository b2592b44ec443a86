package mail_test

import (
	"crypto/sha256"
	"encoding/base64"
	"testing"

	"lpexport/archive"
)

// BenchmarkMail prints how many mails of 20 messages a core makes in a second,
// beside what base64 and SHA-256 alone take for as many bytes.
func BenchmarkMail(b *testing.B) {
	s := typical()
	line := lineOf(b, &s)
	one := mails(b, settings(), &s)[0]
	b.Run("mail", func(b *testing.B) {
		f := format(b, settings())
		b.SetBytes(int64(len(one)))
		b.ReportAllocs()
		for b.Loop() {
			if err := f.Documents(line, func(archive.Document) error { return nil }); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "mails/s")
	})
	b.Run("parse", func(b *testing.B) { // the part of it that reads the line
		b.SetBytes(int64(len(one)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := archive.ParseLine(line); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("base64", func(b *testing.B) {
		b.SetBytes(int64(len(one)))
		var dst []byte
		for b.Loop() {
			dst = base64.StdEncoding.AppendEncode(dst[:0], one)
		}
	})
	b.Run("sha256", func(b *testing.B) {
		b.SetBytes(int64(len(one)))
		for b.Loop() {
			sha256.Sum256(one)
		}
	})
}
