package archive

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
)

// ContentError says that the bytes of an attachment that a document names are
// not to be had, or are others than those that were fetched. The bundle cannot be
// written then.
type ContentError struct {
	SHA256 string // of the attachment
	Err    error  // ErrOtherContent, or why there is nothing
}

// Error names the attachment by its hash.
func (e *ContentError) Error() string { return "attachment " + e.SHA256 + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *ContentError) Unwrap() error { return e.Err }

// ErrOtherContent says that bytes have another hash or length than the attachment.
var ErrOtherContent = errors.New("its bytes are not those that were fetched")

var errNoContents = errors.New("there is nothing to read the bytes of attachments from")

// check finds what cannot be written of a document.
func (d *Document) check() error {
	from := 0
	for _, l := range d.Long {
		if l.Offset < from || l.Offset > len(d.Bytes) {
			return errors.New("long parts of a document are not in the order of their offsets, or outside of it")
		}
		from = l.Offset
	}
	from = 0
	for _, s := range d.Inside {
		if s.Offset < from || s.Offset > len(d.Bytes) {
			return errors.New("attachments inside of a document are not in the order of their offsets, or outside of it")
		}
		from = s.Offset
		if err := deliverable(s.Attachment); err != nil {
			return err
		}
	}
	for _, a := range d.Beside {
		if err := deliverable(a); err != nil {
			return err
		}
	}
	return nil
}

func deliverable(a *Attachment) error {
	if !a.Held() {
		return errors.New("a document has an attachment without content")
	}
	return a.check()
}

// splice writes a document with what is inside of it.
func (p *packer) splice(out io.Writer, doc *Document) error {
	from, long := 0, doc.Long
	until := func(offset int) error {
		for len(long) > 0 && long[0].Offset <= offset {
			if _, err := out.Write(doc.Bytes[from:long[0].Offset]); err != nil {
				return err
			}
			if _, err := long[0].Body.WriteTo(out); err != nil {
				return err
			}
			from, long = long[0].Offset, long[1:]
		}
		_, err := out.Write(doc.Bytes[from:offset])
		from = offset
		return err
	}
	for _, s := range doc.Inside {
		if err := until(s.Offset); err != nil {
			return err
		}
		lines := base64Lines{out: out}
		if err := p.content(&lines, s.Attachment); err != nil {
			return err
		}
		if err := lines.Close(); err != nil {
			return err
		}
	}
	return until(len(doc.Bytes))
}

// content streams the bytes of an attachment to out. When they turn out to be
// others, out has taken them: what was made of it must not be used.
func (p *packer) content(out io.Writer, a *Attachment) (err error) {
	if p.shape.Contents == nil {
		return &ContentError{a.SHA256, errNoContents}
	}
	in, err := p.shape.Contents(a.SHA256)
	if err != nil {
		return &ContentError{a.SHA256, err}
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	passing := measured{w: out, sum: sha256.New()}
	buffer := copyBuffers.Get().(*[]byte)
	defer copyBuffers.Put(buffer)
	// One byte more than it has is enough to see that it is too long.
	if _, err := io.CopyBuffer(&passing, io.LimitReader(in, a.Bytes+1), *buffer); err != nil {
		return fmt.Errorf("attachment %s: %w", a.SHA256, err)
	}
	if passing.n != a.Bytes || passing.hex() != a.SHA256 {
		return &ContentError{a.SHA256, ErrOtherContent}
	}
	return nil
}

// more tells how many attachments a document would add to the zip, and their
// bytes. One that it names twice counts twice: the zip ends the sooner for it.
func (p *packer) more(doc *Document) (files int, size int64) {
	for _, a := range doc.Beside {
		if _, there := p.beside[a.Name]; !there {
			files, size = files+1, size+a.Bytes+entrySize(a.Name)
		}
	}
	return files, size
}

// addBeside sees to it that a document's attachments lie beside it, each once.
func (p *packer) addBeside(doc *Document) error {
	for _, a := range doc.Beside {
		size, there := p.beside[a.Name]
		if there && size != a.Bytes {
			return &ContentError{a.SHA256, ErrOtherContent}
		}
		if there {
			continue
		}
		if p.beside == nil {
			p.beside = make(map[string]int64)
		}
		p.beside[a.Name] = a.Bytes
		if p.shape.Packing.Zip {
			p.behind, p.bytes = append(p.behind, *a), p.bytes+a.Bytes+entrySize(a.Name)
		} else if err := p.layBeside(a, doc.At); err != nil {
			return err
		}
	}
	return nil
}

// layBeside writes an attachment as a file of its own.
func (p *packer) layBeside(a *Attachment, at int64) error {
	name := a.Name
	if p.shape.Unique && p.shape.Seal != nil {
		// In the clear, the same name in two bundles is the same bytes, and a folder
		// that has them has them. Each bundle's key makes others of them.
		name = p.bundle.name() + "-" + name
	}
	f, err := create(p.dir, name, a.Name, p.shape.Seal)
	if err != nil {
		return err
	}
	p.laid++
	return p.finish(f, at, p.content(f, a))
}

// writeBehind writes the attachments of a zip. One may be empty: that is how it
// was sent.
func (p *packer) writeBehind() error {
	for i := range p.behind {
		out, err := p.zip.begin(p.behind[i].Name)
		if err != nil {
			return err
		}
		if err := p.content(out, &p.behind[i]); err != nil {
			return err
		}
	}
	return nil
}
