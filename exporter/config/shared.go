package config

import (
	"fmt"
	"net"
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

// checkPlaces wants each destination in a place of its own: two in one would put
// everything there twice.
func (d *decoder) checkPlaces(list []*chosen) {
	first := map[string]int{}
	for i, t := range list {
		place, key := t.place()
		if place == "" {
			continue
		}
		other, twice := first[place]
		if !twice {
			first[place] = i
			continue
		}
		key = fmt.Sprintf("destinations[%d].%s", i, key)
		d.fault(d.line(key), key, "is where destinations[%d] is already: all would be there twice", other)
	}
}

// place names where a destination is, and the key that says so; "" where that is not
// known. Machines and mailboxes compare without case.
func (t *chosen) place() (place, key string) {
	switch t.transport() {
	case "directory":
		at, err := filepath.Abs(t.Directory.Path)
		if t.Directory.Path == "" || err != nil {
			return "", ""
		}
		return "directory " + at, "directory.path"
	case "sftp":
		s := t.SFTP
		if s.Host == "" || s.Path == "" {
			return "", ""
		}
		at := path.Clean(s.Path)
		if !path.IsAbs(at) { // below the home of the user
			at = s.User + "@" + at
		}
		return "sftp " + net.JoinHostPort(strings.ToLower(s.Host), strconv.Itoa(s.Port)) + " " + at, "sftp.path"
	case "smtp":
		if t.SMTP.Recipient == "" {
			return "", ""
		}
		return "smtp " + strings.ToLower(t.SMTP.Recipient), "smtp.recipient"
	case "s3":
		if t.S3.Bucket == "" {
			return "", ""
		}
		return "s3 " + strings.ToLower(t.S3.Endpoint) + " " + t.S3.Bucket + "/" + t.S3.Prefix, "s3.bucket"
	}
	return "", ""
}
