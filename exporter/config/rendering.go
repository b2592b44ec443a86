package config

import (
	"errors"
	"slices"
	"strings"

	"lpexport/archive"
	"lpexport/archive/filedump"
	"lpexport/archive/mail"
	"lpexport/archive/profile"
)

// rendering is the archive's, with the destination's keys in place of defaults.
func (d *decoder) rendering(path string, t *chosen, way profile.Way) (profile.Rendering, bool) {
	format := ""
	switch at := join(path, profile.FormatFileDump); {
	case d.faultyAt(join(path, profile.FormatMail)) || d.faultyAt(at):
		return profile.Rendering{}, false
	case t.mail != nil && t.filedump != nil:
		d.fault(d.line(at), at, "is given beside mail: keep one")
		return profile.Rendering{}, false
	case t.mail != nil:
		format = profile.FormatMail
	case t.filedump != nil:
		format = profile.FormatFileDump
	}
	r, ok := t.Profile.As(format, way)
	if !ok {
		at := join(path, format)
		d.fault(d.line(at), at, "is no format that %s takes by %s", t.Archive, way.Transport)
		return r, false
	}
	if t.mail != nil {
		defaults := r.Mail.Headers
		r.Mail = t.mail.over(*r.Mail, func(own []mail.Header) []mail.Header { return profile.WithHeaders(defaults, own) })
	}
	if t.filedump != nil {
		r.FileDump = t.filedump.over(*r.FileDump)
	}
	if t.pack != nil {
		r.Packing = t.pack.over(r.Packing)
		if at := join(path, "pack"); r.Format() == profile.FormatJSONL {
			d.fault(d.line(at), at, "means nothing to %s: its bundles have one file", t.Archive)
		}
	}
	return r, true
}

// inform adds what the settings of a format need to know of the rest.
func (t *chosen) inform(internal []string) {
	internal = slices.Clone(internal)
	if m := t.Rendering.Mail; m != nil {
		made := *m
		made.Destination, made.Internal = t.Name, internal
		t.Rendering.Mail = &made
	}
	if f := t.Rendering.FileDump; f != nil {
		made := *f
		made.Internal = internal
		t.Rendering.FileDump = &made
	}
}

// require wants the keys that the archive has no default for.
func (d *decoder) require(path string, t *chosen, way profile.Way) {
	for _, key := range t.Profile.Needs(t.Rendering.Format(), way) {
		at := join(path, key)
		if !d.given[at] && !t.hasHeader(key) && !d.faulty(at) {
			d.fault(d.line(at), at, "is required for %s", t.Archive)
		}
	}
}

// hasHeader tells whether key names a header that is written.
func (t *chosen) hasHeader(key string) bool {
	name, is := strings.CutPrefix(key, "mail.headers.")
	return is && t.Rendering.Mail != nil && slices.ContainsFunc(t.Rendering.Mail.Headers, func(h mail.Header) bool {
		return strings.EqualFold(h.Name, name) && h.Value != ""
	})
}

// checkRendering asks the formats themselves, which know each key by its name.
func (d *decoder) checkRendering(path string, t *chosen) {
	if m := t.Rendering.Mail; m != nil {
		d.checkFormat(join(path, profile.FormatMail), m.Check())
	}
	if f := t.Rendering.FileDump; f != nil {
		_, err := filedump.New(*f)
		d.checkFormat(join(path, profile.FormatFileDump), err)
	}
	if p := t.Rendering.Packing; t.pack != nil && t.pack.manifest != nil && p.Manifest != archive.ManifestNone && !p.Zip {
		at := join(path, "pack.manifest")
		d.fault(d.line(at), at, "means nothing without pack.zip: it is written beside each zip")
	}
}

// checkFormat reports what a format says of its settings.
func (d *decoder) checkFormat(path string, err error) {
	if err == nil {
		return
	}
	all := []error{err}
	if list, is := err.(interface{ Unwrap() []error }); is {
		all = list.Unwrap()
	}
	for _, each := range all {
		at, name := path, ""
		if setting, is := errors.AsType[*archive.SettingError](each); is {
			name, each = setting.Field, setting.Err
			at = join(path, name)
		}
		// The firm's domains are no key of a format: identity is checked for them.
		if name != "internal" && !d.faulty(at) {
			d.fault(d.line(at), at, "%s", each)
		}
	}
}
