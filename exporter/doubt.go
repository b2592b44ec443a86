package exporter

import (
	"fmt"
	"time"

	"lpexport/archive"
	"lpexport/exporter/checkpoint"
)

// doubtApart is how long after doubtful bytes were given first the very same must come
// again to be kept. Storage that is in trouble gives the same page for minutes, and
// seldom for hours; longer than that no archive should wait for what a person sent.
const doubtApart = 6 * time.Hour

// doubt settles a file after a look that brought bytes which may be it, or a page in its
// place. Nobody can tell for sure: so they are kept when they come again much later, or
// when nothing else has come until it is given up and its name allows such a thing; and
// archives are told. Bytes that took the place of others in between begin anew. What
// archives have already is not replaced by anything doubtful.
func (l *looking) doubt(s *sought, now int64) (tell bool) {
	switch {
	case s.SHA256 != "":
	case s.DoubtSHA256 != s.got.sha256 || s.DoubtAt > now:
		kind, extension := s.got.called(s.Label)
		s.Doubt, s.DoubtSHA256, s.DoubtAt, s.DoubtFits = s.got.judged.what, s.got.sha256, now, s.got.judged.fits
		s.Bytes, s.Type, s.Name = s.got.bytes, kind, archive.AttachmentName(s.got.sha256, extension)
	case now-s.DoubtAt >= doubtApart.Milliseconds():
		apart := time.Duration(now-s.DoubtAt) * time.Millisecond
		s.keepDoubtful(fmt.Sprintf("LivePerson gave the same bytes again %d hours later", int(apart.Hours())))
		return true
	}
	if s.State == checkpoint.FileMissing {
		s.NextAt, s.Error = now+missingPause.Milliseconds(), s.why
		return false
	}
	return l.inVain(s, now)
}

// keepDoubtful keeps the doubtful bytes, with the reason why.
func (s *sought) keepDoubtful(why string) {
	s.State, s.NextAt, s.Error = checkpoint.FileKept, 0, ""
	s.SHA256 = s.DoubtSHA256
	said := fmt.Sprintf("doubtful: this is %s and may not be the file that was sent; %s", s.Doubt, why)
	s.forgetDoubt()
	s.Doubt = said
}

func (s *sought) forgetDoubt() {
	s.Doubt, s.DoubtSHA256, s.DoubtAt, s.DoubtFits = "", "", 0, false
}
