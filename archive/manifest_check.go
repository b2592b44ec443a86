package archive

import (
	"errors"
	"fmt"
	"strings"
)

// checkHead finds a head that ParseManifest would refuse.
func (m *Manifest) checkHead() error {
	if m.Serial < 1 {
		return errors.New("serial below 1")
	}
	if !isHash(m.SettingsSHA256) || m.Previous != nil && !isHash(m.Previous.SHA256) {
		return errors.New("a hash that is not SHA-256 in lower-case hex")
	}
	for _, s := range []string{m.Archive, m.Generator, m.Origin} {
		if s == "" || len(s) > maxName {
			return errors.New("archive, generator or origin empty or too long")
		}
	}
	if !writable(m.Created) {
		return errTime
	}
	return m.check()
}

// check tells where the manifest contradicts itself.
func (m *Manifest) check() error {
	if err := checkPart("account", m.Account); err != nil {
		return err
	}
	if err := checkPart("destination", m.Destination); err != nil {
		return err
	}
	if m.Bundle != BundleName(m.Destination, m.Serial) {
		return errors.New("bundle is not named by its destination and serial")
	}
	if m.Created == 0 {
		return errors.New("created is null")
	}
	if (m.Previous == nil) != (m.Serial == 1) {
		return errors.New("previous is null in the first bundle and only there")
	}
	if (m.Period.From == 0) != (m.Period.To == 0) || m.Period.From > m.Period.To {
		return errors.New("period ends before it begins")
	}
	if err := checkCoverage(m.Coverage); err != nil {
		return err
	}
	if err := checkReplaced(m.Replaces); err != nil {
		return err
	}
	return checkFiles(m.Files)
}

// checkFiles refuses paths that leave the bundle, or that a careless reader
// would take for something else.
func checkFiles(files []FileInfo) error {
	if len(files) > maxFiles {
		return fmt.Errorf("over %d files", maxFiles)
	}
	seen := make(map[string]bool, len(files))
	for i, f := range files {
		if !safePath(f.Path) || f.Path == ManifestFile || f.Path == SumsFile {
			return fmt.Errorf("file %d: not a path inside the bundle", i)
		}
		// Windows and macOS do not tell case apart.
		folded := strings.ToLower(f.Path)
		if seen[folded] {
			return fmt.Errorf("file %d: listed twice", i)
		}
		seen[folded] = true
	}
	return nil
}
