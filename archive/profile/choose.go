package profile

import (
	"slices"
	"strings"

	"lpexport/archive/mail"
)

// On returns the way of that transport and layout. An empty layout asks for the
// first way of the transport. It is false when the archive takes no such way.
func (p Profile) On(transport, layout string) (Way, bool) {
	i := slices.IndexFunc(p.Ways, func(w Way) bool {
		return w.Transport == transport && (layout == "" || w.Layout == layout)
	})
	if i < 0 {
		return Way{}, false
	}
	return p.Ways[i], true
}

// As returns the defaults for a destination that goes that way in that format;
// an empty format asks for the archive's first. It is false when the archive
// takes no such format, or not that way. Destination, Domain and Internal of the
// settings are empty: they are the destination's own.
func (p Profile) As(format string, w Way) (Rendering, bool) {
	r := p.Rendering
	if p.Other != nil && format == p.Other.Format() {
		r = *p.Other
	}
	if format != "" && format != r.Format() || w.Layout == LayoutMails && r.Mail == nil {
		return Rendering{}, false
	}
	r.Packing.Zip = w.Zip
	return r, true
}

// Needs returns those of Must that hold for a destination that goes that way in
// that format: a key of another transport or format does not.
func (p Profile) Needs(format string, w Way) []string {
	var keys []string
	for _, key := range p.Must {
		block, _, _ := strings.Cut(key, ".")
		if block == format || block == w.Transport {
			keys = append(keys, key)
		}
	}
	return keys
}

// WithHeaders returns the default headers with a destination's own. One of the
// same name, without regard to case, is replaced where it stands, its name in
// the destination's spelling; the others follow in their order. A header with
// an empty value is not written.
func WithHeaders(defaults, own []mail.Header) []mail.Header {
	all := slices.Clone(defaults)
	for _, h := range own {
		i := slices.IndexFunc(all, func(d mail.Header) bool { return strings.EqualFold(d.Name, h.Name) })
		if i < 0 {
			all = append(all, h)
			continue
		}
		all[i] = h
	}
	return all
}
