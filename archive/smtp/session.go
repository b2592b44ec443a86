package smtp

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// bufferBytes is how much of a mail goes out in one write.
const bufferBytes = 64 << 10

// session is a connection on which the server has greeted us and, where that is
// asked for, TLS and the login are done.
type session struct {
	raw    net.Conn // below TLS: closing it ends whatever is going on
	link   *link
	in     *bufio.Reader
	out    *bufio.Writer
	c      Config
	broken bool // nothing more can be sent

	greeting string
	offers   map[string]string // keywords of the last EHLO, upper case, with their parameters
	secrets  *strings.Replacer // in answers to AUTH; nil: none was sent
	mails    int               // that were tried
	used     time.Time         // last, by Config.Now
}

// link is a connection that ends when a write makes no progress, and counts
// what was handed to it.
type link struct {
	net.Conn
	timeout time.Duration
	written int64
}

func (l *link) Write(p []byte) (int, error) {
	if err := l.SetWriteDeadline(time.Now().Add(l.timeout)); err != nil {
		return 0, err
	}
	n, err := l.Conn.Write(p)
	l.written += int64(n)
	return n, err
}

// connect opens a session.
func (d *Destination) connect(ctx context.Context) (*session, error) {
	dialling, cancel := context.WithTimeout(ctx, d.c.DialTimeout)
	defer cancel()
	raw, err := d.c.Dial(dialling, "tcp", d.c.address())
	if err != nil {
		return nil, &fault{at: atConnect, err: err}
	}
	s := &session{raw: raw, c: d.c}
	s.use(raw)
	if err := s.within(ctx, func() error { return s.establish(d.tls) }); err != nil {
		s.close()
		return nil, err
	}
	s.used = d.c.Now()
	return s, nil
}

// use talks over conn from now on. What was read before and not used is lost.
func (s *session) use(conn net.Conn) {
	s.link = &link{Conn: conn, timeout: s.c.CommandTimeout}
	s.in = bufio.NewReaderSize(s.link, maxReplyLine)
	s.out = bufio.NewWriterSize(s.link, bufferBytes)
}

// within runs a part of the dialogue, which ends at once when ctx does.
func (s *session) within(ctx context.Context, part func() error) error {
	stop := context.AfterFunc(ctx, func() { _ = s.raw.Close() })
	err := part()
	if !stop() {
		s.broken = true
	}
	return err
}

// establish brings a fresh connection to where mails can be sent.
func (s *session) establish(secure *tls.Config) error {
	if s.c.TLS == ImplicitTLS {
		if err := s.handshake(secure); err != nil {
			return err
		}
	}
	hello, err := s.read(atGreeting, 220, s.c.CommandTimeout)
	if err != nil {
		return err
	}
	s.greeting, _, _ = strings.Cut(hello.lines[0], " ")
	if err := s.hello(); err != nil {
		return err
	}
	if s.c.TLS == StartTLS {
		if err := s.startTLS(secure); err != nil {
			return err
		}
	}
	if s.c.Username != "" {
		return s.login()
	}
	return nil
}

func (s *session) hello() error {
	name := s.c.Hello
	if name == "" {
		name = literal(s.raw.LocalAddr())
	}
	answer, err := s.ask(step{atHello, "EHLO " + name, 250})
	if err != nil {
		return err
	}
	s.offers = map[string]string{}
	for _, line := range answer.lines[1:] {
		keyword, parameters, _ := strings.Cut(line, " ")
		s.offers[strings.ToUpper(keyword)] = parameters
	}
	return nil
}

// literal is the name of a host that knows only its address (RFC 5321 4.1.3).
func literal(local net.Addr) string {
	at, err := netip.ParseAddrPort(local.String())
	if err != nil {
		return "localhost"
	}
	addr := at.Addr().Unmap().WithZone("")
	if addr.Is4() {
		return "[" + addr.String() + "]"
	}
	return "[IPv6:" + addr.String() + "]"
}

// startTLS goes over to TLS, and never on without it: who strips the offer from
// the answer to EHLO wants to read along.
func (s *session) startTLS(secure *tls.Config) error {
	if _, offered := s.offers["STARTTLS"]; !offered {
		return &fault{at: atStartTLS, err: errNoStartTLS}
	}
	if _, err := s.ask(step{atStartTLS, "STARTTLS", 220}); err != nil {
		return err
	}
	// Somebody in between could have put it there, to be taken for an answer
	// that came by TLS.
	if s.in.Buffered() > 0 {
		return &fault{at: atStartTLS, err: errInjected}
	}
	if err := s.handshake(secure); err != nil {
		return err
	}
	return s.hello()
}

func (s *session) handshake(secure *tls.Config) error {
	conn := tls.Client(s.raw, secure)
	if err := conn.SetDeadline(time.Now().Add(s.c.CommandTimeout)); err != nil {
		return &fault{at: atHandshake, err: err}
	}
	if err := conn.Handshake(); err != nil {
		return &fault{at: atHandshake, err: err}
	}
	s.use(conn)
	return nil
}

// login uses PLAIN (RFC 4616), or LOGIN where that is all there is. A refused
// password is tried once: several tries lock accounts.
func (s *session) login() error {
	user, password := encode(s.c.Username), encode(s.c.Password)
	both := encode("\x00" + s.c.Username + "\x00" + s.c.Password)
	s.secrets = strings.NewReplacer(both, redacted, password, redacted, s.c.Password, redacted)
	var steps []step
	switch offered := strings.Fields(strings.ToUpper(s.offers["AUTH"])); {
	case slices.Contains(offered, "PLAIN"):
		steps = []step{{atAuth, "AUTH PLAIN " + both, 235}}
	case slices.Contains(offered, "LOGIN"):
		steps = []step{{atAuth, "AUTH LOGIN", 334}, {atAuth, user, 334}, {atAuth, password, 235}}
	case slices.Contains(offered, "XOAUTH2"), slices.Contains(offered, "OAUTHBEARER"):
		return &fault{at: atAuth, err: errOnlyOAuth}
	default:
		return &fault{at: atAuth, err: errNoLogin}
	}
	for _, step := range steps {
		if _, err := s.ask(step); err != nil {
			return err
		}
	}
	return nil
}

const redacted = "[redacted]"

func encode(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// limit is the largest mail that the server takes (RFC 1870), or 0.
func (s *session) limit() int64 {
	n, err := strconv.ParseInt(s.offers["SIZE"], 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}
