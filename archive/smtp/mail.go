package smtp

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"lpexport/archive"
)

// mail is one mail and its envelope.
type mail struct {
	sender, recipient string
	path              string // of the item
	size              int64
	text              *bufio.Reader
}

// mail sends a mail and returns the answer by which the server took it.
func (s *session) mail(m mail) (reply, error) {
	if err := s.envelope(m.sender, m.recipient, m.size, step{atData, "DATA", 354}); err != nil {
		return reply{}, err
	}
	if err := s.text(m); err != nil {
		return reply{}, err
	}
	return s.finish()
}

// envelope says from whom, to whom and, if size is not 0, how large, and then
// what follows. After an error the session has forgotten it again.
func (s *session) envelope(sender, recipient string, size int64, then ...step) error {
	from := "MAIL FROM:<" + sender + ">"
	if _, known := s.offers["SIZE"]; known && size > 0 {
		from += fmt.Sprintf(" SIZE=%d", size)
	}
	steps := append([]step{{atMail, from, 25}, {atRcpt, "RCPT TO:<" + recipient + ">", 25}}, then...)
	err := s.askAll(steps)
	if err != nil && !s.broken {
		if _, again := s.ask(step{atReset, "RSET", 250}); again != nil {
			s.broken = true
		}
	}
	return err
}

// askAll sends the commands together if the server takes them so (RFC 2920),
// which on a long line doubles the speed, else one after the other.
func (s *session) askAll(steps []step) error {
	if _, together := s.offers["PIPELINING"]; !together {
		for _, step := range steps {
			if _, err := s.ask(step); err != nil {
				return err
			}
		}
		return nil
	}
	last, err := s.ask(steps...)
	if err != nil && last.code == 354 {
		s.broken = true // it waits for a mail that has no recipient
	}
	return err
}

// text sends the mail up to its final dot, which it does not send.
func (s *session) text(m mail) error {
	size := int64(0)
	for {
		line, err := m.text.ReadSlice('\n')
		if err == io.EOF && len(line) == 0 && size == m.size && size > 0 {
			return nil
		}
		if err == nil || err == io.EOF || errors.Is(err, bufio.ErrBufferFull) {
			err = checkLine(line)
		}
		if err != nil {
			s.broken = true // nothing after this may look like the end of the mail
			return damaged(m.path, err)
		}
		size += int64(len(line))
		// A dot that starts a line is doubled (RFC 5321 4.5.2).
		if line[0] == '.' {
			_ = s.out.WriteByte('.')
		}
		if _, err := s.out.Write(line); err != nil {
			return s.interrupted(atText, err)
		}
	}
}

// Of lines that are not as they should be, servers make others.
var (
	errNoCRLF  = errors.New("a line of the mail does not end with CRLF")
	errLong    = errors.New("a line of the mail is longer than 998 bytes")
	errBareCR  = errors.New("a line of the mail holds a CR that does not end it")
	errNot7Bit = errors.New("a line of the mail holds a byte that is not 7-bit")
	errSize    = errors.New("the mail has not the size it was rendered with")
)

// checkLine checks one line of a mail, with its end.
func checkLine(line []byte) error {
	switch cr := bytes.IndexByte(line, '\r'); {
	case len(line) == 0:
		return errSize
	case len(line) > 1000:
		return errLong
	case line[len(line)-1] != '\n' || len(line) < 2 || line[len(line)-2] != '\r':
		return errNoCRLF
	case cr != len(line)-2:
		return errBareCR
	case bytes.IndexByte(line, 0) >= 0 || !is7Bit(line):
		return errNot7Bit
	}
	return nil
}

func is7Bit(p []byte) bool {
	var all uint64
	for ; len(p) >= 8; p = p[8:] {
		all |= binary.LittleEndian.Uint64(p)
	}
	for _, b := range p {
		all |= uint64(b)
	}
	return all&0x8080808080808080 == 0
}

// interrupted is the fault of a link that was lost while the mail was sent. Some
// servers say why before they close.
func (s *session) interrupted(at stage, err error) error {
	s.broken = true
	if !isTimeout(err) {
		if answer, err := s.read(at, 0, s.c.CommandTimeout); answer.code >= 400 {
			return err
		}
	}
	return &fault{at: at, err: err}
}

// finish sends the final dot and reads what the server makes of the mail.
func (s *session) finish() (reply, error) {
	before := s.link.written + int64(s.out.Buffered())
	_, _ = s.out.WriteString(".\r\n")
	if err := s.out.Flush(); err != nil {
		at := atEnd
		if s.link.written <= before {
			at = atText
		}
		return reply{}, s.interrupted(at, err)
	}
	return s.read(atEnd, 25, s.c.DataTimeout)
}

// damaged is an error of our own state.
func damaged(path string, err error) error {
	return &archive.Error{
		Class: archive.Abort, Op: "read spooled item", Path: path, Err: err,
		Hint: "the spool is damaged: nothing is delivered from it",
	}
}
