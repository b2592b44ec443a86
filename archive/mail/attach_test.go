package mail_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"lpexport/archive"
	"lpexport/archive/mail"
)

// Every byte of a mail with files is decided by the slice, the settings and the files.
func TestGoldenFiles(t *testing.T) {
	for name, change := range map[string]func(*mail.Settings){
		"files": func(*mail.Settings) {},
		"files-journal": func(s *mail.Settings) {
			s.Journal = &mail.Journal{From: "journal@firm.example", To: "in@vault.example"}
		},
		"files-parts": func(s *mail.Settings) { s.MaxBytes = 14_000 },
	} {
		t.Run(name, func(t *testing.T) {
			of, slice := settings(), withFiles()
			change(&of)
			all := mails(t, of, &slice)
			checkMails(t, of, &slice, all)
			for i, got := range all {
				golden(t, fmt.Sprintf("%s-%d.eml", name, i+1), got)
			}
		})
	}
}

// What a mail says of its files depends on nothing that was written before.
func TestFilesAreWrittenAlikeAgain(t *testing.T) {
	of := settings()
	of.MaxBytes = 20_000
	f := format(t, of)
	write := func(s archive.Slice) (all [][]byte) {
		must(t, f.Documents(lineOf(t, &s), func(d archive.Document) error {
			all = append(all, spliced(t, d))
			return nil
		}))
		return all
	}
	few, many, none := full(), withFiles(), typical()
	few.Happened = append(few.Happened, filed(start+70_000, "c-1", "", fetched("picture.png", "png", "image/png", 10, 7)))
	want := [][][]byte{write(many), write(few), write(none)}
	for i, s := range []archive.Slice{many, few, none} {
		if got := write(s); !bytes.Equal(bytes.Join(got, nil), bytes.Join(want[i], nil)) {
			t.Errorf("slice %d is another one the second time", i)
		}
		if fresh := mails(t, of, &s); !bytes.Equal(bytes.Join(fresh, nil), bytes.Join(want[i], nil)) {
			t.Errorf("slice %d is another one from another format", i)
		}
	}
}

// A message says of its file only what holds for its own mail.
func TestFileInAnotherMailThanItsMessage(t *testing.T) {
	s := full()
	s.Messages[3].Text = strings.Repeat("words ", 1000)
	s.Happened = []archive.Happening{
		filed(start+100_000, "c-1", "", fetched("../x/contract.pdf", "pdf", "application/pdf", 9000, 2)),
	}
	of := settings()
	of.MaxBytes = 50_000
	if o := open(t, mails(t, of, &s)[0]); !strings.Contains(o.Text, "caption the contract, attached as ") {
		t.Error(o.Text)
	}
	of.MaxBytes = 32_000
	all := mails(t, of, &s)
	checkMails(t, of, &s, all)
	for i, raw := range all {
		o := open(t, raw)
		if last := i == len(all)-1; strings.Contains(o.Text, "attached as") != last || strings.Contains(o.Text, "attached to another part") == last || (len(o.Files) == 1) != last {
			t.Errorf("mail %d of %d: %s", i+1, len(all), o.Text)
		}
	}
	if len(all) < 2 || !strings.Contains(open(t, all[0]).Text, "caption the contract, attached to another part\r\n") {
		t.Errorf("%d mails", len(all))
	}
}

// A message says of one path what holds for all that happened under it.
func TestSeveralFilesUnderOnePath(t *testing.T) {
	first, second, missing := fetched("x", "pdf", "", 5, 1), fetched("x", "pdf", "", 5, 2), &archive.Attachment{Path: "x"}
	for _, c := range []struct {
		want string
		of   []*archive.Attachment
	}{
		{"", nil}, {", not available", []*archive.Attachment{missing}}, {", not available", []*archive.Attachment{missing, missing}},
		{", attached as " + first.Name, []*archive.Attachment{missing, first}}, {", attached as " + first.Name, []*archive.Attachment{first, missing}},
		{", attached as " + first.Name, []*archive.Attachment{first, first}}, {", attached more than once", []*archive.Attachment{first, second}},
		{", attached more than once", []*archive.Attachment{first, second, missing, first}},
	} {
		s := full()
		s.Messages, s.Happened = s.Messages[:1], nil
		s.Messages[0].Files = []archive.File{{Path: "x"}, {}}
		for i, a := range c.of {
			s.Happened = append(s.Happened, filed(start+int64(i), "c-1", "", a))
		}
		if o := open(t, mails(t, settings(), &s)[0]); !strings.Contains(o.Text, "\r\n    + file x"+c.want+"\r\n    + file \"\"\r\n") {
			t.Errorf("%q is not said in %s", c.want, o.Text)
		}
	}
}

// What reviewers read, word for word.
func TestFilesAreTold(t *testing.T) {
	s := withFiles()
	o := open(t, mails(t, settings(), &s)[0])
	names := map[string]string{}
	for _, a := range distinct(&s) {
		names[a.Path] = a.Name
	}
	const zoe, at = "Zoë Example <c-0a1b2c@visitors.example> (consumer)", "[2026-01-31T10:00:03.123Z] "
	pdf, evil, nowhere := names["../x/contract.pdf"], `"a␍␊Content-Type: text/html␍␊␍␊\"b\", attached as c"`, names[""]
	for _, line := range []string{
		"Files:        6 attached, 1 not available",
		"    + file ../x/contract.pdf (application/pdf), caption the contract, attached as " + pdf,
		"    + file picture.png (image/png), attached as " + names["picture.png"],
		"    + file gone.pdf, not available",
		"    + file " + evil + " (" + evil + "), caption " + evil + ", attached as " + names[s.Messages[3].Files[3].Path],
		"    + file later.txt",
		"    + file same.png, attached as " + names["picture.png"],
		"    + file twice.bin, attached more than once",
		at + "* file: by " + zoe + ", file ../x/contract.pdf, 171 bytes, application/pdf, SHA-256 " + pdf[:64] + ", attached as " + pdf,
		at + "* file: by " + zoe + `, file gone.pdf, not available, reason "not found: \"x\"␍␊* closed"`,
		at + "* file: by " + zoe + ", file " + evil + `, 1 bytes, "text/html␍␊Bcc: x@evil.example", SHA-256 ` +
			names[s.Messages[3].Files[3].Path][:64] + ", attached as " + names[s.Messages[3].Files[3].Path],
		at + `* file: by id a-99, LivePerson does not tell of which message it is, 0 bytes, "multipart/mixed; boundary=x", SHA-256 ` +
			nowhere[:64] + ", attached as " + nowhere,
	} {
		if !strings.Contains(o.Text, "\r\n"+line+"\r\n") {
			t.Errorf("no line is %q in\n%s", line, o.Text)
		}
	}
}

// A file has its type only where that is a file to whoever handles the mail.
func TestTypesOfFiles(t *testing.T) {
	const unknown = "application/octet-stream"
	for kind, want := range map[string]string{
		"image/png": "image/png", "IMAGE/PNG": "image/png", "application/pdf": "application/pdf", "audio/mpeg": "audio/mpeg", "video/mp4": "video/mp4",
		"application/vnd.openxmlformats-officedocument.wordprocessingml.document": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
		"application/x-a!#$&-^_.+b": "application/x-a!#$&-^_.+b", "application/" + strings.Repeat("x", 127): "application/" + strings.Repeat("x", 127),
		"": unknown, "image": unknown, "image/": unknown, "/png": unknown, "image/png/x": unknown, "image/png; name=x": unknown, "image/ png": unknown,
		"image/png\r\nBcc: x@evil": unknown, "image/\"x\"": unknown, "image/é": unknown, "image/.x": unknown, "image/=?x": unknown, "image/(x)": unknown,
		"application/" + strings.Repeat("x", 128): unknown, "x-a/b": unknown,
		"text/plain": unknown, "text/html": unknown, "multipart/mixed": unknown, "message/rfc822": unknown, "Message/RFC822": unknown,
		"image/svg+xml": unknown, "application/xhtml+xml": unknown, "application/xml": unknown, "application/JavaScript": unknown,
		"application/ms-tnef": unknown, "application/pkcs7-mime": unknown, "application/x-pkcs7-signature": unknown, "application/applefile": unknown,
	} {
		s := full()
		s.Messages, s.Happened = nil, []archive.Happening{filed(start, "c-1", "", fetched("x", "bin", kind, 5, 1))}
		of := settings()
		all := mails(t, of, &s)
		checkMails(t, of, &s, all)
		if got := open(t, all[0]).Files[0].Type; got != want {
			t.Errorf("%q is attached as %s, want %s", kind, got, want)
		}
	}
}
