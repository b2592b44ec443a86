package smtp

import (
	"bufio"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Bounds of an answer. RFC 5321 4.5.3.1.5 gives a line 512 bytes; no server has
// a hundred things to say.
const (
	maxReplyLine  = 4096
	maxReplyLines = 100
	maxReplyText  = 500 // of what is shown and stored
)

// reply is an answer of the server: a code from 200 to 599 and the texts of its
// lines, as they came.
type reply struct {
	code  int
	lines []string
}

// notSMTPError is a line that no SMTP server sends.
type notSMTPError struct{ line string }

func (e *notSMTPError) Error() string { return fmt.Sprintf("answered %q, which is not SMTP", e.line) }

var errLongReply = errors.New("answered more than SMTP allows")

// readReply reads one answer, of one line or several. in must hold at least
// maxReplyLine bytes, and its size is the limit of a line.
func readReply(in *bufio.Reader) (reply, error) {
	var r reply
	for range maxReplyLines {
		raw, err := in.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			return reply{}, errLongReply
		}
		if err != nil {
			return reply{}, err
		}
		line := strings.TrimSuffix(strings.TrimSuffix(string(raw), "\n"), "\r")
		code, text, more, ok := parseLine(line)
		if !ok || r.code != 0 && code != r.code {
			return reply{}, &notSMTPError{printable(line)}
		}
		r.code, r.lines = code, append(r.lines, text)
		if !more {
			return r, nil
		}
	}
	return reply{}, errLongReply
}

// parseLine reads "250-text", "250 text" or "250".
func parseLine(line string) (code int, text string, more, ok bool) {
	if len(line) < 3 || line[0] < '2' || line[0] > '5' || !isDigit(line[1]) || !isDigit(line[2]) {
		return 0, "", false, false
	}
	code = int(line[0]-'0')*100 + int(line[1]-'0')*10 + int(line[2]-'0')
	switch {
	case len(line) == 3:
		return code, "", false, true
	case line[3] == ' ', line[3] == '-':
		return code, line[4:], line[3] == '-', true
	}
	return 0, "", false, false
}

func isDigit(b byte) bool { return '0' <= b && b <= '9' }

// is tells whether the reply is what was hoped for: a code, or, below 100, the
// first two digits of one.
func (r reply) is(want int) bool {
	if want < 100 {
		return r.code/10 == want
	}
	return r.code == want
}

// String returns the reply on one printable line of at most maxReplyText bytes.
func (r reply) String() string {
	return printable(strings.TrimSpace(fmt.Sprintf("%d %s", r.code, strings.Join(r.lines, " / "))))
}

// printable returns s without what could change the look of a log or a
// terminal, cut to maxReplyText bytes.
func printable(s string) string {
	if len(s) > maxReplyText {
		s = s[:maxReplyText-3] + "..."
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
}

var status = regexp.MustCompile(`^[245](\.\d{1,3}\.\d{1,3})(?: |$)`)

// detail returns the second and third part of the enhanced status code (RFC
// 3463) as ".3.4", or "".
func (r reply) detail() string {
	if m := status.FindStringSubmatch(r.lines[len(r.lines)-1]); m != nil {
		return m[1]
	}
	return ""
}

// tooLarge tells whether the status says that the mail's size is the reason:
// "message too big for system", "message length exceeds administrative limit".
func (r reply) tooLarge() bool { return r.detail() == ".3.4" || r.detail() == ".2.3" }

// mailboxFull is the status of a mailbox without room.
const mailboxFull = ".2.2"

// alike is equal for refusals that have one reason. Servers name one policy by
// several statuses, so all of security and policy (x.7) are one; else it is the
// status, or the code of an answer that has none.
func (r reply) alike() string {
	why := r.detail()
	switch {
	case strings.HasPrefix(why, ".7."):
		return "5.7"
	case why != "":
		return "5" + why
	}
	return strconv.Itoa(r.code)
}

// Postfix says "queued as X", Exim "OK id=X".
var queued = regexp.MustCompile(`(?:^| )(?:queued as |id=)([0-9A-Za-z._-]{1,100})(?: |$)`)

// queueID returns what the server calls the mail now, or "".
func queueID(r reply) string {
	for _, line := range r.lines {
		if m := queued.FindStringSubmatch(line); m != nil {
			return m[1]
		}
	}
	return ""
}
