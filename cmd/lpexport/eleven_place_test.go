package main

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// place is where a configuration delivers to.
type place interface {
	// read returns what a reader sees there, by other means than the program's.
	read(t *testing.T) []lying
}

// lying is a file that lies somewhere. Its name is relative to the place, and
// "" where the far side names it.
type lying struct {
	name   string
	data   []byte
	listed listedFile // what the manifest says of it
}

// server returns a variable of a real server, as the script in .ci/servers says
// it. Without it the test is skipped, but where CI promises the servers.
func server(t *testing.T, script, name string) string {
	t.Helper()
	value := os.Getenv(name)
	if value == "" && os.Getenv("CI_REAL_SERVERS") == "1" {
		t.Fatalf("%s is not set: run .ci/servers/%s", name, script)
	}
	if value == "" {
		t.Skipf("%s is not set: run .ci/servers/%s and source what it writes", name, script)
	}
	return value
}

// prepare sets what the configuration takes from the environment, and where it
// delivers to.
func (e *eleven) prepare(text string) {
	e.t.Helper()
	uses := func(name string) bool { return strings.Contains(text, "${ELEVEN_"+name+"}") }
	if uses("PGP_KEY") {
		e.key = newKeyPair(e.t)
		e.set("PGP_KEY", e.key.file)
	}
	switch {
	case uses("DIRECTORY"):
		f := folder(e.t.TempDir())
		e.set("DIRECTORY", string(f))
		e.place = f
	case uses("SFTP_HOST"):
		e.prepareSFTP()
	case uses("S3_ENDPOINT"):
		e.prepareS3(server(e.t, "versitygw", "LPEXPORT_TEST_S3_ENDPOINT"),
			server(e.t, "versitygw", "LPEXPORT_TEST_S3_ACCESS_KEY"), server(e.t, "versitygw", "LPEXPORT_TEST_S3_SECRET_KEY"))
	case uses("SMTP_HOST"):
		e.prepareSMTP()
	default:
		e.t.Fatal("it delivers nowhere that is known here")
	}
}

// folder is a folder of this machine.
type folder string

func (f folder) read(t *testing.T) (files []lying) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(string(f)), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(filepath.Join(string(f), name))
		files = append(files, lying{name: name, data: data})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// prepareSFTP has the server of the current user, who sees all folders.
func (e *eleven) prepareSFTP() {
	e.t.Helper()
	for _, name := range []string{"HOST", "PORT", "USER", "KEY", "KNOWN_HOSTS"} {
		e.set("SFTP_"+name, server(e.t, "sshd", "LPEXPORT_TEST_SSHD_"+name))
	}
	e.set("SFTP_FINGERPRINT", server(e.t, "sshd", "LPEXPORT_TEST_SSHD_FINGERPRINT_RSA"))
	f := folder(e.t.TempDir())
	e.set("SFTP_PATH", string(f))
	e.place = f
}

// bucket is a bucket of an S3 store, below a prefix.
type bucket struct {
	client *minio.Client
	name   string
	prefix string
}

// prepareS3 makes a bucket.
func (e *eleven) prepareS3(endpoint, access, secret string) {
	e.t.Helper()
	caFile := server(e.t, "versitygw", "LPEXPORT_TEST_S3_CA")
	ca, err := os.ReadFile(caFile)
	if err != nil {
		e.t.Fatal(err)
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(ca)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}}
	e.t.Cleanup(transport.CloseIdleConnections)
	client, err := minio.New(endpoint, &minio.Options{
		Creds: credentials.NewStaticV4(access, secret, ""), Secure: true, Transport: transport, MaxRetries: 1,
	})
	if err != nil {
		e.t.Fatal(err)
	}
	b := &bucket{client: client, name: "eleven-" + strings.ToLower(rand.Text()), prefix: "purview/"}
	if err := client.MakeBucket(e.t.Context(), b.name, minio.MakeBucketOptions{}); err != nil {
		e.t.Fatal(err)
	}
	e.place = b
	e.set("S3_ENDPOINT", "https://"+endpoint)
	e.set("S3_CA", caFile)
	e.set("S3_BUCKET", b.name)
	e.set("S3_ACCESS_KEY", access)
	e.set("S3_SECRET_KEY", secret)
}

func (b *bucket) read(t *testing.T) (files []lying) {
	t.Helper()
	for o := range b.client.ListObjectsIter(t.Context(), b.name, minio.ListObjectsOptions{Recursive: true}) {
		if o.Err != nil {
			t.Fatal(o.Err)
		}
		object, err := b.client.GetObject(t.Context(), b.name, o.Key, minio.GetObjectOptions{})
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(object)
		object.Close()
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, lying{name: strings.TrimPrefix(o.Key, b.prefix), data: data})
	}
	return files
}

// keyPair is a key that files are encrypted to.
type keyPair struct {
	*openpgp.Entity
	file string // its public half
}

func newKeyPair(t *testing.T) *keyPair {
	t.Helper()
	k := &keyPair{file: filepath.Join(t.TempDir(), "archive.asc")}
	entity, public, err := newArchiveKey(nil)
	if err == nil {
		k.Entity, err = entity, os.WriteFile(k.file, public, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// newArchiveKey makes a key and its public half as gpg exports it.
func newArchiveKey(config *packet.Config) (entity *openpgp.Entity, public []byte, err error) {
	if entity, err = openpgp.NewEntity("Archive", "", "archive@archive.test", config); err != nil {
		return nil, nil, err
	}
	var text bytes.Buffer
	w, err := armor.Encode(&text, openpgp.PublicKeyType, nil)
	if err == nil {
		err = errors.Join(entity.Serialize(w), w.Close())
	}
	return entity, append(text.Bytes(), '\n'), err
}

func (k *keyPair) decrypt(t *testing.T, data []byte) []byte {
	t.Helper()
	m, err := openpgp.ReadMessage(bytes.NewReader(data), openpgp.EntityList{k.Entity}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	clear, err := io.ReadAll(m.UnverifiedBody) // its end checks that nothing was changed
	if err != nil {
		t.Fatal(err)
	}
	return clear
}
