//go:build race

package exporter

// sparsely has tests that draw much take one in so many of what they draw: the race
// detector makes them ten times slower.
const sparsely = 7
