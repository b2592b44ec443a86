package smtp

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
)

// Probe goes as far as the recipient, and sends no mail.
func (d *Destination) Probe(ctx context.Context) (facts []string, err error) {
	if err := ctx.Err(); err != nil {
		return nil, d.failure(ctx, "probe", err)
	}
	s, err := d.connect(ctx)
	if err != nil {
		return nil, d.failure(ctx, "probe", err)
	}
	defer s.close()
	err = s.within(ctx, func() error {
		if err := s.envelope(d.c.Sender, d.c.Recipient, 0, step{atReset, "RSET", 250}); err != nil {
			return err
		}
		s.quit()
		return nil
	})
	if err != nil {
		return nil, d.failure(ctx, "probe", err)
	}
	return d.facts(s), nil
}

func (d *Destination) facts(s *session) []string {
	facts := append([]string{fmt.Sprintf("%s answers as %s", d.c.address(), cmp.Or(printable(s.greeting), "nobody"))}, d.tlsFacts(s)...)
	if limit := s.limit(); limit > 0 {
		facts = append(facts, fmt.Sprintf("takes mails of at most %d bytes", limit))
	} else {
		facts = append(facts, "names no limit for the size of a mail")
	}
	if mechanisms, ok := s.offers["AUTH"]; ok {
		facts = append(facts, "offers to log in by "+printable(mechanisms))
	}
	if d.c.Username != "" {
		facts = append(facts, fmt.Sprintf("logged in as %q", d.c.Username))
	}
	return append(facts, fmt.Sprintf("takes mails for <%s> from <%s>", d.c.Recipient, d.c.Sender))
}

func (d *Destination) tlsFacts(s *session) []string {
	conn, ok := s.link.Conn.(*tls.Conn)
	if !ok {
		return []string{"no TLS: mails are sent in the clear"}
	}
	state := conn.ConnectionState()
	expiry := state.PeerCertificates[0].NotAfter.UTC()
	return []string{
		fmt.Sprintf("%s, %s", tls.VersionName(state.Version), tls.CipherSuiteName(state.CipherSuite)),
		fmt.Sprintf("its certificate is valid until %s, %d days", expiry.Format("2006-01-02"), int(expiry.Sub(d.c.Now()).Hours()/24)),
	}
}
