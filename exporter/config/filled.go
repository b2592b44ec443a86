package config

import (
	"fmt"
	"slices"
	"strings"

	"lpexport/archive/profile"
)

// FillIn marks, in the text of StarterFor, what has to be filled in.
const FillIn = "# <<<"

// StarterFor is the text of a configuration file for a real account and an archive, on
// one of the archive's ways: the keys that have no default, each with a mark where it has
// to be filled in. It is valid once all of them are.
func StarterFor(account string, p profile.Profile, way profile.Way) []byte {
	s := &filling{}
	s.text("# Configuration of lpexport: account %s, into %s.", account, p.Title)
	s.text("# Fill in each value that is marked %s, then type", strings.TrimPrefix(FillIn, "# "))
	s.text("#   lpexport config validate")
	s.text("#   lpexport check")
	s.text("# All other keys have a default: `lpexport config init demo.yaml` writes a file that shows")
	s.text("# and explains each. lpexport destinations %s says what is known of the archive.", p.Name)
	s.text("")
	s.text("account: %q", account)
	s.text("")
	s.text("liveperson:")
	s.text("  oauth2:")
	s.fill("    client_id: \"\"", "of the app that is installed in your account")
	s.fill("    client_secret_file: \"\"", "a file that holds the client secret")
	s.text("")
	s.text("# Checkpoint, spool and manifests: a folder for this account alone.")
	s.text("state: ./state-%s", account)
	if p.Addresses {
		s.text("")
		s.text("identity:")
		s.fill("  internal_domains: []", "domains of your firm, such as [firm.example]")
		s.fill("  consumer_domain: \"\"", "a domain of your own for made-up addresses of consumers, for this alone")
		s.fill("  bot_domain: \"\"", "a domain for made-up addresses of bots")
	}
	s.destination(p, way)
	return []byte(s.String())
}

// filling puts a file together.
type filling struct{ strings.Builder }

func (s *filling) text(format string, args ...any) { fmt.Fprintf(s, format+"\n", args...) }

// fill is a line that has to be filled in.
func (s *filling) fill(line, what string) { fmt.Fprintf(s, "%-42s %s %s\n", line, FillIn, what) }

func (s *filling) destination(p profile.Profile, way profile.Way) {
	s.text("")
	s.text("destinations:")
	s.text("  - name: %s", p.Name)
	s.text("    archive: %s", p.Name)
	s.text("    # Also what was captured before this destination was configured.")
	s.text("    from: all")
	if usual, _ := p.On(way.Transport, ""); usual != way {
		s.text("    layout: %s", way.Layout)
	}
	if len(p.Confirm) > 0 {
		s.text("    # To be agreed with the vendor, who publishes no default: %s.", strings.Join(p.Confirm, ", "))
	}
	needs := p.Needs(p.Rendering.Format(), way)
	if slices.ContainsFunc(needs, func(key string) bool { return strings.HasPrefix(key, "mail.") }) {
		s.mail(needs)
	}
	switch way.Transport {
	case "directory":
		s.text("    directory:")
		s.fill("      path: \"\"", "the folder")
	case "sftp":
		s.sftp()
	case "smtp":
		s.smtp(p, slices.Contains(needs, "smtp.sender"))
	case "s3":
		s.s3()
	}
}

func (s *filling) mail(needs []string) {
	s.text("    mail:")
	if slices.Contains(needs, "mail.domain") {
		s.fill("      domain: \"\"", "of every Message-ID, one of your own")
	}
	headers := false
	for _, key := range needs {
		if name, is := strings.CutPrefix(key, "mail.headers."); is {
			if !headers {
				s.text("      headers:")
			}
			headers = true
			s.fill("        "+name+": \"\"", "as agreed with the archive")
		}
	}
}

func (s *filling) sftp() {
	s.text("    sftp:")
	s.fill("      host: \"\"", "name or address")
	s.fill("      user: \"\"", "the login")
	s.fill("      key_file: \"\"", "the private key to log in with")
	s.fill("      known_hosts: \"\"", "a file with the host's key, as ssh-keyscan prints it; check it with the vendor")
	s.fill("      path: \"\"", "the folder there")
}

func (s *filling) smtp(p profile.Profile, sender bool) {
	s.text("    smtp:")
	s.fill("      host: \"\"", "name or address")
	if sender {
		s.fill("      sender: \"\"", "envelope sender: a mailbox that somebody reads")
	}
	about := "the archive's address"
	if p.SMTP != nil && p.SMTP.Recipient != "" {
		about = p.SMTP.Recipient
	}
	s.fill("      recipient: \"\"", about)
	s.text("      # Where the server wants a login: username, and password_file.")
}

func (s *filling) s3() {
	s.text("    s3:")
	s.fill("      endpoint: \"\"", "host, host:port or URL")
	s.fill("      bucket: \"\"", "the bucket, which is there already")
	s.fill("      access_key_file: \"\"", "a file that holds the access key")
	s.fill("      secret_key_file: \"\"", "a file that holds the secret key")
}
