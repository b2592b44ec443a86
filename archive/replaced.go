package archive

import (
	"errors"
	"fmt"
	"path"
	"strconv"
)

// Replaced is a file of an earlier bundle that the far side refused for its size.
// What it held is in the bundle whose manifest names it, in smaller files.
type Replaced struct {
	Bundle string // its name
	FileInfo
}

// checkReplaced refuses names that no bundle has.
func checkReplaced(list []Replaced) error {
	if len(list) > maxFiles {
		return fmt.Errorf("replaces over %d files", maxFiles)
	}
	for i := range list {
		r := &list[i]
		if r.Bundle == "" || len(r.Bundle) > maxName || r.Bundle != path.Base(r.Bundle) || !isHash(r.SHA256) || r.Bytes < 0 || r.Clear != nil {
			return errors.New("replaces a file that no bundle can hold")
		}
		if err := checkFiles([]FileInfo{r.FileInfo}); err != nil {
			return err
		}
	}
	return nil
}

func appendReplaced(dst []byte, r *Replaced) []byte {
	dst = appendString(append(dst, `{"bundle":`...), r.Bundle)
	dst = appendString(append(dst, `,"path":`...), r.Path)
	dst = strconv.AppendInt(append(dst, `,"bytes":`...), r.Bytes, 10)
	return append(appendString(append(dst, `,"sha256":`...), r.SHA256), '}')
}

var replacedNames = []string{"bundle", "path", "bytes", "sha256"}

func (d *decoder) replaced(r *Replaced) {
	d.object(replacedNames, len(replacedNames), func(i int) {
		switch replacedNames[i] {
		case "bundle":
			r.Bundle = d.name()
		case "path":
			r.Path = d.name()
		case "bytes":
			r.Bytes = d.integer(0, MaxSequence)
		case "sha256":
			r.SHA256 = d.hash()
		}
	})
}
