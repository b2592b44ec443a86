package s3

import "net/http"

// manners is what a store is asked to do with a request, where not all stores can.
type manners struct {
	conditional bool // make an object only where none is
	checksums   bool // compare and keep its SHA-256
}

// taught calls try with all that the store is not known to refuse. Where the
// store refuses that, it calls try with less: what has to be left out for it to
// succeed is remembered. If nothing helps, the first refusal is returned.
//
// Conditions are left out only where the store says that it cannot do what is
// asked: by any other answer it may have meant what it said.
func (d *Destination) taught(try func(as manners) error) error {
	known := manners{!d.refusesConditions.Load(), !d.refusesChecksums.Load()}
	var first error
	unable := false
	for _, as := range known.fewer() {
		if known.conditional && !as.conditional && !unable {
			continue
		}
		err := try(as)
		if !unwilling(err) {
			if err == nil {
				d.refusesConditions.Store(!as.conditional)
				d.refusesChecksums.Store(!as.checksums)
			}
			return err
		}
		unable = unable || answered(err, http.StatusNotImplemented)
		if first == nil {
			first = err
		}
	}
	return first
}

// fewer returns m and all that asks for less, the least last.
func (m manners) fewer() []manners {
	all := []manners{m}
	if m.checksums {
		all = append(all, manners{conditional: m.conditional})
	}
	if m.conditional {
		for _, as := range all {
			all = append(all, manners{checksums: as.checksums})
		}
	}
	return all
}

// unwilling reports whether a store may have refused a header that it does not
// know, and not the request.
func unwilling(err error) bool {
	return answered(err, http.StatusNotImplemented) ||
		answered(err, http.StatusBadRequest) && is(err, "", "InvalidArgument", codeInvalid, "NotImplemented")
}
