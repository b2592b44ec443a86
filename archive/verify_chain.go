package archive

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// chain judges the bundles of one destination after the other, in the order of
// their serials.
type chain struct {
	report func(Problem)
	last   *checked // nil before the first bundle of a destination
	origin string
	// A bundle is missing or cannot be read: what it delivered is not known, so
	// numbers may jump and amendments lack their originals.
	holes bool
	// What was delivered of each conversation: packed number, tracks and names.
	// Packed, since there may be hundreds of thousands.
	delivered map[uint64]string

	one     fact // what comes
	known   fact // what was delivered before
	scratch []byte
}

// link judges the next bundle.
func (c *chain) link(b *checked) {
	if c.last == nil || c.last.account != b.account || c.last.destination != b.destination {
		*c = chain{report: c.report, delivered: make(map[uint64]string), scratch: c.scratch}
	}
	for _, p := range b.problems {
		c.report(p)
	}
	if !c.serial(b) {
		return
	}
	if b.manifest != nil {
		c.previous(b)
		if c.origin != "" && b.manifest.Origin != c.origin {
			c.report(Problem{Foreign, b.path() + "/" + ManifestFile, "of another origin than the bundle before"})
		}
		c.origin = b.manifest.Origin
	}
	if !b.known || b.facts.unsure {
		c.holes = true
	}
	c.deliver(b)
	b.facts, b.problems = facts{}, nil
	c.last = b
}

// maxNamed is how many bundles of one gap are named one by one.
const maxNamed = 100

// serial finds bundles that are missing, or there twice: the second of two is
// not judged further.
func (c *chain) serial(b *checked) bool {
	next := 1
	if c.last != nil {
		next = c.last.serial + 1
	}
	if b.serial < next {
		c.report(Problem{Misnumber, b.path(), "the same serial as " + c.last.path()})
		return false
	}
	if b.serial == next {
		return true
	}
	c.holes = true
	first := b.account + "/" + BundleName(b.destination, next)
	if b.serial-next > maxNamed {
		c.report(Problem{Missing, first, fmt.Sprintf("%d bundles from here on are not there, but %s is", b.serial-next, b.name())})
		return true
	}
	for ; next < b.serial; next++ {
		path := b.account + "/" + BundleName(b.destination, next)
		c.report(Problem{Missing, path, "the bundle is not there, but " + b.name() + " is"})
	}
	return true
}

// previous compares the bundle before with what this one says of it.
func (c *chain) previous(b *checked) {
	p := b.manifest.Previous
	if p == nil {
		return // the first: ParseManifest has made sure of that
	}
	if p.Bundle != BundleName(b.destination, b.serial-1) {
		c.report(Problem{Broken, b.path() + "/" + ManifestFile, "it names " + p.Bundle + " as the bundle before"})
		return
	}
	if c.last != nil && c.last.serial == b.serial-1 && c.last.sha != "" && c.last.sha != p.SHA256 {
		c.report(Problem{Broken, c.last.path() + "/" + ManifestFile, "not the manifest that " + b.name() + " was written after"})
	}
}

// deliver goes through a bundle's slices.
func (c *chain) deliver(b *checked) {
	u := unpacker{b.facts.packed}
	for range b.facts.slices {
		size := u.number()
		c.one.id, u.b = string(u.b[:size]), u.b[size:]
		c.one.conversation = u.word()
		c.one.number = int(u.number())
		c.one.fresh, c.one.amended = u.tracks(c.one.fresh), u.tracks(c.one.amended)
		c.one.names, c.one.amendedNames = u.names(c.one.names), u.names(c.one.amendedNames)
		switch {
		case b.docs != nil:
			c.slice(b.path())
		case b.known:
			c.slice(b.path() + "/" + TranscriptsFile)
		}
	}
}

// slice compares c.one with what was delivered of its conversation before, and
// adds it.
func (c *chain) slice(path string) {
	c.recall()
	if n, last := c.one.number, c.known.number; n <= last || n > last+1 && !c.holes {
		c.report(Problem{Misnumber, path, fmt.Sprintf("conversation %q: slice %d comes after slice %d", c.one.id, n, last)})
	}
	twice := int64(0)
	for _, t := range c.one.fresh {
		s := trackOf(&c.known.fresh, t.key)
		twice += s.Intersect(t.sequences).Count()
		s.Union(t.sequences)
	}
	for _, n := range c.one.names {
		i, found := slices.BinarySearch(c.known.names, n)
		if found {
			twice++
			continue
		}
		c.known.names = slices.Insert(c.known.names, i, n)
	}
	if twice > 0 {
		c.report(Problem{Repeated, path, fmt.Sprintf("conversation %q: %d entries of slice %d were delivered before", c.one.id, twice, c.one.number)})
	}
	if n := c.orphans(); n > 0 && !c.holes {
		c.report(Problem{Misnamed, path, fmt.Sprintf("conversation %q: %d amendments of what was never delivered", c.one.id, n)})
	}
	c.keep()
}

// orphans counts amendments of what was never delivered.
func (c *chain) orphans() int64 {
	n := int64(0)
	for _, t := range c.one.amended {
		n += t.sequences.Count() - trackOf(&c.known.fresh, t.key).Intersect(t.sequences).Count()
	}
	for _, name := range c.one.amendedNames {
		if _, found := slices.BinarySearch(c.known.names, name); !found {
			n++
		}
	}
	return n
}

// recall unpacks what was delivered of the conversation of c.one.
func (c *chain) recall() {
	c.known.reset()
	packed, ok := c.delivered[c.one.conversation]
	if !ok {
		return
	}
	c.scratch = append(c.scratch[:0], packed...)
	u := unpacker{c.scratch}
	c.known.number = int(u.number())
	c.known.fresh = u.tracks(c.known.fresh)
	c.known.names = u.names(c.known.names)
}

// keep packs what is known now.
func (c *chain) keep() {
	b := binary.AppendUvarint(c.scratch[:0], uint64(max(c.known.number, c.one.number)))
	c.scratch = appendNames(appendTracks(b, c.known.fresh), c.known.names)
	c.delivered[c.one.conversation] = string(c.scratch)
}
