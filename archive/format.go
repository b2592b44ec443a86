package archive

import (
	"bytes"
	"fmt"
	"io"
)

// Format writes slices as an archive wants to read them. It is a pure function
// of the frozen slice and of the settings it was made with: no clock, no
// network, no randomness; the same line gives the same documents. One Format is
// for one goroutine, so that it may keep buffers.
type Format interface {
	// Extension of the documents' names, with its dot: ".eml".
	Extension() string

	// Joined names the file that all documents of a bundle are joined in, and
	// what stands before and behind them there; "" where each document is a file
	// of its own.
	Joined() (file, head, tail string)

	// Documents calls emit for each document of a slice, in order, at least once.
	// line is the slice's canonical JSON as AppendLine made it, with its "\n"; it
	// is not kept or changed. An error of emit is returned as it is. Any other
	// means that the slice cannot be written in this format: a *TooLargeError, or
	// one that names no text of a message.
	Documents(line []byte, emit func(Document) error) error
}

// Splitter is a Format that may make several documents of one slice.
type Splitter interface {
	Format

	// Parts calls emit for each document that Documents makes of the slice, in the
	// same order, with the canonical line, with its "\n", of what is in it. The line
	// is valid until emit returns, whose error is returned as it is.
	Parts(line []byte, emit func(part []byte) error) error
}

// Document is what a reader of the archive opens as one: a mail, the XML of a
// conversation, a line.
//
// A format never sees the bytes of attachments, only what is known of them: who
// writes the document puts them where it says.
type Document struct {
	Bytes  []byte        // valid until emit returns
	At     int64         // the time that the archive files it under, epoch milliseconds; 0: none
	Inside []Splice      // attachments inside of it, in the order of their offsets; valid until emit returns
	Long   []LongBody    // parts of it that are too long for Bytes, in the order of their offsets; valid until emit returns
	Beside []*Attachment // attachments that lie beside it, each under its Name; valid until emit returns
}

// Splice is an attachment inside of a document, in base64 as Base64Size counts
// it, before the byte at Offset.
type Splice struct {
	Offset     int
	Attachment *Attachment
}

// LongBody is a part of a document before the byte at Offset.
type LongBody struct {
	Offset int
	Body   Body
}

// Body is a part of a document that is made as it is written, the same each time.
type Body interface {
	io.WriterTo
	Size() int64
}

// Size is how many bytes the document has, with what is inside of it.
func (d *Document) Size() int64 {
	n := int64(len(d.Bytes))
	for i := range d.Long {
		n += d.Long[i].Body.Size()
	}
	for i := range d.Inside {
		n += Base64Size(d.Inside[i].Attachment.Bytes)
	}
	return n
}

// TooLargeError says that a document is above the size that the archive takes
// and cannot be split further: one message, or one file, fills it alone.
type TooLargeError struct{ Bytes, Limit int64 }

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("one message or file alone makes %d bytes, the archive takes %d", e.Bytes, e.Limit)
}

// JSONL is the format of the profile generic: one slice a line, and the files that
// were fetched beside it.
type JSONL struct{}

// Extension returns ".jsonl".
func (JSONL) Extension() string { return ".jsonl" }

// Joined returns TranscriptsFile, and nothing around its lines.
func (JSONL) Joined() (file, head, tail string) { return TranscriptsFile, "", "" }

// Documents emits the line as it is, and the slice's attachments beside it.
func (JSONL) Documents(line []byte, emit func(Document) error) error {
	doc := Document{Bytes: line}
	if bytes.Contains(line, attachmentMark) { // in hardly any: reading a line costs more than writing it
		s, err := ParseLine(line)
		if err != nil {
			return err
		}
		doc.Beside = s.Attachments()
	}
	return emit(doc)
}

// attachmentMark begins an attachment in a line. A message's content may hold it too.
var attachmentMark = []byte(`,"file":{"path":`)
