package exporter

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// upgraded is a trial on a copy of testdata/upgrade: a state that the version before
// wrote, what its destinations hold, and the account as it was then. The clock stands
// where it stood.
func upgraded(t *testing.T) (*liveTrial, *handmade) {
	t.Helper()
	base, h := handTrial(t, nil)
	base.edit = also(base.edit, func(s *Settings) {
		late := base.destination("late")
		late.Cut = Cut{After: 24 * time.Hour}
		s.Destinations = append(s.Destinations, late, base.destination("stuck"))
	})
	base.reopenWith(func() {
		if err := os.RemoveAll(base.state); err != nil {
			t.Fatal(err)
		}
		unpackUpgrade(t, filepath.Dir(base.state))
	})
	records, err := filepath.Glob("../testdata/upgrade/records/*.json")
	if err != nil || len(records) == 0 {
		t.Fatal(records, err)
	}
	for _, path := range records {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		h.records[strings.TrimSuffix(filepath.Base(path), ".json")] = string(raw)
	}
	r := &liveTrial{trial: base}
	r.listen()
	return r, h
}

// unpackUpgrade unpacks the state and the archive beside each other, as trials have them.
func unpackUpgrade(t *testing.T, dir string) {
	t.Helper()
	f, err := os.Open("../testdata/upgrade/written.tar.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for in := tar.NewReader(z); ; {
		head, err := in.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, filepath.FromSlash(head.Name))
		if head.Typeflag == tar.TypeDir {
			err = os.MkdirAll(path, 0o700)
		} else {
			var raw []byte
			if raw, err = io.ReadAll(in); err == nil {
				err = os.WriteFile(path, raw, 0o600)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// entries are all entries that a destination holds: names, senders and words.
func (r *trial) entries(name string) []string {
	list := []string{}
	for _, s := range r.slicesOf(name) {
		for _, m := range s.list("messages") {
			name := fmt.Sprint(m["sequence"])
			if m["sequence"] == nil {
				name = "without a sequence"
			}
			for _, mark := range []string{"variant", "amends"} {
				if m[mark] != nil {
					name += fmt.Sprintf(" %s %v", mark, m[mark])
				}
			}
			if m["lossy"] != nil {
				name += " lossy"
			}
			at, _ := m["sent_at"].(string)
			list = append(list, fmt.Sprintf("%s message %s by %s at %q: %q", s["conversation_id"], name, m["sender"].(map[string]any)["id"], at, m["text"]))
		}
		for _, h := range s.list("happened") {
			at, _ := h["at"].(string)
			line := fmt.Sprintf("%s %s at %q", s["conversation_id"], h["kind"], at)
			for _, a := range h.list("answers") {
				line += fmt.Sprintf(" %q=%q", a["question"], a["answer"])
			}
			if h["text"] != nil {
				line += fmt.Sprintf(": %q", h["text"])
			}
			list = append(list, line)
		}
	}
	slices.Sort(list)
	return list
}

// mustHoldEntries compares with what testdata/upgrade says a destination comes to,
// and with more that is said here.
func (r *trial) mustHoldEntries(name string, more ...string) {
	r.t.Helper()
	raw, err := os.ReadFile("../testdata/upgrade/" + name + ".txt")
	if err != nil {
		r.t.Fatal(err)
	}
	want := append(strings.Split(strings.TrimSpace(string(raw)), "\n"), more...)
	slices.Sort(want)
	got := r.entries(name)
	for _, line := range got {
		if i := slices.Index(want, line); i >= 0 {
			want = slices.Delete(want, i, i+1)
		} else {
			r.t.Errorf("%s holds, and should not: %s", name, line)
		}
	}
	for _, line := range want {
		r.t.Errorf("%s lacks: %s", name, line)
	}
}

// comeToRest runs cycles until every destination has been given all.
func (r *liveTrial) comeToRest() {
	r.t.Helper()
	for range 3 {
		r.clock.Advance(25 * time.Hour)
		if _, err := r.Cycle(context.Background(), nil); err != nil && !errors.Is(err, ErrIncomplete) {
			r.t.Fatal(err)
		}
		r.events.Learned()
		r.digestAll()
		r.deliver()
	}
}

var upgradedDestinations = []string{"late", "local", "stuck"}

// After an upgrade each owed entry goes out once, with its words, and nothing that
// is only read, named or hashed otherwise goes out again: whether what is owed is cut
// before anything is captured again, or behind.
func TestUpgradeDeliversWhatIsOwedOnce(t *testing.T) {
	for _, first := range []string{"delivers", "captures", "hears"} {
		t.Run(first, func(t *testing.T) {
			r, h := upgraded(t)
			switch first {
			case "delivers": // with an account that answers nothing
				records := maps.Clone(h.records)
				clear(h.records)
				r.comeToRest()
				maps.Copy(h.records, records)
			case "hears": // the events that were told come again
				for _, id := range []string{"had-told", "owed-told"} {
					r.receive(toldBefore(id)...)
				}
				if q := r.quarantined(); len(q) != 0 {
					t.Errorf("in quarantine: %q", q)
				}
			}
			r.comeToRest()
			for _, name := range upgradedDestinations {
				r.mustHoldEntries(name)
			}
			r.sound()
		})
	}
}

// toldBefore are the events that the state of testdata/upgrade was told.
func toldBefore(id string) [][]byte {
	event := func(n int, content string) []byte {
		return notification("ms.MessagingEventNotification", fmt.Sprintf(`{"sequence":%d,"originatorId":"c","originatorMetadata":{"id":"c","role":"CONSUMER"},
			"serverTimestamp":%d,"event":%s,"conversationId":"%s","dialogId":"%s","messageAudience":"ALL"}`, n, talkStart+int64(n)*60_000, content, id, id))
	}
	return [][]byte{
		stateOf(id, "1", 0, ""),
		event(0, `{"type":"ContentEvent","message":"a\ud83d","contentType":"text/plain"}`),
		event(1, `{"type":"RichContentEvent","content":{"type":"button","title":"NA"}}`),
		event(2, `{"type":"ContentEvent","message":{"relativePath":"/v1/z.jpg","fileType":"JPG","caption":"null"},"contentType":"hosted/file"}`),
	}
}

// What changes behind an upgrade is amended or told once, also where the version
// before could not have seen the difference.
func TestUpgradeKeepsSeeingChanges(t *testing.T) {
	r, h := upgraded(t)
	change := func(id, from, to string) {
		t.Helper()
		changed := strings.Replace(h.records[id], from, to, 1)
		if changed == h.records[id] {
			t.Fatal(id, from)
		}
		h.records[id] = changed
	}
	change("had-lost", `"a\ud83d"`, `"a\ud83e"`)
	change("had-lost", `"answer":"\ud83d"`, `"answer":"\ud83e"`)
	change("had-words", `{"msg":{"text":"NA"}}`, `{"msg":{"text":"null"}}`)
	change("had-words", `"answer":"NA"`, `"answer":"undefined"`)
	change("had-told", `"a\ud83d"`, `"a\ud83e"`)
	change("had-twins", `"participantId":"ann"`, `"participantId":"erased"`)
	r.comeToRest()
	// The archive has had what it was given first from the version before.
	r.mustHoldEntries("local",
		`had-lost message 0 amends 1 lossy by c at "2026-03-01T01:00:00.000Z": "a�"`,
		`had-lost survey at "2026-03-01T01:00:00.000Z" "q"="�"`,
		`had-words message 3 amends 1 by c at "2026-03-01T01:03:00.000Z": "[NEW_TYPE]\nnull"`,
		`had-words survey at "2026-03-01T01:00:00.000Z" "q"="undefined"`,
		`had-told message 0 amends 1 lossy by c at "2026-03-01T01:00:00.000Z": "a�"`)
}

// A state that is rebuilt from what the version before wrote to an archive finds
// there what it captures again. What only the lost state had is not there.
func TestRecoverFromAnArchiveOfTheVersionBefore(t *testing.T) {
	r, _ := upgraded(t)
	before := map[string][]string{"local": r.entries("local"), "late": r.entries("late")}
	r.lose()
	r.recovers("local")
	r.recovers("late")
	r.listen()
	r.comeToRest()
	for name, had := range before {
		got := r.entries(name)
		for _, line := range had { // it is there as it was
			i := slices.Index(got, line)
			if i < 0 {
				t.Fatalf("%s lost: %s", name, line)
			}
			got = slices.Delete(got, i, i+1)
		}
		told := map[string]bool{}
		for _, line := range had {
			told[entryName(line)] = true
		}
		for _, line := range got {
			real := name == "local" && strings.HasPrefix(line, "had-lost message 2 amends 1")
			twin := strings.Contains(line, "message 0 variant 2 by bob")
			dropped := strings.Contains(line, "-times joined") || strings.Contains(line, "-times transferred") || strings.Contains(line, "-words summary")
			if told[entryName(line)] && !real && !twin && !dropped {
				t.Errorf("%s is told again: %s", name, line)
			}
		}
	}
	r.sound()
}

// entryName is the conversation of a line of entries, its kind and its number.
func entryName(line string) string {
	words := strings.Fields(line)
	return strings.Join(words[:min(3, len(words))], " ")
}
