package smtp

import (
	"bufio"
	"net/textproto"
	"strings"
	"testing"
)

func TestQueueID(t *testing.T) {
	for text, want := range map[string]string{
		"2.0.0 Ok: queued as 4XyZ01abcd":                                      "4XyZ01abcd",
		"2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as 8A1": "8A1",
		"OK id=1tABcd-00000001abc-2xyz":                                       "1tABcd-00000001abc-2xyz",
		"2.0.0 OK: queued":                                                    "",
		"2.6.0 <a@b> [InternalId=7, Hostname=x]":                              "",
		"queued as \x1b[31m":                                                  "",
		"queued as " + strings.Repeat("x", 101):                               "",
		"":                                                                    "",
	} {
		if got := queueID(reply{250, []string{text}}); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if got := queueID(reply{250, []string{"first", "queued as 7"}}); got != "7" {
		t.Errorf("in the second line: %q", got)
	}
}

func TestReplyIsOnePrintableLine(t *testing.T) {
	for _, test := range []struct {
		reply reply
		want  string
	}{
		{reply{250, []string{"2.0.0 Ok: queued as 1"}}, "250 2.0.0 Ok: queued as 1"},
		{reply{250, []string{""}}, "250"},
		{reply{550, []string{"one", "two\x1b[31m\rthree\u202eü\xff"}}, "550 one / two?[31m?three???"},
		{reply{550, []string{strings.Repeat("x", 9999)}}, "550 " + strings.Repeat("x", 493) + "..."},
	} {
		if got := test.reply.String(); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

func TestEndlessAnswersEnd(t *testing.T) {
	for _, answer := range []string{strings.Repeat("250-more\r\n", 1000), "250 " + strings.Repeat("x", 1<<20), strings.Repeat("x", 1<<20)} {
		in := strings.NewReader(answer)
		if _, err := readReply(bufio.NewReaderSize(in, maxReplyLine)); err == nil || len(answer)-in.Len() > 3*maxReplyLine {
			t.Errorf("%d bytes were read: %v", len(answer)-in.Len(), err)
		}
	}
}

// FuzzReply reads answers beside the standard library's reader, which takes
// more: what we take, it takes with the same meaning.
func FuzzReply(f *testing.F) {
	for _, s := range []string{"250 ok\r\n", "250-a\r\n250 b\r\n", "250\r\n", "25", "250-a\r\n550 b\r\n", "HTTP/1.1 400\r\n", "999 x\n", "250 \xff\x00\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := readReply(bufio.NewReaderSize(strings.NewReader(s), maxReplyLine))
		if err != nil {
			if strings.ContainsAny(err.Error(), "\r\n\x00\x1b") {
				t.Errorf("%q is not fit for a log", err)
			}
			return
		}
		for line := range strings.SplitSeq(s, "\n") {
			if len(strings.TrimSuffix(line, "\r")) == 3 {
				return // "250" alone, which RFC 5321 4.2.1 bids clients to take
			}
		}
		code, text, err := textproto.NewReader(bufio.NewReader(strings.NewReader(s))).ReadResponse(0)
		if err != nil || code != got.code || text != strings.Join(got.lines, "\n") {
			t.Errorf("%q: %d %q, the standard library has %d %q, %v", s, got.code, got.lines, code, text, err)
		}
		line := got.String()
		if len(line) > maxReplyText || strings.IndexFunc(line, func(r rune) bool { return r < ' ' || r > '~' }) >= 0 {
			t.Errorf("%q is not fit for a log", line)
		}
		queueID(got)
		got.tooLarge()
	})
}
