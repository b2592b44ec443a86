package webhook

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What openssl makes of testBody.
var known = map[string]map[Shape]string{
	testSecret: {
		SHA1Base64:   "sha1=nwnVkrd7Bf9fmnum5jHVP7KxEm8=",
		SHA1Hex:      "sha1=9f09d592b77b05ff5f9a7ba6e631d53fb2b1126f",
		SHA256Base64: "sha256=O//H1VsiXHYMPxSa7NtrZor7/CNnRrTqUyEi4QVN9Iw=",
		SHA256Hex:    "sha256=3bffc7d55b225c760c3f149aecdb6b668afbfc236746b4ea532122e1054df48c",
	},
	testPrevious: {
		SHA1Base64:   "sha1=Qhlc2RLNHaNmakzHplvPHg3Ld6Y=",
		SHA1Hex:      "sha1=42195cd912cd1da3666a4cc7a65bcf1e0dcb77a6",
		SHA256Base64: "sha256=MhbcNP861WIb5QFFMJto9ChGj7IWhQP6049RC3YdyaY=",
		SHA256Hex:    "sha256=3216dc34ff3ad5621be50145309b68f428468fb2168503fad38f510b761dc9a6",
	},
}

func TestKnownSignatures(t *testing.T) {
	for secret, signatures := range known {
		for shape, signature := range signatures {
			// What other tests sign with is as good as openssl.
			if got := sign(shape, secret, testBody); got != signature {
				t.Errorf("sign %s: %s, want %s", shape, got, signature)
			}
			g := newRig(t, nil)
			if got := g.send(event(testBody, signature)); got != http.StatusOK {
				t.Errorf("%s: status %d", shape, got)
			}
			g.holds(testBody)
			// The expected shape is taken in silence, any other is taken too.
			for _, pinned := range Shapes() {
				g := newRig(t, func(s *Settings) { s.Signature = pinned })
				want := map[Result]int64{Stored: 1}
				if pinned != shape {
					want[ShapeChanged] = 1
				}
				g.send(event(testBody, signature))
				g.holds(testBody)
				g.counted(want)
				reason, _ := g.Alarm()
				if (reason != "") != (pinned != shape) || g.AlarmTaken() != (pinned != shape) {
					t.Errorf("%s where %s is expected: alarm %q", shape, pinned, reason)
				}
			}
		}
	}
	// Upper case is as good a hexadecimal number.
	g := newRig(t, nil)
	upper := strings.Replace(strings.ToUpper(known[testSecret][SHA256Hex]), "SHA256=", "sha256=", 1)
	if got := g.send(event(testBody, upper)); got != http.StatusOK {
		t.Errorf("upper case: status %d", got)
	}
}

// While secrets rotate both are good, at the end only the current one.
func TestRotation(t *testing.T) {
	both := newRig(t, nil)
	one := newRig(t, func(s *Settings) { s.Secrets = s.Secrets[:1] })
	for _, shape := range Shapes() {
		for secret, want := range map[string][2]int{testSecret: {200, 200}, testPrevious: {200, 401}, "third": {401, 401}} {
			req := func() *http.Request { return event(testBody, sign(shape, secret, testBody)) }
			if got := [2]int{both.send(req()), one.send(req())}; got != want {
				t.Errorf("%s with %s: %v, want %v", shape, secret, got, want)
			}
		}
	}
}

// samplesDir holds official payloads that are no part of this project.
var samplesDir = filepath.Join("..", "..", "..", "shared", "samples")

// LivePerson's own demonstration has two events with their signatures.
func TestOfficialVectors(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(samplesDir, "webhook-signature-vectors.json"))
	if os.IsNotExist(err) {
		t.Skip("the official samples are not there: ", samplesDir)
	}
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Vectors []struct {
			Body    string            `json:"body_file"`
			Headers map[string]string `json:"headers"`
			Secret  string            `json:"client_secret"`
		} `json:"vectors"`
	}
	if err := json.Unmarshal(text, &file); err != nil || len(file.Vectors) == 0 {
		t.Fatalf("%d vectors, %v", len(file.Vectors), err)
	}
	for _, v := range file.Vectors {
		body, err := os.ReadFile(filepath.Join(samplesDir, v.Body))
		if err != nil {
			t.Fatal(err)
		}
		g := newRig(t, func(s *Settings) {
			s.Account, s.ClientID = v.Headers["x-liveperson-account-id"], v.Headers["x-liveperson-client-id"]
			s.Secrets, s.Signature = []string{v.Secret}, SHA1Base64
		})
		req := event(string(body), "")
		for name, value := range v.Headers {
			req.Header.Set(name, value)
		}
		if got := g.send(req); got != http.StatusOK {
			t.Errorf("%s: status %d", v.Body, got)
		}
		g.holds(string(body))
		if reason, _ := g.Alarm(); reason != "" {
			t.Errorf("%s: alarm %q", v.Body, reason)
		}
	}
}

// Another program, where it is installed, signs bodies that are harder than text.
func TestOpenSSL(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not installed; TestKnownSignatures has what it made")
	}
	for _, body := range []string{"", "\x00\xff\xfe\r\n", strings.Repeat("👋\u2028", 30_000), "\xef\xbb\xbf{}"} {
		for algorithm, shape := range map[string]Shape{"sha1": SHA1Hex, "sha256": SHA256Hex} {
			command := exec.Command(openssl, "dgst", "-"+algorithm, "-hmac", testSecret, "-binary")
			command.Stdin = strings.NewReader(body)
			mac, err := command.Output()
			if err != nil {
				t.Fatal(err)
			}
			g := newRig(t, func(s *Settings) { s.Signature = shape })
			if got := g.send(event(body, algorithm+"="+hex.EncodeToString(mac))); got != http.StatusOK {
				t.Errorf("%s of %d bytes: status %d", algorithm, len(body), got)
			}
			g.holds(body)
		}
	}
}

func TestParseSignature(t *testing.T) {
	mac := bytes.Repeat([]byte{0xfb}, 32)
	got := map[Shape]string{}
	for _, shape := range Shapes() {
		// A signature of each shape is read as that shape, to the bytes it was made of.
		s, ok := parseSignature(sign(shape, testSecret, testBody))
		if !ok {
			t.Errorf("%s is not read", shape)
		}
		got[s.shape] = fmt.Sprintf("%x", s.mac)
	}
	want := map[Shape]string{}
	for shape := range known[testSecret] {
		algorithm, _, _ := strings.Cut(string(shape), "-")
		_, want[shape], _ = strings.Cut(known[testSecret][Shape(algorithm+"-hex")], "=")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, value := range []string{
		"", "=", "sha1", "sha1=", "sha256=", "sha1=====", "sha512=" + hex.EncodeToString(mac), "md5=" + hex.EncodeToString(mac[:16]),
		"sha1=" + strings.Repeat("A", 28),        // 21 bytes
		"sha1=" + strings.Repeat("A", 26) + "B=", // bits behind the last byte
		"sha1=" + strings.Repeat("A", 24) + "\r\n==",
		"sha1=" + strings.Repeat("g", 40), "sha256=" + strings.Repeat("A", 45), "sha256=" + strings.Repeat("=", 44),
	} {
		if s, ok := parseSignature(value); ok {
			t.Errorf("%q is read as %s", value, s.shape)
		}
	}
}
