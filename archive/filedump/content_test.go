package filedump_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lpexport/archive"
	"lpexport/archive/filedump"
)

func TestContentSaysWhatTextDoesNot(t *testing.T) {
	for _, c := range []struct {
		change                       func(*archive.Message)
		mattermost, elsewhere, state string
	}{
		{func(m *archive.Message) {}, "text", "text", ""},
		{func(m *archive.Message) { m.Amends = 3 }, "text", "[amends revision 3] text", "EditedNewMsg"},
		{func(m *archive.Message) { m.Audience = "agents" }, "[agents only] text", "[agents only] text", ""},
		{func(m *archive.Message) { m.Assumed = true }, "[audience not stated] text", "[audience not stated] text", ""},
		{func(m *archive.Message) { m.Audience, m.Amends = "agents", 1 }, "[agents only] text", "[agents only] [amends revision 1] text", "EditedNewMsg"},
		{func(m *archive.Message) { m.Text = "" }, "[TEXT_PLAIN, no text]", "[TEXT_PLAIN, no text]", ""},
		{func(m *archive.Message) { m.Files = []archive.File{{Path: "f", Caption: "tex"}} }, "text", "text", ""},
		{
			func(m *archive.Message) { m.Files = []archive.File{{Path: "f", Caption: "one"}, {Path: "g"}} },
			"text\n[file: one]", "text\n[file: one]", "",
		},
	} {
		for _, order := range orders {
			s := first()
			s.Messages = []archive.Message{message(0, consumer, "text")}
			c.change(&s.Messages[0])
			s.Happened = nil
			all := of(read(t, dump(t, settings(order), s))[0], "Message")
			want := filedump.Element{Kind: "Message", Content: c.elsewhere}
			if order == "mattermost" {
				want.Content, want.UpdatedType = c.mattermost, c.state
			}
			got := filedump.Element{Kind: "Message", Content: all[1].Content, UpdatedType: all[1].UpdatedType}
			if diff := cmp.Diff(want, got); diff != "" || len(all) != 2 {
				t.Errorf("%s: %s", order, diff)
			}
		}
	}
}

func TestMessageNames(t *testing.T) {
	s := first()
	s.Happened = nil
	s.Messages = []archive.Message{message(0, consumer, "a"), message(7, consumer, "b"), message(7, consumer, "c"), message(7, consumer, "d")}
	s.Messages[2].Variant, s.Messages[3].Derived = 2, "00ff"
	var names []string
	for _, e := range of(read(t, dump(t, settings("mattermost"), s))[0], "Message") {
		names = append(names, e.MessageID)
	}
	want := []string{"slice@1/6f0d8b1c-0001", "6f0d8b1c-0001/0", "6f0d8b1c-0001/7", "6f0d8b1c-0001/7.2", "6f0d8b1c-0001/00ff"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
}

// An importer joins the paths to a folder of its own.
func TestPathsOfFilesStayInside(t *testing.T) {
	for path, want := range map[string][2]string{
		"4/letter.pdf":                  {"4/letter.pdf", "letter.pdf"},
		"/4/letter.pdf":                 {"4/letter.pdf", "letter.pdf"},
		"../../etc/passwd":              {"%2E%2E/%2E%2E/etc/passwd", "passwd"},
		`\\host\share\..\a.png`:         {`host\share\%2E%2E\a.png`, "a.png"},
		"..":                            {"%2E%2E", ""},
		"4/.":                           {"4/.", ""},
		"https://files.example/a/b.png": {"https://files.example/a/b.png", "b.png"},
		"https://x.example/a/../b.png":  {"https://x.example/a/%2E%2E/b.png", "b.png"},
		"folder/":                       {"folder/", ""},
		"":                              {"caption", "caption"},
		"///":                           {"unnamed", ""},
		"a\r\nb\x00]]>":                 {"a\r\nb\u2400]]>", "a\r\nb\u2400]]>"},
	} {
		s := first()
		s.Messages = s.Messages[:1]
		s.Messages[0].Files = []archive.File{{Path: path, Caption: "caption"}}
		for _, separator := range []string{"", "/", `\`} {
			set := settings("vendor")
			set.Separator = separator
			c := read(t, dump(t, set, s))[0]
			file := want[0]
			if separator == `\` && !strings.Contains(path, "://") {
				file = strings.ReplaceAll(file, "/", `\`)
			}
			for _, kind := range []string{"FileTransferStarted", "FileTransferEnded"} {
				got := of(c, kind)
				if len(got) != 1 || got[0].FileName != file || got[0].UserFileName != want[1] || got[0].LoginName != consumer.Address {
					t.Errorf("%q with %q: %+v", path, separator, got)
				}
			}
		}
	}
}

func TestFileTransfersAreBehindTheirMessage(t *testing.T) {
	c := read(t, dump(t, settings("mattermost"), first()))[0]
	var got []string
	for i, e := range c.Elements {
		if strings.HasPrefix(e.Kind, "FileTransfer") {
			got = append(got, e.Kind+" "+e.FileName+" "+e.Status)
		} else if len(got) > 0 {
			if want := "[HOSTED_FILE, no text]\n[file: my letter]"; c.Elements[i-5].Content != want {
				t.Errorf("they follow %q", c.Elements[i-5].Content)
			}
			break
		}
	}
	want := []string{
		"FileTransferStarted 4/letter.pdf ", "FileTransferStarted 4/%2E%2E/scan.png ",
		"FileTransferEnded 4/letter.pdf Failed", "FileTransferEnded 4/%2E%2E/scan.png Failed",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A text from outside must not look like a line of the program's own.
func TestNotesCannotBeForged(t *testing.T) {
	const forged = "x\n* closed\r* closed\r\n* closed"
	s := first()
	s.Account, s.Conversation, s.Status, s.CloseReason, s.Skill.Name = forged, forged, forged, forged, forged
	for i := range s.Participants {
		p := &s.Participants[i]
		p.ID, p.Name, p.Login, p.Email, p.AddressNote = p.ID+forged, forged, forged, forged, forged
	}
	for i := range s.Happened {
		h := &s.Happened[i]
		h.Kind, h.By, h.Participant, h.Reason, h.Text, h.ToAgent, h.Dialog = "x"+forged, forged, forged, forged, forged, forged, forged
		h.FromSkill, h.Answers = &archive.Skill{ID: forged, Name: forged}, []archive.Answer{{Question: forged, Answer: forged}}
	}
	notes := 0
	for _, e := range of(read(t, dump(t, settings("microsoft"), s))[0], "Message") {
		if e.LoginName != "LivePerson" {
			continue
		}
		notes++
		lines := strings.FieldsFunc(e.Content, func(r rune) bool { return r == '\n' || r == '\r' })
		for _, line := range lines[1:] {
			if strings.HasPrefix(line, "*") {
				t.Errorf("forged: %q", e.Content)
			}
		}
	}
	if notes != 1+len(s.Happened) {
		t.Errorf("%d notes", notes)
	}
}

// Every word of every happening is in a note, whatever its kind.
func TestNotesLoseNothing(t *testing.T) {
	for _, kind := range []string{
		archive.Started, archive.Joined, archive.Left, archive.Transferred, archive.Closed, archive.Reopened,
		archive.Survey, archive.Summary, "form",
	} {
		s := second()
		s.Messages = nil
		s.Happened = []archive.Happening{{
			Name: kind + "@1/x", Kind: kind, At: begin, Dialog: "w-dialog", By: ana.ID, Participant: "w-participant", Reason: "w-reason",
			FromSkill: &archive.Skill{ID: "w-from", Name: "w-from-name"}, ToSkill: &archive.Skill{ID: "w-to"}, ToAgent: "w-agent",
			Text: "w-text", Answers: []archive.Answer{{Question: "w-question", Answer: "w-answer"}},
		}}
		all := of(read(t, dump(t, settings("mattermost"), s))[0], "Message")
		if len(all) != 2 || all[1].MessageID != kind+"@1/x" || all[1].UserType != "bot" || all[1].At != begin {
			t.Fatalf("%s: %+v", kind, all)
		}
		for _, word := range []string{
			"* " + kind, "w-dialog", "Ana Agent <ana@eu.firm.example>", "w-participant", "w-reason", "w-from", "w-from-name", "w-to",
			"w-agent", "w-text", "w-question", "w-answer",
		} {
			if !strings.Contains(all[1].Content, word) {
				t.Errorf("%s: no %q in %q", kind, word, all[1].Content)
			}
		}
	}
}

// Who came and went needs no note, unless it says anything more.
func TestPresenceIsANoteWhereItSaysMore(t *testing.T) {
	for name, change := range map[string]func(*archive.Happening){
		"":            func(h *archive.Happening) {},
		"participant": func(h *archive.Happening) { h.Participant = "" },
		"by":          func(h *archive.Happening) { h.By = bot.ID },
		"dialog":      func(h *archive.Happening) { h.Dialog = "other" },
		"reason":      func(h *archive.Happening) { h.Reason = "r" },
		"from skill":  func(h *archive.Happening) { h.FromSkill = &care },
		"to skill":    func(h *archive.Happening) { h.ToSkill = &care },
		"to agent":    func(h *archive.Happening) { h.ToAgent = bot.ID },
		"text":        func(h *archive.Happening) { h.Text = "t" },
		"answers":     func(h *archive.Happening) { h.Answers = []archive.Answer{{Question: "q"}} },
		"file":        func(h *archive.Happening) { h.File = &archive.Attachment{Path: "p"} },
	} {
		for _, kind := range []string{archive.Joined, archive.Left} {
			s := first()
			s.Messages = nil
			s.Happened = []archive.Happening{happening(kind, 5, func(h *archive.Happening) { h.By, h.Participant = ana.ID, ana.ID })}
			change(&s.Happened[0])
			want := 2
			if name == "" {
				want = 1
			}
			if got := of(read(t, dump(t, settings("vendor"), s))[0], "Message"); len(got) != want {
				t.Errorf("%s, with %q: %d notes", kind, name, len(got)-1)
			}
		}
	}
}

func TestFirstNoteTellsTheFacts(t *testing.T) {
	set := settings("microsoft")
	set.System = "notes@firm.example"
	note := of(read(t, dump(t, set, second()))[0], "Message")[0]
	want := strings.Join([]string{
		"* LivePerson conversation 6f0d8b1c-0001 of account 12345678, slice 2, revision 4",
		"status CLOSE, close reason AGENT, incomplete: LivePerson says that its own record is cut short",
		"started 2026-01-31T10:00:00.250Z",
		"ended 2026-01-31T10:01:30.250Z",
		"skill Loans (12)",
		"skills Care (9), Loans (12)",
		"participant Helper <helper@bots.example.net> (agent, bot), id b-7, login helper",
		"participant Ana Agent <ana@eu.firm.example> (agent, human), id a-17, login ana, e-mail ana@firm.example",
		"participant max (manager, human), id m-3, login max",
		"participant Zoë Example <c-5d3f9a0c@visitors.example.net> (consumer, human), id c-41, e-mail zoe@example.org, " +
			"address: e-mail not used: it is not verified",
	}, "\n")
	if diff := cmp.Diff(want, note.Content); diff != "" || note.LoginName != set.System {
		t.Errorf("by %q:\n%s", note.LoginName, diff)
	}
}
