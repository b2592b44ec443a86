package liveperson

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestSanitise(t *testing.T) {
	for in, want := range map[string]string{
		"":                                             "",
		"Invalid token signature":                      "Invalid token signature",
		"a\r\n\tb\x00\x1b[31mc\u0085d\xffe":            "a b [31mc d e",
		"key is s3cr3t.":                               "key is [removed].",
		`{"access_token":"abc","code":3}`:              `{"access_token":"[removed]","code":3}`,
		"client_secret=abc&grant_type=x":               "client_secret=[removed]&grant_type=x",
		"Authorization: Bearer abc.def":                "Authorization: [removed] [removed]",
		"bearer abc.def refused":                       "bearer [removed] refused",
		"got eyJhbGciOiJSUzI1NiJ9.eyJleHAiOjE1fQ.c2ln": "got [removed]",
		"0123456789abcdef0123456789abcdef is unknown":  "[removed] is unknown",
	} {
		if got := sanitise(in, []string{"s3cr3t", ""}); got != want {
			t.Errorf("%q:\ngot  %q\nwant %q", in, got, want)
		}
	}
	long := sanitise(strings.Repeat("ü ", 300), nil)
	if len(long) > maxDetail || !utf8.ValidString(long) {
		t.Errorf("%d bytes, valid %v", len(long), utf8.ValidString(long))
	}
	half := strings.Repeat(" ", maxErrorBody-5) + "half-"
	if got := sanitise(half, nil); got != "" {
		t.Errorf("half a word is kept: %q", got)
	}
}

func TestSecretsAreNotPrinted(t *testing.T) {
	cfg := Config{OAuth1: &OAuth1Credentials{"hush", "hush", "hush", "hush"}, OAuth2: &OAuth2Credentials{"hush", "hush"}}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		for _, v := range []any{*cfg.OAuth1, cfg.OAuth1, *cfg.OAuth2, cfg.OAuth2, cfg.OAuth1.LogValue()} {
			if got := fmt.Sprintf(format, v); strings.Contains(got, "hush") {
				t.Errorf("%s prints %s", format, got)
			}
		}
	}
}

func TestRequestID(t *testing.T) {
	for in, want := range map[string]string{"abc-1:2": "abc-1:2", "a b": "", "a\nb": "", strings.Repeat("x", 65): "", "": ""} {
		if got := requestID(map[string][]string{"X-Request-Id": {in}}); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}
