package smtp

import (
	"errors"
	"time"
)

// farewell is how long the answer to QUIT is waited for.
const farewell = 5 * time.Second

// step is a command and what its answer should be: see reply.is.
type step struct {
	at   stage
	line string
	want int
}

// ask sends commands in one go and reads an answer to each. It returns the last
// answer, or a *fault of the first that is not what it should be.
func (s *session) ask(steps ...step) (reply, error) {
	for _, step := range steps {
		// The writer keeps its first error for Flush.
		_, _ = s.out.WriteString(step.line)
		_, _ = s.out.WriteString("\r\n")
	}
	if err := s.out.Flush(); err != nil {
		s.broken = true
		return reply{}, &fault{at: steps[0].at, err: err}
	}
	var last reply
	var first error
	for _, step := range steps {
		answer, err := s.read(step.at, step.want, s.c.CommandTimeout)
		if first == nil {
			first = err
		}
		if s.broken {
			return reply{}, first
		}
		last = answer
	}
	return last, first
}

// read reads the answer that is due. With a *fault for an answer that is not
// the wanted one, it returns that answer too.
func (s *session) read(at stage, want int, timeout time.Duration) (reply, error) {
	if err := s.link.SetReadDeadline(time.Now().Add(timeout)); err != nil {
		s.broken = true
		return reply{}, &fault{at: at, err: err}
	}
	answer, err := readReply(s.in)
	if at == atAuth && s.secrets != nil {
		answer, err = s.redact(answer, err)
	}
	if err != nil {
		s.broken = true
		return reply{}, &fault{at: at, err: err}
	}
	if answer.is(want) {
		return answer, nil
	}
	// 421 says that the server closes. Anything but a refusal means that we do
	// not understand each other.
	if answer.code == 421 || answer.code < 400 {
		s.broken = true
	}
	return answer, &fault{at: at, reply: answer}
}

// redact removes what we sent from an answer: some servers repeat what they do
// not understand.
func (s *session) redact(answer reply, err error) (reply, error) {
	for i, line := range answer.lines {
		answer.lines[i] = s.secrets.Replace(line)
	}
	if other, ok := errors.AsType[*notSMTPError](err); ok {
		other.line = s.secrets.Replace(other.line)
	}
	return answer, err
}

// quit ends the session as a guest does, and does not insist on an answer.
func (s *session) quit() {
	s.link.timeout = min(farewell, s.link.timeout)
	if _, err := s.out.WriteString("QUIT\r\n"); err == nil && s.out.Flush() == nil {
		_, _ = s.read(atQuit, 221, s.link.timeout)
	}
	s.close()
}

func (s *session) close() {
	s.broken = true
	_ = s.raw.Close()
}
