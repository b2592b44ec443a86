package mail_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"lpexport/archive/mail"
)

func TestLinesRefuseOtherMails(t *testing.T) {
	s := full()
	good := string(mails(t, settings(), &s)[0])
	deep := strings.Repeat("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n", 50) + "Content-Type: text/plain\r\n\r\nx\r\n"
	for name, raw := range map[string]string{
		"empty":          "",
		"no header":      "\x00\x01",
		"plain":          "Subject: x\r\nContent-Type: text/plain\r\n\r\nhello\r\n",
		"cut":            good[:len(good)-200],
		"not base64":     strings.Replace(good, "eyJhY2NvdW50", "eyJh*2NvdW50", 1),
		"other encoding": strings.Replace(good, "transcript.json\"\r\nContent-Transfer-Encoding: base64", "transcript.json\"\r\nContent-Transfer-Encoding: 7bit", 1),
		"other name":     strings.ReplaceAll(good, "transcript.json", "transcript.jsom"),
		"too deep":       deep,
		"many parts":     manyParts(1 << 16),
	} {
		err := mail.Lines(strings.NewReader(raw), func([]byte) error { return nil })
		if err == nil {
			t.Errorf("%s passed", name)
		} else if strings.Contains(err.Error(), "loan") {
			t.Errorf("%s: quotes from the mail: %v", name, err)
		}
	}
	if err := mail.Lines(strings.NewReader("Content-Type: text/plain\r\n\r\n"), nil); !errors.Is(err, mail.ErrNoTranscript) {
		t.Error(err)
	}
	must(t, mail.Lines(strings.NewReader(manyParts(1<<16-2)), func([]byte) error { return nil }))
	mine := errors.New("mine")
	if err := mail.Lines(strings.NewReader(good), func([]byte) error { return mine }); err != mine {
		t.Error(err)
	}
}

// manyParts is a mail with a transcript behind n other parts.
func manyParts(n int) string {
	return "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + strings.Repeat("--b\r\nContent-Type: text/plain\r\n\r\n\r\n", n) +
		"--b\r\nContent-Type: application/json; name=transcript.json\r\nContent-Transfer-Encoding: base64\r\n\r\ne30K\r\n--b--\r\n"
}

func FuzzLines(f *testing.F) {
	s := full()
	of := settings()
	f.Add(mails(f, of, &s)[0])
	of.Journal = &mail.Journal{From: "a@b.example", To: "c@d.example"}
	f.Add(mails(f, of, &s)[0])
	s = withFiles()
	f.Add(mails(f, of, &s)[0])
	f.Add(mails(f, settings(), &s)[0])
	f.Fuzz(func(t *testing.T, raw []byte) {
		n := 0
		if err := mail.Lines(bytes.NewReader(raw), func([]byte) error { n++; return nil }); err == nil && n == 0 {
			t.Error("neither a line nor an error")
		}
	})
}
