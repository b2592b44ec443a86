package profile_test

import (
	"bytes"
	"encoding/xml"
	"slices"
	"strings"
	"testing"

	"lpexport/archive"
	"lpexport/archive/filedump"
)

// The record and, under the names that it gives them, the files.
func TestGenericHasFilesBeside(t *testing.T) {
	p := find(t, "generic")
	for _, w := range p.Ways {
		s := fetched()
		line, err := archive.AppendLine(nil, &s)
		if err != nil {
			t.Fatal(err)
		}
		there := make(map[string]string)
		for _, f := range deliver(t, p.Rendering, w, contentsOf(letter), s) {
			there[f.name] = string(f.content)
		}
		if len(there) != 2 || there[archive.TranscriptsFile] != string(line) || there[attachment("", letter).Name] != string(letter) {
			t.Errorf("by %s: %d files, or other ones", w.Transport, len(there))
		}
	}
}

// An importer looks for FileName in the zip that it reads, or in the folder, and
// may look into the next zip on another day.
func TestFileDumpFilesLieWhereFileNameSays(t *testing.T) {
	scan := bytes.Repeat([]byte("\x89PNG\r\n"), 500)
	later, other := closing(), fetched()
	later.Happened = append(later.Happened, filed(begin, consumer, attachment("4/scan.pdf", scan)))
	other.Conversation = "7" + other.Conversation[1:]
	want := map[string][]byte{attachment("", letter).Name: letter, attachment("", scan).Name: scan}
	p := find(t, "smarsh-enterprise")
	for _, w := range p.Ways[1:] {
		for perZip, zips := range []int{1, 3, 2} { // 0: as the row has it
			r := fileDump(t)
			if r.Packing.Zip != w.Zip {
				t.Errorf("by %s it is zipped: %v", w.Transport, r.Packing.Zip)
			}
			if perZip > 0 {
				r.Packing.MaxCount = perZip
			}
			all := deliver(t, r, w, contentsOf(letter, scan), fetched(), later, other)
			if n := checkFileDumps(t, all, want); n != zips {
				t.Errorf("%d zips, not %d", n, zips)
			}
		}
		loose := fileDump(t)
		loose.Packing.Zip = false
		checkFileDumps(t, deliver(t, loose, w, contentsOf(letter, scan), fetched(), later, other), want)
	}
}

// checkFileDumps makes sure that each folder or zip has one XML, and beside it
// exactly the files that this claims. It returns how many there are.
func checkFileDumps(t *testing.T, all []lying, want map[string][]byte) int {
	t.Helper()
	there, claimed := make(map[string][]string), make(map[string][]string)
	for _, f := range all {
		if !strings.HasSuffix(f.name, ".xml") {
			there[f.zip] = append(there[f.zip], f.name)
			if !bytes.Equal(f.content, want[f.name]) {
				t.Errorf("%q in %q has other bytes", f.name, f.zip)
			}
			continue
		}
		var d dump
		if err := xml.Unmarshal(f.content, &d); err != nil || claimed[f.zip] != nil {
			t.Fatalf("%q in %q: %v", f.name, f.zip, err)
		}
		claimed[f.zip] = claims(d)
	}
	for zip := range claimed {
		slices.Sort(there[zip])
		if !slices.Equal(there[zip], claimed[zip]) {
			t.Errorf("in %q there are %q, and claimed are %q", zip, there[zip], claimed[zip])
		}
	}
	return len(claimed)
}

// claims are the files that a FileDump tells as delivered, each once, in order.
func claims(d dump) []string {
	var all []string
	for _, c := range d.Conversations {
		for _, e := range c.all("FileTransferEnded") {
			if e.value("Status") == "Completed" {
				all = append(all, e.value("FileName"))
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// What is not in the delivery is not claimed to be, in the case of the dialect.
func TestFileDumpClaimsNoFileThatIsNotThere(t *testing.T) {
	gone := conversation()
	gone.Happened = append(gone.Happened, filed(gone.Messages[5].SentAt, consumer, &archive.Attachment{Path: "4/letter.pdf"}))
	for completed, failed := range map[string]string{"Completed": "Failed", "completed": "failed"} {
		set := dialect(fileDump(t), func(s *filedump.Settings) { s.Status = completed })
		for i, c := range readDump(t, set, conversation(), gone) {
			all := c.all("FileTransferEnded")
			if len(all) != 1 || all[0].value("Status") != failed || all[0].value("FileName") != "4/letter.pdf" {
				t.Errorf("slice %d: the transfers are %v", i+1, all)
			}
			told := slices.ContainsFunc(c.all("Message"), func(m element) bool { return strings.Contains(m.value("Content"), "404 Not Found") })
			if told != (i == 1) {
				t.Errorf("slice %d: that there is none is told: %v", i+1, told)
			}
		}
	}
}
