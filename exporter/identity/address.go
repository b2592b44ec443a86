package identity

import (
	"errors"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// Limits of RFC 5321, in octets. The longest path is 256 with its brackets.
const (
	maxLocal   = 64
	maxAddress = 254
	maxDomain  = 253
	maxLabel   = 63
)

var (
	errNotAddress = errors.New("must be an address such as name@firm.example")
	errNotDomain  = errors.New("must be a domain such as firm.example")
)

// ParseAddress reads an e-mail address as it is used here: an addr-spec of RFC
// 5322 in ASCII with a dot-atom before the @, at most 254 octets. The domain
// comes back in lower case, an international one in its ASCII form; what stands
// before the @ stays as it is. Quoted local parts, address literals, comments
// and display names are refused: none of them survives every reader.
func ParseAddress(text string) (string, error) {
	local, domain, found := cutLast(text, '@')
	if !found || !isDotAtom(local) {
		return "", errNotAddress
	}
	domain, err := asciiDomain(domain)
	if err != nil || len(local)+1+len(domain) > maxAddress {
		return "", errNotAddress
	}
	return local + "@" + domain, nil
}

// ParseDomain reads the domain of addresses, at least two labels. It comes back
// in lower case and ASCII.
func ParseDomain(text string) (string, error) {
	domain, err := asciiDomain(text)
	if err != nil || !strings.Contains(domain, ".") {
		return "", errNotDomain
	}
	return domain, nil
}

// Within tells whether domain is one of the domains or below one. All of them
// are as ParseDomain returns them.
func Within(domain string, domains []string) bool {
	for _, d := range domains {
		if domain == d || strings.HasSuffix(domain, "."+d) {
			return true
		}
	}
	return false
}

func cutLast(s string, sep byte) (before, after string, found bool) {
	i := strings.LastIndexByte(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

// isDotAtom checks a local part: RFC 5322, section 3.2.3.
func isDotAtom(s string) bool {
	// What looks like the start of an encoded word is read as one by some.
	if strings.Contains(s, "=?") || s == "" || len(s) > maxLocal || s[0] == '.' || s[len(s)-1] == '.' || strings.Contains(s, "..") {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !isAlphanumeric(c) && !strings.ContainsRune("!#$%&'*+-/=?^_`{|}~.", rune(c)) {
			return false
		}
	}
	return true
}

// asciiDomain reads a host name, of one label too.
func asciiDomain(s string) (string, error) {
	if len(s) > 4*maxDomain || !utf8.ValidString(s) {
		return "", errNotDomain
	}
	if !isASCII(s) {
		// It also folds what looks like a dot or a letter to one, so that no
		// spelling of an internal domain passes for another domain.
		ascii, err := idna.Lookup.ToASCII(s)
		if err != nil {
			return "", errNotDomain
		}
		s = ascii
	}
	s = strings.ToLower(s)
	labels := strings.Split(s, ".")
	if len(s) > maxDomain || isNumber(labels[len(labels)-1]) {
		return "", errNotDomain
	}
	for _, label := range labels {
		if !isLabel(label) {
			return "", errNotDomain
		}
	}
	return s, nil
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// isNumber marks what would make an IP address of a name.
func isNumber(label string) bool {
	return strings.Trim(label, "0123456789") == ""
}

func isLabel(s string) bool {
	if s == "" || len(s) > maxLabel || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !isAlphanumeric(c) && c != '-' {
			return false
		}
	}
	return true
}

func isAlphanumeric(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}
