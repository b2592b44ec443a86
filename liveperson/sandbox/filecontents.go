package sandbox

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
)

// contents are the bytes of a file: what its kind makes of the draw, and padding
// that need not be held.
type contents struct {
	head []byte
	pad  int64
	key  uint64
}

// contents makes the file of a path. It is a function of the seed and the path.
func (a *Account) contents(path string) *contents {
	c := &contents{key: a.fileKey(path)}
	var b bytes.Buffer
	switch extension(path) {
	case "png":
		_ = png.Encode(&b, picture(c.key)) // writing to a Buffer does not fail, here and below
	case "pdf":
		writePDF(&b, c.line())
	case "txt":
		fmt.Fprintf(&b, "%s\r\nGrüße\n", c.line())
	case "docx":
		writeDOCX(&b, c.line())
	case "html", "log", "json", "xml":
		b.WriteString(c.text(extension(path)))
	default:
		_ = jpeg.Encode(&b, picture(c.key), nil)
	}
	c.head = b.Bytes()
	if e := extension(path); e == "jpg" || e == "png" {
		c.pad = max(0, a.set.Files.Size-int64(b.Len()))
	}
	return c
}

func (c *contents) size() int64 { return int64(len(c.head)) + c.pad }

// write writes it in pieces. What pads a picture stands behind its end, where
// viewers do not look, and cannot be compressed.
func (c *contents) write(w io.Writer) error {
	if _, err := io.Copy(w, bytes.NewReader(c.head)); err != nil {
		return err
	}
	var piece []byte
	for left, n := c.pad, uint64(0); left > 0; left -= int64(len(piece)) {
		piece = piece[:0]
		for ; len(piece) < handOn; n++ {
			piece = binary.LittleEndian.AppendUint64(piece, mix(c.key+n))
		}
		piece = piece[:min(left, int64(len(piece)))]
		if _, err := w.Write(piece); err != nil {
			return err
		}
	}
	return nil
}

// line is a text that no other file has.
func (c *contents) line() string { return fmt.Sprintf("Reference %016X", c.key) }

// picture is a pattern of tiles with some grain: a few KB, unlike all others.
func picture(key uint64) image.Image {
	img := image.NewRGBA(image.Rect(0, 0, 96+int(key%96), 72+int(key>>8%72)))
	for y := range img.Rect.Dy() {
		for x := range img.Rect.Dx() {
			tile := mix(key ^ uint64(x/12)<<32 ^ uint64(y/12))
			grain := uint8(mix(tile^uint64(x)<<20^uint64(y)) % 24)
			img.SetRGBA(x, y, color.RGBA{uint8(tile)/2 + grain, uint8(tile>>8)/2 + grain, uint8(tile>>16)/2 + grain, 255})
		}
	}
	return img
}

// writePDF writes a page with one line (ISO 32000-1, 7.5).
func writePDF(b *bytes.Buffer, line string) {
	text := "BT /F1 18 Tf 72 720 Td (" + line + ") Tj ET"
	b.WriteString("%PDF-1.4\n")
	var offsets []int
	for i, object := range []string{
		"<</Type/Catalog/Pages 2 0 R>>",
		"<</Type/Pages/Kids[3 0 R]/Count 1>>",
		"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
		fmt.Sprintf("<</Length %d>>\nstream\n%s\nendstream", len(text), text),
		"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
	} {
		offsets = append(offsets, b.Len())
		fmt.Fprintf(b, "%d 0 obj\n%s\nendobj\n", i+1, object)
	}
	start := b.Len()
	fmt.Fprintf(b, "xref\n0 %d\n0000000000 65535 f \n", len(offsets)+1)
	for _, at := range offsets {
		fmt.Fprintf(b, "%010d 00000 n \n", at)
	}
	fmt.Fprintf(b, "trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", len(offsets)+1, start)
}

// writeDOCX writes a letter of one line: the three parts that a WordprocessingML
// package needs at least (ECMA-376).
func writeDOCX(b *bytes.Buffer, line string) {
	const head = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"
	z := zip.NewWriter(b)
	for _, part := range [][2]string{
		{"[Content_Types].xml", `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">` +
			`<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
			`<Override PartName="/word/document.xml" ContentType="` + mediaTypes["docx"] + `.main+xml"/></Types>`},
		{"_rels/.rels", `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" ` +
			`Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>`},
		{"word/document.xml", `<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">` +
			`<w:body><w:p><w:r><w:t>` + line + `</w:t></w:r></w:p></w:body></w:document>`},
	} {
		w, _ := z.Create(part[0])
		io.WriteString(w, head+part[1])
	}
	_ = z.Close()
}
