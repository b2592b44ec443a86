package exporter

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"lpexport/archive"
)

// contents are the bytes of files that were fetched: each lies once in the state,
// under its hash, and is never changed.
type contents struct{ dir string }

func (e *Exporter) contents() contents { return contents{filepath.Join(e.State, "files")} }

func (c contents) path(sha256 string) string { return filepath.Join(c.dir, sha256[:2], sha256) }

// open is an archive.Contents.
func (c contents) open(sha256 string) (io.ReadCloser, error) { return os.Open(c.path(sha256)) }

// read tells what lies under a hash.
func (c contents) read(sha256sum string) (content, error) {
	f, err := c.open(sha256sum)
	if err != nil {
		return content{}, err
	}
	defer f.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, f)
	return content{sha256: hex.EncodeToString(sum.Sum(nil)), bytes: n}, err
}

// incoming begins the name of a file that is not whole yet.
const incoming = ".incoming-"

// tidy removes what a process that was killed has left. Nobody else may be
// fetching.
func (c contents) tidy() error {
	there, err := os.ReadDir(c.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, f := range there {
		if strings.HasPrefix(f.Name(), incoming) {
			err = errors.Join(err, os.Remove(filepath.Join(c.dir, f.Name())))
		}
	}
	return err
}

// content is what is known of bytes that were stored.
type content struct {
	sha256 string // lower-case hex
	bytes  int64
	judged judgement // sound or doubtful
}

// put stores what write gives in the place of a file, if that can be it; what is
// known of the answer is filled in. Once it returns, the bytes are durable.
func (c contents) put(a answered, write func(*contentWriter) error) (content, error) {
	if err := archive.MkdirAll(c.dir); err != nil {
		return content{}, err
	}
	f, err := os.CreateTemp(c.dir, incoming+"*")
	if err != nil {
		return content{}, err
	}
	w := &contentWriter{file: f, sum: sha256.New(), answered: a}
	err = write(w)
	made := content{sha256: hex.EncodeToString(w.sum.Sum(nil)), bytes: w.bytes, judged: w.judged}
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = c.place(f.Name(), made.sha256)
	}
	if err != nil {
		return content{}, errors.Join(err, removeIfThere(f.Name()))
	}
	return made, nil
}

// place gives whole bytes their name. If they are there already, the same bytes
// take their place.
func (c contents) place(temp, sha256 string) error {
	path := c.path(sha256)
	if err := archive.MkdirAll(filepath.Dir(path)); err != nil {
		return err
	}
	return archive.Rename(temp, path)
}

func removeIfThere(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// contentWriter takes the bytes of one file, as a liveperson.FileSink.
type contentWriter struct {
	answered
	file   *os.File
	sum    hash.Hash
	judged judgement
}

// Write takes what comes next.
func (w *contentWriter) Write(p []byte) (int, error) {
	n, err := w.file.Write(p)
	w.sum.Write(p[:n])
	w.bytes += int64(n)
	if more := sniffed - len(w.begin); more > 0 {
		w.begin = append(w.begin, p[:min(n, more)]...)
	}
	return n, err
}

// Reset forgets what has been written, so that all of it can come again.
func (w *contentWriter) Reset() error {
	w.sum.Reset()
	w.bytes, w.begin = 0, w.begin[:0]
	if _, err := w.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return w.file.Truncate(0)
}

// Judge decides whether the bytes can be the file.
func (w *contentWriter) Judge(mediaType string) error {
	w.declared = mediaType
	if w.judged = judge(w.answered); w.judged.verdict == notAFile {
		return &notAFileError{w.judged.what}
	}
	return nil
}

// officeTypes are zips to who looks at their first bytes: their label tells more.
var officeTypes = map[string]string{
	"docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	"pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
	"xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

// extensions are those of the media types that can be found in bytes and that
// people send.
var extensions = map[string]string{
	"image/jpeg": "jpg", "image/png": "png", "image/gif": "gif", "image/webp": "webp", "image/bmp": "bmp", "image/heic": "heic", "image/heif": "heif",
	"image/avif": "avif", "image/tiff": "tiff", "application/pdf": "pdf", "application/zip": "zip", "video/mp4": "mp4", "video/webm": "webm",
	"video/quicktime": "mov", "video/3gpp": "3gp", "audio/mp4": "m4a", "audio/mpeg": "mp3", "audio/aac": "aac", "audio/amr": "amr", "audio/wave": "wav",
	"application/ogg": "ogg", "text/plain": "txt", "application/json": "json",
}

// called gives a file its media type and its extension, by its bytes: what
// LivePerson calls its type is a label that apps choose freely. The extension is
// never one that something could be started by.
func (c *content) called(label string) (kind, extension string) {
	kind, label = c.judged.kind, strings.ToLower(label)
	if office := officeTypes[label]; office != "" && kind == "application/zip" {
		return office, label
	}
	return kind, cmp.Or(extensions[kind], "bin")
}
