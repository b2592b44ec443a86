package main

import (
	"bufio"
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

// stubSMTP is a mail server that answers each command as it is told to. It offers no
// STARTTLS.
type stubSMTP struct {
	greeting, offers string            // after EHLO; "": nothing
	replies          map[string]string // by verb; others are answered 250
	certificate      *tls.Certificate  // not nil: TLS from the first byte
}

// serve returns the port.
func (s stubSMTP) serve(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	port := l.Addr().(*net.TCPAddr).Port
	if s.certificate != nil {
		l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{*s.certificate}})
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go s.talk(conn)
		}
	}()
	return port
}

// talk ends when the client does.
func (s stubSMTP) talk(conn net.Conn) {
	defer conn.Close()
	fmt.Fprintf(conn, "%s\r\n", cmp.Or(s.greeting, "220 mx.archive.example ESMTP"))
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		verb := strings.ToUpper(strings.Fields(lines.Text() + " ?")[0])
		reply, told := s.replies[verb]
		switch {
		case told:
		case verb == "EHLO" && s.offers != "":
			reply = "250-mx.archive.example\r\n250 " + s.offers
		case verb == "QUIT":
			reply = "221 bye"
		default:
			reply = "250 yes"
		}
		fmt.Fprintf(conn, "%s\r\n", reply)
	}
}

// mailTo is a destination at a mail server on a port, with keys of smtp as given.
func mailTo(port any, keys string) string {
	return "    mail: {domain: lpexport.firm.example}\n" +
		fmt.Sprintf("    smtp: {host: 127.0.0.1, port: %v, sender: bounce@firm.example, recipient: archive@vendor.example, %s}\n", port, keys)
}

func seedSMTP() {
	plain := func(number string, s stubSMTP, keys string) {
		seeds[number] = func(t *testing.T) string { return mailTo(s.serve(t), "tls: none"+keys) }
	}
	seeds["M1"] = func(t *testing.T) string { return mailTo(closedPort(t), "tls: none") }
	plain("M2", stubSMTP{greeting: "554 5.7.1 no service for you"}, "")
	plain("M3", stubSMTP{replies: map[string]string{"EHLO": "550 5.7.1 no such host", "HELO": "550 5.7.1 no such host"}}, "")
	seeds["M4"] = func(t *testing.T) string { return mailTo(stubSMTP{}.serve(t), "tls: starttls") }
	secured := func(number string, trusted bool, change func(*x509.Certificate)) {
		seeds[number] = func(t *testing.T) string {
			pair := newCertificate(t, change)
			keys := "tls: tls"
			if trusted {
				keys += ", ca_file: " + writeFile(t, "ca.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]}))
			}
			return mailTo(stubSMTP{certificate: &pair}.serve(t), keys)
		}
	}
	secured("M5", false, func(*x509.Certificate) {})
	secured("M6", true, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Hour) })
	secured("M7", true, func(c *x509.Certificate) { c.IPAddresses, c.DNSNames = nil, []string{"mx.other.example"} })
	seeds["M8"] = func(t *testing.T) string { return mailTo(stubSMTP{}.serve(t), "tls: tls") }
	const login = ", username: u, password: p"
	plain("M9", stubSMTP{offers: "AUTH PLAIN LOGIN", replies: map[string]string{"AUTH": "535 5.7.8 no"}}, login)
	plain("M10", stubSMTP{offers: "AUTH XOAUTH2 OAUTHBEARER"}, login)
	plain("M11", stubSMTP{replies: map[string]string{"MAIL": "550 5.1.8 no such sender"}}, "")
	plain("M12", stubSMTP{replies: map[string]string{"RCPT": "550 5.1.1 no such mailbox"}}, "")
	plain("M13", stubSMTP{replies: map[string]string{"RCPT": "550 5.7.23 SPF"}}, "")
	plain("M14", stubSMTP{replies: map[string]string{"RCPT": "550 5.7.26 DMARC"}}, "")
	plain("M15", stubSMTP{offers: "SIZE 5000"}, "")
}
