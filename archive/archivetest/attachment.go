package archivetest

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"sync"

	"lpexport/archive"
)

// fileSizes are those of the files that the suite's attachments have: none at
// all, one byte, and over what transports hold at once.
var fileSizes = []int{3000, 0, 1, 65_536, 100_001}

// File returns the attachment number k, from 0. After some they come again.
func File(k int) *archive.Attachment {
	k %= len(fileSizes)
	sha := fmt.Sprintf("%x", sha256.Sum256(content(k)))
	return &archive.Attachment{
		Path: fmt.Sprintf("/files/%d.png", k), Name: archive.AttachmentName(sha, "png"), Type: "image/png",
		Bytes: int64(fileSizes[k]), SHA256: sha,
	}
}

// content is what the file number k holds.
func content(k int) []byte {
	rng := rand.New(rand.NewPCG(uint64(k), 2))
	data := make([]byte, fileSizes[k])
	for i := range data {
		data[i] = byte(rng.Uint32())
	}
	return data
}

var contents = sync.OnceValue(func() map[string][]byte {
	all := make(map[string][]byte)
	for k := range fileSizes {
		all[File(k).SHA256] = content(k)
	}
	return all
})

// Contents opens the bytes of the attachments that File makes.
func Contents(sha256 string) (io.ReadCloser, error) {
	data, ok := contents()[sha256]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

// filed is the happening that a file was fetched, or was not to be had.
func filed(at int64, by string, a *archive.Attachment, reason string) archive.Happening {
	return archive.Happening{
		Name: fmt.Sprintf("%s@%d/%s", archive.Filed, at, a.Path), Kind: archive.Filed, At: at, By: by, File: a, Reason: reason,
	}
}
