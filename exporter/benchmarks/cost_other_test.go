//go:build !linux

package benchmarks

import (
	"errors"
	"fmt"
)

func costOf(int) (cost, error) {
	return cost{}, fmt.Errorf("what a running process costs is read from /proc: %w", errors.ErrUnsupported)
}
