package archive

import (
	"errors"
	"slices"
)

// Coverage is a period of start times (From inclusive, To exclusive, epoch
// milliseconds) that was read whole from the source before a bundle was cut, and
// of which all that was captured is in that bundle and those before it.
type Coverage struct {
	From, To  int64
	Selection string // ids of the skills that were selected, sorted, with commas between; "" everything
	ReadAt    int64  // by backfill when that began, else when it was read last
	By        string // one of the constants
}

// How a period was read.
const (
	ByCycles   = "cycles"   // as time went on: each part within a day or two
	ByCatchUp  = "catch-up" // at once, after a pause
	ByBackfill = "backfill" // by the times at which conversations started, with what they had become by then
)

// Bounds of what a manifest says of coverage.
const (
	MaxCoverage  = 100     // periods
	MaxSelection = 2 << 10 // bytes of one's selection
)

func (c *Coverage) check() error {
	switch {
	case c.From == 0 || c.To == 0 || c.ReadAt == 0 || c.From >= c.To || !writable(c.From) || !writable(c.To) || !writable(c.ReadAt):
		return errors.New("coverage: a time that is null or cannot be written, or a period that ends before it begins")
	case len(c.Selection) > MaxSelection:
		return errors.New("coverage: a selection that is too long")
	case !slices.Contains([]string{ByCycles, ByCatchUp, ByBackfill}, c.By):
		return errors.New("coverage: read in a way that is not known")
	}
	return nil
}

func checkCoverage(list []Coverage) error {
	if len(list) > MaxCoverage {
		return errTooMuchCoverage
	}
	for i := range list {
		if err := list[i].check(); err != nil {
			return err
		}
	}
	return nil
}

func appendCoverage(dst []byte, c *Coverage) []byte {
	dst = appendTime(append(dst, `{"from":`...), c.From)
	dst = appendTime(append(dst, `,"to":`...), c.To)
	dst = appendString(append(dst, `,"selection":`...), c.Selection)
	dst = appendTime(append(dst, `,"read_at":`...), c.ReadAt)
	return append(appendString(append(dst, `,"by":`...), c.By), '}')
}

var coverageNames = []string{"from", "to", "selection", "read_at", "by"}

// coverageList reads what a manifest says of coverage; it is never nil.
func (d *decoder) coverageList() []Coverage {
	list := []Coverage{}
	d.list(func() {
		var c Coverage
		d.coverage(&c)
		if list = append(list, c); len(list) > MaxCoverage {
			d.fail(errTooMuchCoverage)
		}
	})
	return list
}

var errTooMuchCoverage = errors.New("coverage: too many periods")

func (d *decoder) coverage(c *Coverage) {
	d.object(coverageNames, len(coverageNames), func(i int) {
		switch coverageNames[i] {
		case "from":
			c.From = d.time()
		case "to":
			c.To = d.time()
		case "selection":
			c.Selection = d.unique()
		case "read_at":
			c.ReadAt = d.time()
		case "by":
			c.By = d.string()
		}
	})
	if d.err == nil {
		if err := c.check(); err != nil {
			d.fail(err)
		}
	}
}
