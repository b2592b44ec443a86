// Package smtp is the destination that is a mail server: each item is one mail,
// and the archive's address is the only recipient of all of them.
//
// It speaks SMTP (RFC 5321) itself, because what an answer means, and what its
// absence means, hangs on where in the dialogue it was due. The server sees
// nothing of a mail but its size before MAIL, and nothing of its text before the
// final dot: what it refuses earlier, it refuses to all mails.
//
//	                  4yz                  5yz                        no answer
//	connection         -                    -                         retry
//	greeting, EHLO    retry                halt                       retry; not SMTP: halt
//	STARTTLS          retry                halt; not offered: halt    retry
//	TLS handshake      -                    -                         retry; not trusted, not understood: halt
//	AUTH              retry                halt                       retry
//	MAIL              retry; 452: item     halt; too large: reject    retry
//	RCPT              retry                halt; too large: reject    retry
//	DATA              retry the item       reject; 500-504: halt      retry
//	text of the mail  retry the item       reject                     retry the item; time-out: retry
//	after the dot     retry the item       reject                     uncertain
//
// 421, by which a server announces that it closes the connection, is retry up to
// DATA, whatever was asked. A mailbox that is full is retry too: 552 to RCPT, or
// with the status (RFC 3463) x.2.2. Too large is 552 without a status to MAIL or to
// the mail, or a status of x.3.4 or x.2.3. An answer of another kind than the
// protocol allows counts as none. When a link is lost the dot counts as sent from
// the moment that the first byte of its line was handed to the connection.
//
// A refusal of a mail names what it has in common with others (archive.Error.Alike):
// SPF, DKIM and DMARC are judged after the dot, mail by mail, and hold for all of them.
//
// A session is used for several mails. If it ends before the text of a mail that
// is not its first, the mail is sent in a new one.
package smtp

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"lpexport/archive"
	"lpexport/archive/internal/hidden"
)

var (
	_ archive.Destination = (*Destination)(nil)
	_ archive.Sized       = (*Destination)(nil)
)

// idle is how long a session is trusted to be still open.
const idle = 30 * time.Second

// Destination is a mail server. It holds one session between calls; calls of
// Deliver wait for each other.
type Destination struct {
	c     Config
	where string
	tls   *tls.Config

	turn    chan struct{} // held by who uses what follows
	session *session      // nil: none is open
	spool   *bufio.Reader // of the mail that is sent
}

// New returns the destination for c, or what is wrong with c. It connects to
// nothing yet.
func New(c Config) (*Destination, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	c = c.withDefaults()
	where := url.URL{Scheme: "smtp", Host: c.address(), Path: "/" + c.Recipient}
	return &Destination{
		c: c, where: where.String(), tls: c.tlsConfig(),
		turn: make(chan struct{}, 1), spool: bufio.NewReaderSize(nil, bufferBytes),
	}, nil
}

// Deliver sends a mail. See archive.Destination for what it promises, and the
// package's table for the classes of its errors.
func (d *Destination) Deliver(ctx context.Context, item archive.Item) (archive.Receipt, error) {
	if err := ctx.Err(); err != nil {
		return archive.Receipt{}, d.failure(ctx, "deliver", err)
	}
	if item.File == nil || !hidden.Ours(d.c.Account, d.c.Name, item.Path) {
		err := fmt.Errorf("not a mail of destination %q of account %q", d.c.Name, d.c.Account)
		return archive.Receipt{}, &archive.Error{Class: archive.Abort, Op: "deliver", Path: item.Path, Err: err}
	}
	files, err := item.Files()
	if err != nil {
		return archive.Receipt{}, err
	}
	size := files[0].Bytes
	answer, err := d.deliver(ctx, item, size)
	if err != nil {
		return archive.Receipt{}, d.failure(ctx, "deliver", err)
	}
	return archive.Receipt{Where: d.where, Bytes: size, ID: queueID(answer), Answer: answer.String()}, nil
}

func (d *Destination) deliver(ctx context.Context, item archive.Item, size int64) (reply, error) {
	if err := d.fits(size, d.c.MaxBytes, "smtp.max_bytes"); err != nil {
		return reply{}, err
	}
	file, err := os.Open(filepath.Join(item.Dir, filepath.FromSlash(item.File.Path)))
	if err != nil {
		return reply{}, damaged(item.Path, err)
	}
	defer file.Close()
	if err := d.take(ctx); err != nil {
		return reply{}, err
	}
	defer d.leave()
	d.spool.Reset(file)
	return d.send(ctx, mail{
		sender: d.c.Sender, recipient: d.c.Recipient, path: item.Path, size: size, text: d.spool,
	})
}

// send sends a mail in the session that is open, or in a new one.
func (d *Destination) send(ctx context.Context, m mail) (reply, error) {
	if d.session != nil && d.c.Now().Sub(d.session.used) > idle {
		d.end()
	}
	used := d.session != nil
	answer, err := d.try(ctx, m)
	if used && endedEarly(err) && ctx.Err() == nil {
		// Servers close sessions that waited, and some count mails. Nothing of
		// the mail's text has been read or sent yet.
		answer, err = d.try(ctx, m)
	}
	return answer, err
}

// try sends a mail once, and keeps the session if it can be used again.
func (d *Destination) try(ctx context.Context, m mail) (answer reply, err error) {
	if d.session == nil {
		if d.session, err = d.connect(ctx); err != nil {
			return reply{}, err
		}
	}
	s := d.session
	if err := d.fits(m.size, s.limit(), "the limit of the server"); err != nil {
		return reply{}, err
	}
	err = s.within(ctx, func() error {
		answer, err = s.mail(m)
		return err
	})
	s.mails++
	s.used = d.c.Now()
	if s.broken {
		s.close()
		d.session = nil
	} else if s.mails >= d.c.PerConnection {
		d.end()
	}
	return answer, err
}

// fits returns an error if a mail is larger than a limit; 0 is none.
func (d *Destination) fits(size, limit int64, whose string) error {
	if limit <= 0 || size <= limit {
		return nil
	}
	return &archive.Error{
		Class: archive.Reject, Op: "deliver", Path: d.where, TooLarge: true, Limit: limit,
		Err:  fmt.Errorf("the mail has %d bytes, %s is %d", size, whose, limit),
		Hint: hintTooLarge,
	}
}

// MostBytes returns the SIZE that the server names (RFC 1870).
func (d *Destination) MostBytes(ctx context.Context) (int64, error) {
	if err := d.take(ctx); err != nil {
		return 0, d.failure(ctx, "connect", err)
	}
	defer d.leave()
	if d.session != nil && d.c.Now().Sub(d.session.used) > idle {
		d.end()
	}
	if d.session == nil {
		var err error
		if d.session, err = d.connect(ctx); err != nil {
			return 0, d.failure(ctx, "connect", err)
		}
	}
	return d.session.limit(), nil
}

// take waits for the turn to use the session.
func (d *Destination) take(ctx context.Context) error {
	select {
	case d.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (d *Destination) leave() { <-d.turn }

// end ends the session that is open.
func (d *Destination) end() {
	d.session.quit()
	d.session = nil
}

// Clean has nothing to remove: a mail whose end was not sent, no server keeps.
func (d *Destination) Clean(context.Context) error { return nil }

// Close ends the session, if one is open, after the Deliver that uses it.
func (d *Destination) Close() error {
	d.turn <- struct{}{}
	defer d.leave()
	if d.session != nil {
		d.end()
	}
	return nil
}

// address is where the server listens.
func (c Config) address() string { return net.JoinHostPort(c.Host, strconv.Itoa(c.Port)) }
