package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// stubS3 is a bucket "bucket" in memory, in path style.
type stubS3 struct {
	t      *testing.T
	server *httptest.Server

	refuse func(r *http.Request) (status int, code string) // 0: answer

	mu      sync.Mutex
	objects map[string][]byte
}

func newStubS3(t *testing.T) *stubS3 {
	t.Helper()
	s := &stubS3{t: t, objects: map[string][]byte{}}
	s.server = httptest.NewUnstartedServer(s)
	s.server.Config.ErrorLog = log.New(io.Discard, "", 0) // of handshakes that a seed lets fail
	s.server.StartTLS()
	t.Cleanup(s.server.Close)
	return s
}

func (s *stubS3) host() string { return s.server.Listener.Addr().String() }

func (s *stubS3) authority() string {
	return writeFile(s.t, "ca.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.server.Certificate().Raw}))
}

// config is a good configuration, but for what change says.
func (s *stubS3) config(change map[string]string) string {
	s.t.Helper()
	return section("s3", map[string]string{
		"endpoint": s.host(), "bucket": "bucket", "access_key": "access", "secret_key": "secret", "ca_file": s.authority(), "path_style": "true",
	}, change)
}

func (s *stubS3) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	no := func(status int, code string) {
		w.WriteHeader(status)
		fmt.Fprintf(w, "<Error><Code>%s</Code><Message>as the test asks</Message></Error>", code)
	}
	if s.refuse != nil {
		if status, code := s.refuse(r); status != 0 {
			no(status, code)
			return
		}
	}
	q := r.URL.Query()
	data, there := s.objects[key]
	switch {
	case bucket != "bucket":
		no(http.StatusNotFound, "NoSuchBucket")
	case q.Has("versioning"):
		fmt.Fprint(w, "<VersioningConfiguration></VersioningConfiguration>")
	case q.Has("object-lock"):
		no(http.StatusNotFound, "ObjectLockConfigurationNotFoundError")
	case q.Has("list-type"):
		fmt.Fprint(w, "<ListBucketResult></ListBucketResult>")
	case key == "":
	case r.Method == http.MethodPut && there && r.Header.Get("If-None-Match") != "":
		no(http.StatusPreconditionFailed, "PreconditionFailed")
	case r.Method == http.MethodPut:
		s.objects[key] = body
	case r.Method == http.MethodDelete:
		delete(s.objects, key)
		w.WriteHeader(http.StatusNoContent)
	case !there:
		no(http.StatusNotFound, "NoSuchKey")
	default:
		sum := sha256.Sum256(data)
		maps.Copy(w.Header(), http.Header{
			"Content-Length": {strconv.Itoa(len(data))}, "Last-Modified": {time.Unix(0, 0).UTC().Format(http.TimeFormat)}, "Etag": {`"x"`},
			"X-Amz-Checksum-Sha256": {base64.StdEncoding.EncodeToString(sum[:])},
		})
		if r.Method == http.MethodGet {
			_, _ = w.Write(data)
		}
	}
}
