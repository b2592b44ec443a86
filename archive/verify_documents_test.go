package archive_test

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lpexport/archive"
	"lpexport/archive/archivetest"
	"lpexport/archive/directory"
)

// leaves is a format of one document for every two messages; edit changes the
// slice that is written, behind the back of the manifest.
type leaves struct{ edit func(*archive.Slice) }

func (leaves) Extension() string                 { return ".leaf" }
func (leaves) Joined() (file, head, tail string) { return "", "", "" }

func (l leaves) Documents(line []byte, emit func(archive.Document) error) error {
	s, err := archive.ParseLine(line)
	if err != nil {
		return err
	}
	if l.edit != nil {
		l.edit(&s)
	}
	messages, happened := s.Messages, s.Happened
	s.Happened = nil
	for len(messages) > 2 {
		s.Messages, messages = messages[:2], messages[2:]
		if err := emitLeaf(&s, emit); err != nil {
			return err
		}
	}
	s.Messages, s.Happened = messages, happened
	return emitLeaf(&s, emit)
}

func emitLeaf(s *archive.Slice, emit func(archive.Document) error) error {
	line, err := archive.AppendLine(nil, s)
	if err != nil {
		return err
	}
	return emit(archive.Document{Bytes: line})
}

func readLeaf(r io.Reader, each func([]byte) error) error {
	line, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	return each(line)
}

// leafArchive renders two bundles of three slices of four messages or more.
func leafArchive(t *testing.T, edit func(bundle int, s *archive.Slice)) string {
	t.Helper()
	return leafArchiveOf(t, archive.Packing{}, edit, func(int, *archive.Slice) {})
}

// leafArchiveOf is the same with other slices.
func leafArchiveOf(t *testing.T, packing archive.Packing, edit, before func(bundle int, s *archive.Slice)) string {
	t.Helper()
	root, lines := t.TempDir(), t.TempDir()
	a := archivetest.Archive{Account: "sandbox", Destination: "local", Bundles: 2, Slices: 3, Messages: 4, Seed: 3}
	var previous *archive.Previous
	for n, path := range archivetest.Write(t, lines, a) {
		m, err := archive.ParseManifest(read(t, lines, path, archive.ManifestFile))
		must(t, err)
		dir := filepath.Join(root, filepath.FromSlash(path))
		must(t, os.MkdirAll(dir, 0o700))
		head := archive.Head{Serial: m.Serial, Account: m.Account, Destination: m.Destination, Archive: "leaves", SettingsSHA256: m.SettingsSHA256,
			Generator: "g", Origin: m.Origin, Created: time.UnixMilli(m.Created), Previous: previous}
		shape := archive.Shape{Format: leaves{}, Packing: packing}
		if edit != nil {
			shape.Format = leaves{func(s *archive.Slice) { edit(n+1, s) }}
		}
		w, err := archive.NewWriter(dir, head, shape)
		must(t, err)
		for line := range strings.Lines(string(read(t, lines, path, archive.TranscriptsFile))) {
			s, err := archive.ParseLine([]byte(line))
			must(t, err)
			before(n+1, &s)
			l := archive.ListingOf(&s)
			changed, err := archive.AppendLine(nil, &s)
			must(t, err)
			must(t, w.Add(changed, l.Append(nil), archive.CountsOf(&s)))
		}
		rendered, err := w.Close()
		must(t, err)
		previous = &archive.Previous{Bundle: archive.BundleName(a.Destination, m.Serial), SHA256: rendered.ManifestSHA256}
	}
	return root
}

func verifyLeaves(t *testing.T, root string) (kinds []string) {
	t.Helper()
	src := directory.New(directory.Config{Path: root, Account: "sandbox"})
	_, err := archive.Verify(context.Background(), src, map[string]archive.Lines{".leaf": readLeaf}, func(p archive.Problem) {
		t.Logf("%+v", p)
		kinds = append(kinds, p.Kind)
	})
	must(t, err)
	return kinds
}

func TestVerifyReadsDocuments(t *testing.T) {
	for name, test := range map[string]struct {
		edit func(bundle int, s *archive.Slice)
		want string // kinds of problems
	}{
		"sound":              {nil, ""},
		"a message left out": {func(n int, s *archive.Slice) { drop(s, n == 2) }, "names names names"},
		"a message more":     {func(n int, s *archive.Slice) { double(s, n == 2) }, "names names names"},
		"another conversation": {func(n int, s *archive.Slice) {
			if n == 1 {
				s.Conversation += "x"
			}
		}, "names names names names names names"},
		"another account": {func(n int, s *archive.Slice) {
			if n == 1 {
				s.Account = "other"
			}
		}, strings.TrimSpace(strings.Repeat("names ", 8+3))},
	} {
		t.Run(name, func(t *testing.T) {
			if got := strings.Join(verifyLeaves(t, leafArchive(t, test.edit)), " "); got != test.want {
				t.Errorf("problems %q, want %q", got, test.want)
			}
			zipped := leafArchiveOf(t, archive.Packing{Zip: true, MaxCount: 3, Manifest: archive.ManifestSmarsh}, test.edit, func(int, *archive.Slice) {})
			got := verifyLeaves(t, zipped)
			if (len(got) > 0) != (test.want != "") || slices.ContainsFunc(got, func(kind string) bool { return kind != archive.Misnamed }) {
				t.Errorf("problems in zips %q, want such as %q", got, test.want)
			}
		})
	}
}

func drop(s *archive.Slice, do bool) {
	if do {
		s.Messages = s.Messages[1:]
	}
}

func double(s *archive.Slice, do bool) {
	if do {
		extra := s.Messages[0]
		extra.Sequence += 1000
		extra.Derived = ""
		s.Messages = append(s.Messages, extra)
	}
}

// What was delivered before is found in documents too.
func TestVerifyFindsRepeatedEntriesInDocuments(t *testing.T) {
	root := leafArchiveOf(t, archive.Packing{}, nil, func(bundle int, s *archive.Slice) {
		if bundle == 2 {
			s.Messages[0].Sequence, s.Messages[0].Derived, s.Messages[0].Amends = 0, "", 0
		}
	})
	if got := strings.Join(verifyLeaves(t, root), " "); got != "duplicate duplicate duplicate" {
		t.Errorf("problems %q", got)
	}
}
