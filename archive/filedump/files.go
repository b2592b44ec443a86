package filedump

import (
	"cmp"
	"strconv"
	"strings"

	"lpexport/archive"
)

// named is a file that messages of the slice refer to, with what the slice tells
// of it.
type named struct {
	happened []*archive.Happening
	noted    bool // behind an earlier message
}

// nameFiles finds out which files both a message refers to and a happening is
// about. Nothing is looked for by a path that is not known.
func (r *room) nameFiles() {
	s := r.slice
	for i := range s.Happened {
		h := &s.Happened[i]
		if h.File == nil || h.File.Path == "" {
			continue
		}
		if r.named == nil { // as nearly always
			r.named = namesOf(s)
		}
		if n := r.named[h.File.Path]; n != nil {
			n.happened = append(n.happened, h)
		}
	}
}

func namesOf(s *archive.Slice) map[string]*named {
	all := map[string]*named{}
	for i := range s.Messages {
		for k := range s.Messages[i].Files {
			all[s.Messages[i].Files[k].Path] = new(named)
		}
	}
	return all
}

// told returns what the slice tells of a path that a message refers to.
func (r *room) told(path string) *named {
	if n := r.named[path]; n != nil && len(n.happened) > 0 {
		return n
	}
	return nil
}

// isBehindMessage tells whether a happening is about a file that a message of
// the slice refers to: it stands there.
func (r *room) isBehindMessage(h *archive.Happening) bool {
	return h.File != nil && r.told(h.File.Path) != nil
}

// appendFiles appends the transfers of a message's files, and behind them the
// notes about these that no earlier message has.
func (r *room) appendFiles(dst []Element, m *archive.Message, by Element, start int64) []Element {
	var transfers []Element
	for i := range m.Files {
		transfers = r.appendNamed(transfers, &m.Files[i], by)
	}
	dst = appendPairs(dst, transfers)
	for i := range m.Files {
		n := r.told(m.Files[i].Path)
		if n == nil || n.noted {
			continue
		}
		n.noted = true
		for _, h := range n.happened {
			dst = append(dst, r.happeningNote(h, start))
		}
	}
	return dst
}

// appendNamed appends the transfer of a file that a message refers to: of the
// attachment that the slice holds, else one that failed, of the path.
func (r *room) appendNamed(transfers []Element, f *archive.File, by Element) []Element {
	n := len(transfers)
	if t := r.told(f.Path); t != nil {
		for _, h := range t.happened {
			if h.File.Held() {
				transfers = append(transfers, r.delivered(h.File, by))
			}
		}
	}
	if len(transfers) > n {
		return transfers
	}
	file, shown := r.paths(f)
	return append(transfers, Element{LoginName: by.LoginName, At: by.At, UserFileName: shown, FileName: file, Status: r.set.failed()})
}

// delivered is the transfer of an attachment, which lies beside the document.
func (r *room) delivered(a *archive.Attachment, by Element) Element {
	return Element{
		LoginName: by.LoginName, At: by.At, UserFileName: cmp.Or(shownName(a.Path), a.Name), FileName: a.Name, Status: r.set.Status,
	}
}

// appendPairs appends transfers as they stand in the XML: all start, then all end.
func appendPairs(dst, transfers []Element) []Element {
	for _, t := range transfers {
		t.Kind, t.Status = transferStarted, ""
		dst = append(dst, t)
	}
	for _, t := range transfers {
		t.Kind = transferEnded
		dst = append(dst, t)
	}
	return dst
}

// appendFiled appends the transfer of an attachment behind its note: no message
// of the slice refers to it.
func (r *room) appendFiled(dst []Element, h *archive.Happening, start int64) []Element {
	if !h.File.Held() {
		return dst
	}
	by := Element{LoginName: r.senderOf(h).login, At: cmp.Or(h.At, start)}
	return appendPairs(dst, []Element{r.delivered(h.File, by)})
}

// senderOf returns who sent a file; where nobody knows, who writes the notes.
func (r *room) senderOf(h *archive.Happening) *person {
	if h.By == "" {
		return &r.people[0]
	}
	return r.findOrAdd(h.By)
}

// appendFacts appends what is known of a file that was fetched, or that there is
// none.
func appendFacts(b []byte, a *archive.Attachment) []byte {
	if a.Path == "" {
		b = append(b, ", LivePerson does not tell of which message it is"...)
	}
	b = appendNamed(b, ", path ", a.Path)
	if !a.Held() {
		return append(b, ", not available"...)
	}
	b = appendNamed(b, ", type ", a.Type)
	b = strconv.AppendInt(append(b, ", "...), a.Bytes, 10)
	return appendNamed(append(b, " bytes"...), ", SHA-256 ", a.SHA256)
}

// paths is a file's path as an importer may join it to a folder, and the name
// that a person saw.
func (r *room) paths(f *archive.File) (file, shown string) {
	path := cmp.Or(f.Path, f.Caption, f.Type, "unnamed")
	shown = shownName(path)
	if strings.Contains(path, "://") {
		return withoutDots(path), shown // the URL of a file elsewhere
	}
	path = withoutDots(strings.TrimLeft(path, `/\`))
	if r.set.Separator == `\` {
		path = strings.ReplaceAll(path, "/", `\`)
	}
	return cmp.Or(path, "unnamed"), shown
}

// shownName is the last segment of a path. An importer may keep a file under it,
// so it is none that stands for a folder.
func shownName(path string) string {
	name := path[strings.LastIndexAny(path, `/\`)+1:]
	if name == "." || name == ".." {
		return ""
	}
	return name
}

func withoutDots(path string) string { return strings.ReplaceAll(path, "..", "%2E%2E") }
