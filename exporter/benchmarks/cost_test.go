package benchmarks

import (
	"errors"
	"testing"
	"time"
)

// cost is what a running process has cost so far, in bytes and time of processors.
type cost struct {
	cpu      time.Duration // user and system
	resident int64         // with files, such as the program itself
	own      int64         // of that, what no file holds
	share    int64         // like resident, what several processes have in common divided among them
	peak     int64         // of resident
}

// look is costOf for a benchmark, which is skipped where the system does not tell.
func look(b *testing.B, pid int) cost {
	b.Helper()
	c, err := costOf(pid)
	if errors.Is(err, errors.ErrUnsupported) {
		b.Skip(err)
	}
	if err != nil {
		b.Fatal(err)
	}
	return c
}

// cores is how many processors' time was taken, as a percentage of one.
func cores(from, to cost, during time.Duration) float64 {
	return 100 * (to.cpu - from.cpu).Seconds() / during.Seconds()
}
