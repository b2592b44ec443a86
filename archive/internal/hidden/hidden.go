// Package hidden names the unfinished work of the transports that write a thing
// in several steps. Every name starts with ".", so that no reader sees it, and
// says whose it is, so that one destination never removes another's.
package hidden

import (
	"crypto/sha256"
	"encoding/hex"
	"path"
	"strings"

	"lpexport/archive"
)

// Ours tells whether a bundle's path is one of this account and destination.
// What is left of any other, Clean would not find.
func Ours(account, destination, bundle string) bool {
	first, _, _ := strings.Cut(bundle, "/")
	return archive.IsBundlePath(bundle) && first == account && names(destination, path.Base(bundle))
}

// Bundle is how the name of unfinished work on the bundle name begins. It lies
// in the account's folder, so that Clean has one folder to look at. A random
// part without "." follows.
func Bundle(name string) string { return "." + name + "." }

// Probe is how the name of what Probe writes into the account's folder begins.
func Probe(destination string) string { return Bundle(destination + probe) }

const probe = "-probe"

// Left tells whether a name in the account's folder is unfinished work of this
// destination.
func Left(destination, name string) bool {
	begun, hidden := strings.CutPrefix(name, ".")
	dot := strings.LastIndexByte(begun, '.')
	if !hidden || dot < 1 {
		return false
	}
	begun = begun[:dot]
	return begun == destination+probe || names(destination, begun)
}

// names tells whether a name is one of the destination's bundles.
func names(destination, bundle string) bool {
	return archive.IsBundlePath("x/2000/01/01/"+bundle) && bundle[:strings.LastIndexByte(bundle, '-')] == destination
}

// Dropped is how the name of unfinished work in a flat folder begins, which
// several accounts and destinations may share. A random part follows.
func Dropped(account, destination string) string {
	// A hash: neither name holds a "/", but both may hold anything else, at length.
	sum := sha256.Sum256([]byte(account + "/" + destination))
	return ".lpexport-" + hex.EncodeToString(sum[:8]) + "."
}
