//go:build !windows

package benchmarks

import (
	"os"
	"runtime"
	"syscall"
)

// peakOf is the largest resident set of a process that has ended. It is never
// below that of the process that started it, which therefore stays small.
func peakOf(s *os.ProcessState) int64 {
	r, ok := s.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	if runtime.GOOS == "darwin" || runtime.GOOS == "ios" {
		return int64(r.Maxrss) // bytes there, KiB elsewhere
	}
	return int64(r.Maxrss) << 10
}
