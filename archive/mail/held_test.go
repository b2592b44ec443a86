package mail_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"

	"lpexport/archive"
	"lpexport/archive/mail"
)

// pieces are a mail as it is divided by the boundary of its files.
func pieces(t *testing.T, raw []byte) (all []string) {
	t.Helper()
	_, rest, _ := strings.Cut(string(raw), "boundary=\"")
	boundary, _, _ := strings.Cut(rest, "\"")
	all = strings.Split(string(raw), "\r\n--"+boundary)
	if len(all) < 6 {
		t.Fatalf("%d pieces", len(all))
	}
	return all
}

// joined is a mail whose pieces were changed.
func joined(boundaryOf []byte, all []string) string {
	_, rest, _ := strings.Cut(string(boundaryOf), "boundary=\"")
	boundary, _, _ := strings.Cut(rest, "\"")
	return strings.Join(all, "\r\n--"+boundary)
}

// Whoever changes a file of a mail, or takes one away, is found out.
func TestLinesFindOtherFiles(t *testing.T) {
	s := full()
	s.Happened = []archive.Happening{
		filed(start, "c-1", "", fetched("a", "png", "image/png", 300, 1)), filed(start+1, "c-1", "", fetched("b", "png", "image/png", 300, 2)),
	}
	a, b := s.Happened[0].File.Name, s.Happened[1].File.Name
	other := fetched("c", "png", "image/png", 300, 3).Name
	body := func(piece string) (head, content string) {
		head, content, _ = strings.Cut(piece, "\r\n\r\n")
		return head + "\r\n\r\n", content
	}
	for _, wrapped := range []bool{false, true} {
		raw := mails(t, settings(), &s)[0]
		var before, after string
		if wrapped {
			of := settings()
			of.Journal = &mail.Journal{From: "journal@firm.example", To: "in@vault.example"}
			outer := mails(t, of, &s)[0]
			from := bytes.Index(outer, raw[:len(raw)-len("\r\n")])
			before, after = string(outer[:from]), string(outer[from+len(raw):])
		}
		for name, change := range map[string]func(p []string) []string{
			"altered": func(p []string) []string {
				head, content := body(p[2])
				first := "A"
				if content[0] == 'A' {
					first = "B"
				}
				p[2] = head + first + content[1:]
				return p
			},
			"shortened":              func(p []string) []string { p[2] = p[2][:len(p[2])-60]; return p },
			"emptied":                func(p []string) []string { p[2], _ = body(p[2]); return p },
			"dropped":                func(p []string) []string { return append(p[:2], p[3:]...) },
			"all dropped":            func(p []string) []string { return append(p[:2], p[4:]...) },
			"renamed":                func(p []string) []string { p[2] = strings.ReplaceAll(p[2], a, other); return p },
			"renamed otherwise":      func(p []string) []string { p[2] = strings.ReplaceAll(p[2], a, "contract.png"); return p },
			"other extension":        func(p []string) []string { p[2] = strings.ReplaceAll(p[2], ".png", ".exe"); return p },
			"renamed in one place":   func(p []string) []string { p[2] = strings.Replace(p[2], " name=\""+a, " name=\"x", 1); return p },
			"renamed in the other":   func(p []string) []string { p[2] = strings.Replace(p[2], "filename=\""+a, "filename=\"x", 1); return p },
			"nameless":               func(p []string) []string { p[2] = strings.Replace(p[2], ";\r\n name=\""+a+"\"", "", 1); return p },
			"with the other's names": func(p []string) []string { p[2] = strings.ReplaceAll(p[2], a, b); return p },
			"swapped": func(p []string) []string {
				one, first := body(p[2])
				two, second := body(p[3])
				p[2], p[3] = one+second, two+first
				return p
			},
			"twice":                 func(p []string) []string { return append(append(p[:3:3], p[2]), p[3:]...) },
			"behind the transcript": func(p []string) []string { p[3], p[4] = p[4], p[3]; return p },
			"not encoded":           func(p []string) []string { p[2] = strings.Replace(p[2], ": base64", ": 7bit", 1); return p },
		} {
			p := pieces(t, raw)
			lines := 0
			err := mail.Lines(strings.NewReader(before+joined(raw, change(p))+after), func([]byte) error { lines++; return nil })
			if !errors.Is(err, mail.ErrFiles) || lines > 0 || strings.Contains(err.Error(), "loan") {
				t.Errorf("%s, wrapped %t: %d lines, %v", name, wrapped, lines, err)
			}
		}
		must(t, mail.Lines(strings.NewReader(before+joined(raw, pieces(t, raw))+after), func([]byte) error { return nil }))
	}
}

// The size that a transcript tells is that of the file, since mails are divided by it.
func TestLinesFindAnotherSize(t *testing.T) {
	s := full()
	a := fetched("a", "png", "image/png", 300, 1)
	s.Happened = []archive.Happening{filed(start, "c-1", "", a)}
	raw := string(mails(t, settings(), &s)[0])
	a.Bytes = 301
	content := base64.StdEncoding.EncodeToString(lineOf(t, &s))
	var wrapped strings.Builder
	for ; len(content) > 76; content = content[76:] {
		wrapped.WriteString(content[:76] + "\r\n")
	}
	head, _, _ := strings.Cut(raw, "eyJhY2NvdW50")
	if err := mail.Lines(strings.NewReader(head+wrapped.String()+content+"\r\n"+raw[strings.LastIndex(raw, "\r\n--"):]), nil); !errors.Is(err, mail.ErrFiles) {
		t.Error(err)
	}
}

// A mail holds as many files as a slice has entries.
func TestLinesOfManyFiles(t *testing.T) {
	s := full()
	s.Happened = nil
	for i := range 5000 {
		s.Happened = append(s.Happened, filed(start, "c-1", "", fetched("", "bin", "", 4, uint64(100+i))))
	}
	raw := mails(t, settings(), &s)[0]
	if part := partsOf(t, [][]byte{raw})[0]; len(part.Attachments()) != 5000 {
		t.Errorf("%d files", len(part.Attachments()))
	}
}

// zeros reads as so many lines of base64 that stand for zeros.
type zeros struct{ left int }

func (z *zeros) Read(p []byte) (int, error) {
	const line = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\r\n"
	n := 0
	for ; z.left > 0 && len(p)-n >= len(line); z.left-- {
		n += copy(p[n:], line)
	}
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// A mail is read in little memory, however large its files.
func TestLinesKeepNoFile(t *testing.T) {
	const count = 1_000_000 // 57 MB
	content := sha256.New()
	for range count {
		content.Write(make([]byte, 57))
	}
	hash := hex.EncodeToString(content.Sum(nil))
	s := full()
	s.Happened = []archive.Happening{filed(start, "c-1", "", &archive.Attachment{
		Path: "x", Name: archive.AttachmentName(hash, "mp4"), Type: "video/mp4", Bytes: count * 57, SHA256: hash,
	})}
	must(t, format(t, settings()).Documents(lineOf(t, &s), func(d archive.Document) error {
		at := d.Inside[0].Offset
		raw := io.MultiReader(bytes.NewReader(d.Bytes[:at]), &zeros{count}, bytes.NewReader(d.Bytes[at:]))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		read := 0
		must(t, mail.Lines(raw, func([]byte) error { read++; return nil }))
		runtime.ReadMemStats(&after)
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 4<<20 || read != 1 {
			t.Errorf("%d lines, %d bytes of memory", read, grown)
		}
		return nil
	}))
}
