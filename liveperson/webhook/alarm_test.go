package webhook

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
)

// forged is an event with our client id that is refused.
func forged() *http.Request { return event(testBody, sign(SHA1Base64, "x", testBody)) }

// lines counts the log's lines of a level.
func (g *rig) lines(level string) int { return strings.Count(g.log.String(), "level="+level+" ") }

func (g *rig) alarms(word string, since time.Time) {
	g.Helper()
	reason, at := g.Alarm()
	if (reason == "") != (word == "") || !strings.Contains(reason, word) || !at.Equal(since) {
		g.Errorf("alarm %q since %v, want %q since %v", reason, at, word, since)
	}
}

// Each refusal of what bears our client id names the likely cause; junk alarms nobody.
func TestAlarmReasons(t *testing.T) {
	for word, change := range map[string]func(*rig, *http.Request){
		"webhook.client_secret": func(_ *rig, r *http.Request) { r.Header.Set(signatureHeader, sign(SHA1Base64, "x", testBody)) },
		"another account":       func(_ *rig, r *http.Request) { r.Header.Set(accountHeader, "x") },
		"no signature":          func(_ *rig, r *http.Request) { r.Header.Del(signatureHeader) },
		"larger than the limit": func(_ *rig, r *http.Request) { r.ContentLength = 1 << 40 },
		"do not arrive whole":   func(_ *rig, r *http.Request) { r.Body = broken{} },
		"cannot be stored":      func(g *rig, _ *http.Request) { g.fail = errors.New("disk full") },
		"more events at once":   func(g *rig, _ *http.Request) { g.inFlight.take() },
		"":                      func(_ *rig, r *http.Request) { r.Header.Set(clientHeader, "x") },
	} {
		g := newRig(t, func(s *Settings) { s.InFlight = 1 })
		req := genuine(testBody)
		change(g, req)
		if g.send(req) == http.StatusOK {
			t.Errorf("%s: taken", word)
		}
		if word == "" {
			g.alarms("", time.Time{})
			if g.lines("ERROR")+g.lines("WARN")+g.lines("INFO") != 0 || g.lines("DEBUG") != 1 {
				t.Errorf("junk is logged: %s", &g.log)
			}
			continue
		}
		g.alarms(word, start)
		if g.lines("ERROR") != 1 {
			t.Errorf("%s: logged %s", word, &g.log)
		}
		// A good one ends it.
		g.fail = nil
		if len(g.inFlight) > 0 {
			g.inFlight.release()
		}
		g.send(genuine(testBody))
		g.alarms("", time.Time{})
		if g.lines("INFO") != 1 {
			t.Errorf("%s: the end is not logged once: %s", word, &g.log)
		}
		for _, secret := range []string{testSecret, testPrevious, testClient, testAccount, "Grüße", "sha1="} {
			if strings.Contains(g.log.String(), secret) {
				t.Errorf("%s: the log tells %q: %s", word, secret, &g.log)
			}
		}
	}
}

// broken is a body whose sender has gone.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("gone") }
func (broken) Close() error             { return nil }

// While it lasts it is logged once an hour, whatever is sent.
func TestAlarmLasts(t *testing.T) {
	g := newRig(t, nil)
	for range 3 * 60 {
		g.send(forged())
		g.now = g.now.Add(time.Minute)
	}
	g.alarms("wrong signature", start)
	if got := g.lines("ERROR"); got != 3 {
		t.Errorf("%d errors in three hours", got)
	}
}

// Bad and good ones in turn, as anybody can bring about who knows the client id,
// do not fill the log.
func TestAlarmComesAndGoes(t *testing.T) {
	g := newRig(t, nil)
	for range 59 {
		g.send(forged())
		g.alarms("wrong signature", g.now)
		g.send(genuine(testBody))
		g.alarms("", time.Time{})
		g.now = g.now.Add(time.Minute)
	}
	if bad, good := g.lines("ERROR"), g.lines("INFO"); bad != 1 || good != 1 {
		t.Errorf("%d errors and %d ends in an hour", bad, good)
	}
	g.now = g.now.Add(time.Minute)
	g.send(forged())
	g.send(genuine(testBody))
	if bad, good := g.lines("ERROR"), g.lines("INFO"); bad != 2 || good != 2 {
		t.Errorf("%d errors and %d ends in the next", bad, good)
	}
}

// A reason that takes the place of another is told at once.
func TestAlarmOfAnotherReason(t *testing.T) {
	g := newRig(t, nil)
	g.send(forged())
	g.now = g.now.Add(time.Second)
	g.fail = errors.New("disk full")
	g.send(genuine(testBody))
	g.alarms("cannot be stored", g.now)
	if g.lines("ERROR") != 2 || !strings.Contains(g.log.String(), "disk full") {
		t.Errorf("logged %s", &g.log)
	}
}

// A change of shape is taken, counted, told once for each shape, and over when
// the expected one is back.
func TestShapeChange(t *testing.T) {
	g := newRig(t, func(s *Settings) { s.Signature = SHA1Base64 })
	take := func(shape Shape) {
		t.Helper()
		if got := g.send(event(testBody, sign(shape, testSecret, testBody))); got != http.StatusOK {
			t.Errorf("%s: status %d", shape, got)
		}
	}
	take(SHA1Base64)
	for range 3 {
		take(SHA256Hex)
	}
	g.alarms("sha256-hex, not sha1-base64", start)
	take(SHA256Base64)
	g.alarms("sha256-base64, not sha1-base64", start)
	if got := g.lines("WARN"); got != 2 {
		t.Errorf("%d warnings: %s", got, &g.log)
	}
	// A forgery in the expected shape ends nothing.
	g.send(forged())
	g.alarms("wrong signature", start)
	take(SHA1Base64)
	g.alarms("", time.Time{})
	g.counted(map[Result]int64{Stored: 6, ShapeChanged: 4, WrongSignature: 1})
}
