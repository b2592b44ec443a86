package sandbox

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"hash/fnv"
	"strings"
	"time"
)

// Files say what is odd about the files that messages name. The zero value: each
// can be fetched as soon as its message is seen, by a link that ends in the path
// that the message has, until it is erased.
type Files struct {
	NoService bool // the Domain API knows no file service
	Refused   bool // the file service refuses the login (403)

	Opaque bool          // links end in a token, which names no message
	Life   time.Duration // of links; 0 is a minute
	Delay  time.Duration // how long after its message a file is listed
	Absent float64       // share of files that are never listed
	Lost   float64       // share of files that are listed, but not there (404)
	Size   int64         // pictures are padded to that many bytes; 0 is as they come, some KB
	Mixed  bool          // also PNG, PDF, TXT and DOCX. Changes paths and types in records and events
	Texts  bool          // also HTML, LOG, JSON and XML that read like a server's pages. Changes the same

	Pages    float64       // share of files in whose place storage gives a page with status 200 …
	PagesFor time.Duration // … for so long after they are listed first; 0 is three hours
}

// File is a file as it is stored.
type File struct {
	Path   string // as its message has it
	Type   string // media type
	Bytes  int64
	SHA256 string // in lower-case hex
	Absent bool   // never listed
	Lost   bool   // listed, but not there
}

// File is the file of that path, false when it is none of this account. Whether
// it has been erased is for Truth to say, where its message has Deleted as path.
// It makes the file, so that it takes a moment.
func (a *Account) File(path string) (File, bool) {
	if !strings.HasPrefix(path, a.storage()) {
		return File{}, false
	}
	c := a.contents(path)
	sum := sha256.New()
	_ = c.write(sum) // a hash takes everything
	return File{
		Path: path, Type: mediaTypes[extension(path)], Bytes: c.size(), SHA256: hex.EncodeToString(sum.Sum(nil)),
		Absent: a.absent(path), Lost: a.lost(path),
	}, true
}

// FileBytes are the bytes of the file of that path, nil when it is none of this
// account.
func (a *Account) FileBytes(path string) []byte {
	if !strings.HasPrefix(path, a.storage()) {
		return nil
	}
	var b bytes.Buffer
	_ = a.contents(path).write(&b) // writing to a Buffer does not fail
	return b.Bytes()
}

// storage is what all paths of the account's files begin with.
func (a *Account) storage() string { return "/v1/AUTH_async-images/" + a.set.Account + "/" }

// path is where a hosted file lies.
func (a *Account) path(l *life, i int, at int64) string {
	if a.erasedAt(l, i, at) {
		return Deleted
	}
	name := a.fileName(l, i)
	if a.set.Hostile {
		name = "..\\../evil\r\n\x00." + extension(name)
	}
	id := appendUUID(nil, l.draw(saltNumber, i), l.draw(saltNumber, -i))
	return a.storage() + string(id) + "_" + name
}

func (a *Account) fileName(l *life, i int) string {
	names := a.set.Files.names()
	return names[l.draw(saltFile, i)%uint64(len(names))]
}

// fileType is LivePerson's word for a file's kind.
func (a *Account) fileType(l *life, i int) string {
	return strings.ToUpper(extension(a.fileName(l, i)))
}

// mediaTypes by extension.
var mediaTypes = map[string]string{
	"jpg": "image/jpeg", "png": "image/png", "pdf": "application/pdf", "txt": "text/plain",
	"html": "text/html", "log": "text/plain", "json": "application/json", "xml": "text/xml",
	"docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}

func extension(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }

func (a *Account) absent(path string) bool { return a.ofFiles(path, 1, a.set.Files.Absent) }
func (a *Account) lost(path string) bool   { return a.ofFiles(path, 2, a.set.Files.Lost) }

// ofFiles tells whether a file is among a share of all; each question is drawn
// for itself.
func (a *Account) ofFiles(path string, question int, share float64) bool {
	return float64(draw(a.fileKey(path), saltFile, question)>>11)/(1<<53) < share
}

// fileKey is what everything about a file is drawn from.
func (a *Account) fileKey(path string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(path))
	return mix(a.set.Seed ^ mix(h.Sum64()))
}
