package mail_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"lpexport/archive"
)

// However a slice with files is divided, no mail is larger than allowed with what
// is spliced in, and each file is in one mail, that of its happening.
func TestPartsWithFiles(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 3))
	parts := 0
	for range 60 {
		s := typical()
		s.Happened = nil
		want := map[string]bool{}
		for i := range 1 + rng.IntN(12) {
			m := &s.Messages[rng.IntN(len(s.Messages))]
			a := fetched(fmt.Sprintf("file-%d", i), "png", "image/png", rng.IntN(9000), rng.Uint64())
			if want[a.Name] = true; rng.IntN(2) == 0 {
				m.Files = []archive.File{{Path: a.Path}}
			}
			s.Happened = append(s.Happened, filed(m.SentAt, m.Sender.ID, "", a))
		}
		of := settled(rng.UintN(64))
		of.MaxBytes = 24_000 + rng.Int64N(60_000)
		all := mails(t, of, &s)
		checkMails(t, of, &s, all)
		parts += len(all)
		for _, raw := range all {
			if of.Journal != nil {
				raw = []byte(open(t, raw).Inner)
			}
			for _, f := range open(t, raw).Files {
				if !want[f.Name] {
					t.Errorf("%s is attached twice, or is nobody's", f.Name)
				}
				delete(want, f.Name)
			}
		}
		if len(want) > 0 {
			t.Errorf("%d files are attached nowhere", len(want))
		}
	}
	if parts < 200 {
		t.Errorf("only %d parts", parts)
	}
}

// huge is a file whose content nobody has to have.
func huge(n int, size int64) *archive.Attachment {
	hash := fmt.Sprintf("%064x", n)
	return &archive.Attachment{Path: fmt.Sprint(n), Name: archive.AttachmentName(hash, "mp4"), Type: "video/mp4", Bytes: size, SHA256: hash}
}

// Files count with their true sizes, and take no memory.
func TestHugeFiles(t *testing.T) {
	const size, limit = 300 << 20, 1 << 30 // which two fit into, with base64
	s := full()
	s.Messages, s.Happened = nil, nil
	for i := range 9 {
		s.Happened = append(s.Happened, filed(start+int64(i), "c-1", "", huge(i, size)))
	}
	of := settings()
	of.MaxBytes = limit
	var sizes []int64
	write := func() error {
		sizes = nil
		return format(t, of).Documents(lineOf(t, &s), func(d archive.Document) error {
			if len(d.Bytes) > 64<<10 {
				t.Errorf("%d bytes besides the files", len(d.Bytes))
			}
			sizes = append(sizes, d.Size())
			return nil
		})
	}
	must(t, write())
	if len(sizes) != 5 || sizes[0] <= 2*archive.Base64Size(size) || sizes[0] > limit || sizes[4] <= archive.Base64Size(size) {
		t.Errorf("mails of %d bytes", sizes)
	}
	s.Happened = s.Happened[:1]
	must(t, write())
	of.MaxBytes = sizes[0]
	alone := sizes[0]
	must(t, write())
	of.MaxBytes--
	if e, ok := errors.AsType[*archive.TooLargeError](write()); !ok || *e != (archive.TooLargeError{Bytes: alone, Limit: alone - 1}) {
		t.Errorf("%+v, want %d bytes", e, alone)
	}
}

// There are not more parts than need be: the first file of each would not have
// fitted into the one before.
func TestPartsWithFilesAreFull(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 4))
	s := full()
	s.Messages, s.Happened = nil, nil
	for i := range 60 {
		s.Happened = append(s.Happened, filed(start+int64(i), "c-1", "", huge(i, rng.Int64N(200<<20))))
	}
	of := settings()
	of.MaxBytes = 500 << 20
	last := int64(-1)
	must(t, format(t, of).Documents(lineOf(t, &s), func(d archive.Document) error {
		const spare = 4096 // what is kept free, and the file's own entry
		if first := archive.Base64Size(d.Inside[0].Attachment.Bytes); last >= 0 && last+first < of.MaxBytes-spare {
			t.Errorf("a part of %d bytes could have had %d more", last, first)
		}
		last = d.Size()
		return nil
	}))
}

// The same content twice in one mail is there once, and does not count twice.
func TestSameContentIsAttachedOnce(t *testing.T) {
	s := typical()
	s.Happened = nil
	for i := range 10 {
		a := *fetched(fmt.Sprint(i), "png", "image/png", 15_000, 8)
		s.Happened = append(s.Happened, filed(s.Messages[2*i].SentAt, "c-1", "", &a))
	}
	of := settings()
	for limit, want := range map[int64]int{100_000: 1, 50_000: 2} {
		of.MaxBytes = limit
		all := mails(t, of, &s)
		checkMails(t, of, &s, all)
		if len(all) != want {
			t.Errorf("%d mails of %d bytes", len(all), limit)
		}
		for i, raw := range all {
			if o := open(t, raw); len(o.Files) != 1 {
				t.Errorf("mail %d has %d files", i+1, len(o.Files))
			}
		}
	}
}
