package mail

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"lpexport/archive"
)

// Check returns everything that is wrong with settings that are not frozen yet,
// joined; each is an *archive.SettingError.
func (s *Settings) Check() error {
	return s.check(func() error {
		_, err := loadZone(s.Zone)
		return err
	})
}

func (s *Settings) check(zone func() error) error {
	var all []error
	field := func(name string, err error) {
		if err != nil {
			all = append(all, &archive.SettingError{Format: "mail", Field: name, Err: err})
		}
	}
	if s.Destination == "" || !utf8.ValidString(s.Destination) {
		field("destination", errors.New("must be the destination's name"))
	}
	if !isDomain(s.Domain) || len(s.Domain) > maxAddress-len(nobody) {
		field("domain", errors.New("must be a domain such as archive.example"))
	}
	field("per", oneOf(s.Per, PerConversation, PerMessage))
	field("date", oneOf(s.Date, DateFirst, DateLast))
	if !ValidAddress(s.From) {
		field("from", oneOf(s.From, FromInitiator, FromInternal, "an address"))
	}
	if !ValidAddress(s.To) {
		field("to", oneOf(s.To, ToOthers, ToAll, "an address"))
	}
	if s.From == FromInternal && len(s.Internal) == 0 {
		field("internal", errors.New("must name the firm's domains, since from is "+FromInternal))
	}
	for _, d := range s.Internal {
		if !isDomain(d) || d != strings.ToLower(d) {
			field("internal", fmt.Errorf("%q is not a domain in lower case", d))
		}
	}
	field("subject", CheckTemplate(s.Subject))
	for i, h := range s.Headers {
		same := func(o Header) bool { return strings.EqualFold(o.Name, h.Name) }
		err := cmp.Or(CheckHeader(h.Name), CheckTemplate(h.Value))
		if err == nil && slices.IndexFunc(s.Headers, same) < i {
			err = errors.New("twice: a header has one value")
		}
		field("headers."+h.Name, err)
	}
	field("zone", zone())
	if s.Journal != nil && !ValidAddress(s.Journal.From) {
		field("journal.from", errNotAddress)
	}
	if s.Journal != nil && !ValidAddress(s.Journal.To) {
		field("journal.to", errNotAddress)
	}
	if s.MaxBytes < 0 {
		field("max_bytes", errors.New("must not be negative"))
	}
	return errors.Join(all...)
}

func oneOf(value string, allowed ...string) error {
	if slices.Contains(allowed[:2], value) {
		return nil
	}
	return fmt.Errorf("must be %s, not %q", strings.Join(allowed, " or "), value)
}

var errNotAddress = errors.New("must be an address such as name@firm.example")

// refused are headers that must not be set: a mail's own structure, or what
// belongs to those who carry it. A "-" at the end stands for all that begin so.
var refused = []string{
	"date", "from", "to", "message-id", "in-reply-to", "references", "mime-", "content-",
	"bcc", "return-path", "received", "resent-", "x-ms-journal-report",
}

// maxName bounds a header's name, so that an encoded word fits on its line.
const maxName = 40

// CheckHeader tells whether Settings.Headers may name this header: letters,
// digits, "-" and "_", at most 40 of them, beginning with a letter, and none
// that a mail needs to be what it is (From, Message-ID, Content-Type) or that
// belongs to its transport (Bcc, Received).
func CheckHeader(name string) error {
	for i := range len(name) {
		if c := name[i]; !isLetter(c) && (i == 0 || !isDigit(c) && c != '-' && c != '_') {
			return errors.New(`the name of a header is letters, digits, "-" and "_", and begins with a letter`)
		}
	}
	if name == "" || len(name) > maxName {
		return fmt.Errorf("the name of a header has 1 to %d characters", maxName)
	}
	lower := strings.ToLower(name)
	for _, r := range refused {
		if lower == r || strings.HasSuffix(r, "-") && strings.HasPrefix(lower, r) {
			return errors.New("this header cannot be set: it belongs to the mail or its transport")
		}
	}
	return nil
}

// Limits of RFC 5321, in octets. The longest path is 256 with its brackets.
const (
	maxLocal   = 64
	maxAddress = 254
	maxLabel   = 63
)

// ValidAddress tells whether s is an address that may stand in a mail: an
// addr-spec of RFC 5322 in ASCII with a dot-atom before the "@" and a domain
// name behind it, at most 254 octets. Quoted local parts and address literals
// are refused, since few archives read them, and so is what looks like the
// start of an encoded word, "=?".
func ValidAddress(s string) bool {
	local, domain, _ := strings.Cut(s, "@")
	if len(s) > maxAddress || len(local) > maxLocal || !isDomain(domain) || strings.Contains(local, "=?") {
		return false
	}
	dot := true // as if one stood before: two in a row are refused
	for i := range len(local) {
		c := local[i]
		if c == '.' && dot || c != '.' && !isLetter(c) && !isDigit(c) && strings.IndexByte("!#$%&'*+-/=?^_`{|}~", c) < 0 {
			return false
		}
		dot = c == '.'
	}
	return !dot
}

// isDomain tells whether s is a domain name: labels of letters, digits and "-".
func isDomain(s string) bool {
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > maxLabel || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			if c := label[i]; !isLetter(c) && !isDigit(c) && c != '-' {
				return false
			}
		}
	}
	return true
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
