package archivetest

import (
	"bytes"
	"os"
	"testing"
)

// Change replaces some bytes of a file, which must be there, and returns what the
// file held.
func Change(t testing.TB, name, from, to string) []byte {
	t.Helper()
	before, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	after := bytes.Replace(before, []byte(from), []byte(to), 1)
	if bytes.Equal(before, after) {
		t.Fatalf("%s does not hold %q", name, from)
	}
	if err := os.WriteFile(name, after, 0o600); err != nil {
		t.Fatal(err)
	}
	return before
}
