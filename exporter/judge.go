package exporter

import (
	"fmt"
	"strings"

	"lpexport/liveperson"
)

// Storage that is in trouble answers in a file's place with a good status and any
// type: error documents as pictures, log-in notices as text. And people send web
// pages, logs and texts about errors. This file decides which is which.

// answered is what LivePerson gave in the place of a file with status 200, all others
// being no files, and what is known of that file.
type answered struct {
	path, link string // of the message, and of the link that was followed; "": not known
	label      string // what LivePerson calls its type; apps choose it freely
	declared   string // media type of the answer, lower case, without parameters; "": none
	begin      []byte // the first bytes, sniffed of them or all
	bytes      int64  // of all
}

// verdict is what an answer is taken for.
type verdict int

const (
	sound    verdict = iota // the file
	doubtful                // the file, or a page in its place
	notAFile                // not the file
)

// judgement is a verdict and why.
type judgement struct {
	verdict verdict
	what    string // what the answer is, in words for archives; "" of what is sound
	fits    bool   // of what is doubtful: a file of that name may be such a thing
	kind    string // media type, found in the bytes
}

// judge decides whether an answer is the file that was asked for. Bytes that nobody
// can read as text are: whatever name they have, no page is like that. Text is none
// where every name is that of a picture or another binary format; elsewhere it is
// doubtful when it could be a page of storage, a proxy or a log-in.
func judge(a answered) judgement {
	s := shapeOf(a.begin, int64(len(a.begin)) >= a.bytes)
	j := judgement{what: s.words(), kind: s.mediaType(a.begin)}
	texts, binary := formats(a.label, extensionOf(a.path), extensionOf(a.link))
	j.fits = strings.Contains(texts, s.letter())
	switch named := texts != ""; {
	case s == shapeBinary:
	case !named && (binary || s == shapeErrorXML):
		j.verdict = notAFile
	case s == shapeHTML, s == shapeErrorText, s == shapeErrorXML, s == shapeErrorJSON,
		named && !j.fits, !named && s != shapeText, s.contradicts(a.declared):
		j.verdict = doubtful
	}
	if j.verdict == sound {
		j.what = ""
	}
	return j
}

func (s shape) words() string {
	return [...]string{"", "plain text", "a text like an error or a log-in notice", "a web page", "an XML document", "an error document",
		"a JSON document", "a JSON error"}[s]
}

// letter stands for a shape in textFormats.
func (s shape) letter() string { return "-tthxxjj"[s : s+1] }

// contradicts reports whether a declared type is that of something else. One that
// many clients send for everything is none.
func (s shape) contradicts(declared string) bool {
	top, sub, _ := strings.Cut(declared, "/")
	switch {
	case sub == "html", sub == "xhtml+xml":
		return s.letter() != "h"
	case sub == "xml", strings.HasSuffix(sub, "+xml"):
		return s.letter() != "x"
	case sub == "json", strings.HasSuffix(sub, "+json"):
		return s.letter() != "j"
	}
	return top == "image" || top == "audio" || top == "video" || sub == "pdf" || sub == "zip"
}

// textFormats are the names of files that are text, and as which shapes they come: t
// plain text, h HTML, x XML, j JSON. Of old office formats many programs write a web
// page or a table of text.
var textFormats = map[string]string{
	"txt": "thxj", "text": "thxj", "log": "thxj", "md": "thxj", "eml": "thxj", "mht": "thxj", "mhtml": "thxj", "html": "thx", "htm": "thx", "xhtml": "thx",
	"xml": "x", "svg": "x", "kml": "x", "gpx": "x", "json": "j", "geojson": "j", "csv": "t", "tsv": "t", "ics": "t", "vcf": "t",
	"doc": "thx", "xls": "thx", "ppt": "thx",
}

// binaryFormats are the names, and LivePerson's labels, of files that are no text.
var binaryFormats = setOf("jpg jpeg jpe jfif png gif webp heic heif avif bmp tif tiff ico img image photo pdf rtf zip 7z rar gz docx pptx xlsx docm xlsm pptm " +
	"odt ods odp pages numbers key msg mp3 mp4 m4a m4v mov wav ogg oga ogv opus webm amr 3gp aac flac avi wmv audio video")

func setOf(words string) map[string]bool {
	set := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		set[w] = true
	}
	return set
}

// formats is what names lead to expect: as which shapes of text such a file may come
// ("": no name says that it may), and whether one of them is that of a binary format.
func formats(names ...string) (texts string, binary bool) {
	for _, n := range names {
		n = strings.ToLower(n)
		texts += textFormats[n]
		binary = binary || binaryFormats[n]
	}
	return texts, binary
}

// extensionOf is what stands behind the last dot of a path's last part, "" for nothing.
func extensionOf(path string) string {
	name := path[strings.LastIndexByte(path, '/')+1:]
	dot := strings.LastIndexByte(name, '.')
	if dot < 0 {
		return ""
	}
	return name[dot+1:]
}

// notAFileError says what came in the place of a file; it quotes nothing of it.
type notAFileError struct{ what string }

func (e *notAFileError) Error() string { return fmt.Sprintf("%v: %s", liveperson.ErrNotAFile, e.what) }
func (e *notAFileError) Unwrap() error { return liveperson.ErrNotAFile }
