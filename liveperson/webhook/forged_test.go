package webhook

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// forgery is an event that LivePerson did not send to us.
type forgery struct {
	name                    string
	body                    string
	account, client, signed []string // the values of the headers
}

// forgeries are made of one true event, in each shape: all that can be done to it
// by somebody who has it, but not the secret.
func forgeries(t *testing.T, shape Shape) []forgery {
	signature := sign(shape, testSecret, testBody)
	algorithm, mac, _ := strings.Cut(signature, "=")
	var all []forgery
	add := func(name, body, signature string) {
		all = append(all, forgery{name, body, []string{testAccount}, []string{testClient}, []string{signature}})
	}
	head := func(name string, account, client, signed []string) {
		all = append(all, forgery{name, testBody, account, client, signed})
	}
	for i := range testBody {
		add("cut body", testBody[:i], signature)
		for bit := range 8 {
			changed := []byte(testBody)
			changed[i] ^= 1 << bit
			add("changed byte", string(changed), signature)
		}
	}
	for i := range signature {
		changed := []byte(signature)
		changed[i] ^= 1
		add("changed signature", testBody, string(changed))
		add("cut signature", testBody, signature[:i])
	}
	add("longer body", testBody+" ", signature)
	add("twice the body", testBody+testBody, signature)
	add("final newline", testBody+"\n", signature)
	add("byte order mark", "\ufeff"+testBody, signature)
	add("indented", reencoded(t, testBody, true), signature)
	add("encoded again", reencoded(t, testBody, false), signature)
	add("escaped", strings.ReplaceAll(testBody, "👋", `\ud83d\udc4b`), signature)
	add("decoded", strings.ReplaceAll(testBody, `\u00e9`, "é"), signature)
	add("as ASCII", strings.ReplaceAll(testBody, "👋", "??"), signature)

	for name, secret := range map[string]string{
		"wrong key": "someone2elses2secret22app1", "empty key": "", "key of zeros": strings.Repeat("\x00", 64), "client id as key": testClient,
		"cut key": testSecret[:25], "longer key": testSecret + "1", "upper case key": strings.ToUpper(testSecret), "both keys": testSecret + testPrevious,
		"key in base64": base64.StdEncoding.EncodeToString([]byte(testSecret)), "key in hex": hex.EncodeToString([]byte(testSecret)),
	} {
		add(name, testBody, sign(shape, secret, testBody))
	}
	add("signature of another body", testBody, sign(shape, testSecret, "{}"))
	add("signature of nothing", testBody, sign(shape, testSecret, ""))
	add("no MAC", testBody, algorithm+"=")
	add("no prefix", testBody, mac)
	add("no separator", testBody, algorithm+mac)
	add("prefix twice", testBody, algorithm+"="+signature)
	add("upper case prefix", testBody, strings.ToUpper(algorithm)+"="+mac)
	add("another prefix", testBody, "sha512="+mac)
	add("the other prefix", testBody, map[string]string{"sha1": "sha256=", "sha256": "sha1="}[algorithm]+mac)
	add("prefix of the shape", testBody, string(shape)+"="+mac)
	add("space before", testBody, " "+signature)
	add("space behind", testBody, signature+" ")
	add("space between", testBody, algorithm+"= "+mac)
	add("newline behind", testBody, signature+"\n")
	add("quoted", testBody, algorithm+`="`+mac+`"`)
	add("MAC twice", testBody, signature+mac)
	add("list", testBody, signature+","+signature)
	if strings.HasSuffix(string(shape), "base64") {
		add("no padding", testBody, strings.TrimRight(signature, "="))
		add("more padding", testBody, signature+"=")
		add("case of base64", testBody, algorithm+"="+strings.ToLower(mac))
		if url := strings.NewReplacer("+", "-", "/", "_").Replace(mac); url != mac {
			add("URL alphabet", testBody, algorithm+"="+url)
		}
	}

	one := func(v string) []string { return []string{v} }
	head("other account", one("87654321"), one(testClient), one(signature))
	head("account with a prefix", one("le"+testAccount), one(testClient), one(signature))
	head("account with a zero", one("0"+testAccount), one(testClient), one(signature))
	head("no account", nil, one(testClient), one(signature))
	head("two accounts", []string{testAccount, testAccount}, one(testClient), one(signature))
	head("other client", one(testAccount), one("00000000-6f0e-4c38-9d55-3ad0f9c1b111"), one(signature))
	head("no client", one(testAccount), nil, one(signature))
	head("two clients", one(testAccount), []string{testClient, "x"}, one(signature))
	head("no signature", one(testAccount), one(testClient), nil)
	head("two signatures", one(testAccount), one(testClient), []string{signature, signature})
	head("a wrong signature first", one(testAccount), one(testClient), []string{sign(shape, "x", testBody), signature})
	head("a wrong signature last", one(testAccount), one(testClient), []string{signature, sign(shape, "x", testBody)})
	return all
}

// reencoded is the same JSON in other bytes.
func reencoded(t *testing.T, body string, indent bool) string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(v)
	if indent {
		b, err = json.MarshalIndent(v, "", "  ")
	}
	if err != nil || string(b) == body {
		t.Fatalf("the body is not encoded differently: %v", err)
	}
	return string(b)
}

// All forgeries are refused whole, whatever shape is expected.
func TestForgeries(t *testing.T) {
	for _, shape := range Shapes() {
		for _, pinned := range append(Shapes(), "") {
			g := newRig(t, func(s *Settings) { s.Signature, s.Log = pinned, nil })
			n := int64(0)
			for _, f := range forgeries(t, shape) {
				req := httptest.NewRequest(http.MethodPost, testPath, strings.NewReader(f.body))
				req.Header[accountHeader], req.Header[clientHeader], req.Header[signatureHeader] = f.account, f.client, f.signed
				n++
				if got := g.send(req); got != http.StatusUnauthorized {
					t.Fatalf("%s, %s expected: %s: status %d\n%q\n%q", shape, pinned, f.name, got, f.body, f.signed)
				}
			}
			g.holds()
			if counts := g.Counts(); n < 1000 || counts[WrongClient]+counts[WrongAccount]+counts[Unsigned]+counts[WrongSignature] != n {
				t.Errorf("of %d forgeries: %v", n, counts)
			}
			// And the true one, in between, is taken.
			if got := g.send(event(testBody, sign(shape, testSecret, testBody))); got != http.StatusOK {
				t.Errorf("%s: status %d", shape, got)
			}
		}
	}
}

// No input without the right MAC is stored, and every one with it is: by the
// words of the protocol, not by the code under test.
func FuzzReceiver(f *testing.F) {
	for _, shape := range Shapes() {
		signature := sign(shape, testSecret, testBody)
		f.Add([]byte(testBody), signature, testAccount, testClient, false)
		f.Add([]byte(testBody), signature+" ", testAccount, testClient, false)
		f.Add([]byte(testBody), strings.ToUpper(signature), testAccount, testClient, true)
		f.Add([]byte("{}"), signature, "le"+testAccount, testClient, true)
	}
	f.Fuzz(func(t *testing.T, body []byte, signature, account, client string, resign bool) {
		// A fuzzer finds no MAC by itself: it is given the right one to spoil.
		if algorithm, mac, ok := strings.Cut(signature, "="); resign && ok {
			for _, shape := range Shapes() {
				if right := sign(shape, testSecret, string(body)); strings.HasPrefix(right, algorithm+"=") && len(right) == len(algorithm)+1+len(mac) {
					signature = right
				}
			}
		}
		genuine := account == testAccount && client == testClient && slices.ContainsFunc(Shapes(), func(shape Shape) bool {
			right := sign(shape, testSecret, string(body))
			algorithm, mac, _ := strings.Cut(signature, "=")
			return signature == right || strings.HasSuffix(string(shape), "hex") && algorithm+"="+strings.ToLower(mac) == right
		})
		g := newRig(t, func(s *Settings) { s.Secrets = []string{testSecret} })
		req := httptest.NewRequest(http.MethodPost, testPath, bytes.NewReader(body))
		req.Header[accountHeader], req.Header[clientHeader], req.Header[signatureHeader] = []string{account}, []string{client}, []string{signature}
		g.send(req)
		var want []string
		if genuine {
			want = append(want, string(body))
		}
		g.holds(want...)
	})
}
