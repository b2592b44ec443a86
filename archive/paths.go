package archive

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// place is what a bundle's path says.
type place struct {
	account, day, destination string
	serial                    int
}

// name is the bundle's name.
func (p place) name() string { return BundleName(p.destination, p.serial) }

// path is the bundle's path.
func (p place) path() string { return p.account + "/" + p.day + "/" + p.name() }

// parseBundlePath reads what BundlePath writes, and only that.
func parseBundlePath(path string) (place, bool) {
	account, rest, _ := strings.Cut(path, "/")
	if !safePath(path) || len(rest) < len("2006/01/02/d-000000001") || rest[10] != '/' {
		return place{}, false
	}
	day, name := rest[:10], rest[11:]
	if t, err := time.Parse("2006/01/02", day); err != nil || t.Format("2006/01/02") != day {
		return place{}, false
	}
	dash := strings.LastIndexByte(name, '-')
	if dash < 1 || strings.Contains(name, "/") {
		return place{}, false
	}
	serial, err := strconv.Atoi(name[dash+1:])
	p := place{account, day, name[:dash], serial}
	return p, err == nil && serial > 0 && p.name() == name
}

// IsBundlePath tells whether BundlePath could have made path. Folders with
// other names are not ours.
func IsBundlePath(path string) bool {
	_, ok := parseBundlePath(path)
	return ok
}

// safePath tells whether a slash separated path is relative, stays where it
// starts and is made of names that every file system and shell takes as they
// are: letters, digits and "-_.@+=", not starting with "." or "-".
func safePath(path string) bool {
	if len(path) > maxName {
		return false
	}
	for part := range strings.SplitSeq(path, "/") {
		if !safeName(part) {
			return false
		}
	}
	return true
}

func safeName(name string) bool {
	if name == "" || len(name) > 200 || name[0] == '.' || name[0] == '-' || name[len(name)-1] == '.' {
		return false
	}
	return strings.IndexFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_.@+=", r)
	}) < 0
}

// checkPart checks what becomes a folder's name.
func checkPart(what, name string) error {
	if !safeName(name) {
		return fmt.Errorf("%s %q: cannot name a folder (letters, digits and \"-_.@+=\", not first \".\" or \"-\")", what, name)
	}
	return nil
}
