package smtp

import (
	"crypto/tls"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	server "github.com/emersion/go-smtp"

	"lpexport/archive"
	"lpexport/archive/archivetest"
)

// mailbox is the backend of a server that another library brings.
type mailbox struct {
	mechanisms []string // to log in by; nil: nobody need

	sync.Mutex
	mails     [][]byte
	envelopes []string // sender and recipient of each
	sizes     []int64  // as MAIL gave them
	logins    []string // mechanism and user of each
}

// visit is one session with a mailbox.
type visit struct {
	*mailbox
	from, to string
	size     int64
	known    bool
}

var errStranger = &server.SMTPError{Code: 530, EnhancedCode: server.EnhancedCode{5, 7, 0}, Message: "log in first"}

func (m *mailbox) NewSession(*server.Conn) (server.Session, error) {
	return &visit{mailbox: m, known: m.mechanisms == nil}, nil
}

func (v *visit) Reset()        { v.from, v.to = "", "" }
func (v *visit) Logout() error { return nil }

func (v *visit) Mail(from string, o *server.MailOptions) error {
	if !v.known {
		return errStranger
	}
	v.from, v.size = from, o.Size
	return nil
}

func (v *visit) Rcpt(to string, _ *server.RcptOptions) error {
	v.to += to
	return nil
}

func (v *visit) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	v.Lock()
	defer v.Unlock()
	v.mails = append(v.mails, data)
	v.envelopes = append(v.envelopes, v.from+" "+v.to)
	v.sizes = append(v.sizes, v.size)
	return nil
}

func (v *visit) AuthMechanisms() []string { return v.mechanisms }

func (v *visit) Auth(mechanism string) (sasl.Server, error) {
	check := func(user, pass string) error {
		if user != username || pass != password {
			return server.ErrAuthFailed
		}
		v.Lock()
		defer v.Unlock()
		v.known = true
		v.logins = append(v.logins, mechanism+" "+user)
		return nil
	}
	if mechanism == sasl.Login {
		return &loginServer{check: check}, nil
	}
	return sasl.NewPlainServer(func(_, user, pass string) error { return check(user, pass) }), nil
}

// loginServer is the server's side of the mechanism LOGIN.
type loginServer struct {
	check func(user, pass string) error
	said  []string
}

func (l *loginServer) Next(response []byte) (challenge []byte, done bool, err error) {
	if response != nil {
		l.said = append(l.said, string(response))
	}
	switch len(l.said) {
	case 0:
		return []byte("Username:"), false, nil
	case 1:
		return []byte("Password:"), false, nil
	}
	return nil, true, l.check(l.said[0], l.said[1])
}

func (m *mailbox) received() [][]byte {
	m.Lock()
	defer m.Unlock()
	return slices.Clone(m.mails)
}

// serve starts a server for the mailbox on loopback and returns how to reach it.
func (m *mailbox) serve(t testing.TB, mode string) Config {
	t.Helper()
	ca := newAuthority(t)
	secure := &tls.Config{Certificates: []tls.Certificate{ca.issue(t, "localhost", time.Now().Add(time.Hour))}}
	s := server.NewServer(m)
	s.Domain, s.MaxMessageBytes, s.ErrorLog = "mx.example", 1<<20, quiet{}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	switch mode {
	case StartTLS:
		s.TLSConfig = secure
	case ImplicitTLS:
		l = tls.NewListener(l, secure)
	}
	var done sync.WaitGroup
	done.Go(func() { _ = s.Serve(l) })
	t.Cleanup(func() {
		_ = s.Close()
		_ = l.Close() // Serve may not have told the server of it yet
		done.Wait()
	})
	return Config{
		Account: archivetest.Account, Name: archivetest.Name, Host: "localhost", Port: port, TLS: mode, CA: ca.pool,
		Sender: sender, Recipient: recipient,
	}
}

// quiet drops what the server says when a client leaves it.
type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

func TestContract(t *testing.T) {
	for _, test := range []struct {
		name, mode string
		mechanisms []string
	}{
		{"StartTLS", StartTLS, nil},
		{"TLS", ImplicitTLS, nil},
		{"Plain", NoTLS, nil},
		{"LoggedIn", StartTLS, []string{sasl.Plain}},
	} {
		t.Run(test.name, func(t *testing.T) {
			archivetest.RunFiles(t, func(t *testing.T) archivetest.FileTarget {
				box := &mailbox{mechanisms: test.mechanisms}
				c := box.serve(t, test.mode)
				if test.mechanisms != nil {
					c.Username, c.Password = username, password
				}
				return archivetest.FileTarget{Open: func() archive.Destination { return open(t, c) }, Received: box.received}
			})
		})
	}
}

func TestReceiptAndEnvelope(t *testing.T) {
	box := &mailbox{mechanisms: []string{sasl.Login}}
	c := box.serve(t, ImplicitTLS)
	c.Username, c.Password = username, password
	item := archivetest.FileItems(t, 1)[0]
	receipt, err := deliver(open(t, c), item)
	if err != nil {
		t.Fatal(err)
	}
	if want := "smtp://" + c.address() + "/" + recipient; receipt.Where != want || !strings.HasPrefix(receipt.Answer, "250 2.0.0 OK") {
		t.Errorf("receipt %+v, want where %q", receipt, want)
	}
	if !slices.Equal(box.envelopes, []string{sender + " " + recipient}) {
		t.Errorf("envelopes %q", box.envelopes)
	}
	if !slices.Equal(box.sizes, []int64{item.File.Bytes}) {
		t.Errorf("SIZE %d of a mail of %d bytes", box.sizes, item.File.Bytes)
	}
	if !slices.Equal(box.logins, []string{sasl.Login + " " + username}) {
		t.Errorf("logins %q", box.logins)
	}
}

func TestProbe(t *testing.T) {
	box := &mailbox{mechanisms: []string{sasl.Plain, sasl.Login}}
	c := box.serve(t, StartTLS)
	c.Username, c.Password = username, password
	facts, err := open(t, c).Probe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(facts, "\n")
	for _, want := range []string{"mx.example", "TLS 1.3, TLS_", "valid until", "at most 1048576 bytes", "PLAIN LOGIN", username, recipient, sender} {
		if !strings.Contains(all, want) {
			t.Errorf("no %q in the facts:\n%s", want, all)
		}
	}
	if strings.Contains(all, password) {
		t.Error("the facts hold the password")
	}
	c.Password = "another"
	_, err = open(t, c).Probe(t.Context())
	if got := verdictOf(t, err); got != "halt+" {
		t.Errorf("wrong password: %s: %v", got, err)
	}
}
