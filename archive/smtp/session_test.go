package smtp

import (
	"crypto/tls"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lpexport/archive/archivetest"
)

// saw returns what the server saw, as words.
func (s *scripted) saw() string {
	s.Lock()
	defer s.Unlock()
	return strings.Join(s.seen, " ")
}

func TestSessionsAreReusedUpToTheCap(t *testing.T) {
	server := &scripted{}
	c := server.plain()
	c.PerConnection = 3
	d := open(t, c)
	items := archivetest.FileItems(t, 7)
	for _, item := range items {
		if _, err := deliver(d, item); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	server.done.Wait()
	const mail = " MAIL RCPT DATA end"
	three := "greeting EHLO" + strings.Repeat(mail, 3) + " QUIT "
	if got, want := server.saw(), three+three+"greeting EHLO"+mail+" QUIT"; got != want {
		t.Errorf("the server saw %q, want %q", got, want)
	}
	wantMails(t, server, items...)
}

func TestIdleSessionIsNotTrusted(t *testing.T) {
	for wait, connections := range map[time.Duration]int{30 * time.Second: 1, 31 * time.Second: 2} {
		now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
		server := &scripted{}
		c := server.plain()
		c.Now = func() time.Time { return now }
		d := open(t, c)
		items := archivetest.FileItems(t, 2)
		for _, item := range items {
			if _, err := deliver(d, item); err != nil {
				t.Fatal(err)
			}
			now = now.Add(wait)
		}
		if server.connections != connections {
			t.Errorf("%d connections after %s, want %d", server.connections, wait, connections)
		}
		wantMails(t, server, items...)
	}
}

// Servers close sessions without asking. That delays nothing, and a server that
// closes new sessions too is left alone.
func TestUsedSessionThatEndsIsReplacedOnce(t *testing.T) {
	items := archivetest.FileItems(t, 2)
	for _, answer := range []string{"421 4.7.0 enough", closes} {
		for _, at := range []string{"MAIL", "RCPT", "DATA"} {
			server := &scripted{}
			times := 0
			server.event = func(what string) {
				server.Lock()
				defer server.Unlock()
				if what == at {
					times++
					delete(server.answers, at)
				}
			}
			d := open(t, server.plain())
			if _, err := deliver(d, items[0]); err != nil {
				t.Fatal(err)
			}
			server.set(map[string]string{at: answer})
			if _, err := deliver(d, items[1]); err != nil || server.connections != 2 || times != 3 {
				t.Errorf("%q to %s: %d connections, %s %d times: %v", answer, at, server.connections, at, times, err)
			}
			wantMails(t, server, items...)
		}
		server := &scripted{}
		d := open(t, server.plain())
		if _, err := deliver(d, items[0]); err != nil {
			t.Fatal(err)
		}
		server.set(map[string]string{"MAIL": answer})
		_, err := deliver(d, items[1])
		if got := strings.TrimSuffix(verdictOf(t, err), "+"); got != "retry" || server.connections != 2 {
			t.Errorf("%q for ever: %s, %d connections: %v", answer, got, server.connections, err)
		}
	}
}

func TestMailAboveALimitIsNotSent(t *testing.T) {
	item := archivetest.FileItems(t, 1)[0]
	server := &scripted{offers: []string{"SIZE 100"}}
	_, err := deliver(open(t, server.plain()), item)
	if got := verdictOf(t, err); got != "reject+" || server.saw() != "greeting EHLO" {
		t.Errorf("above SIZE: %s after %q: %v", got, server.saw(), err)
	}
	server = &scripted{}
	c := server.plain()
	c.MaxBytes = item.File.Bytes - 1
	_, err = deliver(open(t, c), item)
	if got := verdictOf(t, err); got != "reject+" || server.connections != 0 {
		t.Errorf("above MaxBytes: %s, %d connections: %v", got, server.connections, err)
	}
	c.MaxBytes++
	if _, err := deliver(open(t, c), item); err != nil {
		t.Errorf("of exactly MaxBytes: %v", err)
	}
}

func TestSizeIsAnnouncedOnlyWhereItIsKnown(t *testing.T) {
	item := archivetest.FileItems(t, 1)[0]
	for offer, want := range map[string]string{
		"":             "MAIL FROM:<" + sender + ">",
		"SIZE":         "MAIL FROM:<" + sender + "> SIZE=1113",
		"size 0":       "MAIL FROM:<" + sender + "> SIZE=1113",
		"SIZE what?":   "MAIL FROM:<" + sender + "> SIZE=1113",
		"SIZE 9999999": "MAIL FROM:<" + sender + "> SIZE=1113",
	} {
		server := &scripted{offers: []string{offer}}
		if _, err := deliver(open(t, server.plain()), item); err != nil {
			t.Fatal(err)
		}
		if want = strings.ReplaceAll(want, "1113", strconv.FormatInt(item.File.Bytes, 10)); !slices.Contains(server.lines, want) {
			t.Errorf("%q offered: no %q in %q", offer, want, server.lines)
		}
	}
}

// What a server repeats of a login must not get into a log.
func TestLoginIsNotRepeated(t *testing.T) {
	item := archivetest.FileItems(t, 1)[0]
	secret := encode("\x00" + username + "\x00" + password)
	for _, answer := range []string{"500 what is AUTH PLAIN " + secret, "AUTH PLAIN " + secret, "535-no\r\n535 " + password + " is wrong", "AUTH " + encode(password)} {
		server := &scripted{offers: []string{"AUTH LOGIN PLAIN"}, answers: map[string]string{"AUTH": answer}}
		c := server.plain()
		c.Username, c.Password = username, password
		_, err := deliver(open(t, c), item)
		if verdictOf(t, err) == "ok" || strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), encode(password)) {
			t.Errorf("%v", err)
		}
		if !slices.Contains(server.lines, "AUTH PLAIN "+secret) {
			t.Errorf("the server was told %q", server.lines)
		}
	}
}

func TestNoWayToLogInHalts(t *testing.T) {
	server := &scripted{offers: []string{"AUTH GSSAPI CRAM-MD5"}}
	c := server.plain()
	c.Username, c.Password = username, password
	_, err := deliver(open(t, c), archivetest.FileItems(t, 1)[0])
	if got := verdictOf(t, err); got != "halt+" || server.saw() != "greeting EHLO" {
		t.Errorf("%s after %q: %v", got, server.saw(), err)
	}
}

// Where TLS is asked for, nothing but EHLO and STARTTLS is said without it, and
// nothing to a server that cannot prove who it is.
func TestTLSFaults(t *testing.T) {
	item := archivetest.FileItems(t, 1)[0]
	ca, other := newAuthority(t), newAuthority(t)
	good := ca.issue(t, "localhost", time.Now().Add(time.Hour))
	secure := func(cert tls.Certificate, more func(*tls.Config)) *tls.Config {
		c := &tls.Config{Certificates: []tls.Certificate{cert}}
		if more != nil {
			more(c)
		}
		return c
	}
	wantsClient := func(c *tls.Config) { c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, ca.pool }
	client := []tls.Certificate{ca.issue(t, "lpexport", time.Now().Add(time.Hour))}
	for _, test := range []struct {
		name    string
		tls     *tls.Config
		client  []tls.Certificate
		answers map[string]string
		want    string
		hint    string
	}{
		{"good", secure(good, nil), nil, nil, "ok", ""},
		{"TLS 1.2", secure(good, func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }), nil, nil, "ok", ""},
		{"TLS 1.1", secure(good, func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }), nil, nil, "halt+", "TLS 1.2"},
		{"another authority", secure(other.issue(t, "localhost", time.Now().Add(time.Hour)), nil), nil, nil, "halt+", "smtp.ca_file"},
		{"another name", secure(ca.issue(t, "mx.example", time.Now().Add(time.Hour)), nil), nil, nil, "halt+", "smtp.host"},
		{"expired", secure(ca.issue(t, "localhost", longAgo.AddDate(0, 1, 0)), nil), nil, nil, "halt+", "clock"},
		{"client certificate", secure(good, wantsClient), client, nil, "ok", ""},
		{"not offered", nil, nil, nil, "halt+", "smtp.tls"},
		{"refused for now", secure(good, nil), nil, map[string]string{"STARTTLS": "454 4.7.0 not now"}, "retry", ""},
		{"refused", secure(good, nil), nil, map[string]string{"STARTTLS": "502 5.5.1 what?"}, "halt+", "smtp.tls"},
		{"more after the answer", secure(good, nil), nil, map[string]string{"STARTTLS": "220 go\r\n250 EHLO is fine"}, "halt+", "between"},
		{"closed", secure(good, nil), nil, map[string]string{"STARTTLS": closes}, "retry", ""},
		{"hangs", secure(good, nil), nil, map[string]string{"STARTTLS": hangs}, "retry", ""},
		{"no handshake", nil, nil, map[string]string{"STARTTLS": "220 go"}, "halt+", "smtp.port"},
	} {
		synctest.Test(t, func(t *testing.T) {
			server := &scripted{offers: []string{"AUTH PLAIN", "STARTTLS"}, tls: test.tls, answers: test.answers}
			if test.name == "not offered" {
				server.offers = server.offers[:1]
			}
			c := server.plain()
			c.TLS, c.CA, c.Certificates, c.Username, c.Password = StartTLS, ca.pool, test.client, username, password
			d := open(t, c)
			defer server.done.Wait()
			defer d.Close()
			_, err := deliver(d, item)
			if got := verdictOf(t, err); got != test.want || err != nil && !strings.Contains(hintOf(err), test.hint) {
				t.Errorf("%s: %s, want %s: %v (%s)", test.name, got, test.want, err, hintOf(err))
			}
			if saw := server.saw(); err != nil && (strings.Contains(saw, "AUTH") || strings.Contains(saw, "MAIL")) {
				t.Errorf("%s: the server saw %q", test.name, saw)
			}
		})
	}
}

// With TLS 1.3 a client hears only later that its certificate is missing.
func TestMissingClientCertificateHalts(t *testing.T) {
	ca := newAuthority(t)
	for _, mode := range []string{StartTLS, ImplicitTLS} {
		server := &scripted{offers: []string{"STARTTLS"}, wrapped: mode == ImplicitTLS, tls: &tls.Config{
			Certificates: []tls.Certificate{ca.issue(t, "localhost", time.Now().Add(time.Hour))},
			ClientAuth:   tls.RequireAnyClientCert,
		}}
		c := server.plain()
		c.TLS, c.CA, c.Dial = mode, ca.pool, server.dialTCP
		_, err := deliver(open(t, c), archivetest.FileItems(t, 1)[0])
		if got := verdictOf(t, err); got != "halt+" || !strings.Contains(hintOf(err), "smtp.cert_file") {
			t.Errorf("%s: %s: %v (%s)", mode, got, err, hintOf(err))
		}
		server.done.Wait()
	}
}

func TestImplicitTLSToAPlainServerHalts(t *testing.T) {
	server := &scripted{}
	c := server.plain()
	c.TLS = ImplicitTLS
	_, err := deliver(open(t, c), archivetest.FileItems(t, 1)[0])
	if got := verdictOf(t, err); got != "halt+" || !strings.Contains(hintOf(err), "smtp.tls: starttls") {
		t.Errorf("%s: %v (%s)", got, err, hintOf(err))
	}
}

// A server that waits for TLS says nothing: the hint names the key.
func TestPlainToATLSServerIsRetriedWithAHint(t *testing.T) {
	item := archivetest.FileItems(t, 1)[0]
	synctest.Test(t, func(t *testing.T) {
		server := &scripted{answers: map[string]string{"greeting": hangs}}
		d := open(t, server.plain())
		_, err := deliver(d, item)
		if got := verdictOf(t, err); got != "retry+" || !strings.Contains(hintOf(err), "smtp.tls: tls") {
			t.Errorf("%s: %v (%s)", got, err, hintOf(err))
		}
		server.done.Wait()
	})
}
