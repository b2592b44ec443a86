package main

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"lpexport/archive"
	"lpexport/exporter/config"
	"lpexport/liveperson/sandbox"
)

// span is a period of the simulated account's life, and what an archive must
// hold of the conversations that started in it.
type span struct {
	from, to time.Time
	truth    []sandbox.Conversation
	files    map[string]string // hashes of the files that their messages name, by path
}

// quietSpan is a span of some days, up to three days ago or a little longer, in
// which nothing changes for an hour. The account is a function of the time
// alone, so that can be known.
func quietSpan(t *testing.T, days int) span {
	t.Helper()
	settings := sandbox.Default()
	settings.Account = config.Sandbox
	account, now := sandbox.New(settings), time.Now()
	for back := 3; back < 10; back++ {
		s := span{to: now.UTC().Truncate(24*time.Hour).AddDate(0, 0, -back)}
		s.from = s.to.AddDate(0, 0, -days)
		s.truth = s.started(account, now)
		if len(s.truth) > 10*days && reflect.DeepEqual(s.truth, s.started(account, now.Add(time.Hour))) {
			s.files = filesOf(t, account, s.truth)
			return s
		}
	}
	t.Fatal("the account never rests")
	return span{}
}

// filesOf hashes the files that conversations name.
func filesOf(t *testing.T, account *sandbox.Account, truth []sandbox.Conversation) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, c := range truth {
		for _, m := range c.Messages {
			if f, ok := account.File(m.Path); ok {
				files[m.Path] = f.SHA256
			}
		}
	}
	if len(files) == 0 {
		t.Fatal("no message names a file")
	}
	return files
}

func (s span) started(account *sandbox.Account, at time.Time) (all []sandbox.Conversation) {
	for c := range account.Truth(at) {
		if c.StartedAt >= s.from.UnixMilli() && c.StartedAt < s.to.UnixMilli() {
			all = append(all, c)
		}
	}
	return all
}

// messageName names a message in an account.
type messageName struct {
	conversation, dialog string
	sequence             int64
}

// happeningName names what happened: "<kind>@<epoch ms>".
type happeningName struct{ conversation, name string }

// fileName names a file in an account.
type fileName struct{ conversation, path string }

// nameHappening leaves out the source's id, which follows behind "/".
func nameHappening(conversation, name string) happeningName {
	name, _, _ = strings.Cut(name, "/")
	return happeningName{conversation, name}
}

// found is what a reader of an archive finds of a message.
type found struct {
	at                          int64
	sender, audience, typ, text string
	files                       []string
}

// view is everything that a reader finds in an archive.
type view struct {
	messages map[messageName]found
	happened map[happeningName]int
	files    map[fileName]string // hashes of what was found attached
	beside   map[string]string   // the same, of what lies beside FileDumps, by name
	faults   []string

	// FileDump names senders by address alone and says nothing of types. Who came
	// and went is in elements that name nobody's id either: kind and time.
	filedump bool
	presence map[happeningName]bool
}

func newView() *view {
	return &view{messages: map[messageName]found{}, happened: map[happeningName]int{}, files: map[fileName]string{}, beside: map[string]string{}, presence: map[happeningName]bool{}}
}

// fault notes what is wrong with what was found.
func (v *view) fault(format string, args ...any) {
	v.faults = append(v.faults, fmt.Sprintf(format, args...))
}

// addFile adds a file that an entry tells of, and the hash of what is attached for
// it; "": nothing is.
func (v *view) addFile(name fileName, hash string) {
	if _, twice := v.files[name]; twice || hash == "" {
		v.fault("file %+v is there twice, or is not attached", name)
	}
	v.files[name] = hash
}

func (v *view) add(name messageName, m found) {
	if _, twice := v.messages[name]; twice {
		v.fault("message %+v is there twice", name)
	}
	v.messages[name] = m
}

// mustHold compares the view with the truth: each entry once, with all its
// words, each file with its bytes, and nothing else.
func (v *view) mustHold(t *testing.T, s span) {
	t.Helper()
	for _, c := range s.truth {
		for _, m := range c.Messages {
			name := messageName{c.ID, m.Dialog, m.Sequence}
			got, ok := v.messages[name]
			if !ok {
				v.fault("message %+v (%s) is missing", name, m.Type)
				continue
			}
			delete(v.messages, name)
			v.compare(name, got, m, s.files[m.Path])
			if file := (fileName{c.ID, m.Path}); s.files[m.Path] != "" {
				if v.files[file] != s.files[m.Path] {
					v.fault("file %+v has the hash %q, want %q", file, v.files[file], s.files[m.Path])
				}
				delete(v.files, file)
			}
		}
		for _, h := range c.Happened {
			v.takeHappening(c.ID, h)
		}
	}
	for name := range v.messages {
		v.fault("message %+v is not in the account", name)
	}
	for name := range v.files {
		v.fault("file %+v is not in the account", name)
	}
	for name, n := range v.happened {
		if n > 0 {
			v.fault("%+v is there %d times too often", name, n)
		}
	}
	const shown = 10
	for _, f := range v.faults[:min(shown, len(v.faults))] {
		t.Error(f)
	}
	if more := len(v.faults) - shown; more > 0 {
		t.Errorf("and %d faults more", more)
	}
}

// takeHappening takes what happened out of the view.
func (v *view) takeHappening(conversation string, h sandbox.Happening) {
	name := happeningName{conversation, fmt.Sprintf("%s@%d", h.Kind, h.At)}
	if v.filedump && (h.Kind == archive.Joined || h.Kind == archive.Left) {
		if !v.presence[name] {
			v.fault("%+v is not told", name)
		}
		return
	}
	if v.happened[name]--; v.happened[name] < 0 {
		v.fault("%+v is missing", name)
	}
}

// compare compares a message; hash is that of the file that it names, "" without.
func (v *view) compare(name messageName, got found, want sandbox.Message, hash string) {
	audience := "agents"
	if want.Audience == "ALL" {
		audience = "all"
	}
	if got.at != want.SentAt || got.audience != audience {
		v.fault("message %+v: sent at %d to %s, want %d to %s", name, got.at, got.audience, want.SentAt, audience)
	}
	if !v.filedump && (got.sender != want.Sender || got.typ != want.Type) {
		v.fault("message %+v: %s by %s, want %s by %s", name, got.typ, got.sender, want.Type, want.Sender)
	}
	if want.Type == "TEXT_PLAIN" && got.text != want.Text {
		v.fault("message %+v: text %q, want %q", name, got.text, want.Text)
	}
	rest, all := got.text, true
	for _, words := range want.Words {
		_, after, ok := strings.Cut(rest, words)
		rest, all = after, all && ok
	}
	if !all && want.Type != "TEXT_PLAIN" { // of those only the text is its text
		v.fault("message %+v (%s): %q lacks words of %q", name, want.Type, got.text, want.Words)
	}
	var files []string
	if want.Path != "" {
		files = append(files, want.Path)
	}
	if v.filedump && hash != "" {
		files = []string{hash + ".jpg"} // as it lies beside
		v.addFile(fileName{name.conversation, want.Path}, v.beside[hash+".jpg"])
	}
	if !slices.Equal(got.files, files) && want.Type != "LINK" { // which tells where it leads to
		v.fault("message %+v: files %q, want %q", name, got.files, files)
	}
}
