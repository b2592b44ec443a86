package exporter

import (
	"archive/zip"
	"bytes"
	"strings"
	"testing"
	"unicode/utf16"
)

// zipped is a zip archive, as office documents are.
func zipped(t testing.TB) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create("word/document.xml")
	if err == nil {
		_, err = w.Write([]byte("<w:document/>"))
	}
	if err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	return b.String()
}

// formatsSent are the first bytes of what people send, and the media type.
func formatsSent(t testing.TB) map[string][2]string {
	return map[string][2]string{
		"jpeg": {"\xff\xd8\xff\xe1\x00\x18Exif\x00\x00II*\x00", "image/jpeg"}, "png": {"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "image/png"},
		"gif": {"GIF89a\x01\x00\x01\x00\x80\x00\x00", "image/gif"}, "webp": {"RIFF\x24\x00\x00\x00WEBPVP8 ", "image/webp"},
		"heic": {"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", "image/heic"}, "avif": {"\x00\x00\x00\x1cftypavif\x00\x00\x00\x00", "image/avif"},
		"bmp": {"BM\x36\x00\x0c\x00\x00\x00\x00\x006\x00", "image/bmp"}, "tiff": {"II*\x00\x08\x00\x00\x00", "image/tiff"}, "tiff, the other way": {"MM\x00*\x00\x00\x00\x08", "image/tiff"},
		"pdf": {"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj", "application/pdf"}, "pdf, all readable": {"%PDF-1.4\n1 0 obj\n<</Type/Catalog>>\nendobj\n", "application/pdf"},
		"pdf behind an error": {"Warning: login failed in line 3\n%PDF-1.4\n1 0 obj", "application/pdf"},
		"zip":                 {zipped(t), "application/zip"}, "doc": {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00\x00\x00\x00", "application/x-ole-storage"},
		"rtf": {`{\rtf1\ansi{\fonttbl\f0 Arial;}\f0 Access denied}`, "application/rtf"}, "mp3": {"ID3\x04\x00\x00\x00\x00\x00\x23", "audio/mpeg"},
		"mp3 without tags": {"\xff\xfb\x90\x64\x00\x0f\xf0\x00", "audio/mpeg"}, "mp4": {"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00isomiso2", "video/mp4"},
		"mov": {"\x00\x00\x00\x14ftypqt  \x00\x00\x00\x00qt  ", "video/quicktime"}, "m4a": {"\x00\x00\x00\x1cftypM4A \x00\x00\x00\x00M4A mp42", "audio/mp4"},
		"3gp": {"\x00\x00\x00\x18ftyp3gp4\x00\x00\x00\x00", "video/3gpp"}, "ogg": {"OggS\x00\x02\x00\x00\x00\x00", "application/ogg"},
		"wav": {"RIFF\x24\x08\x00\x00WAVEfmt ", "audio/wave"}, "amr": {"#!AMR\n\x3c\x91\x17\x16", "audio/amr"}, "webm": {"\x1a\x45\xdf\xa3\x01\x00\x00\x00", "video/webm"},
		"7z": {"7z\xbc\xaf\x27\x1c\x00\x04", "application/x-7z-compressed"}, "nobody knows": {"\x07\x91\x00\x00\xf3\x10", "application/octet-stream"},
		"Russian in Windows' letters": {"\xcf\xf0\xe8\xe2\xe5\xf2, \xea\xe0\xea \xe4\xe5\xeb\xe0?", "application/octet-stream"},
	}
}

// What has the bytes of a format is kept at once, whatever it is called and sent as.
func TestFormatsThatPeopleSendAreSound(t *testing.T) {
	for what, f := range formatsSent(t) {
		for _, a := range []answered{
			{path: "/a/x.jpg", label: "JPG", declared: "image/jpeg"}, {path: "/a/x.pdf", label: "PDF", declared: "application/pdf"}, {path: "/a/x.png", declared: "text/html"},
			{path: "/a/x.txt", label: "TXT", declared: "text/plain"}, {path: "/a/x.html", declared: "application/json"}, {link: "/dl/8f2c"}, {label: "WHATEVER"},
		} {
			a.begin, a.bytes = []byte(f[0]), int64(len(f[0]))
			if got := judge(a); got != (judgement{kind: f[1], fits: false}) {
				t.Errorf("%s as %s%s (%s): %+v", what, a.path, a.link, a.declared, got)
			}
		}
	}
}

func inUTF16(s string, big bool) string {
	b := []byte("\xff\xfe")
	if big {
		b = []byte("\xfe\xff")
	}
	for _, u := range utf16.Encode([]rune(s)) {
		if big {
			b = append(b, byte(u>>8), byte(u))
		} else {
			b = append(b, byte(u), byte(u>>8))
		}
	}
	return string(b)
}

const wikiPage = "<!doctype html><html lang=en><body>" // and no end of it

func TestJudge(t *testing.T) {
	long := strings.Repeat("We met on Monday and talked about the weather. ", 200)
	for _, c := range []struct {
		name, label, declared, bytes string
		want                         verdict
		what                         string
		fits                         bool
	}{
		// In a picture's place.
		{"x.jpg", "JPG", "application/xml", errorDocument, notAFile, "an error document", false},
		{"x.jpg", "JPG", "image/png", errorDocument, notAFile, "an error document", false},
		{"x.jpg", "JPG", "text/plain", logIn, notAFile, "a text like an error or a log-in notice", false},
		{"x.jpg", "JPG", "image/jpeg", "Guten Tag", notAFile, "plain text", false},
		{"x.pdf", "PDF", "application/pdf", long, notAFile, "plain text", false},
		{"x.docx", "DOCX", "", `{"code":404}`, notAFile, "a JSON document", false},
		{"x.docx", "DOCX", "", `{"errorCode":404,"x":[1,{"y":null}]}`, notAFile, "a JSON error", false},
		{"x.png", "", "text/html", wikiPage, notAFile, "a web page", false},
		{"x.heic", "", "image/heic", "<svg xmlns='x'>", notAFile, "an XML document", false},
		{"x.jpg", "JPG", "image/jpeg", "BMW dealers: session expired", notAFile, "a text like an error or a log-in notice", false},
		{"x.jpg", "JPG", "image/jpeg", inUTF16("<Error/>", true), notAFile, "an error document", false},
		{"x.jpg", "JPG", "image/jpeg", inUTF16("<html>", false)[2:], notAFile, "a web page", false},
		{"x.jpg", "JPG", "image/jpeg", inUTF16("Bitte anmelden", false), notAFile, "plain text", false},
		{"x.jpg", "JPG", "image/jpeg", " \r\n", notAFile, "plain text", false},
		{"noname", "PNG", "image/png", "Guten Tag", notAFile, "plain text", false},
		{"evil\r\n\x00.jpg", "", "image/png", "Guten Tag", notAFile, "plain text", false},
		// Names that allow text.
		{"x.html", "HTML", "text/html", wikiPage, doubtful, "a web page", true},
		{"x.html", "JPG", "text/html", wikiPage, doubtful, "a web page", true},
		{"x.html", "", "", "Just a fragment of a page", sound, "", true},
		{"x.txt", "TXT", "text/plain", "Guten Tag", sound, "", true},
		{"x.txt", "TXT", "", "Gr\xfc\xdfe aus M\xfcnchen, auch an Frau M\xfcller", sound, "", true},
		{"x.txt", "TXT", "application/octet-stream", "BMW or OTTO", sound, "", true},
		{"x.txt", "TXT", "text/plain", long, sound, "", true},
		{"x.txt", "TXT", "text/plain", strings.Repeat("ä", sniffed), sound, "", true},
		{"x.txt", "TXT", "text/plain", "[sic] see {below}, <3", sound, "", true},
		{"x.txt", "TXT", "text/plain", "<3 you", sound, "", true},
		{"x.txt", "TXT", "text/plain", `{"a":1}`, sound, "", true},
		{"x.txt", "TXT", "text/plain", logIn, doubtful, "a text like an error or a log-in notice", true},
		{"x.txt", "TXT", "text/plain", "404 page not here", doubtful, "a text like an error or a log-in notice", true},
		{"x.txt", "TXT", "text/plain", "error " + long, sound, "", true},
		{"x.txt", "TXT", "text/html", "Guten Tag", doubtful, "plain text", true},
		{"x.txt", "TXT", "image/jpeg", "Guten Tag", doubtful, "plain text", true},
		{"x.txt", "TXT", "text/plain", wikiPage, doubtful, "a web page", true},
		{"x.txt", "TXT", "application/xml", errorDocument, doubtful, "an error document", true},
		{"x.json", "", "application/json", `{"a":{"error":1}}`, sound, "", true},
		{"x.json", "", "application/json", `{"error":1}`, doubtful, "a JSON error", true},
		{"x.json", "", "application/json", `{"statusCode":401,"message":"m"}`, doubtful, "a JSON error", true},
		{"x.json", "", "application/json", `[` + strings.Repeat(`{"name":"n"},`, 1000) + `1]`, sound, "", true},
		{"x.json", "", "application/json", `{"image":"` + strings.Repeat("x", 2*sniffed) + `"}`, sound, "", true},
		{"x.json", "", "text/html", `{"a":1}`, doubtful, "a JSON document", true},
		{"x.json", "", "application/json", wikiPage, doubtful, "a web page", false},
		{"x.json", "", "application/json", "{no JSON}", doubtful, "plain text", false},
		{"x.xml", "", "application/xml", `<?xml version="1.0"?><!-- c --><order/>`, sound, "", true},
		{"x.xml", "", "text/xml", errorDocument, doubtful, "an error document", true},
		{"x.xml", "", "text/xml", `<?xml version="1.0"?><!DOCTYPE html><html/>`, doubtful, "a web page", false},
		{"x.svg", "", "image/svg+xml", "<svg xmlns='x'><path/></svg>", sound, "", true},
		{"x.xml", "", "text/xml", `<soap:Envelope><soap:Fault>`, doubtful, "an error document", true},
		{"x.csv", "", "application/vnd.ms-excel", "a;b;c\r\n1;2;3\r\n", sound, "", true},
		{"x.csv", "", "text/csv", wikiPage, doubtful, "a web page", false},
		{"x.vcf", "", "text/vcard", "BEGIN:VCARD\r\nEND:VCARD\r\n", sound, "", true},
		{"x.xls", "", "application/vnd.ms-excel", "<html><table><tr>", doubtful, "a web page", true},
		// No name, or one that says nothing.
		{"8f2c", "", "", "Guten Tag", sound, "", false},
		{"8f2c", "", "text/plain", logIn, doubtful, "a text like an error or a log-in notice", false},
		{"8f2c", "", "image/jpeg", "Guten Tag", doubtful, "plain text", false},
		{"8f2c", "", "text/html", wikiPage, doubtful, "a web page", false},
		{"8f2c", "", "application/json", `{"a":1}`, doubtful, "a JSON document", false},
		{"8f2c", "", "image/jpeg", errorDocument, notAFile, "an error document", false},
		{"x.yaml", "OTHER", "", "a: 1", sound, "", false},
	} {
		a := answered{path: "/v1/a/" + c.name, label: c.label, declared: c.declared, begin: []byte(c.bytes)[:min(len(c.bytes), sniffed)], bytes: int64(len(c.bytes))}
		got := judge(a)
		got.kind = ""
		if got != (judgement{verdict: c.want, what: c.what, fits: c.fits}) {
			t.Errorf("%s (%s) as %q, %.40q: %+v", c.name, c.label, c.declared, c.bytes, got)
		}
	}
}

// Whatever comes, from whoever chose the names: a verdict, and the same of the same;
// bytes of a format are never refused, and nothing that reads as text is a picture.
func FuzzJudge(f *testing.F) {
	for _, sent := range formatsSent(f) {
		f.Add("/a/x.jpg", "/dl/1", "JPG", "image/jpeg", sent[0], true)
	}
	for _, text := range []string{errorDocument, logIn, wikiPage, `{"a":[1,{"error":"`, "<", "<!", "<?", "<!--", "{", "[", "\xfe\xff<", "<\x00", "\xc3"} {
		f.Add("/a/x.html", "", "", "text/html", text, false)
		f.Add("x.pdf", "", "PDF", "application/pdf", text, true)
	}
	f.Fuzz(func(t *testing.T, path, link, label, declared, content string, whole bool) {
		a := answered{path: path, link: link, label: label, declared: declared, begin: []byte(content)[:min(len(content), sniffed)], bytes: int64(len(content))}
		if !whole {
			a.bytes++
		}
		got := judge(a)
		if again := judge(a); got != again {
			t.Errorf("%+v, and then %+v", got, again)
		}
		if got.kind == "" || (got.verdict == sound) != (got.what == "") {
			t.Errorf("%+v", got)
		}
		for format, sent := range formatsSent(t) {
			if strings.HasPrefix(content, sent[0]) && sent[1] != "application/octet-stream" && sent[1] != "application/pdf" && got.verdict != sound {
				t.Errorf("%s: %+v", format, got)
			}
		}
		a.path, a.link, a.label = "x.jpg", "", "JPG"
		picture := judge(a)
		if picture.verdict == doubtful || got.verdict != sound && picture.verdict != notAFile {
			t.Errorf("as a picture: %+v, else %+v", picture, got)
		}
	})
}
