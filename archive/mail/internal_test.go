package mail

import (
	"fmt"
	"io"
	"math/rand/v2"
	"mime/quotedprintable"
	"strings"
	"testing"
)

// What is read into memory is bounded, however long the mail.
func TestLinesAreBounded(t *testing.T) {
	raw := "Content-Type: application/json; name=transcript.json\r\nContent-Transfer-Encoding: base64\r\n\r\n" + strings.Repeat("QUFB", 10)
	for limit, want := range map[int64]string{
		30: "<nil>", 29: "read mail: transcript.json has more than 29 bytes",
	} {
		err := lines(strings.NewReader(raw), limit, func([]byte) error { return nil })
		if fmt.Sprint(err) != want {
			t.Errorf("%d: %v", limit, err)
		}
	}
}

// Quoted-printable holds any bytes between its line ends, in lines of printable
// characters of at most 76.
func TestQuotedPrintable(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	pieces := []string{"a", "plain words, and more of them. ", "=", ".", " ", "\t", "\x7f", "\x00", "\xff", "é", "From ", "\r\n", "0123456789abcdef"}
	for range 5000 {
		var b strings.Builder
		for range rng.IntN(40) {
			b.WriteString(pieces[rng.IntN(len(pieces))])
		}
		raw := b.String() + "\r\n"
		got := string(appendQuotedPrintableTo(nil, nil, []byte(raw)))
		back, err := io.ReadAll(quotedprintable.NewReader(strings.NewReader(got)))
		if err != nil || string(back) != raw {
			t.Fatalf("%q is read back as %q, %v", raw, back, err)
		}
		for line := range strings.SplitSeq(got, "\r\n") {
			odd := strings.IndexFunc(line, func(r rune) bool { return (r < ' ' || r > '~') && r != '\t' })
			if len(line) > 76 || odd >= 0 || line != strings.TrimRight(line, " \t") || strings.HasPrefix(line, ".") || strings.HasPrefix(line, "From ") {
				t.Fatalf("%q has the line %q", raw, line)
			}
		}
	}
}
