//go:build unix && race

package exporter

// sparsely has the crash test take one in so many of its instants: the race
// detector makes its processes ten times slower.
const sparsely = 7
