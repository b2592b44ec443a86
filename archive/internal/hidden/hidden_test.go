package hidden

import (
	"strings"
	"testing"

	"lpexport/archive"
)

// similar are names that begin or end like one another, as accounts and as destinations.
var similar = []string{"a", "a-b", "a-probe", "a.b", "a-000000001", "b", "a-b-probe"}

// Unfinished work belongs to exactly the destination that makes it.
func TestLeftBelongsToOneDestination(t *testing.T) {
	for _, maker := range similar {
		for _, begin := range []string{Bundle(archive.BundleName(maker, 7)), Probe(maker)} {
			for _, d := range similar {
				if got := Left(d, begin+"x1"); got != (d == maker) {
					t.Errorf("%q of %q is said to be left by %q: %v", begin+"x1", maker, d, got)
				}
			}
		}
	}
	for _, name := range []string{"", ".", "..", ".x", ".a", "a-000000001.x", ".a-000000001", ".a-1.x", ".a-000000000.x", ".-000000001.x", ".a/../a-000000001.x"} {
		for _, d := range append(similar, "") {
			if Left(d, name) {
				t.Errorf("%q is said to be left by %q", name, d)
			}
		}
	}
}

func TestOurs(t *testing.T) {
	for _, account := range similar {
		for _, destination := range similar {
			bundle := account + "/2026/01/31/" + archive.BundleName(destination, 1)
			for _, a := range similar {
				for _, d := range similar {
					if got := Ours(a, d, bundle); got != (a == account && d == destination) {
						t.Errorf("%s is of %q of %q: %v", bundle, d, a, got)
					}
				}
			}
		}
	}
	if Ours("a", "b", "../a/2026/01/31/b-000000001") || Ours("a", "b", "a/b-000000001") || Ours("", "", "") {
		t.Error("what is no bundle's path is ours")
	}
}

// A flat folder has work of several accounts: no name begins like another's.
func TestDroppedBelongsToOneDestination(t *testing.T) {
	seen := make(map[string]string)
	for _, a := range similar {
		for _, d := range similar {
			name := Dropped(a, d)
			if !strings.HasPrefix(name, ".") || strings.Contains(name, "/") || seen[name] != "" {
				t.Errorf("%s/%s: %q, also of %q", a, d, name, seen[name])
			}
			seen[name] = a + "/" + d
		}
	}
}
