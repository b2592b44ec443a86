package filedump_test

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"lpexport/archive"
)

// shown is what XML 1.0 shows of a text: its section 2.2, written anew.
func shown(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '\t' || r == '\n' || r == '\r' || r >= 0x20 && r <= 0xD7FF || r >= 0xE000 && r <= 0xFFFD || r >= 0x10000:
			b.WriteRune(r)
		case r < 0x20:
			b.WriteRune(0x2400 + r)
		default:
			b.WriteRune(0xFFFD)
		}
	}
	return b.String()
}

// pieces are what has ever broken a writer of XML.
var pieces = []string{
	"", "a", "]]>", "<![CDATA[", "<!--", "-->", "</Content>", "<Message>", "&", "&amp;", "&#x0;", "&#10;", `"`, "'", "<", ">", "<?xml?>", "\x00",
	"\x01", "\x08", "\x0b", "\x0c", "\x1f", "\x7f", "\u0085", "\u009f", "\t", "\n", "\r", "\r\n", " ", "\u2028", "\u202e", "\ufeff", "\ufffd", "\ufffe",
	"\uffff", "\U0001ffff", "\U0010ffff", "é", "東京", "😀", "\xff", "\xed\xa0\x80", "\xc3", "{skill}", "../",
}

func randomText(rng *rand.Rand) string {
	var b strings.Builder
	for range rng.IntN(10) {
		b.WriteString(pieces[rng.IntN(len(pieces))])
	}
	return b.String()
}

// hostile fills every text of a slice with what text gives.
func hostile(text func() string) archive.Slice {
	participant := func(role string) archive.Participant {
		return archive.Participant{ID: text(), Role: role, Name: text(), Login: text(), Email: text(), Kind: "human", Address: text(), AddressNote: text()}
	}
	skill := func() archive.Skill { return archive.Skill{ID: text(), Name: text()} }
	s := archive.Slice{
		Account: text(), Conversation: text(), Number: 1, Revision: 1, StartedAt: begin, Status: text(), CloseReason: text(), Skill: skill(),
		Skills: []archive.Skill{skill()}, Participants: []archive.Participant{participant("agent"), participant("consumer"), participant("system")},
	}
	for i := range 3 {
		m := message(int64(i), participant("agent"), text())
		m.Dialog, m.Type, m.Derived = text(), text(), text()
		m.Files = []archive.File{{Path: text(), Type: text(), Caption: text()}}
		s.Messages = append(s.Messages, m)
	}
	for _, kind := range []string{archive.Joined, archive.Left, archive.Survey, text()} {
		from := skill()
		s.Happened = append(s.Happened, archive.Happening{
			Name: text(), Kind: kind, At: begin, Dialog: text(), By: text(), Participant: text(), Reason: text(), FromSkill: &from,
			ToAgent: text(), Text: text(), Answers: []archive.Answer{{Question: text(), Answer: text()}},
		})
	}
	for _, path := range []string{s.Messages[0].Files[0].Path, text()} {
		held := filed(0, text(), text(), attachment(path))
		held.File.Type, held.Reason = text(), text()
		none := filed(0, text(), path, nil)
		none.Reason = text()
		s.Happened = append(s.Happened, held, none)
	}
	return s
}

// checkFaithful reads what was written back and compares it with the slice.
func checkFaithful(t *testing.T, s archive.Slice) {
	t.Helper()
	valid := func(s string) string { return string([]rune(s)) } // as the canonical line holds it
	for _, order := range orders {
		all := read(t, dump(t, settings(order), s))
		if len(all) != 1 || all[0].RoomID != shown(s.Conversation) || all[0].Perspective != shown(strings.TrimSpace("LivePerson "+valid(s.Skill.Name))) {
			t.Fatalf("%s: %d conversations, room %q, perspective %q", order, len(all), all[0].RoomID, all[0].Perspective)
		}
		var said []string
		for _, e := range of(all[0], "Message") {
			if e.LoginName != "LivePerson" {
				said = append(said, e.Content)
				continue
			}
			if !strings.HasPrefix(e.Content, "* ") {
				t.Errorf("%s: a note that reads %q", order, e.Content)
			}
		}
		if len(said) != len(s.Messages) {
			t.Fatalf("%s: %d messages of %d", order, len(said), len(s.Messages))
		}
		for i := range s.Messages {
			text := shown(valid(s.Messages[i].Text))
			if text == "" {
				text = "[" + shown(valid(s.Messages[i].Type)) + ", no text]"
			}
			if said[i] != text && !strings.HasPrefix(said[i], text+"\n[file: ") {
				t.Errorf("%s: %q came back as %q", order, s.Messages[i].Text, said[i])
			}
		}
		if n := len(of(all[0], "FileTransferEnded")); n != transfersOf(&s) {
			t.Errorf("%s: %d transfers", order, n)
		}
		list, beside := elements(t, settings(order), s)
		checkClaims(t, order, list, beside)
	}
}

// transfersOf counts the transfers of a slice: of each file that a message refers
// to, and of each that is held and that no message refers to.
func transfersOf(s *archive.Slice) (n int) {
	valid := func(s string) string { return string([]rune(s)) }
	named := map[string]bool{}
	for i := range s.Messages {
		for _, f := range s.Messages[i].Files {
			before := n
			for _, a := range s.Attachments() {
				if a.Path != "" && valid(a.Path) == valid(f.Path) {
					n++
				}
			}
			if n == before {
				n++
			}
			named[valid(f.Path)] = true
		}
	}
	for _, a := range s.Attachments() {
		if a.Path == "" || !named[valid(a.Path)] {
			n++
		}
	}
	return n
}

func TestHostileSlices(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 100 {
		checkFaithful(t, hostile(func() string { return randomText(rng) }))
	}
}

func FuzzHostileSlices(f *testing.F) {
	f.Add("Eve\r\nBcc: x@evil", "]]>", "\x00\ufffe")
	f.Add("", "</Content></Message><Message>", "../..")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		i := -1
		checkFaithful(t, hostile(func() string { i++; return []string{a, b, c, a + b, b + c}[i%5] }))
	})
}

func TestAHugeMessage(t *testing.T) {
	s := first()
	s.Messages, s.Happened = s.Messages[:1], nil
	piece := strings.Repeat("the account is open again ", 100) + "<&>\n\x00é"
	s.Messages[0].Text = strings.Repeat(piece, 10<<20/len(piece))
	said := of(read(t, dump(t, settings("mattermost"), s))[0], "Message")
	if got := said[len(said)-1].Content; got != shown(s.Messages[0].Text) {
		t.Errorf("%d bytes came back as %d", len(s.Messages[0].Text), len(got))
	}
}

// hostileFile writes a FileDump of many hostile slices.
func hostileFile(t *testing.T, order string) (name string, all []archive.Slice) {
	rng := rand.New(rand.NewPCG(7, 8))
	for range 30 {
		all = append(all, hostile(func() string { return randomText(rng) }))
	}
	name = filepath.Join(t.TempDir(), "dump.xml")
	if err := os.WriteFile(name, dump(t, settings(order), all...), 0o644); err != nil {
		t.Fatal(err)
	}
	return name, all
}

func TestXMLLintTakesIt(t *testing.T) {
	program, err := exec.LookPath("xmllint")
	if err != nil {
		t.Skip("xmllint is not installed")
	}
	for _, order := range orders {
		name, _ := hostileFile(t, order)
		if out, err := exec.Command(program, "--noout", name).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", order, err, out)
		}
	}
}

// Another parser must read the same texts out of it.
func TestExpatReadsTheSame(t *testing.T) {
	program, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed")
	}
	const script = `
import json, sys
from xml.etree import ElementTree
texts = [[m.findtext("Content") for m in c.findall("Message")] for c in ElementTree.parse(sys.argv[1]).getroot()]
json.dump(texts, sys.stdout)`
	for _, order := range orders {
		name, all := hostileFile(t, order)
		out, err := exec.Command(program, "-c", script, name).Output()
		if err != nil {
			t.Fatal(err)
		}
		var texts [][]string
		if err := json.Unmarshal(out, &texts); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		ours := read(t, data)
		if len(texts) != len(all) || len(ours) != len(all) {
			t.Fatalf("%s: %d and %d conversations of %d", order, len(texts), len(ours), len(all))
		}
		for i, c := range ours {
			for k, e := range of(c, "Message") {
				if texts[i][k] != e.Content {
					t.Errorf("%s: %q is read as %q", order, e.Content, texts[i][k])
				}
			}
		}
	}
}
