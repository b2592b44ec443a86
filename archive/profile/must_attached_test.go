package profile_test

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lpexport/archive"
	"lpexport/archive/mail"
	"lpexport/archive/profile"
)

// eachWay runs a test for every archive that takes mails, and every way to it.
func eachWay(t *testing.T, test func(*testing.T, profile.Rendering, profile.Way)) {
	n := 0
	for _, p := range profile.All() {
		for _, w := range p.Ways {
			r, ok := p.As(profile.FormatMail, w)
			if !ok {
				continue
			}
			n++
			t.Run(p.Name+"/"+w.Transport+"/"+w.Layout, func(t *testing.T) { test(t, own(r), w) })
		}
	}
	if n < 25 {
		t.Errorf("%d ways of mails", n)
	}
}

// A file that was fetched is in the mail as it was sent, whichever way that goes,
// and an importer of mails finds nothing else beside them.
func TestFilesAreAttached(t *testing.T) {
	kinds := []string{"multipart/mixed", "multipart/alternative", "text/plain", "text/html", "application/pdf", "application/json"}
	eachWay(t, func(t *testing.T, r profile.Rendering, w profile.Way) {
		s := fetched()
		mails := 0
		for _, f := range deliver(t, r, w, contentsOf(letter), s) {
			switch filepath.Ext(f.name) {
			case ".eml":
				mails++
			case ".mf":
				if f.zip != "" || !bytes.HasPrefix(f.content, []byte("Count: 1\n")) {
					t.Errorf("%s says %q", f.name, f.content)
				}
				continue
			default:
				t.Errorf("%s lies there", f.name)
				continue
			}
			if zipped := f.zip != ""; zipped != w.Zip {
				t.Errorf("%s is zipped: %v", f.name, zipped)
			}
			check7Bit(t, f.content)
			m := read(t, f.content)
			if !slices.Equal(m.kinds, kinds) || len(m.attached) != 1 || !bytes.Equal(m.attached[0].content, letter) ||
				m.attached[0].kind != "application/pdf" || m.attached[0].name != attachment("", letter).Name {
				t.Errorf("its parts are %q, %d of them files", m.kinds, len(m.attached))
			}
			if line, _ := archive.AppendLine(nil, &s); !bytes.Equal(m.transcript, line) {
				t.Error("transcript.json is not the slice")
			}
		}
		if mails != 1 {
			t.Errorf("%d mails", mails)
		}
	})
}

// Who reviews a mail, or reads its text by program, learns which file it is.
func TestFilesAreTold(t *testing.T) {
	a := attachment("4/letter.pdf", letter)
	eachMail(t, func(t *testing.T, r profile.Rendering) {
		m := read(t, deliver(t, r, profile.Way{}, contentsOf(letter), fetched())[0].content)
		for part, text := range map[string]string{"text": m.plain, "page": m.html} {
			for _, word := range []string{a.Path, a.Name, "SHA-256 " + a.SHA256, a.Type, fmt.Sprint(a.Bytes, " bytes")} {
				if !strings.Contains(text, word) {
					t.Errorf("the %s does not tell %q", part, word)
				}
			}
		}
	})
}

// A file that is not to be had leaves no hole that nobody sees.
func TestFilesThatAreGoneAreTold(t *testing.T) {
	eachMail(t, func(t *testing.T, r profile.Rendering) {
		s := conversation()
		s.Happened = append(s.Happened, filed(s.Messages[5].SentAt, consumer, &archive.Attachment{Path: "4/letter.pdf"}))
		m := first(t, r, s)
		for part, text := range map[string]string{"text": m.plain, "page": m.html, "record": string(m.transcript)} {
			if !strings.Contains(text, "404 Not Found") || !strings.Contains(text, "4/letter.pdf") {
				t.Errorf("the %s does not tell that the file is not to be had", part)
			}
		}
		if len(m.attached) > 0 {
			t.Error("something is attached")
		}
	})
}

// weighing is a conversation with files of so many bytes. They need not exist to
// be counted.
func weighing(sizes ...int64) archive.Slice {
	s := conversation()
	for i, size := range sizes {
		a := attachment(fmt.Sprintf("4/%d.pdf", i), []byte{byte(i)})
		a.Bytes = size
		s.Happened = append(s.Happened, filed(begin+10_000+int64(i), consumer, a))
	}
	return s
}

// documentsOf returns how large the mails of a slice are, and the files in them.
func documentsOf(r profile.Rendering, s archive.Slice) (sizes []int64, files []string, err error) {
	line, err := archive.AppendLine(nil, &s)
	if err != nil {
		return nil, nil, err
	}
	shape, err := r.Shape()
	if err != nil {
		return nil, nil, err
	}
	err = shape.Format.Documents(line, func(d archive.Document) error {
		sizes = append(sizes, d.Size())
		for _, in := range d.Inside {
			files = append(files, in.Attachment.Path)
		}
		return nil
	})
	return sizes, files, err
}

// What counts is what is sent: in base64 a file is more than a third larger. Two
// of these would fit into a mail as they are, and do not.
func TestFilesAreCountedEncoded(t *testing.T) {
	eachMail(t, func(t *testing.T, r profile.Rendering) {
		limit := r.Mail.MaxBytes // as the row has it
		size := limit / 100 * 45
		sizes, files, err := documentsOf(r, weighing(size, size, size))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(files, []string{"4/0.pdf", "4/1.pdf", "4/2.pdf"}) || len(sizes) != 3 || slices.Max(sizes) > limit {
			t.Errorf("%q in mails of %d bytes, at most %d", files, sizes, limit)
		}
	})
}

// The count is that of the bytes which are sent.
func TestSplitFilesArriveOnce(t *testing.T) {
	const limit = 100_000
	files := make([][]byte, 5)
	s := conversation()
	for i := range files {
		files[i] = bytes.Repeat([]byte{byte(i), '\r', 0xff}, 9_000)
		s.Happened = append(s.Happened, filed(begin+10_000+int64(i), consumer, attachment(fmt.Sprintf("4/%d.pdf", i), files[i])))
	}
	eachMail(t, func(t *testing.T, r profile.Rendering) {
		var got [][]byte
		mails := deliver(t, with(r, func(s *mail.Settings) { s.MaxBytes = limit }), profile.Way{}, contentsOf(files...), s)
		for i, f := range mails {
			m := read(t, f.content)
			if len(f.content) > limit || m.get("X-LivePerson-Part") != fmt.Sprintf("%d/%d", i+1, len(mails)) {
				t.Errorf("part %q has %d bytes", m.get("X-LivePerson-Part"), len(f.content))
			}
			for _, a := range m.attached {
				got = append(got, a.content)
			}
		}
		if len(mails) < 2 || !slices.EqualFunc(got, files, bytes.Equal) {
			t.Errorf("%d files in %d mails are not those that were sent", len(got), len(mails))
		}
	})
}

// A file that no mail can hold is neither left out nor cut: the slice waits.
func TestFileThatFitsNoMailIsReported(t *testing.T) {
	eachMail(t, func(t *testing.T, r profile.Rendering) {
		limit := r.Mail.MaxBytes
		sizes, _, err := documentsOf(r, weighing(limit/100*75))
		var large *archive.TooLargeError
		if !errors.As(err, &large) || large.Limit != limit || large.Bytes <= limit {
			t.Errorf("%d mails, %v", len(sizes), err)
		}
	})
}
