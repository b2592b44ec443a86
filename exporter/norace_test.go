//go:build !race

package exporter

const sparsely = 1 // tests take all that they draw
