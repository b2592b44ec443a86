package profile

import (
	"lpexport/archive"
	"lpexport/archive/filedump"
	"lpexport/archive/mail"
)

// Shape returns what writes the files of a bundle. How it is sealed, and whether
// names are unique, is the destination's. The error says which setting is wrong.
func (r Rendering) Shape() (archive.Shape, error) {
	format, err := r.format()
	if err != nil {
		return archive.Shape{}, err
	}
	return archive.Shape{Format: format, Packing: r.Packing}, nil
}

func (r Rendering) format() (archive.Format, error) {
	switch {
	case r.Mail != nil:
		return mail.New(*r.Mail)
	case r.FileDump != nil:
		return filedump.New(*r.FileDump)
	}
	return archive.JSONL{}, nil
}
