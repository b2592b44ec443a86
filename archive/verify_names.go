package archive

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// transcripts reads transcripts.jsonl against its manifest.
type transcripts struct {
	*scanner
	manifest *Manifest
	facts    *facts
	held     map[string]string // hashes of the manifest's attachments by their names; nil until a line has one
	lines    int
	listed   *Listing  // what the manifest lists for the line
	problems []Problem // without paths

	first, last [24]byte // sent_at, as it is written
	listing     Listing  // of the line that is being read
	fact        fact
	account     bool // the line's account is the manifest's
	repeated    int  // messages and happenings that the line holds twice
	lost        int  // attachments of the line that the manifest does not list
	lostName    string
	msg         scanned
}

// scanned is what identifies the message that is being read.
type scanned struct {
	dialog          string // kept from message to message: mostly it is the same
	derived         string
	sequence        int64
	variant, amends int
}

func (t *transcripts) problem(kind, detail string) {
	t.problems = append(t.problems, Problem{Kind: kind, Detail: detail})
}

// read reads all lines and compares them with the slices that the manifest
// lists for the file, in the same order. manifest reads manifest.json for the
// second time: to keep what it lists would take more memory than all the rest.
func (t *transcripts) read(manifest io.Reader) error {
	_, err := parseManifest(manifest, func(l *Listing) {
		if l.File == TranscriptsFile {
			t.next(l)
		}
	})
	if err == nil && t.peek() != 0 {
		t.problem(Misnamed, "there are more lines than the manifest lists")
	}
	return err
}

// next reads the line that is listed next.
func (t *transcripts) next(listed *Listing) {
	t.lines++
	t.listed = listed
	sure := false
	if t.peek() == 0 {
		t.problem(Misnamed, fmt.Sprintf("slice %d of conversation %q is listed and not there", listed.Slice, listed.Conversation))
	} else if t.line(); t.err != nil {
		t.problem(Misnamed, fmt.Sprintf("line %d cannot be read: %v", t.lines, t.err))
		t.toNextLine()
	} else {
		sure = t.compare(t.lines, listed)
	}
	if sure {
		t.facts.add(&t.fact)
	} else {
		t.facts.unsure = true
	}
}

// compare tells whether the line is the slice that is listed.
func (t *transcripts) compare(line int, listed *Listing) bool {
	t.listing.File = TranscriptsFile
	if !t.account {
		t.problem(Misnamed, fmt.Sprintf("line %d is of another account", line))
		return false
	}
	if !t.listing.Equal(listed) {
		t.problem(Misnamed, fmt.Sprintf("line %d does not hold what is listed for slice %d of conversation %q",
			line, listed.Slice, listed.Conversation))
		return false
	}
	if t.lost > 0 {
		t.problem(Misnamed, fmt.Sprintf("line %d: %d attachments of conversation %q are not files of the bundle, such as %s",
			line, t.lost, listed.Conversation, t.lostName))
	}
	if t.repeated > 0 {
		t.problem(Repeated, fmt.Sprintf("line %d: %d messages of conversation %q twice in one slice",
			line, t.repeated, listed.Conversation))
	}
	return true
}

// line walks one line.
func (t *transcripts) line() {
	t.listing = Listing{Dialogs: t.listing.Dialogs[:0], Happened: t.listing.Happened[:0]}
	t.fact.reset()
	t.account, t.repeated, t.lost = false, 0, 0
	t.members(func(key []byte) {
		switch string(key) {
		case "account":
			t.account = string(t.text()) == t.manifest.Account
		case "conversation_id":
			t.listing.Conversation = string(t.text())
		case "slice":
			t.listing.Slice = int(t.integer())
		case "revision":
			t.listing.Revision = int(t.integer())
		case "messages":
			t.elements(t.message)
		case "happened":
			t.elements(t.happening)
		default:
			t.skip()
		}
	})
	t.expect('\n')
	t.fact.conversation = t.facts.hash(t.listing.Conversation, "", 2)
	t.fact.id = t.listing.Conversation
	t.fact.number = t.listing.Slice
}

// errMore ends a line that holds more than is listed for it, before it can fill
// the memory.
var errMore = errors.New("it holds more than is listed")

func (t *transcripts) message() {
	t.msg = scanned{dialog: t.msg.dialog}
	t.members(func(key []byte) {
		switch string(key) {
		case "dialog_id":
			if id := t.text(); string(id) != t.msg.dialog {
				t.msg.dialog = string(id)
			}
		case "sequence":
			if !t.null() {
				t.msg.sequence = t.integer()
			}
		case "derived":
			t.msg.derived = string(t.text())
		case "variant":
			t.msg.variant = int(t.integer())
		case "amends":
			t.msg.amends = int(t.integer())
		case "sent_at":
			t.sent()
		default:
			t.skip()
		}
	})
	if t.listing.Messages == t.listed.Messages {
		t.fault(errMore)
	}
	if t.err == nil {
		m := &t.msg
		t.listing.add(m.dialog, m.sequence, m.derived, m.variant, m.amends)
		if t.fact.note(t.facts, m) {
			t.repeated++
		}
	}
}

// note adds a message to what its slice delivers, and tells whether it is one
// that stands there already and amends nothing.
func (f *fact) note(facts *facts, m *scanned) (repeated bool) {
	if m.derived != "" {
		name := facts.hash(m.dialog, m.derived, 0)
		if m.amends != 0 {
			f.amendedNames = append(f.amendedNames, name)
		} else {
			f.names = append(f.names, name)
		}
		return false
	}
	tracks := &f.fresh
	if m.amends != 0 {
		tracks = &f.amended
	}
	return !trackOf(tracks, facts.hash(m.dialog, "", m.variant)).Add(m.sequence) && m.amends == 0
}

func (t *transcripts) happening() {
	t.members(func(key []byte) {
		switch string(key) {
		case "name":
			if len(t.listing.Happened) == len(t.listed.Happened) {
				t.fault(errMore)
			}
			name := string(t.text())
			t.listing.Happened = append(t.listing.Happened, name)
			t.fact.names = append(t.fact.names, t.facts.hash("", name, 1))
		case "file":
			t.attachment()
		default:
			t.skip()
		}
	})
}

// attachment looks for the file that an attachment names.
func (t *transcripts) attachment() {
	var name, hash string
	t.members(func(key []byte) {
		switch string(key) {
		case "name":
			name = string(t.text())
		case "sha256":
			hash = string(t.text())
		default:
			t.skip()
		}
	})
	switch {
	case name == "" && hash == "": // not to be had
	case hash == "" || attachmentHash(name) != hash:
		t.fault(errAttachment)
	case t.files()[name] != hash:
		t.lost, t.lostName = t.lost+1, name
	}
}

// files returns the manifest's attachments. Most bundles have none to ask for.
func (t *transcripts) files() map[string]string {
	if t.held == nil {
		t.held = make(map[string]string)
		for _, f := range t.manifest.Files {
			if attachmentHash(f.Path) != "" {
				t.held[f.Path] = f.SHA256
			}
		}
	}
	return t.held
}

// sent keeps the first and the last time. They compare as they are written.
func (t *transcripts) sent() {
	if t.null() {
		return
	}
	at := t.raw()
	if len(at) != len(t.first) {
		t.fault(errShape)
		return
	}
	if t.first[0] == 0 || bytes.Compare(at, t.first[:]) < 0 {
		copy(t.first[:], at)
	}
	if bytes.Compare(at, t.last[:]) > 0 {
		copy(t.last[:], at)
	}
}

// period is that of all messages; what is no time counts as none.
func (t *transcripts) period() Period {
	var p Period
	if from, err := parseTime(t.first[:]); err == nil {
		p.From = from
	}
	if to, err := parseTime(t.last[:]); err == nil {
		p.To = to
	}
	return p
}
