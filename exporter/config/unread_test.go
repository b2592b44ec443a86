package config

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
)

const withSecretFiles = `account: "1"
liveperson: {oauth2: {client_id: i, client_secret_file: login}}
destinations:
  - {name: a, archive: generic, directory: {path: a}}
  - name: b
    archive: generic
    sftp: {host: h, user: u, password_file: secret, fingerprint: "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", path: p}
  - {name: c, archive: generic, s3: {endpoint: h, bucket: bucket, access_key_file: access, secret_key_file: key}}
`

// cupboard has the files of secrets by name.
type cupboard map[string]string

func (c cupboard) look() Lookup {
	return Lookup{Secret: func(path string) (string, error) {
		text, there := c[path]
		if !there {
			return "", &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
		}
		return text, nil
	}}
}

// A destination's secret that cannot be read is no fault: it can be read later.
func TestSecretOfADestinationIsReadLater(t *testing.T) {
	files := cupboard{"login": "l", "access": "a"}
	c, err := Parse("config.yaml", []byte(withSecretFiles), files.look())
	if err != nil {
		t.Fatal(err)
	}
	b, s3 := c.Destinations[1], c.Destinations[2]
	if len(c.Destinations[0].Unread) != 0 || len(b.Unread) != 1 || len(s3.Unread) != 1 || len(c.Unread()) != 2 {
		t.Fatalf("unread: %v", c.Unread())
	}
	const want = `config.yaml:7: destinations[1].sftp.password_file: cannot read "secret": file does not exist`
	err = b.Unread[0].Read()
	if !errors.Is(err, fs.ErrNotExist) || err.Error() != want || c.Unread()[0].String() != want {
		t.Errorf("%v, want %s", err, want)
	}
	if b.SFTP.Password.Empty() || b.SFTP.Password.Reveal() != "" || s3.S3.AccessKey.Reveal() != "a" {
		t.Error("an unread secret is neither empty nor known")
	}
	files["secret"] = "s"
	if err := b.Unread[0].Read(); err != nil || c.Destinations[1].SFTP.Password.Reveal() != "s" {
		t.Errorf("%v, %q", err, c.Destinations[1].SFTP.Password.Reveal())
	}
}

// What all destinations need stays strict, and so does the rest of the file.
func TestOtherSecretsAndKeysStayStrict(t *testing.T) {
	for text, want := range map[string]string{
		withSecretFiles: "liveperson.oauth2.client_secret_file: cannot read",
		strings.Replace(withSecretFiles, "host: h, user: u", "host: h", 1): "destinations[1].sftp.user: is required",
	} {
		_, err := Parse("config.yaml", []byte(text), cupboard{}.look())
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "password_file") {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
