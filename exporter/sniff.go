package exporter

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// sniffed is how many of a file's first bytes are looked at.
const sniffed = 4096

// shape is what a file's bytes read like.
type shape int

const (
	shapeBinary    shape = iota // no text, or the text of a format that has a signature
	shapeText                   //
	shapeErrorText              // short, and reads like an error, a maintenance or a log-in notice
	shapeHTML
	shapeXML
	shapeErrorXML // its root is an error or a fault
	shapeJSON     // an object or a list
	shapeErrorJSON
)

// shapeOf finds out what bytes read like by the first of them; whole: these are all.
// What is not clearly text counts as binary.
func shapeOf(begin []byte, whole bool) shape {
	text := bytes.TrimLeft(decoded(begin), "\ufeff \t\r\n\f\v")
	if s := markup(text); s != shapeBinary {
		return s
	}
	switch {
	case !isText(text, whole), signed(begin) != "":
		return shapeBinary
	case len(text) > 0 && (text[0] == '{' || text[0] == '['):
		if s := jsonShape(text, whole); s != shapeBinary {
			return s
		}
	}
	if whole && len(begin) <= longestNotice && notice.Match(text) {
		return shapeErrorText
	}
	return shapeText
}

// Bounds of what can be a server's notice rather than what somebody wrote, in bytes.
const longestNotice = 2048

// notice is found in the notices of servers, storage and proxies. It may be found in
// what a person wrote: it gives reason to look again, never to refuse.
var notice = regexp.MustCompile(`(?i)^\s*(http/\S+ )?[45]\d\d\b|\b(errors?|exception|fault|failed|failure|forbidden|unauthori[sz]ed|not authori[sz]ed|` +
	`authenticat\w*|credentials|access denied|denied|not found|no such|does not exist|log ?in|logged (in|out|off)|sign ?in|signed out|session|` +
	`expired|invalid|unavailable|maintenance|bad (gateway|request)|gateway|time[d-]? ?out|overloaded|too many|throttl\w*|` +
	`try again|come back later|redirect\w*|moved (permanently|temporarily))\b`)

// decoded is UTF-16 as UTF-8, and all else as it is. A document without a mark of its
// order begins with a "<" in it (XML 1.0, appendix F).
func decoded(b []byte) []byte {
	little := bytes.HasPrefix(b, []byte("\xff\xfe")) || bytes.HasPrefix(b, []byte("<\x00"))
	if !little && !bytes.HasPrefix(b, []byte("\xfe\xff")) && !bytes.HasPrefix(b, []byte("\x00<")) {
		return b
	}
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = uint16(b[2*i])<<8 | uint16(b[2*i+1])
		if little {
			units[i] = units[i]<<8 | units[i]>>8
		}
	}
	return []byte(string(utf16.Decode(units)))
}

// isText reports whether bytes are text: UTF-8, or something else of which most is
// ASCII, without the control characters that no text has.
func isText(b []byte, whole bool) bool {
	ascii := 0
	for _, c := range b {
		if c < ' ' && !strings.ContainsRune("\t\n\v\f\r\x1b", rune(c)) {
			return false
		}
		if c < utf8.RuneSelf {
			ascii++
		}
	}
	if !whole { // the last character may be cut
		for n := 1; n < utf8.UTFMax && n <= len(b); n++ {
			if last := b[len(b)-n:]; utf8.RuneStart(last[0]) {
				if !utf8.FullRune(last) {
					b = b[:len(b)-n]
				}
				break
			}
		}
	}
	return utf8.Valid(b) || 10*ascii >= 7*len(b)
}

// tag is how markup goes on behind blanks and a byte order mark.
var tag = regexp.MustCompile(`^<(?:[?!/]|[A-Za-z_])`)

// markup tells HTML and XML, by the name of the root; shapeBinary: it is neither.
func markup(b []byte) shape {
	declared := false
	for tag.Match(b) {
		switch {
		case bytes.HasPrefix(b, []byte("<?")):
			declared, b = true, behind(b, "?>")
		case bytes.HasPrefix(b, []byte("<!--")):
			declared, b = true, behind(b, "-->")
		default:
			return rootShape(b)
		}
	}
	if declared {
		return shapeXML
	}
	return shapeBinary
}

// behind is what follows an end and blanks, nothing where there is no such end.
func behind(b []byte, end string) []byte {
	_, rest, _ := bytes.Cut(b, []byte(end))
	return bytes.TrimLeft(rest, " \t\r\n")
}

// root is the name of an element, or of the one that a document type is of.
var root = regexp.MustCompile(`^<(?i:!doctype\s+)?([A-Za-z_][\w:.-]*)(?:[\s/>\[]|$)`)

func rootShape(b []byte) shape {
	found := root.FindSubmatch(b)
	if found == nil {
		return shapeBinary
	}
	name := strings.ToLower(string(found[1]))
	name = name[strings.IndexByte(name, ':')+1:]
	switch {
	case slices.Contains(pageTags, name):
		return shapeHTML
	case strings.Contains(name, "error"), strings.Contains(name, "fault"), strings.Contains(name, "exception"),
		name == "envelope" && bytes.Contains(b, []byte("Fault>")):
		return shapeErrorXML
	}
	return shapeXML
}

// pageTags are what web pages and parts of them begin with.
var pageTags = []string{"html", "head", "body", "title", "meta", "link", "base", "script", "noscript", "style", "h1", "h2", "h3", "p", "div", "center",
	"table", "form", "a", "b", "i", "br", "hr", "img", "iframe", "font", "span", "strong", "ul", "ol", "pre", "main", "section"}

// jsonShape tells a JSON object or list; shapeBinary: it is neither.
func jsonShape(b []byte, whole bool) shape {
	d := jsontext.NewDecoder(bytes.NewReader(b), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if _, err := d.ReadToken(); err != nil {
		return shapeBinary
	}
	var names []string // of an object
	for {
		if k := d.PeekKind(); k == '}' || k == ']' {
			break
		}
		var err error
		if b[0] == '{' {
			var name jsontext.Token
			if name, err = d.ReadToken(); err == nil {
				names = append(names, strings.ToLower(name.String()))
			}
		}
		if err == nil {
			err = d.SkipValue()
		}
		switch {
		case err == nil:
		case !whole && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)):
			return shapeJSON // too long for an error
		default:
			return shapeBinary
		}
	}
	if _, err := d.ReadToken(); err != nil {
		return shapeBinary
	}
	if _, err := d.ReadToken(); whole && err != io.EOF {
		return shapeBinary
	}
	if failing(names) {
		return shapeErrorJSON
	}
	return shapeJSON
}

// failing reports whether the members of an object are those of an error.
func failing(names []string) bool {
	status := slices.ContainsFunc(names, func(n string) bool { return strings.HasSuffix(n, "code") || n == "status" })
	return slices.ContainsFunc(names, func(n string) bool {
		return strings.Contains(n, "error") || strings.Contains(n, "fault") || strings.Contains(n, "exception") ||
			status && (n == "message" || n == "msg" || n == "reason" || n == "detail")
	})
}

// signatures are those that http.DetectContentType does not know, of formats that
// people send. Of those it knows, "BM" and others begin words too: before letters only
// textual ones count.
var signatures = []struct {
	at    int
	begin string
	kind  string
}{
	{0, "{\\rtf", "application/rtf"}, {0, "II*\x00", "image/tiff"}, {0, "MM\x00*", "image/tiff"}, {0, "#!AMR", "audio/amr"},
	{0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"}, {0, "7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"},
	{4, "ftypheic", "image/heic"}, {4, "ftypheix", "image/heic"}, {4, "ftyphei", "image/heic"}, {4, "ftyphev", "image/heic"}, {4, "ftypmif1", "image/heif"},
	{4, "ftypavif", "image/avif"}, {4, "ftypqt  ", "video/quicktime"}, {4, "ftypM4A", "audio/mp4"}, {4, "ftyp3g", "video/3gpp"}, {4, "ftyp", "video/mp4"},
	{0, "\xff\xfb", "audio/mpeg"}, {0, "\xff\xf3", "audio/mpeg"}, {0, "\xff\xf2", "audio/mpeg"}, {0, "\xff\xf1", "audio/aac"}, {0, "\xff\xf9", "audio/aac"},
}

// textual are the formats with a signature whose files may be readable.
var textual = []string{"application/pdf", "application/rtf", "application/postscript"}

// signed is the media type by the signature, "" without a known one.
// A PDF may have something in front of it.
func signed(begin []byte) string {
	kind := ""
	for _, s := range signatures {
		if len(begin) > s.at && bytes.HasPrefix(begin[s.at:], []byte(s.begin)) {
			kind = s.kind
			break
		}
	}
	if kind == "" && bytes.Contains(begin[:min(len(begin), 1024)], []byte("%PDF-")) {
		kind = "application/pdf"
	}
	if kind == "" {
		kind, _, _ = mime.ParseMediaType(http.DetectContentType(begin))
	}
	if strings.HasPrefix(kind, "text/") || kind == "application/octet-stream" || inASCII(begin) && !slices.Contains(textual, kind) {
		return ""
	}
	return kind
}

// inASCII reports whether the first bytes, where signatures are, are letters and the like.
func inASCII(begin []byte) bool {
	for _, c := range begin[:min(len(begin), 64)] {
		if c < ' ' && c != '\t' && c != '\n' && c != '\r' || c >= 0x7f {
			return false
		}
	}
	return true
}

// mediaType is what bytes of a shape are, by the first of them.
func (s shape) mediaType(begin []byte) string {
	switch s {
	case shapeHTML:
		return "text/html"
	case shapeXML, shapeErrorXML:
		return "text/xml"
	case shapeJSON, shapeErrorJSON:
		return "application/json"
	case shapeText, shapeErrorText:
		return "text/plain"
	}
	if kind := signed(begin); kind != "" {
		return kind
	}
	return "application/octet-stream"
}
