package archive

import (
	"cmp"
	"context"
	"fmt"
	"hash/maphash"
	"iter"
	"runtime"
	"slices"
	"sync"
)

// Kinds of problems.
const (
	Damaged    = "damaged"    // bytes are not those that were written
	Missing    = "missing"    // a file, or a whole bundle, is not there
	Extra      = "extra"      // a file that no manifest names
	Unreadable = "unreadable" // could not be read now: no proof of damage
	Malformed  = "manifest"   // intact, but says what cannot be, or lies in another's place
	Broken     = "chain"      // not the bundle that the next one was written after
	Misnumber  = "serial"     // a number is used twice, or a slice's is left out
	Miscounted = "totals"     // totals or period differ from what is there
	Misnamed   = "names"      // what a file holds is not what the manifest names
	Foreign    = "origin"     // of another checkpoint than the bundle before
	Repeated   = "duplicate"  // a message or happening that was delivered before
)

// Problem is one fault. Path is that of the file or bundle which is at fault;
// Detail holds ids, numbers and hashes, never the text of a message.
type Problem struct {
	Kind   string `json:"kind"`
	Path   string `json:"path"`
	Detail string `json:"detail"`
}

// Result counts what was looked at.
type Result struct {
	Bundles int
	Files   int
	Bytes   int64
}

// Verify reads every bundle that src holds, of every account and destination,
// and reports each fault once, in the order of the bundles' accounts,
// destinations and serials. It goes on in spite of faults. What it finds:
//
//   - a bit that differs, in any file, against the manifest and SHA256SUMS,
//     which vouch for each other; a file too many or too few;
//   - a bundle that is gone (unless none comes after it: only a ledger knows
//     the last), out of place, or not the one that the next was written after;
//   - an origin that changes, totals, periods and names that do not agree with
//     the transcripts; an attachment that they name and no file of the bundle is;
//   - a message that is delivered twice and is no amendment, an amendment of
//     what was never delivered, a slice number left out or used twice.
//
// documents reads slices back out of files that hold some of their own, by the
// extension of their names; a file that nothing reads is held to its hash alone.
//
// An error means that it could not go on: ctx is done, or src cannot be listed.
// The result then counts what was looked at before. report is called by one
// goroutine at a time. Memory grows with the number of conversations of one
// destination, by about 100 bytes for each.
func Verify(ctx context.Context, src Source, documents map[string]Lines, report func(Problem)) (Result, error) {
	paths, err := src.Bundles(ctx, "")
	if err != nil {
		return Result{}, fmt.Errorf("verify: %w", err)
	}
	var result Result
	chain := chain{report: report}
	for c := range checks(ctx, src, documents, arrange(paths, report)) {
		if ctx.Err() != nil {
			break
		}
		result.Bundles++
		result.Files += c.files
		result.Bytes += c.bytes
		chain.link(c)
	}
	if err := ctx.Err(); err != nil {
		return result, fmt.Errorf("verify: %w", err)
	}
	return result, nil
}

// checks reads bundles side by side and yields them in order. Leaving the loop
// early stops the reading; it is over when the loop is.
func checks(ctx context.Context, src Source, documents map[string]Lines, bundles []place) iter.Seq[*checked] {
	return func(yield func(*checked) bool) {
		var readers sync.WaitGroup
		defer readers.Wait()
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		// The queue's room bounds how many are read and not yet judged, the
		// tokens how many are being read: those hold their manifest.
		queue := make(chan chan *checked, 2*runtime.GOMAXPROCS(0))
		tokens := make(chan struct{}, runtime.GOMAXPROCS(0))
		seed := maphash.MakeSeed()
		readers.Go(func() {
			defer close(queue)
			for _, p := range bundles {
				one := make(chan *checked, 1)
				select {
				case queue <- one:
				case <-ctx.Done():
					return
				}
				tokens <- struct{}{} // a reader gives it back soon, whatever happens
				readers.Go(func() {
					one <- check(ctx, src, documents, p, seed)
					<-tokens
				})
			}
		})
		for one := range queue {
			if !yield(<-one) {
				return
			}
		}
	}
}

// arrange sorts bundles by account, destination and serial.
func arrange(paths []string, report func(Problem)) []place {
	bundles := make([]place, 0, len(paths))
	for _, path := range paths {
		p, ok := parseBundlePath(path)
		if !ok {
			report(Problem{Extra, path, "not named like a bundle"})
			continue
		}
		bundles = append(bundles, p)
	}
	slices.SortFunc(bundles, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.account, b.account), cmp.Compare(a.destination, b.destination),
			cmp.Compare(a.serial, b.serial), cmp.Compare(a.day, b.day))
	})
	return bundles
}
