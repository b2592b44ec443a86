package filedump

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// MaxConversation is the most bytes of one Conversation that Read takes.
const MaxConversation = 256 << 20

// Read calls each with every Conversation of a FileDump of any dialect, in
// order. It holds one at a time. It is strict about XML and about where elements
// stand, and skips elements that it does not know. Errors of each are returned
// as they are; no other error quotes a text.
func Read(r io.Reader, each func(Conversation) error) error {
	return readUpTo(MaxConversation, r, each)
}

func readUpTo(limit int64, r io.Reader, each func(Conversation) error) error {
	in := &bounded{r: r, limit: limit, left: limit}
	d := xml.NewDecoder(in)
	root, err := start(d)
	if err == nil && root.Name.Local != "FileDump" {
		err = errors.New("the root element is not FileDump")
	}
	for err == nil {
		in.left = limit
		var next xml.StartElement
		next, err = start(d)
		if errors.Is(err, errEnd) {
			return ending(d)
		}
		if err == nil && next.Name.Local != "Conversation" {
			err = errors.New("an element of FileDump is not a Conversation")
		}
		var c Conversation
		if err == nil {
			err = readConversation(d, next, &c)
		}
		if err == nil {
			if err := each(c); err != nil {
				return err
			}
		}
	}
	return fmt.Errorf("read FileDump, at byte %d: %w", d.InputOffset(), fault(err))
}

func readConversation(d *xml.Decoder, tag xml.StartElement, c *Conversation) error {
	for _, a := range tag.Attr {
		if a.Name.Local == "Perspective" {
			c.Perspective = a.Value
		}
	}
	for {
		tag, err := start(d)
		if errors.Is(err, errEnd) {
			return nil
		}
		if err != nil {
			return err
		}
		switch tag.Name.Local {
		case "RoomID":
			err = d.DecodeElement(&c.RoomID, &tag)
		case "StartTimeUTC":
			err = d.DecodeElement(&c.Start, &tag)
		case "EndTimeUTC":
			err = d.DecodeElement(&c.End, &tag)
		case entered, left, message, transferStarted, transferEnded:
			e := Element{Kind: tag.Name.Local}
			err = d.DecodeElement(&e, &tag)
			c.Elements = append(c.Elements, e)
		default:
			err = d.Skip()
		}
		if err != nil {
			return err
		}
	}
}

// errEnd tells that the element which is being read has ended.
var errEnd = errors.New("the element ends")

// start reads the next start tag. Between elements there is nothing but white
// space and comments.
func start(d *xml.Decoder) (xml.StartElement, error) {
	for {
		token, err := d.Token()
		if err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return xml.StartElement{}, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			return t, nil
		case xml.EndElement:
			return xml.StartElement{}, errEnd
		case xml.CharData:
			if !isSpace(t) {
				return xml.StartElement{}, errors.New("text between elements")
			}
		case xml.Directive:
			return xml.StartElement{}, errors.New("a document type, where none belongs")
		}
	}
}

func isSpace(text []byte) bool {
	for _, c := range text {
		if c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			return false
		}
	}
	return true
}

// ending makes sure that nothing follows the root.
func ending(d *xml.Decoder) error {
	_, err := start(d)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return errors.New("read FileDump: more after the end")
}

// fault drops what an error of the parser may quote.
func fault(err error) error {
	if _, ok := errors.AsType[*xml.SyntaxError](err); ok {
		return errors.New("not well-formed XML")
	}
	if _, ok := errors.AsType[*strconv.NumError](err); ok {
		return errors.New("a time that is not a number")
	}
	return err
}

// bounded fails after left bytes of limit.
type bounded struct {
	r           io.Reader
	limit, left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("a Conversation over %d bytes", b.limit)
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}
