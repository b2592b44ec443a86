package archive

import (
	"errors"
	"fmt"
	"io"
	"path"
	"time"
)

// Shape says what the files of a bundle are.
type Shape struct {
	Format  Format
	Packing Packing
	Seal    Seal // nil: not encrypted

	// Unique says that bundles lie together in one folder: the name of every file
	// tells its bundle, that of an attachment in the clear its bytes.
	Unique bool

	Contents Contents // of attachments; nil: no document has any
}

// Packed is one finished file of a bundle.
type Packed struct {
	FileInfo
	At int64 // the earliest time that its documents, or the one it lies beside, are filed under; 0: none
}

// packer turns documents into the files of a bundle. At most one file, or one
// zip, is open at a time, and one attachment that lies beside it.
type packer struct {
	dir     string
	bundle  place
	created time.Time
	shape   Shape
	files   []Packed

	documents int // so far, in the bundle
	zips      int
	beside    map[string]int64 // bytes of the attachments in the bundle, or in zip, by their names
	laid      int              // attachments that are files of the bundle

	// What is open, if anything.
	file    *spooled
	zip     *zipPart     // in file
	joined  io.Writer    // where joined documents go: file or an entry of zip
	entries []string     // of zip that are documents
	behind  []Attachment // still to be written to zip, behind the documents
	count   int          // documents in file
	bytes   int64        // of them and of what lies beside them in zip, with what that takes there
	at      int64
}

// add takes one document, with its attachments, and tells where it lies.
func (p *packer) add(doc Document) (Part, error) {
	if err := doc.check(); err != nil {
		return Part{}, err
	}
	if p.file != nil && p.full(&doc) {
		if err := p.closeFile(); err != nil {
			return Part{}, err
		}
	}
	// Before the document that names them: who sees that finds them there.
	if err := p.addBeside(&doc); err != nil {
		return Part{}, err
	}
	p.documents++
	file, _, _ := p.shape.Format.Joined()
	name := p.documentName()
	if file != "" {
		name = p.joinedName(file)
	}
	if err := p.open(name); err != nil {
		return Part{}, err
	}
	if doc.At != 0 && (p.at == 0 || doc.At < p.at) {
		p.at = doc.At
	}
	p.count++
	p.bytes += doc.Size()
	if p.joined == nil {
		p.bytes += entrySize(name)
	}
	part := Part{File: p.file.name}
	if p.shape.Packing.Zip {
		part.Entry = name
	}
	return part, p.write(name, &doc)
}

// full tells whether the next document belongs in another file.
func (p *packer) full(next *Document) bool {
	k := p.shape.Packing
	if !k.Zip {
		return p.joined == nil
	}
	files, size := p.more(next)
	return p.count+len(p.beside)+files >= maxZipEntries || k.MaxCount > 0 && p.count >= k.MaxCount ||
		k.MaxBytes > 0 && p.bytes+next.Size()+size+entrySize(p.documentName())+zipEnd > k.MaxBytes
}

// documentName is the name of the document that was counted last.
func (p *packer) documentName() string {
	return fmt.Sprintf("%s-%06d%s", p.bundle.name(), p.documents, p.shape.Format.Extension())
}

// joinedName is the name of the file that documents are joined in.
func (p *packer) joinedName(file string) string {
	if p.shape.Unique && !p.shape.Packing.Zip {
		return p.bundle.name() + path.Ext(file)
	}
	return file
}

// open begins a file unless one is open.
func (p *packer) open(name string) (err error) {
	if p.file != nil {
		return nil
	}
	file, head, tail := p.shape.Format.Joined()
	if p.shape.Packing.Zip {
		p.zips++
		name = zipName(p.shape.Packing.Name, p.bundle, p.zips, p.created) + ".zip"
	}
	if p.file, err = create(p.dir, name, name, p.shape.Seal); err != nil {
		return err
	}
	switch {
	case p.shape.Packing.Zip:
		p.zip = newZipPart(p.file, p.dir, p.created)
		if file == "" {
			return nil
		}
		p.entries, p.bytes = append(p.entries, file), p.bytes+entrySize(file)+int64(len(head)+len(tail))
		if p.joined, err = p.zip.begin(file); err != nil {
			return err
		}
	case file != "":
		p.joined = p.file
	default:
		return nil
	}
	_, err = io.WriteString(p.joined, head)
	return err
}

// write writes a document into what is open. In a zip it must not be empty:
// intakes take an empty file for one that was cut off.
func (p *packer) write(name string, doc *Document) (err error) {
	out := p.joined
	switch {
	case out != nil:
	case p.zip == nil:
		out = p.file
	case doc.Size() == 0:
		return fmt.Errorf("zip entry %q: the document is empty", name)
	default:
		p.entries = append(p.entries, name)
		if out, err = p.zip.begin(name); err != nil {
			return err
		}
	}
	return p.splice(out, doc)
}

// closeFile finishes what is open, with the manifest that an intake wants
// beside it.
func (p *packer) closeFile() error {
	if p.joined != nil {
		_, _, tail := p.shape.Format.Joined()
		if _, err := io.WriteString(p.joined, tail); err != nil {
			return err
		}
	}
	if p.zip != nil {
		if err := p.writeBehind(); err != nil {
			return err
		}
		if err := p.zip.close(); err != nil {
			return err
		}
	}
	if err := p.finish(p.file, p.at, nil); err != nil {
		return err
	}
	if p.zip != nil && p.shape.Packing.Manifest == ManifestSmarsh {
		if err := p.intake(zipName(p.shape.Packing.Name, p.bundle, p.zips, p.created)+".mf", p.entries); err != nil {
			return err
		}
	}
	if p.zip != nil {
		clear(p.beside)
	}
	p.file, p.zip, p.joined, p.entries, p.behind, p.count, p.bytes, p.at = nil, nil, nil, nil, nil, 0, 0, 0
	return nil
}

// intake writes the manifest that an archive reads beside a zip, in the clear.
func (p *packer) intake(name string, entries []string) error {
	f, err := create(p.dir, name, name, nil)
	if err != nil {
		return err
	}
	_, err = f.Write(appendSmarshManifest(nil, entries))
	return p.finish(f, p.at, err)
}

// finish ends a file of the bundle that was written with err.
func (p *packer) finish(f *spooled, at int64, err error) error {
	if err != nil {
		return errors.Join(err, f.discard())
	}
	info, err := f.close()
	if err == nil {
		p.files = append(p.files, Packed{info, at})
	}
	return err
}

// close finishes the last file. A joined file is there even without documents.
func (p *packer) close() error {
	if file, _, _ := p.shape.Format.Joined(); p.file == nil && p.documents == 0 && file != "" {
		if err := p.open(p.joinedName(file)); err != nil {
			return err
		}
	}
	if p.file == nil {
		return nil
	}
	return p.closeFile()
}

// discard leaves what is open unfinished.
func (p *packer) discard() error {
	var err error
	if p.zip != nil {
		err = p.zip.discard()
	}
	if p.file != nil {
		err = errors.Join(err, p.file.discard())
	}
	return err
}
