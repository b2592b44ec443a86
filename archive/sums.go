package archive

import (
	"bytes"
	"strings"
)

// parseSums reads the lines of SHA256SUMS that are well formed and tells
// whether all of them are, each of another file.
func parseSums(data []byte) ([]FileInfo, bool) {
	var lines []FileInfo
	ok := len(data) > 0 && data[len(data)-1] == '\n'
	seen := make(map[string]bool)
	for line := range strings.Lines(string(data)) {
		sha, path, found := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		if !found || !isHash(sha) || !safePath(path) || seen[path] || len(lines) > maxFiles {
			ok = false
			continue
		}
		seen[path] = true
		lines = append(lines, FileInfo{Path: path, SHA256: sha})
	}
	return lines, ok
}

// verdict says which of a bundle's two lists can be believed. Each vouches for
// the other: SHA256SUMS holds the manifest's hash, and the manifest holds all
// that SHA256SUMS says but that one line.
type verdict struct {
	manifest, sums bool       // to be believed
	recorded       string     // the manifest's hash by SHA256SUMS, or ""
	lines          []FileInfo // of SHA256SUMS
}

// judge compares them. m is nil if the manifest could not be parsed, sha is the
// hash of its bytes, sums the bytes of SHA256SUMS.
func judge(m *Manifest, sha string, sums []byte) verdict {
	lines, ok := parseSums(sums)
	v := verdict{lines: lines, sums: ok}
	vouched := false
	for _, l := range lines {
		if l.Path == ManifestFile {
			v.recorded = l.SHA256
		}
		vouched = vouched || l.SHA256 == sha
	}
	switch {
	case vouched:
		// Nobody hits that hash by accident, whatever else is wrong in the list.
		v.manifest = true
		v.sums = ok && v.recorded == sha && (m == nil || bytes.Equal(sums, appendSums(nil, m.Files, sha)))
	case m != nil && alike(sums, appendSums(nil, m.Files, sha)):
		v.manifest, v.sums = true, false
	case ok && v.recorded != "":
		v.manifest = false
	default:
		// Nothing is left to judge the manifest by but itself.
		v.manifest, v.sums = m != nil, false
	}
	return v
}

// alike tells whether two lists differ in a few bytes only. A damaged manifest
// has another hash altogether, so few differences mean a damaged list.
func alike(a, b []byte) bool {
	if len(a) != len(b) {
		return false
	}
	n := 0
	for i := range a {
		if a[i] != b[i] {
			n++
		}
	}
	return n <= 8
}
