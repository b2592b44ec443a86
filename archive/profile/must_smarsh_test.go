package profile_test

import (
	"encoding/xml"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"lpexport/archive"
	"lpexport/archive/filedump"
	"lpexport/archive/profile"
)

// dump is a FileDump as another program reads it, with the elements in order.
type dump struct {
	Conversations []element `xml:"Conversation"`
}

type element struct {
	XMLName     xml.Name
	Perspective string    `xml:",attr"`
	Text        string    `xml:",chardata"`
	Inside      []element `xml:",any"`
}

// all returns the elements of that name inside.
func (e element) all(name string) []element {
	return slices.DeleteFunc(slices.Clone(e.Inside), func(in element) bool { return in.XMLName.Local != name })
}

// value returns the text of the first element of that name inside.
func (e element) value(name string) string {
	for _, in := range e.all(name) {
		return in.Text
	}
	return ""
}

// order returns the names of what is inside.
func (e element) order() []string {
	var names []string
	for _, in := range e.Inside {
		names = append(names, in.XMLName.Local)
	}
	return names
}

// fileDump returns what a Smarsh destination with the block filedump starts with.
func fileDump(t testing.TB) profile.Rendering {
	t.Helper()
	p := find(t, "smarsh-enterprise")
	w, _ := p.On("sftp", "")
	r, ok := p.As(profile.FormatFileDump, w)
	if !ok {
		t.Fatal("it takes no FileDump XML")
	}
	return own(r)
}

// dialect returns r with settings of the dialect changed.
func dialect(r profile.Rendering, change func(*filedump.Settings)) profile.Rendering {
	s := *r.FileDump
	change(&s)
	r.FileDump = &s
	return r
}

// xmlOf renders slices as the whole file.
func xmlOf(t testing.TB, r profile.Rendering, all ...archive.Slice) (file string, raw []byte) {
	t.Helper()
	shape, err := r.Shape()
	if err != nil {
		t.Fatal(err)
	}
	file, head, tail := shape.Format.Joined()
	raw = []byte(head)
	for _, doc := range render(t, r, all...) {
		raw = append(raw, doc...)
	}
	return file, append(raw, tail...)
}

func readDump(t testing.TB, r profile.Rendering, all ...archive.Slice) []element {
	t.Helper()
	_, raw := xmlOf(t, r, all...)
	var d dump
	if err := xml.Unmarshal(raw, &d); err != nil {
		t.Fatal(err)
	}
	if len(d.Conversations) != len(all) {
		t.Fatalf("%d conversations of %d slices", len(d.Conversations), len(all))
	}
	return d.Conversations
}

// Which of the formats a tenant reads is known to Smarsh alone.
func TestSmarshEnterpriseTakesMailOrFileDump(t *testing.T) {
	p := find(t, "smarsh-enterprise")
	want := []string{"smtp/mails", "sftp/drop", "directory/drop"}
	if got := ways(p); !slices.Equal(got, want) {
		t.Errorf("its ways are %q", got)
	}
	for _, w := range p.Ways {
		mail, ok := p.As(profile.FormatMail, w)
		if !ok || w.Zip && mail.Packing.Manifest != archive.ManifestSmarsh {
			t.Errorf("mails by %s: %v, %+v", w.Transport, ok, mail.Packing)
		}
		if _, ok := p.As(profile.FormatFileDump, w); ok == (w.Transport == "smtp") {
			t.Errorf("FileDump by %s: %v", w.Transport, ok)
		}
	}
}

// Each point in which dialects differ breaks a parser, so each is a setting.
func TestFileDumpDialectIsSettings(t *testing.T) {
	r := fileDump(t)
	milli := readDump(t, r, conversation())[0]
	if milli.value("StartTimeUTC") != strconv.FormatInt(begin, 10) || !strings.HasPrefix(milli.Perspective, "LivePerson") {
		t.Errorf("starts at %q, perspective %q", milli.value("StartTimeUTC"), milli.Perspective)
	}
	second := readDump(t, dialect(r, func(s *filedump.Settings) { s.TimeUnit, s.Perspective = "s", "chat" }), conversation())[0]
	if second.value("StartTimeUTC") != strconv.Itoa(begin/1000) || second.Perspective != "chat" {
		t.Errorf("in seconds it starts at %q", second.value("StartTimeUTC"))
	}
	if file, _ := xmlOf(t, dialect(r, func(s *filedump.Settings) { s.File = "other.xml" }), conversation()); file != "other.xml" {
		t.Errorf("the file is %q", file)
	}
	for _, status := range []string{"Completed", "completed"} {
		set := dialect(r, func(s *filedump.Settings) { s.Status = status })
		if all := readDump(t, set, fetched())[0].all("FileTransferEnded"); len(all) != 1 || all[0].value("Status") != status {
			t.Errorf("%s: the transfers are %v", status, all)
		}
	}
	path := readDump(t, dialect(r, func(s *filedump.Settings) { s.Separator = `\` }), conversation())[0].all("FileTransferEnded")
	if len(path) != 1 || path[0].value("FileName") != `4\letter.pdf` {
		t.Errorf("with another separator: %v", path)
	}
	twice := readDump(t, dialect(r, func(s *filedump.Settings) { s.Base64 = true }), conversation())[0]
	if milli.all("Message")[0].value("Base64Content") != "" || twice.all("Message")[0].value("Base64Content") == "" {
		t.Error("Base64Content is no setting")
	}
}

func TestFileDumpOrderIsASetting(t *testing.T) {
	want := map[string][]string{
		"mattermost": {"LoginName", "DateTimeUTC", "Content"},
		"microsoft":  {"LoginName", "DateTimeUTC", "Content"},
		"vendor":     {"LoginName", "Content", "DateTimeUTC"},
	}
	for order, names := range want {
		r := dialect(fileDump(t), func(s *filedump.Settings) { s.Order = order })
		m := readDump(t, r, conversation())[0].all("Message")[0]
		got := slices.DeleteFunc(m.order(), func(name string) bool { return !slices.Contains(names, name) })
		if !slices.Equal(got, names) {
			t.Errorf("%s: %q", order, m.order())
		}
	}
}

// The importer has no memory: who is there is told in every slice.
func TestFileDumpTellsWhoIsThere(t *testing.T) {
	for i, c := range readDump(t, fileDump(t), conversation(), closing()) {
		for _, name := range []string{"ParticipantEntered", "ParticipantLeft"} {
			there := make(map[string]bool)
			for _, p := range c.all(name) {
				there[p.value("LoginName")] = true
			}
			for address := range addressesOf(conversation()) {
				if !there[address] {
					t.Errorf("slice %d: no %s of %s", i+1, name, address)
				}
			}
		}
		if c.value("RoomID") != conversationID {
			t.Errorf("slice %d: room %q", i+1, c.value("RoomID"))
		}
	}
}

// What tells direction must follow the tenant's internal domains.
func TestFileDumpTellsInternalFromExternal(t *testing.T) {
	r := dialect(fileDump(t), func(s *filedump.Settings) { s.Order = "microsoft" })
	for _, p := range readDump(t, r, conversation())[0].all("ParticipantEntered") {
		switch p.value("LoginName") {
		case consumer.Address:
			if p.value("InternalFlag") != "false" || p.value("CorporateEmailID") != "" {
				t.Errorf("the consumer is %+v", p)
			}
		case agent.Address:
			if p.value("InternalFlag") != "true" || p.value("CorporateEmailID") != agent.Address {
				t.Errorf("the agent is %+v", p)
			}
		}
	}
}

// The receiver finds the date first, then what feed it is.
func TestSmarshZipsAreNamedByDate(t *testing.T) {
	for _, name := range []string{"smarsh-enterprise", "smarsh-professional"} {
		p := find(t, name)
		w, ok := p.On("sftp", "")
		r, ok2 := p.As("", w)
		if !ok || !ok2 || !r.Packing.Zip || r.Packing.Manifest != archive.ManifestSmarsh || r.Packing.MaxCount < 1 || r.Packing.MaxBytes < 1 {
			t.Fatalf("%s: by SFTP it is given %+v", name, r.Packing)
		}
		if !strings.HasPrefix(r.Packing.Name, "{date}0000-LivePerson_") || !slices.Contains(p.Confirm, "pack.name") {
			t.Errorf("%s: zips are named %q", name, r.Packing.Name)
		}
	}
}

// Nothing that the archive stamps itself may come from us.
func TestDigitalSafeIsToldNoStampedHeader(t *testing.T) {
	p := find(t, "smarsh-digital-safe")
	stamped := regexp.MustCompile(`(?i)^X-ZANTAZ-(SENDER-ID|RECIPIENTS-ID|REGION-CODE|CONTENT-TYPE)|^X-SMARSH-`)
	for _, name := range names(render(t, mails(t, p.Name), conversation())[0]) {
		if stamped.MatchString(name) {
			t.Errorf("%s is written", name)
		}
	}
	if !strings.Contains(p.SMTP.Sender, "fixed") || !slices.Contains(p.Confirm, "smtp.cert_file") || p.SMTP.TLS != "starttls" {
		t.Errorf("the envelope is %+v", *p.SMTP)
	}
}
