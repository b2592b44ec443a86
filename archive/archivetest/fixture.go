// Package archivetest makes small archives and has the suite that every
// destination must pass. It is for tests only.
package archivetest

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lpexport/archive"
)

// Archive says which archive Write makes. The same values make the same bytes.
type Archive struct {
	Account     string
	Destination string
	Bundles     int
	Slices      int // in each bundle, each of another conversation
	Messages    int // in each slice
	Files       int // attachments in each bundle, as File makes them, in one slice after the other
	Seed        uint64
}

// hash stands where any SHA-256 will do.
const hash = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// start is when the first bundle was cut; each later one a third of a day after.
var start = time.Date(2026, 1, 30, 22, 0, 0, 0, time.UTC)

// Write makes the archive below root and returns the paths of its bundles in
// the order of their serials. Conversations go on from bundle to bundle, with
// amendments, variants, derived names and happenings.
func Write(t testing.TB, root string, a Archive) []string {
	t.Helper()
	rng := rand.New(rand.NewPCG(a.Seed, 1))
	var paths []string
	var previous *archive.Previous
	for serial := 1; serial <= a.Bundles; serial++ {
		head := a.head(serial, previous)
		path := archive.BundlePath(a.Account, a.Destination, serial, head.Created)
		dir := filepath.Join(root, filepath.FromSlash(path))
		if err := os.MkdirAll(dir, 0o750); err != nil {
			t.Fatal(err)
		}
		slices := make([]archive.Slice, a.Slices)
		for i := range slices {
			slices[i] = a.slice(rng, i, serial)
		}
		rendered := Render(t, dir, head, slices)
		previous = &archive.Previous{Bundle: archive.BundleName(a.Destination, serial), SHA256: rendered.ManifestSHA256}
		paths = append(paths, path)
	}
	return paths
}

func (a Archive) head(serial int, previous *archive.Previous) archive.Head {
	return archive.Head{
		Serial: serial, Account: a.Account, Destination: a.Destination, Archive: "generic",
		SettingsSHA256: hash, Generator: "lpexport test", Origin: "origin-of-" + a.Destination,
		Created: start.Add(time.Duration(serial) * 8 * time.Hour), Previous: previous,
	}
}

// Render renders one bundle of the profile generic into the empty folder dir.
// Attachments are such as File makes.
func Render(t testing.TB, dir string, head archive.Head, slices []archive.Slice) archive.Rendered {
	t.Helper()
	return RenderAs(t, dir, head, archive.Shape{Format: archive.JSONL{}, Contents: Contents}, slices)
}

// RenderAs renders one bundle of any shape into the empty folder dir.
func RenderAs(t testing.TB, dir string, head archive.Head, shape archive.Shape, slices []archive.Slice) archive.Rendered {
	t.Helper()
	w, err := archive.NewWriter(dir, head, shape)
	if err != nil {
		t.Fatal(err)
	}
	for i := range slices {
		line, err := archive.AppendLine(nil, &slices[i])
		if err != nil {
			t.Fatal(err)
		}
		l := archive.ListingOf(&slices[i])
		if err := w.Add(line, l.Append(nil), archive.CountsOf(&slices[i])); err != nil {
			t.Fatal(err)
		}
	}
	rendered, err := w.Close()
	if err != nil {
		t.Fatal(err)
	}
	return rendered
}

var words = strings.Fields("the account you asked about is open again thank you please wait for an agent über straße 東京 émoji 😀 \"quoted\" tab\there")

func text(rng *rand.Rand) string {
	var b strings.Builder
	for range 5 + rng.IntN(20) {
		b.WriteString(words[rng.IntN(len(words))])
		b.WriteByte(' ')
	}
	return b.String()
}

// slice makes what bundle number serial holds of conversation i.
func (a Archive) slice(rng *rand.Rand, i, serial int) archive.Slice {
	id := fmt.Sprintf("%08x-1111-4222-8333-%012d", a.Seed, i)
	at := start.UnixMilli() + int64(serial)*60_000
	consumer := archive.Participant{ID: "c-" + id, Role: "consumer", Name: "Zoë Example", Kind: "human"}
	agent := archive.Participant{
		ID: "a-17", Role: "agent", Name: "Ana Agent", Login: "ana", Email: "ana@example.test", Kind: "human",
	}
	s := archive.Slice{
		Account: a.Account, Conversation: id, Number: serial, Revision: serial,
		StartedAt: start.UnixMilli(), Status: "OPEN", Skill: archive.Skill{ID: "12", Name: "Loans"},
		Skills: []archive.Skill{{ID: "12", Name: "Loans"}}, Participants: []archive.Participant{consumer, agent},
	}
	for k := range a.Messages {
		m := archive.Message{
			Dialog: id, Sequence: int64((serial-1)*a.Messages*2 + k*2), ID: fmt.Sprintf("ms::dialog:%s::msg:%d", id, k),
			SentAt: at + int64(k), Sender: consumer, Audience: "all", Type: "TEXT_PLAIN", Text: text(rng), Source: "history",
		}
		if k%2 == 1 {
			m.Sender = agent
		}
		s.Messages = append(s.Messages, m)
	}
	a.oddities(&s, serial, i)
	at += int64(a.Messages)
	name := fmt.Sprintf("%s@%d/%s", archive.Joined, at, agent.ID)
	s.Happened = []archive.Happening{{Name: name, Kind: archive.Joined, At: at, Dialog: id, By: agent.ID, Participant: agent.ID}}
	for k := i; k < a.Files; k += a.Slices {
		at++
		s.Happened = append(s.Happened, filed(at, agent.ID, File(k), ""))
		if k == 0 {
			s.Happened = append(s.Happened, filed(at, agent.ID, &archive.Attachment{Path: "/gone.jpg"}, "it has expired"))
		}
	}
	return s
}

// oddities adds what few messages have.
func (a Archive) oddities(s *archive.Slice, serial, i int) {
	if len(s.Messages) < 3 {
		return
	}
	first := &s.Messages[0]
	switch i % 4 {
	case 0:
		other := *first
		other.Variant, other.Text = 2, "another message under the same name"
		s.Messages = append(s.Messages, other)
	case 1:
		s.Messages[1].Derived = fmt.Sprintf("%064x", serial)
	case 2:
		amended := s.Messages[2]
		amended.Amends, amended.Text = s.Revision, "an amendment"
		s.Messages = append(s.Messages, amended)
	case 3:
		s.Messages[2].Type, s.Messages[2].Text = "RICH_CONTENT", ""
		s.Messages[2].Content = []byte(`{"type":"vertical","elements":[{"type":"text","text":"\ud83d\ude00"}]}`)
		s.Messages[2].Dialog += "-survey"
	}
}

func sha256File(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", sha256.Sum256(data))
}
