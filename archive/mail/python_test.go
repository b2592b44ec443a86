package mail_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	netmail "net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lpexport/archive"
)

// defects prints, for each mail, what Python's strict parser finds wrong with it
// and what it reads in it.
const defects = `
import email, email.policy, hashlib, json, sys

def read(message):
    found = []
    for part in message.walk():
        found += [repr(d) for d in part.defects]
        for name, value in part.items():
            found += [name + ": " + repr(d) for d in getattr(value, "defects", ())]
    attached = list(message.iter_attachments())
    body = {p.get_content_type(): p.get_content() for p in message.walk() if p.get_content_maintype() == "text"}
    return {
        "defects": found, "subject": message["subject"], "id": message["message-id"],
        "from": [[a.display_name, a.addr_spec] for a in message["from"].addresses],
        "to": [[a.display_name, a.addr_spec] for a in message["to"].addresses],
        "text": body["text/plain"], "html": body["text/html"],
        "files": [[p.get_filename(), p.get_content_type(), hashlib.sha256(p.get_content()).hexdigest()] for p in attached[:-1]],
        "transcript": attached[-1].get_content().decode(),
    }

for name in sys.argv[1:]:
    with open(name, "rb") as f:
        message = email.message_from_binary_file(f, policy=email.policy.default)
    print(json.dumps(read(message)))
`

// A parser of another language sees the same mail and has nothing against it.
func TestPythonReadsTheSame(t *testing.T) {
	const python = "/usr/bin/python3"
	if _, err := os.Stat(python); err != nil {
		t.Skip("Python is not installed: ", err)
	}
	rng, other := rand.New(rand.NewPCG(11, 1)), rand.New(rand.NewPCG(11, 2))
	dir := t.TempDir()
	args := []string{"-c", defects}
	var all [][]byte
	for i := range 30 {
		s := odd(func(list []string) string { return list[rng.IntN(len(list))] }, 6, 4)
		file(&s, func(list []string) string { return list[other.IntN(len(list))] }, i%5)
		if i == 0 {
			s = full()
		}
		s, err := archive.ParseLine(lineOf(t, &s))
		must(t, err)
		of := settled(rng.UintN(64))
		of.Journal = nil // whose inner mail is the same
		for _, raw := range mails(t, of, &s) {
			name := filepath.Join(dir, fmt.Sprintf("%d.eml", len(all)))
			must(t, os.WriteFile(name, raw, 0o600))
			args, all = append(args, name), append(all, raw)
		}
	}
	out, err := exec.Command(python, args...).Output()
	must(t, err)
	lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
	if len(lines) != len(all) {
		t.Fatalf("%d answers for %d mails", len(lines), len(all))
	}
	for i, line := range lines {
		comparePython(t, all[i], line)
	}
}

func comparePython(t *testing.T, raw, line []byte) {
	t.Helper()
	var got struct {
		Defects                             []string
		Subject, ID, Text, HTML, Transcript string
		From, To, Files                     [][]string
	}
	must(t, json.Unmarshal(line, &got))
	o := open(t, raw)
	lf := func(s string) string { return string(bytes.ReplaceAll([]byte(s), []byte("\r\n"), []byte("\n"))) }
	if len(got.Defects) > 0 {
		t.Errorf("defects: %q", got.Defects)
	}
	// Python makes one space of several in a name.
	spaces := regexp.MustCompile(" +")
	people := func(list []netmail.Address) (all [][]string) {
		for _, a := range list {
			all = append(all, []string{spaces.ReplaceAllString(a.Name, " "), a.Address})
		}
		return all
	}
	files := make([][]string, 0)
	for _, f := range o.Files {
		files = append(files, []string{f.Name, f.Type, fmt.Sprintf("%x", sha(f.Content))})
	}
	for _, pair := range [][2]any{
		{o.Subject, got.Subject}, {o.MessageID, got.ID}, {people(o.From), got.From}, {people(o.To), got.To}, {lf(o.Text), lf(got.Text)}, {lf(o.HTML), lf(got.HTML)},
		{o.Transcript, got.Transcript}, {files, got.Files},
	} {
		if diff := cmp.Diff(pair[0], pair[1]); diff != "" {
			t.Error(diff)
		}
	}
}
