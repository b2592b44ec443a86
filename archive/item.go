package archive

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
)

// ItemFile is one file of an item, as a transport sends it.
type ItemFile struct {
	Path  string // relative to the item, slash separated
	Bytes int64
}

// Files returns what a transport has to send, in the order it should send it:
// the content, SHA256SUMS and, last, manifest.json. Each file is there with the
// size that the manifest gives it, and the manifest has the item's hash; the
// hashes of the other files are not computed. Of an item that is a single file
// it returns that one, whose hash is right. An error is an *Error of class
// Abort: the spool is not what was rendered.
func (item Item) Files() ([]ItemFile, error) {
	files, err := item.files()
	if err != nil {
		return nil, &Error{
			Class: Abort, Op: "read spooled item", Path: item.Path, Err: err,
			Hint: "the spool is damaged: nothing is delivered from it",
		}
	}
	return files, nil
}

func (item Item) files() ([]ItemFile, error) {
	if !IsBundlePath(item.Path) {
		return nil, fmt.Errorf("%q is not a bundle's path", item.Path)
	}
	if item.File != nil {
		return item.single()
	}
	listed, size, err := item.readManifest()
	if err != nil {
		return nil, err
	}
	files := make([]ItemFile, 0, len(listed)+2)
	for _, f := range listed {
		info, err := os.Lstat(filepath.Join(item.Dir, filepath.FromSlash(f.Path)))
		if err != nil {
			return nil, err
		}
		if !info.Mode().IsRegular() || info.Size() != f.Bytes {
			return nil, fmt.Errorf("%s: not a file of %d bytes", f.Path, f.Bytes)
		}
		files = append(files, ItemFile{f.Path, f.Bytes})
	}
	sums, err := os.Lstat(filepath.Join(item.Dir, SumsFile))
	if err != nil {
		return nil, err
	}
	return append(files, ItemFile{SumsFile, sums.Size()}, ItemFile{ManifestFile, size}), nil
}

var copyBuffers = sync.Pool{New: func() any { b := make([]byte, 64<<10); return &b }}

// single reads the one file through, so that no other bytes are sent in its name.
func (item Item) single() ([]ItemFile, error) {
	if !safePath(item.File.Path) {
		return nil, fmt.Errorf("%q is not a path inside the bundle", item.File.Path)
	}
	if err := checkFile(filepath.Join(item.Dir, filepath.FromSlash(item.File.Path)), item.File); err != nil {
		return nil, err
	}
	return []ItemFile{{item.File.Path, item.File.Bytes}}, nil
}

// readManifest reads the list of files while it hashes the whole manifest.
func (item Item) readManifest() ([]FileInfo, int64, error) {
	f, err := os.Open(filepath.Join(item.Dir, ManifestFile))
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	sum := sha256.New()
	size := &counter{}
	in := io.TeeReader(f, io.MultiWriter(sum, size))
	listed, err := parseFiles(in)
	if err != nil {
		return nil, 0, err
	}
	if _, err := io.Copy(io.Discard, in); err != nil {
		return nil, 0, err
	}
	if hex.EncodeToString(sum.Sum(nil)) != item.ManifestSHA256 {
		return nil, 0, errors.New("manifest.json is not the one that was rendered")
	}
	return listed, size.n, nil
}

type counter struct{ n int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return len(p), nil
}
