package archive

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// OtherBundleError says that a bundle is not there, or not as it was rendered.
type OtherBundleError struct {
	Path string // of the bundle, or of one of its files
	Err  error
}

// Error tells which and why.
func (e *OtherBundleError) Error() string { return e.Path + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *OtherBundleError) Unwrap() error { return e.Err }

// CheckBundle reads the bundle in the folder dir whole. Its manifest must have
// that hash, and every file be there with the hash that the manifest gives it. The
// error is fs.ErrNotExist where there is no manifest.
func CheckBundle(dir, manifestSHA256 string) error {
	item := Item{Dir: dir, ManifestSHA256: manifestSHA256}
	listed, _, err := item.readManifest()
	if err != nil {
		return err
	}
	for _, f := range listed {
		if err := checkFile(filepath.Join(dir, filepath.FromSlash(f.Path)), &f); err != nil {
			return err
		}
	}
	sums, err := os.ReadFile(filepath.Join(dir, SumsFile))
	if err == nil && !bytes.Equal(sums, appendSums(nil, listed, manifestSHA256)) {
		err = errors.New(SumsFile + " is not the one that was rendered")
	}
	return err
}

// checkFile tells whether the file at path is f, byte for byte.
func checkFile(path string, f *FileInfo) error {
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	sum := sha256.New()
	buffer := copyBuffers.Get().(*[]byte)
	defer copyBuffers.Put(buffer)
	n, err := io.CopyBuffer(sum, struct{ io.Reader }{in}, *buffer) // a file would bring a buffer of its own
	if err != nil {
		return err
	}
	if n != f.Bytes || hex.EncodeToString(sum.Sum(nil)) != f.SHA256 {
		return fmt.Errorf("%s: not the file that was rendered", f.Path)
	}
	return nil
}

// FetchBundle copies a bundle from where it was delivered to into the folder dir,
// which is empty, and makes it durable there, but for dir's own entry. A bundle that is
// not there with just these bytes is an *OtherBundleError; other errors are the
// source's, or of this disk.
func FetchBundle(ctx context.Context, from Source, path, manifestSHA256, dir string) error {
	if err := fetchFile(ctx, from, path, ManifestFile, dir, MaxManifest); err != nil {
		return err
	}
	item := Item{Dir: dir, ManifestSHA256: manifestSHA256}
	listed, size, err := item.readManifest()
	if err != nil {
		return &OtherBundleError{path + "/" + ManifestFile, err}
	}
	for _, f := range listed {
		if err := fetchFile(ctx, from, path, f.Path, dir, f.Bytes); err != nil {
			return err
		}
	}
	if err := fetchFile(ctx, from, path, SumsFile, dir, size+MaxManifest); err != nil {
		return err
	}
	if err := CheckBundle(dir, manifestSHA256); err != nil {
		return &OtherBundleError{path, err}
	}
	return SyncDir(dir)
}

// fetchFile copies one file of a bundle; one that has more than limit bytes is
// another one than it should be.
func fetchFile(ctx context.Context, from Source, bundle, name, dir string, limit int64) (err error) {
	in, err := from.Open(ctx, bundle+"/"+name)
	if errors.Is(err, fs.ErrNotExist) {
		return &OtherBundleError{bundle + "/" + name, err}
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	var n int64
	err = CreateNew(filepath.Join(dir, filepath.FromSlash(name)), func(out io.Writer) error {
		n, err = io.Copy(out, io.LimitReader(in, limit+1))
		return err
	})
	if err == nil && n > limit {
		err = &OtherBundleError{bundle + "/" + name, fmt.Errorf("over %d bytes", limit)}
	}
	return err
}
