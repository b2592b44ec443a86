package config

import (
	"strings"
	"time"

	"lpexport/archive/profile"
)

// settle fills in what a destination leaves to its archive, and finds what does
// not go together. What is at fault already is not looked at again.
func (d *decoder) settle(path string, t *chosen, identity *Identity) {
	p, found := profile.Find(t.Archive)
	if !found {
		return
	}
	t.Profile = p
	d.settleCut(path, t)
	way, found := d.way(path, t)
	if !found {
		return
	}
	t.Layout = way.Layout
	if way.Older {
		t.MaxAge = 0
	}
	set(&t.MaxAge, t.maxAge)
	t.settleWait()
	d.checkAge(path, t)
	d.unfit(path, t, way)
	if r, ok := d.rendering(path, t, way); ok {
		t.Rendering = r
		t.inform(identity.InternalDomains)
		d.require(path, t, way)
		d.checkRendering(path, t)
	}
}

// settleWait tells how long a bundle waits to be fuller. Folders of this machine
// cost little, so that what comes in real time is there in real time.
func (t *chosen) settleWait() {
	t.Bundle.EventWait = t.Bundle.MaxWait
	if t.Directory != nil {
		t.Bundle.EventWait = time.Second
	}
	if t.maxWait != nil {
		t.Bundle.MaxWait, t.Bundle.EventWait = *t.maxWait, *t.maxWait
	}
}

// settleCut takes the archive's cut and age where the destination has none.
func (d *decoder) settleCut(path string, t *chosen) {
	t.MaxAge = t.Profile.MaxAge
	if t.cut != nil {
		t.Cut = *t.cut
		return
	}
	cut, err := parseCut(t.Profile.Cut)
	if err != nil {
		d.fault(d.line(path), join(path, "cut"), "the default for %s: %s", t.Archive, err)
	}
	t.Cut = cut
}

// way finds how the items go: by the destination's transport and layout.
func (d *decoder) way(path string, t *chosen) (profile.Way, bool) {
	by, layout := t.transport(), ""
	if by == "" || d.faulty(join(path, "layout")) {
		return profile.Way{}, false
	}
	if t.layout != nil {
		layout = *t.layout
	}
	way, found := t.Profile.On(by, layout)
	if found {
		return way, true
	}
	key, detail := by, "is no way into "+t.Archive+": it takes "+ways(t.Profile)
	if other, same := t.Profile.On(by, ""); same && other.Layout == profile.LayoutMails {
		key, detail = "layout", "means nothing by smtp: each mail goes alone"
	} else if same {
		key, detail = "layout", "is none that "+t.Archive+" takes by "+by+": it takes "+ways(t.Profile)
	}
	at := join(path, key)
	d.fault(d.line(at), at, "%s", detail)
	return way, false
}

func ways(p profile.Profile) string {
	var list []string
	for _, w := range p.Ways {
		name := w.Transport
		if w.Layout != profile.LayoutMails {
			name += " with layout " + w.Layout
		}
		list = append(list, name)
	}
	return strings.Join(list, ", ")
}

// margin is what an item may age between its cut and its arrival: a day to mend
// what keeps it from being delivered.
const margin = 24 * time.Hour

// checkAge refuses a cut that lets items grow too old to be taken.
func (d *decoder) checkAge(path string, t *chosen) {
	if t.MaxAge == 0 || t.Cut.After+margin < t.MaxAge || d.faulty(join(path, "cut")) || d.faulty(join(path, "max_age")) {
		return
	}
	key := join(path, "cut")
	if t.cut == nil {
		key = join(path, "max_age")
	}
	d.fault(d.line(key), key, "a conversation waits %s for its cut and may need %s to arrive, but what is %s old is not taken: cut sooner, or raise max_age if the archive lets you",
		formatDuration(t.Cut.After), formatDuration(margin), formatDuration(t.MaxAge))
}

// unfit reports keys that mean nothing on the way that was chosen.
func (d *decoder) unfit(path string, t *chosen, way profile.Way) {
	report := func(key string, unfit bool, why string) {
		if at := join(path, key); unfit && d.has(at) {
			d.fault(d.line(at), at, "means nothing %s", why)
		}
	}
	report("stays_at_most", way.Layout != profile.LayoutDrop, "without layout drop")
	report("pack", way.Transport == "smtp", "by smtp: each mail goes alone")
	report("pgp", way.Transport == "smtp", "by smtp: a mail server reads what it takes")
}

// has tells whether a known key stands in the file.
func (d *decoder) has(path string) bool { return d.lines[path] != 0 }

// settleSMTP takes from the profile, or from each other, what is not said.
func (t *chosen) settleSMTP() {
	s := t.smtp
	s.TLS, s.PerConnection = TLSStart, 100
	if want := t.Profile.SMTP; want != nil {
		s.TLS, s.PerConnection = want.TLS, want.PerConnection
	}
	set(&s.TLS, s.tls)
	set(&s.PerConnection, s.perConnection)
	s.Port = 25
	if s.TLS == TLSDirect {
		s.Port = 465
	}
	set(&s.Port, s.port)
}
