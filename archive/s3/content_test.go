package s3

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"
)

func inMemoryContent(t *testing.T, data []byte, part int64) *content {
	t.Helper()
	c := &content{bytes: int64(len(data)), part: part, open: func() (reader, error) { return inMemory{bytes.NewReader(data)}, nil }}
	if err := c.hash(context.Background()); err != nil {
		t.Fatal(err)
	}
	return c
}

// The sections of a content are its bytes, and its checksums those that a store
// computes from what it was sent.
func TestSectionsAreTheContent(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		data := make([]byte, rng.IntN(50))
		for i := range data {
			data[i] = byte(rng.Uint32())
		}
		c := inMemoryContent(t, data, 1+rng.Int64N(60))
		in, _ := c.open()
		var got []byte
		var parts [][]byte
		for i := range max(1, len(c.parts)) {
			part, err := io.ReadAll((&sending{content: c, in: in, part: i}).open())
			if err != nil {
				t.Fatal(err)
			}
			got, parts = append(got, part...), append(parts, part)
		}
		if !bytes.Equal(got, data) || !c.proves(sha(data).base64()) {
			t.Fatalf("%d bytes in parts of %d: other bytes", len(data), c.part)
		}
		if len(parts) > 1 && !c.proves(composite(parts)) {
			t.Fatalf("%d bytes in parts of %d: other checksum", len(data), c.part)
		}
		other := append(bytes.Clone(data), 'x')
		for _, checksum := range []string{"", "-1", sha(other).base64(), composite([][]byte{other}), composite(append(parts, nil))} {
			if c.proves(checksum) {
				t.Fatalf("%q was taken for a proof", checksum)
			}
		}
	}
}

func TestShorterContentIsAFault(t *testing.T) {
	for _, part := range []int64{3, 4, 5, 100} {
		for _, says := range []int64{6, 100} {
			c := &content{bytes: says, part: part, open: func() (reader, error) { return inMemory{bytes.NewReader([]byte("12345"))}, nil }}
			if err := c.hash(context.Background()); err == nil {
				t.Errorf("parts of %d: 5 bytes were taken for %d", part, says)
			}
		}
	}
}

func TestPartsAreFewEnough(t *testing.T) {
	for _, size := range []int64{0, 1, partSize, partSize * maxParts, partSize*maxParts + 1, 5 << 40} {
		part := partOf(size, partSize)
		if part < partSize || (size+part-1)/part > maxParts || part > 5<<30 {
			t.Errorf("%d bytes in parts of %d", size, part)
		}
	}
}

func TestFaultOfTheSpoolIsBlamed(t *testing.T) {
	c := inMemoryContent(t, []byte("12345"), 100)
	for name, in := range map[string]io.Reader{
		"unreadable": iotest.ErrReader(io.ErrClosedPipe),
		"short":      bytes.NewReader([]byte("123")),
	} {
		s := &sending{content: c, last: &section{Reader: in, left: 5}}
		_, _ = io.ReadAll(s.last)
		if err := s.blame(context.Background(), errHangs); !s.faulty() || classOf(t, err).Err == errHangs {
			t.Errorf("%s: %v", name, err)
		}
	}
	s := &sending{content: c, last: &section{Reader: bytes.NewReader(nil)}}
	if err := s.blame(context.Background(), errHangs); s.faulty() || err != errHangs {
		t.Errorf("got %v", err)
	}
}
