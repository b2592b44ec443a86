package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Fault is one thing that is wrong in a configuration file. Detail never holds
// the value of a secret.
type Fault struct {
	File   string
	Line   int    // from 1
	Key    string // path such as destinations[0].name; "(file)" for the file as a whole
	Detail string
}

// String gives FILE:LINE: key.path: what is wrong.
func (f Fault) String() string {
	return fmt.Sprintf("%s:%d: %s: %s", f.File, f.Line, f.Key, f.Detail)
}

// Faults is everything that is wrong in one file and in those that it names, by
// line. As an error it is
// one line for each fault, without a newline at the end.
type Faults []Fault

func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, fault := range f {
		lines[i] = fault.String()
	}
	return strings.Join(lines, "\n")
}

// sort puts those of the file first.
func (f Faults) sort(file string) {
	slices.SortStableFunc(f, func(a, b Fault) int {
		if a.File != b.File {
			return cmp.Compare(other(a.File, file), other(b.File, file))
		}
		return a.Line - b.Line
	})
}

func other(file, first string) int {
	if file == first {
		return 0
	}
	return 1
}
