package mail_test

import (
	"errors"
	"strings"
	"testing"

	"lpexport/archive"
	"lpexport/archive/mail"
)

// Every wrong setting is named.
func TestCheckNamesWhatIsWrong(t *testing.T) {
	header := func(name, value string) func(*mail.Settings) {
		return func(s *mail.Settings) { s.Headers = append(s.Headers, mail.Header{Name: name, Value: value}) }
	}
	for _, c := range []struct {
		field  string
		change func(*mail.Settings)
	}{
		{"destination", func(s *mail.Settings) { s.Destination = "" }},
		{"domain", func(s *mail.Settings) { s.Domain = "" }},
		{"domain", func(s *mail.Settings) { s.Domain = "a b.example" }},
		{"per", func(s *mail.Settings) { s.Per = "" }},
		{"date", func(s *mail.Settings) { s.Date = "now" }},
		{"from", func(s *mail.Settings) { s.From = "an address" }},
		{"to", func(s *mail.Settings) { s.To = "x@y\r\nBcc: z@evil" }},
		{"internal", func(s *mail.Settings) { s.From, s.Internal = mail.FromInternal, nil }},
		{"internal", func(s *mail.Settings) { s.Internal = []string{"Firm.example"} }},
		{"subject", func(s *mail.Settings) { s.Subject = "{nope}" }},
		{"zone", func(s *mail.Settings) { s.Zone = "Local" }},
		{"zone", func(s *mail.Settings) { s.Zone = "../etc/passwd" }},
		{"journal.from", func(s *mail.Settings) { s.Journal = &mail.Journal{To: "a@b.example"} }},
		{"journal.to", func(s *mail.Settings) { s.Journal = &mail.Journal{From: "a@b.example"} }},
		{"max_bytes", func(s *mail.Settings) { s.MaxBytes = -1 }},
		{"headers.X-A", header("X-A", "{")},
		{"headers.X-A", header("X-A", "a\r\nBcc: x@evil")},
		{"headers.", header("", "a")},
		{"headers.X A", header("X A", "a")},
		{"headers.X:", header("X:", "a")},
		{"headers.-X", header("-X", "a")},
		{"headers.X-Ä", header("X-Ä", "a")},
		{"headers." + strings.Repeat("x", 41), header(strings.Repeat("x", 41), "a")},
		{"headers.DATE", header("DATE", "a")}, {"headers.from", header("from", "a")}, {"headers.To", header("To", "a")},
		{"headers.Message-Id", header("Message-Id", "a")}, {"headers.Mime-Version", header("Mime-Version", "a")},
		{"headers.content-type", header("content-type", "a")}, {"headers.Content-Anything", header("Content-Anything", "a")},
		{"headers.Bcc", header("Bcc", "a")}, {"headers.References", header("References", "a")}, {"headers.Resent-To", header("Resent-To", "a")},
		{"headers.x-twice", func(s *mail.Settings) { header("X-Twice", "a")(s); header("x-twice", "b")(s) }},
	} {
		of := settings()
		c.change(&of)
		err := of.Check()
		if e, ok := errors.AsType[*archive.SettingError](err); !ok || e.Field != c.field {
			t.Errorf("%s: %v", c.field, err)
		}
	}
}

func TestCheckNamesEverythingAtOnce(t *testing.T) {
	err := (&mail.Settings{MaxBytes: -1, Journal: &mail.Journal{}}).Check()
	many, ok := err.(interface{ Unwrap() []error })
	if !ok || len(many.Unwrap()) != 9 {
		t.Errorf("%v", err)
	}
}

func TestCheckTemplate(t *testing.T) {
	for _, good := range []string{
		"", "plain", "ünï", "{account}{conversation}{slice}{revision}{part}{parts}{messages}{status}{skill}{skill_id}{started_at}{ended_at}",
		"{participants}{agents}{agent_addresses}{consumer}{consumer_address}{destination}", "{{}}", "{{account}}", "{{{account}}}",
	} {
		must(t, mail.CheckTemplate(good))
	}
	for _, bad := range []string{
		"{", "}", "{}", "{account", "account}", "{Account}", "{ account}", "{{}", "{}}", "{a{b}}", "a\r\nb", "a\tb", "\xff", "\u202e", strings.Repeat("x", 2001),
	} {
		if mail.CheckTemplate(bad) == nil {
			t.Errorf("%q passed", bad)
		}
	}
}

func TestValidAddress(t *testing.T) {
	for address, want := range map[string]bool{
		"a@b": true, "a.b+c!#$%&'*/?=^_`{|}~-@x-y.example": true, "A@B.EXAMPLE": true, "a@1.2": true,
		strings.Repeat("l", 64) + "@x": true, "a@" + strings.Repeat("d", 63) + ".example": true,
		strings.Repeat("l", 65) + "@x": false, "a@" + strings.Repeat("d", 64) + ".example": false, "a@" + strings.Repeat("label.", 42) + "x": false,
		"": false, "a": false, "@": false, "a@": false, "@b": false, "a@@b": false, "a@b@c": false, ".a@b": false, "a.@b": false, "a..b@c": false,
		"a@.b": false, "a@b.": false, "a@b..c": false, "a@-b": false, "a@b-": false, "a@b_c": false, "a@[1.2.3.4]": false, `"a"@b`: false,
		"a b@c": false, "a@b c": false, "<a@b>": false, "a@b,": false, "a@b\r\n": false, "a\r\n@b": false, "ä@b": false, "a@ü.example": false,
		"=?x@b": false, "a\x00@b": false, "a,b@c": false, "a:b@c": false, "a;b@c": false, "(a)@c": false,
	} {
		if mail.ValidAddress(address) != want {
			t.Errorf("%q: want %t", address, want)
		}
	}
}
