package smtp

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"

	"lpexport/archive"
)

// stage is a place in the dialogue, in words for people.
type stage string

const (
	atConnect   stage = "connect"
	atHandshake stage = "TLS handshake"
	atGreeting  stage = "greeting"
	atHello     stage = "EHLO"
	atStartTLS  stage = "STARTTLS"
	atAuth      stage = "AUTH"
	atMail      stage = "MAIL"
	atRcpt      stage = "RCPT"
	atData      stage = "DATA"
	atText      stage = "text of the mail"
	atEnd       stage = "end of the mail"
	atReset     stage = "RSET"
	atQuit      stage = "QUIT"
)

// fault is why a dialogue did not go on: an answer other than the wanted one,
// or none. One at atEnd means that the mail may have been sent whole.
type fault struct {
	at    stage
	reply reply // with code 0 there was none
	err   error // why there was none
}

func (f *fault) Error() string {
	switch {
	case f.reply.code != 0:
		return fmt.Sprintf("%s: the server answered %q", f.at, f.reply)
	case errors.Is(f.err, io.EOF):
		return fmt.Sprintf("%s: the server closed the connection", f.at)
	}
	return fmt.Sprintf("%s: %v", f.at, f.err)
}

func (f *fault) Unwrap() error { return f.err }

var (
	errNoStartTLS = errors.New("the server does not offer it")
	errInjected   = errors.New("something follows the answer in the clear")
	errNoLogin    = errors.New("the server offers neither PLAIN nor LOGIN")
	errOnlyOAuth  = errors.New("the server takes no password: it offers OAuth (XOAUTH2) only")
)

// verdict is what a fault means: see the package's table.
type verdict struct {
	class    archive.Class
	item     bool
	tooLarge bool
	alike    string
	hint     string
}

func (f *fault) verdict() verdict {
	switch code := f.reply.code; {
	case code == 421 && (f.at == atText || f.at == atEnd):
		// It may be the mail that the server gives up on: the ones after it get their turn.
		return verdict{item: true, hint: "the server gave this mail up: it is sent again by itself"}
	case code == 421:
		return verdict{hint: "the server is busy or about to stop: delivery goes on by itself"}
	case code >= 500:
		return f.refused()
	case code >= 400:
		return f.postponed()
	case f.at == atEnd:
		return verdict{class: archive.Uncertain, hint: "the mail is sent again with the same Message-ID: the archive may get it twice"}
	}
	return f.lost()
}

// refused judges a 5yz.
func (f *fault) refused() verdict {
	code, why := f.reply.code, f.reply.detail()
	mail := f.at == atEnd || f.at == atText || f.at == atData && code > 504
	switch {
	case f.reply.tooLarge(), code == 552 && (f.at == atMail || mail && why == ""):
		return verdict{class: archive.Reject, tooLarge: true, hint: hintTooLarge}
	case code == 552 && (f.at == atRcpt || mail && why == mailboxFull):
		return verdict{hint: "the mailbox of the archive is full: delivery then goes on by itself"}
	case code == 530:
		return verdict{class: archive.Halt, hint: cmp.Or(adviceOn(why), "the server wants a login: set smtp.username and smtp.password")}
	case mail:
		return verdict{class: archive.Reject, alike: f.reply.alike(), hint: cmp.Or(adviceOn(why), policy[why])}
	}
	return verdict{class: archive.Halt, hint: cmp.Or(adviceOn(why), refusals[f.at])}
}

// hintTooLarge is what a person can do about a mail that is too large where it
// cannot be split.
const hintTooLarge = "ask the archive to take larger mails, or let lpexport fetch smaller files: files.max_bytes"

// refusals says what to look at after a 5yz that holds for all mails.
var refusals = map[stage]string{
	atGreeting: "the server does not serve this host: ask its administrator to admit the address that lpexport sends from",
	atHello:    "the server does not accept our name: set smtp.hello to the full name of this host",
	atStartTLS: "the server does not do TLS here: check smtp.port and smtp.tls",
	atAuth:     "the login was refused: check smtp.username and smtp.password",
	atMail:     "the sender was refused: check smtp.sender, and whether the server wants a login (smtp.username)",
	atRcpt:     "the recipient was refused: check smtp.recipient, and whether the server wants a login (smtp.username)",
	atData:     "the server does not take mails from us: check smtp.host and smtp.port",
}

// postponed judges a 4yz.
func (f *fault) postponed() verdict {
	switch f.at {
	case atData, atText, atEnd:
		return verdict{item: true}
	case atMail:
		return verdict{item: f.reply.code == 452} // no room for a mail of this size
	case atAuth:
		return verdict{hint: "the server cannot check passwords now: if it lasts, ask its administrator"}
	}
	return verdict{}
}

// lost judges an answer that did not come, or was no answer.
func (f *fault) lost() verdict {
	halt := func(hint string) verdict { return verdict{class: archive.Halt, hint: hint} }
	_, foreign := errors.AsType[*notSMTPError](f.err)
	foreign = foreign || errors.Is(f.err, errLongReply) || f.reply.code != 0
	established := f.at != atGreeting && f.at != atHello
	switch {
	case errors.Is(f.err, errNoStartTLS):
		return halt("nothing was sent in the clear: check smtp.port, or set smtp.tls: tls if the server speaks TLS from the first byte")
	case errors.Is(f.err, errInjected):
		return halt("somebody between here and the server may be changing what it says")
	case errors.Is(f.err, errNoLogin):
		return halt("use a port where the server takes passwords (often 587), or remove smtp.username")
	case errors.Is(f.err, errOnlyOAuth):
		return halt(hintOAuth)
	case f.at == atHandshake, !established && isAlert(f.err):
		return untrusted(f.err)
	case !established && foreign:
		return halt("check smtp.host and smtp.port: no mail server answers there")
	case f.at == atGreeting && isTimeout(f.err):
		return verdict{hint: "if the server speaks TLS from the first byte, set smtp.tls: tls"}
	case f.at == atConnect:
		return verdict{hint: "check smtp.host and smtp.port, and whether a firewall lets lpexport through"}
	case f.at == atText:
		return verdict{item: !isTimeout(f.err)} // a filter may close on what it does not like
	}
	return verdict{}
}

// untrusted judges a TLS handshake that failed.
func untrusted(err error) verdict {
	var hint string
	_, authority := errors.AsType[x509.UnknownAuthorityError](err)
	_, name := errors.AsType[x509.HostnameError](err)
	_, certificate := errors.AsType[*tls.CertificateVerificationError](err)
	_, plain := errors.AsType[tls.RecordHeaderError](err)
	switch {
	case authority:
		hint = "nobody we trust signed the server's certificate: set smtp.ca_file to the certificates of its authority"
	case name:
		hint = "the server's certificate is for another name: set smtp.host to the name it bears"
	case certificate:
		hint = "the server's certificate is not valid: ask its administrator, and check the clock of this host"
	case plain:
		hint = "the server does not speak TLS here: set smtp.tls: starttls if it was tls, or another smtp.port"
	case isAlert(err):
		hint = "the server refused our side of TLS: it may want a client certificate (smtp.cert_file, smtp.key_file), or know only versions before TLS 1.2"
	case isLink(err):
		return verdict{}
	default:
		hint = "the server does not do TLS 1.2 or later as it should: ask its administrator"
	}
	return verdict{class: archive.Halt, hint: hint}
}

// isAlert tells whether the server ended TLS with an alert. Its type is not
// exported, but crypto/tls always wraps it so.
func isAlert(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "remote error"
}

// isLink tells whether the connection failed, and not what was said on it.
func isLink(err error) bool {
	_, network := errors.AsType[net.Error](err)
	return network || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrClosedPipe)
}

func isTimeout(err error) bool {
	network, ok := errors.AsType[net.Error](err)
	return ok && network.Timeout()
}

// endedEarly tells whether the server closed a session before the text of a
// mail: it may be that session's fault and not the mail's.
func endedEarly(err error) bool {
	f, ok := errors.AsType[*fault](err)
	if !ok || f.at != atMail && f.at != atRcpt && f.at != atData {
		return false
	}
	return f.reply.code == 421 || f.reply.code == 0 && isLink(f.err) && !isTimeout(f.err)
}

// failure puts an error into its class.
func (d *Destination) failure(ctx context.Context, op string, err error) error {
	if e, ok := errors.AsType[*archive.Error](err); ok {
		return e
	}
	e := &archive.Error{Class: archive.Retry, Op: op, Path: d.where, Err: err}
	f, ok := errors.AsType[*fault](err)
	if ok {
		v := f.verdict()
		e.Class, e.Item, e.Hint = v.class, v.item, v.hint
		e.Alike, e.TooLarge = v.alike, v.tooLarge
	}
	// A cancelled context closes the link; an answer that came before counts.
	if cause := ctx.Err(); ok && cause != nil && f.reply.code == 0 {
		e.Err = fmt.Errorf("%w: %w", cause, err)
		if e.Class != archive.Uncertain {
			e.Class, e.Item, e.Hint = archive.Retry, false, ""
		}
	}
	return e
}
