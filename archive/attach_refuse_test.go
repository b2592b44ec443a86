package archive_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lpexport/archive"
)

func TestPackerRefusesDocuments(t *testing.T) {
	contents := shelf{}
	a := contents.put(10, 1)
	changed := func(change func(*archive.Attachment)) []*archive.Attachment {
		b := *a
		change(&b)
		return []*archive.Attachment{&b}
	}
	for name, doc := range map[string]archive.Document{
		"descending":    {Bytes: []byte("0123"), Inside: []archive.Splice{{3, a}, {2, a}}},
		"before it":     {Bytes: []byte("0123"), Inside: []archive.Splice{{-1, a}}},
		"behind it":     {Bytes: []byte("0123"), Inside: []archive.Splice{{5, a}}},
		"inside, none":  {Bytes: []byte("0123"), Inside: []archive.Splice{{0, nil}}},
		"beside, none":  {Bytes: []byte("0123"), Beside: []*archive.Attachment{nil}},
		"not to be had": {Bytes: []byte("0123"), Beside: []*archive.Attachment{{Path: "/f"}}},
		"name leaves":   {Bytes: []byte("0123"), Beside: changed(func(b *archive.Attachment) { b.Name = "../" + b.Name })},
		"of another":    {Bytes: []byte("0123"), Beside: changed(func(b *archive.Attachment) { b.SHA256 = strings.Repeat("0", 64) })},
		"negative":      {Bytes: []byte("0123"), Beside: changed(func(b *archive.Attachment) { b.Bytes = -1 })},
		"two lengths":   {Bytes: []byte("0123"), Beside: append(changed(func(b *archive.Attachment) { b.Bytes = 11 }), a)},
		"two, the same": {Bytes: []byte("0123"), Beside: append([]*archive.Attachment{a}, changed(func(b *archive.Attachment) { b.Bytes = 11 })...)},
	} {
		for _, zip := range []bool{false, true} {
			shape := archive.Shape{Format: scripted{docs: always(doc)}, Packing: archive.Packing{Zip: zip}, Contents: contents.open}
			if _, _, err := pack(t, shape, 1); err == nil {
				t.Errorf("%s, zip %v: written", name, zip)
			}
		}
	}
	empty := archive.Shape{Format: scripted{docs: always(archive.Document{})}, Packing: archive.Packing{Zip: true}}
	if _, _, err := pack(t, empty, 1); err == nil || !strings.Contains(err.Error(), "empty") {
		t.Errorf("an empty document was written to a zip: %v", err)
	}
}

var errBroken = errors.New("broken by the test")

// broken reads some bytes and then fails.
type broken struct{ io.Reader }

func (b broken) Read(p []byte) (int, error) {
	if n, err := b.Reader.Read(p); err == nil {
		return n, nil
	}
	return 0, errBroken
}

// A bundle must never hold other bytes than were fetched, wherever they go.
func TestPackerRefusesOtherContents(t *testing.T) {
	truth := shelf{}
	a := truth.put(100_000, 1)
	data := truth[a.SHA256]
	altered := bytes.Clone(data)
	altered[99_999] ^= 1
	give := func(r io.Reader) archive.Contents {
		return func(string) (io.ReadCloser, error) { return io.NopCloser(r), nil }
	}
	for name, test := range map[string]struct {
		contents func() archive.Contents
		want     error // ErrOtherContent and what cannot be had are of a *ContentError
	}{
		"other bytes":    {func() archive.Contents { return give(bytes.NewReader(altered)) }, archive.ErrOtherContent},
		"a byte short":   {func() archive.Contents { return give(bytes.NewReader(data[:99_999])) }, archive.ErrOtherContent},
		"a byte more":    {func() archive.Contents { return give(io.MultiReader(bytes.NewReader(data), strings.NewReader("x"))) }, archive.ErrOtherContent},
		"nothing":        {func() archive.Contents { return give(strings.NewReader("")) }, archive.ErrOtherContent},
		"not there":      {func() archive.Contents { return shelf{}.open }, fs.ErrNotExist},
		"broken reading": {func() archive.Contents { return give(broken{bytes.NewReader(data)}) }, errBroken},
		"no contents":    {func() archive.Contents { return nil }, nil},
	} {
		for where, doc := range map[string]archive.Document{
			"inside": {Bytes: []byte("text"), Inside: []archive.Splice{{2, a}}}, "beside": {Bytes: []byte("text"), Beside: []*archive.Attachment{a}},
		} {
			for _, joined := range []string{"", "all.doc"} {
				for _, zip := range []bool{false, true} {
					shape := archive.Shape{Format: scripted{joined, always(doc)}, Packing: archive.Packing{Zip: zip}, Contents: test.contents()}
					dir, _, err := pack(t, shape, 1)
					what := fmt.Sprintf("%s %s, joined %q, zip %v", name, where, joined, zip)
					if err == nil || test.want != nil && !errors.Is(err, test.want) || !strings.Contains(err.Error(), a.SHA256) {
						t.Errorf("%s: %v", what, err)
					}
					if c, ok := errors.AsType[*archive.ContentError](err); ok == (test.want == errBroken) || ok && c.SHA256 != a.SHA256 {
						t.Errorf("%s: typed %v", what, err)
					}
					if _, err := os.Stat(filepath.Join(dir, archive.ManifestFile)); err == nil {
						t.Errorf("%s: there is a manifest", what)
					}
				}
			}
		}
	}
}

// An endless content fills neither the memory nor the disk.
func TestPackerStopsReadingWhatIsTooLong(t *testing.T) {
	a := shelf{}.put(10, 1)
	endless := &counted{}
	shape := archive.Shape{Format: scripted{docs: always(archive.Document{Bytes: []byte("t"), Beside: []*archive.Attachment{a}})}}
	shape.Contents = func(string) (io.ReadCloser, error) { return endless, nil }
	if _, _, err := pack(t, shape, 1); !errors.Is(err, archive.ErrOtherContent) {
		t.Errorf("got %v", err)
	}
	if endless.n > a.Bytes+1 || !endless.closed {
		t.Errorf("%d bytes were read of one of %d; closed: %v", endless.n, a.Bytes, endless.closed)
	}
}

type counted struct {
	n      int64
	closed bool
}

func (c *counted) Read(p []byte) (int, error) {
	c.n += int64(len(p))
	return len(p), nil
}

func (c *counted) Close() error { c.closed = true; return nil }
