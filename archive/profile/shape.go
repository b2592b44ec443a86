package profile

import (
	"time"

	"lpexport/archive"
	"lpexport/archive/filedump"
	"lpexport/archive/mail"
)

// Frozen returns the rendering with all that is asked of this machine, so that a
// bundle that is cut now is the same wherever and whenever it is rendered.
func (r Rendering) Frozen(created time.Time) (Rendering, error) {
	if r.Mail == nil {
		return r, nil
	}
	settings, err := r.Mail.Frozen(created)
	r.Mail = &settings
	return r, err
}

// Shape returns what writes the files of a bundle, of a rendering that is frozen. How it is sealed, and whether
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
