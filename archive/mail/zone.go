package mail

import (
	"errors"
	"fmt"
	"sort"
	"time"

	"lpexport/archive"
)

// Offset says that from a time on, in epoch seconds, clocks are so many seconds
// ahead of UTC.
type Offset [2]int64

// zoneFrom is where frozen offsets begin: LivePerson keeps nothing that is as old.
var zoneFrom = time.Date(2010, 1, 1, 0, 0, 0, 0, time.UTC)

// Frozen returns the settings with the offsets of their zone, from 2010 until a
// year after created. Rules of time zones change, and each machine has its own
// copy of them: what a bundle shows is decided once, when it is cut.
func (s Settings) Frozen(created time.Time) (Settings, error) {
	s.Offsets = nil
	if s.Zone == "" || s.Zone == "UTC" {
		return s, nil
	}
	zone, err := loadZone(s.Zone)
	if err != nil {
		return s, &archive.SettingError{Format: "mail", Field: "zone", Err: err}
	}
	for at, end := zoneFrom, created.AddDate(1, 0, 0); at.Before(end); {
		_, seconds := at.In(zone).Zone()
		s.Offsets = append(s.Offsets, Offset{at.Unix(), int64(seconds)})
		_, next := at.In(zone).ZoneBounds()
		if next.IsZero() || next.After(end) {
			next = end
		}
		at = next
	}
	// Behind the end it is UTC again, as it is before the begin.
	s.Offsets = append(s.Offsets, Offset{created.AddDate(1, 0, 0).Unix(), 0})
	return s, nil
}

func loadZone(name string) (*time.Location, error) {
	if name == "Local" { // would make other bytes on another machine
		return nil, errors.New(`must be an IANA name such as "Europe/Berlin"`)
	}
	return time.LoadLocation(name)
}

var errNotFrozen = errors.New("its offsets are not frozen")

// checkOffsets tells what is wrong with frozen offsets.
func (s *Settings) checkOffsets() error {
	if s.Zone != "" && s.Zone != "UTC" && len(s.Offsets) == 0 {
		return errNotFrozen
	}
	for i, o := range s.Offsets {
		if o[1] <= -24*3600 || o[1] >= 24*3600 || i > 0 && o[0] <= s.Offsets[i-1][0] {
			return fmt.Errorf("offset %d is out of order or of its range", i+1)
		}
	}
	return nil
}

// zone is a time zone as it was frozen; nil is UTC.
type zone []Offset

// appendTime appends a time of the bodies: RFC 3339 with milliseconds. Times
// that no offset is frozen for are shown in UTC, and say so.
func (z zone) appendTime(dst []byte, ms int64) []byte {
	if ms == 0 {
		return append(dst, "no time"...)
	}
	at := time.UnixMilli(ms).UTC()
	if i := sort.Search(len(z), func(i int) bool { return z[i][0]*1000 > ms }); i > 0 && z[i-1][1] != 0 {
		at = at.In(time.FixedZone("", int(z[i-1][1])))
	}
	return at.AppendFormat(dst, "2006-01-02T15:04:05.000Z07:00")
}
