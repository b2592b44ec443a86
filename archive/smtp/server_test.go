package smtp

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lpexport/archive"
	"lpexport/archive/archivetest"
)

const (
	sender    = "bounces@bank.example"
	recipient = "journal@archive.example"
	username  = "archiver"
	password  = "s3cret-of-the-test"
)

// longAgo is before the clock of any synctest bubble starts.
var longAgo = time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC)

// authority signs the certificates of one test.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	a := &authority{pool: x509.NewCertPool()}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test CA"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: longAgo, NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	var der []byte
	a.key, der = a.sign(t, template, template)
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	a.cert = cert
	a.pool.AddCert(cert)
	return a
}

// sign makes a key and a certificate for it; parent == template signs itself.
func (a *authority) sign(t testing.TB, template, parent *x509.Certificate) (*ecdsa.PrivateKey, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer := a.key
	if parent == template {
		signer = key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	return key, der
}

// issue returns a certificate for a host, or for a client.
func (a *authority) issue(t testing.TB, host string, until time.Time) tls.Certificate {
	t.Helper()
	key, der := a.sign(t, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host},
		NotBefore: longAgo, NotAfter: until,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, a.cert)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// What a scripted server does in place of an answer.
const (
	closes = "(closes)"
	hangs  = "(hangs)"
)

// scripted is a server that answers as a test wants it to. It is asked over
// pipes, one a connection.
type scripted struct {
	answers map[string]string // by verb, "greeting", "text" (one line of it was read; closes or hangs) or "end"; absent: what a good server says
	offers  []string          // by EHLO, besides the name
	tls     *tls.Config       // for STARTTLS
	wrapped bool              // TLS from the first byte
	strict  bool              // answers 503 to DATA after a refusal
	event   func(what string) // called before each answer, if not nil

	sync.Mutex
	seen        []string // verbs in the order they came, over all connections
	lines       []string // the commands themselves
	mails       [][]byte // that were answered with 250
	halves      []string // of mails whose end did not come, if anything did
	connections int
	done        sync.WaitGroup
}

// dial is a Config.Dial.
func (s *scripted) dial(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	s.Lock()
	s.connections++
	s.Unlock()
	s.done.Go(func() { s.serve(theirs) })
	return ours, nil
}

// dialTCP is a Config.Dial too. A loopback connection has buffers, which a pipe
// has not.
func (s *scripted) dialTCP(ctx context.Context, network, _ string) (net.Conn, error) {
	l, err := net.Listen(network, "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s.Lock()
	s.connections++
	s.Unlock()
	s.done.Go(func() {
		theirs, err := l.Accept()
		_ = l.Close()
		if err == nil {
			s.serve(theirs)
		}
	})
	ours, err := new(net.Dialer).DialContext(ctx, network, l.Addr().String())
	if err != nil {
		_ = l.Close()
	}
	return ours, err
}

// lastWords lets the other side read what was said before the connection goes.
func lastWords(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.CloseWrite()
		_, _ = io.Copy(io.Discard, tcp)
	}
}

// guest is one connection to a scripted server.
type guest struct {
	*scripted
	conn    net.Conn
	in      *textproto.Reader
	out     chan string // a pipe has no buffer: who writes waits for a reader
	written sync.WaitGroup
	offers  []string
	refused bool // MAIL or RCPT was
}

func (g *guest) use(conn net.Conn) {
	g.flush()
	// Little is read ahead, so that what was not read is not taken for sent.
	g.conn, g.in = conn, textproto.NewReader(bufio.NewReaderSize(conn, 16))
	out := make(chan string, 100)
	g.out = out
	g.written.Go(func() {
		for said := range out {
			_, _ = io.WriteString(conn, said)
		}
	})
}

// flush waits until all answers are read, or the other side is gone.
func (g *guest) flush() {
	if g.out != nil {
		close(g.out)
	}
	g.written.Wait()
}

func (s *scripted) serve(conn net.Conn) {
	defer conn.Close()
	defer lastWords(conn)
	g := &guest{scripted: s, offers: s.offers}
	g.use(conn)
	defer func() { g.flush() }()
	if s.wrapped {
		g.use(tls.Server(conn, s.tls))
	}
	if _, goesOn := g.answer("greeting", "220 mx.example ESMTP"); !goesOn {
		return
	}
	for {
		line, err := g.in.ReadLine()
		if err != nil {
			return
		}
		verb, _, _ := strings.Cut(strings.ToUpper(line), " ")
		s.Lock()
		s.lines = append(s.lines, line)
		s.Unlock()
		if !g.command(verb) {
			return
		}
	}
}

// command obeys a command, and tells whether the session goes on.
func (g *guest) command(verb string) bool {
	good := "250 2.0.0 ok"
	switch verb {
	case "EHLO":
		good = "250-" + strings.Join(append([]string{"mx.example greets you"}, g.offers...), "\r\n250-") + "\r\n250 HELP"
	case "STARTTLS":
		good = "220 go ahead"
	case "AUTH":
		good = "235 2.7.0 welcome"
	case "DATA":
		if good = "354 go ahead"; g.strict && g.refused {
			good = "503 5.5.1 no recipient"
		}
	case "QUIT":
		good = "221 bye"
	}
	said, goesOn := g.answer(verb, good)
	switch {
	case !goesOn, verb == "QUIT":
		return false
	case verb == "STARTTLS" && said == good:
		g.offers = slices.DeleteFunc(slices.Clone(g.offers), func(o string) bool { return o == "STARTTLS" })
		g.use(tls.Server(g.conn, g.tls))
	case verb == "RSET":
		g.refused = false
	case verb == "MAIL", verb == "RCPT":
		g.refused = g.refused || said != good
	case verb == "DATA" && strings.HasPrefix(said, "354"):
		return g.mail()
	}
	return true
}

// mail takes a mail, unless it breaks off in the middle.
func (g *guest) mail() bool {
	var data bytes.Buffer
	for {
		line, err := g.in.R.ReadBytes('\n')
		if err != nil {
			g.unfinished(append(data.Bytes(), line...))
			return false
		}
		if string(line) == ".\r\n" {
			break
		}
		data.Write(bytes.TrimPrefix(line, []byte(".")))
		if how := g.script("text"); how != "" {
			g.on("text")
			if how == hangs { // nobody reads what this writes
				g.out <- "x"
			}
			return false
		}
	}
	good := "250 2.0.0 Ok: queued as 4XyZ01"
	says := cmp.Or(g.script("end"), good)
	if last := strings.LastIndexByte(says, '\n') + 1; strings.HasPrefix(says[last:], "250") {
		g.Lock()
		g.mails = append(g.mails, data.Bytes())
		g.Unlock()
	}
	_, goesOn := g.answer("end", good)
	return goesOn
}

func (s *scripted) unfinished(data []byte) {
	s.Lock()
	defer s.Unlock()
	if len(data) > 0 {
		s.halves = append(s.halves, string(data))
	}
}

func (s *scripted) script(what string) string {
	s.Lock()
	defer s.Unlock()
	return s.answers[what]
}

// answer says what the script wants, else what is good, and tells whether the
// session goes on.
func (g *guest) answer(what, good string) (said string, goesOn bool) {
	g.Lock()
	g.seen = append(g.seen, what)
	said, overridden := g.answers[what]
	g.Unlock()
	g.on(what)
	if !overridden {
		said = good
	}
	switch said {
	case closes:
		g.drain()
		return said, false
	case hangs:
		_, _ = io.Copy(io.Discard, g.conn) // until the other side has had enough
		return said, false
	}
	g.out <- said + "\r\n"
	if strings.HasPrefix(said, "421") {
		g.drain()
		return said, false
	}
	return said, true
}

// drain takes what is still on its way, as a real connection does.
func (g *guest) drain() {
	conn := g.conn
	g.done.Go(func() { _, _ = io.Copy(io.Discard, conn) })
}

func (s *scripted) on(what string) {
	if s.event != nil {
		s.event(what)
	}
}

// set changes the script.
func (s *scripted) set(answers map[string]string) {
	s.Lock()
	defer s.Unlock()
	s.answers = answers
}

// plain is a configuration for the scripted server without TLS.
func (s *scripted) plain() Config {
	return Config{
		Account: archivetest.Account, Name: archivetest.Name, Host: "localhost", Port: 2525, TLS: NoTLS,
		Sender: sender, Recipient: recipient, Dial: s.dial,
	}
}

func open(t testing.TB, c Config) *Destination {
	t.Helper()
	d, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func deliver(d *Destination, item archive.Item) (archive.Receipt, error) {
	return d.Deliver(context.Background(), item)
}

// wantMails compares what the server took with the items.
func wantMails(t *testing.T, s *scripted, items ...archive.Item) {
	t.Helper()
	s.Lock()
	defer s.Unlock()
	if len(s.mails) != len(items) {
		t.Fatalf("the server took %d mails, want %d", len(s.mails), len(items))
	}
	for i, item := range items {
		want, err := os.ReadFile(filepath.Join(item.Dir, filepath.FromSlash(item.File.Path)))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(s.mails[i], want) {
			t.Errorf("mail %d: %d bytes that differ from the %d of %s", i, len(s.mails[i]), len(want), item.File.Path)
		}
	}
}

// spooled returns a mail of this text as an item.
func spooled(t *testing.T, text string) archive.Item {
	t.Helper()
	item := archivetest.FileItems(t, 1)[0]
	if err := os.WriteFile(filepath.Join(item.Dir, filepath.FromSlash(item.File.Path)), []byte(text), 0o640); err != nil {
		t.Fatal(err)
	}
	item.File.Bytes, item.File.SHA256 = int64(len(text)), fmt.Sprintf("%x", sha256.Sum256([]byte(text)))
	return item
}
