package smtp

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/textproto"
	"strings"
	"testing"

	"lpexport/archive"
	"lpexport/archive/archivetest"
)

// A mail that is not of 7-bit lines with CRLF is a fault of ours: a server would
// change it. Nothing of it is taken, and the next mail goes through.
func TestMailThatAServerWouldChangeAborts(t *testing.T) {
	good := archivetest.FileItems(t, 1)[0]
	for name, text := range map[string]string{
		"bare LF":          "a: b\r\n\r\none\ntwo\r\n",
		"bare LF and dot":  "a: b\r\n\r\none\n.\r\nMAIL FROM:<eve@evil.example>\r\n",
		"bare CR":          "a: b\r\n\r\none\rtwo\r\n",
		"bare CR and dot":  "a: b\r\n\r\none\r.\r\n",
		"CR CR LF":         "a: b\r\n\r\none\r\r\n",
		"first bare LF":    "\n",
		"8-bit":            "a: b\r\n\r\nzw\xc3\xb6lf\r\n",
		"NUL":              "a: b\r\n\r\n\x00\r\n",
		"no end of line":   "a: b\r\n\r\none",
		"ends with CR":     "a: b\r\n\r\none\r",
		"empty":            "",
		"999 bytes":        "a: b\r\n\r\n" + strings.Repeat("x", 999) + "\r\n",
		"an endless line":  "a: b\r\n\r\n" + strings.Repeat("x", 3*bufferBytes) + "\r\n",
		"large, then 8bit": strings.Repeat("0123456789\r\n", bufferBytes/4) + "\xff\r\n",
	} {
		server := &scripted{}
		d := open(t, server.plain())
		_, err := deliver(d, spooled(t, text))
		if got := verdictOf(t, err); got != "abort+" {
			t.Errorf("%s: %s: %v", name, got, err)
		}
		if _, err := deliver(d, good); err != nil {
			t.Errorf("after %s: %v", name, err)
		}
		wantMails(t, server, good)
	}
}

// The file may have changed since it was hashed.
func TestTextOfAnotherSizeAborts(t *testing.T) {
	for size := range int64(9) {
		s := &session{out: bufio.NewWriter(io.Discard), link: &link{}}
		err := s.text(mail{size: size, text: bufio.NewReader(strings.NewReader("a: b\r\n"))})
		if (err == nil) != (size == 6) || s.broken != (size != 6) {
			t.Errorf("6 bytes for %d: broken %v: %v", size, s.broken, err)
		}
	}
}

// FuzzText gives any text to the writer, and what it writes to the reader of
// the standard library: the same lines arrive, or it is an Abort. A dot alone
// on a line, which would end the mail early, is never written.
func FuzzText(f *testing.F) {
	for _, text := range []string{"a: b\r\n\r\n.\r\n", "..\r\n.\r\n", "x\n.\r\n", "\r\n.\r\n", "x\r.\r\n", "ü\r\n", "a"} {
		f.Add(text, uint8(0))
	}
	f.Fuzz(func(t *testing.T, text string, size uint8) {
		var sent bytes.Buffer
		s := &session{out: bufio.NewWriterSize(&sent, 16+int(size)), link: &link{}}
		in := bufio.NewReaderSize(strings.NewReader(text), bufferBytes)
		err := s.text(mail{path: "item", size: int64(len(text)), text: in})
		if err != nil {
			if e, ok := errors.AsType[*archive.Error](err); !ok || e.Class != archive.Abort || !s.broken {
				t.Errorf("%v, broken: %v", err, s.broken)
			}
			return
		}
		if err := s.out.Flush(); err != nil {
			t.Fatal(err)
		}
		sent.WriteString(".\r\nRSET\r\n")
		rest := bufio.NewReader(&sent)
		// The reader turns CRLF into LF.
		got, err := io.ReadAll(textproto.NewReader(rest).DotReader())
		if want := strings.ReplaceAll(text, "\r\n", "\n"); err != nil || string(got) != want || strings.Contains(strings.ReplaceAll(want, "\n", ""), "\r") {
			t.Errorf("%q arrived as %q: %v", text, got, err)
		}
		if after, err := rest.ReadString('\n'); after != "RSET\r\n" {
			t.Errorf("after %q comes %q: %v", text, after, err)
		}
	})
}
