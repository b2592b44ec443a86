package identity

import (
	"net/mail"
	"strings"
	"testing"

	archivemail "lpexport/archive/mail"
)

func TestParseAddress(t *testing.T) {
	long := strings.Repeat("a", 63)
	for text, want := range map[string]string{
		"ann@firm.example":                                "ann@firm.example",
		"Ann.O'Hara+x=1@FIRM.Example":                     "Ann.O'Hara+x=1@firm.example",
		"ann@localhost":                                   "ann@localhost",
		"ann@bücher.example":                              "ann@xn--bcher-kva.example",
		"ann@firm。example":                                "ann@firm.example", // an ideographic full stop
		"ann@ＦＩＲＭ.example":                                "ann@firm.example", // full-width letters
		"a" + long + "@firm.example":                      "a" + long + "@firm.example",
		"aa" + long + "@firm.example":                     "",
		"a@" + long + "." + long + ".e.com":               "a@" + long + "." + long + ".e.com",
		"a@" + long + "b.example":                         "",
		"a@" + strings.Repeat("abcdefg.", 31) + "example": "",
		"":                             "",
		"ann":                          "",
		"@firm.example":                "",
		"ann@":                         "",
		"ann@firm.example.":            "",
		"ann@.firm.example":            "",
		"ann@firm..example":            "",
		"ann@-firm.example":            "",
		"ann@fi_rm.example":            "",
		"ann@192.0.2.1":                "",
		"ann@[192.0.2.1]":              "",
		".ann@firm.example":            "",
		"ann.@firm.example":            "",
		"a..nn@firm.example":           "",
		"änn@firm.example":             "",
		"=?utf-8?q?ann?=@firm.example": "",
		`"ann b"@firm.example`:         "",
		"Ann <ann@firm.example>":       "",
		"ann@firm.example (Ann)":       "",
		"ann@firm.example,b@c.example": "",
		"b@c.example@firm.example":     "",
		" ann@firm.example":            "",
		"ann@firm.example\r\nRCPT TO:<x@evil.example>": "",
		"ann\r\nBcc: x@evil.example":                   "",
		"ann\x00@firm.example":                         "",
		"ann@firm\xff.example":                         "",
		"** LP deleted data **":                        "",
	} {
		got, err := ParseAddress(text)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: got %q, %v", text, got, err)
		}
	}
}

func TestParseDomain(t *testing.T) {
	for text, want := range map[string]string{
		"Firm.Example": "firm.example", "a.b.c.example": "a.b.c.example", "bücher.example": "xn--bcher-kva.example",
		"localhost": "", "": "", "firm.example.": "", ".firm.example": "", "*.firm.example": "", "a@firm.example": "", "10.0.0.1": "",
		"firm.example\n": "",
	} {
		got, err := ParseDomain(text)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: got %q, %v", text, got, err)
		}
	}
}

func TestWithinIsByLabel(t *testing.T) {
	domains := []string{"firm.example", "b.test"}
	for domain, want := range map[string]bool{
		"firm.example": true, "eu.firm.example": true, "b.test": true,
		"myfirm.example": false, "firm.example.com": false, "example": false, "": false,
	} {
		if Within(domain, domains) != want {
			t.Errorf("%s: not %v", domain, want)
		}
	}
}

// checkSpec holds an address against what it promises, against the parser of the
// standard library and against what a mail accepts.
func checkSpec(t *testing.T, address string) {
	t.Helper()
	local, domain, found := strings.Cut(address, "@")
	if !found || strings.Contains(domain, "@") || len(local) > 64 || len(address) > 254 || domain != strings.ToLower(domain) {
		t.Errorf("%q: not an addr-spec as promised", address)
	}
	for _, c := range []byte(address) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),:;<>[\]`, c) >= 0 {
			t.Errorf("%q holds %q", address, c)
		}
	}
	if !archivemail.ValidAddress(address) {
		t.Errorf("%q: a mail would leave it out", address)
	}
	parsed, err := mail.ParseAddress(address)
	if err != nil || parsed.Address != address || parsed.Name != "" {
		t.Errorf("%q: read as %v, %v", address, parsed, err)
	}
}

func FuzzParseAddress(f *testing.F) {
	for _, text := range []string{"ann@firm.example", "ann@bücher.example", "ann@firm。example", `"a b"@c.example`, "a@b@c", "a@xn--a.b", "a\r\nb@c.d"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		address, err := ParseAddress(text)
		if err != nil {
			return
		}
		checkSpec(t, address)
		if again, err := ParseAddress(address); err != nil || again != address {
			t.Errorf("%q is read back as %q, %v", address, again, err)
		}
	})
}
