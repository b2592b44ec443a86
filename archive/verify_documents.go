package archive

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"slices"
)

// Lines reads the slices back out of a document: it calls each with every
// canonical line in it, as AppendLine made it. A document that does not hold any
// is an error. No error quotes a text.
type Lines func(document io.Reader, each func(line []byte) error) error

// documents gathers what the documents of a bundle hold, each of which is a
// file of its own: a slice may lie in several of them.
type documents struct {
	account string
	found   map[sliceName]*gathered
	period  Period
	read    map[string]bool // files
}

type sliceName struct {
	conversation string
	number       int
}

// gathered is what documents hold of one slice.
type gathered struct {
	listing Listing
	fact    fact
}

// take reads one document as it streams by.
func (d *documents) take(facts *facts, part Part, r io.Reader, lines Lines) error {
	return lines(r, func(line []byte) error {
		s, err := ParseLine(line)
		if err != nil {
			return err
		}
		if s.Account != d.account {
			return fmt.Errorf("it is of account %q", s.Account)
		}
		d.add(facts, part, &s)
		return nil
	})
}

func (d *documents) add(facts *facts, part Part, s *Slice) {
	name := sliceName{s.Conversation, s.Number}
	g := d.found[name]
	if g == nil {
		g = &gathered{listing: Listing{Conversation: s.Conversation, Slice: s.Number, Revision: s.Revision}}
		g.fact.id, g.fact.number, g.fact.conversation = s.Conversation, s.Number, facts.hash(s.Conversation, "", 2)
		d.found[name] = g
	}
	g.listing.Parts = append(g.listing.Parts, part)
	for i := range s.Messages {
		m := &s.Messages[i]
		g.listing.add(m.Dialog, m.Sequence, m.Derived, m.Variant, m.Amends)
		g.fact.note(facts, &scanned{dialog: m.Dialog, derived: m.Derived, sequence: m.Sequence, variant: m.Variant, amends: m.Amends})
		d.period.include(m.SentAt, m.SentAt)
	}
	for i := range s.Happened {
		g.listing.Happened = append(g.listing.Happened, s.Happened[i].Name)
		g.fact.names = append(g.fact.names, facts.hash("", s.Happened[i].Name, 1))
	}
}

// document reads a file that holds slices of its own, if there is a reader for
// it and its manifest is believed.
func (c *checked) document(name string, r io.Reader) (fault error) {
	lines, zipped := c.readers[path.Ext(name)], path.Ext(name) == ".zip" && len(c.readers) > 0
	if lines == nil && !zipped || c.manifest == nil || attachmentHash(name) != "" {
		return nil // an attachment may be a mail or a zip as well: its hash vouches for it
	}
	if c.docs == nil {
		c.docs = &documents{account: c.manifest.Account, found: map[sliceName]*gathered{}, read: map[string]bool{}}
	}
	c.docs.read[name] = true
	if zipped {
		return c.zipped(name, r)
	}
	return c.docs.take(&c.facts, Part{File: name}, r, lines)
}

// zipped reads the documents in a zip. Its list of entries stands at its end, so
// it goes through a file of this machine.
func (c *checked) zipped(name string, r io.Reader) (err error) {
	temp, err := os.CreateTemp("", "lpexport-verify-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, temp.Close(), os.Remove(temp.Name())) }()
	size, err := io.Copy(temp, r)
	if err != nil {
		return err
	}
	return eachZipEntry(temp, size, func(entry string, r io.Reader) error {
		if hash := attachmentHash(entry); hash != "" {
			return checkHash(r, hash)
		}
		lines := c.readers[path.Ext(entry)]
		if lines == nil {
			delete(c.docs.read, name) // nothing to compare its slices with
			return nil
		}
		return c.docs.take(&c.facts, Part{File: name, Entry: entry}, r, lines)
	})
}

// checkHash reads an attachment in a zip, which no manifest lists by itself.
func checkHash(r io.Reader, want string) error {
	sum := sha256.New()
	if _, err := io.Copy(sum, r); err != nil {
		return err
	}
	if hex.EncodeToString(sum.Sum(nil)) != want {
		return errors.New("an attachment in it has other bytes than its name says")
	}
	return nil
}

// compareDocuments compares what the documents hold with what the manifest
// lists for them. What is listed for other files is not looked at.
func (c *checked) compareDocuments(ctx context.Context, src Source) {
	if c.docs == nil {
		return
	}
	manifest, err := c.open(ctx, src, ManifestFile)
	if err == nil {
		defer manifest.in.Close()
		_, err = parseManifest(manifest, c.compareListed)
	}
	if err != nil {
		c.problem(Unreadable, ManifestFile, reason(err))
		c.facts.unsure = true
		return
	}
	for _, g := range slices.SortedFunc(maps.Values(c.docs.found), func(a, b *gathered) int {
		return slices.Compare([]string{a.listing.Parts[0].File}, []string{b.listing.Parts[0].File})
	}) {
		c.problem(Misnamed, g.listing.Parts[0].File, fmt.Sprintf("it holds slice %d of conversation %q, which is not listed", g.listing.Slice, g.listing.Conversation))
	}
	if c.docs.period != c.manifest.Period && !c.facts.unsure {
		c.problem(Miscounted, ManifestFile, "the period is not that of its messages")
	}
	c.known = true
}

// compareListed compares one listing with what was gathered of its slice.
func (c *checked) compareListed(l *Listing) {
	if !c.docs.read[l.File] {
		c.facts.unsure = true
		return
	}
	name := sliceName{l.Conversation, l.Slice}
	g := c.docs.found[name]
	if g == nil {
		c.facts.unsure = true
		c.problem(Misnamed, l.File, fmt.Sprintf("slice %d of conversation %q is listed and not there", l.Slice, l.Conversation))
		return
	}
	delete(c.docs.found, name)
	parts := l.Parts
	if parts == nil {
		parts = []Part{{File: l.File}}
	}
	same := slices.Equal(parts, g.listing.Parts)
	g.listing.File, g.listing.Parts = l.File, l.Parts
	if !same || !g.listing.Equal(l) {
		c.facts.unsure = true
		c.problem(Misnamed, l.File, fmt.Sprintf("what is there is not what is listed for slice %d of conversation %q", l.Slice, l.Conversation))
		return
	}
	c.facts.add(&g.fact)
}
