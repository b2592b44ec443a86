package s3

import (
	"cmp"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// fake is a bucket in memory that speaks as much of S3 as we need, as Amazon
// documents it, and can misbehave.
type fake struct {
	mu      sync.Mutex
	objects map[string][]*stored // by key, the oldest version first
	uploads map[string]*begun    // by id
	made    int                  // numbers versions and uploads
	n       int                  // requests so far

	versions bool   // a version for each upload, else the last one only
	locking  bool   // the bucket has object lock
	keeps    string // mode of the bucket's own retention, or ""
	page     int    // keys in a page of a listing, 0 is 1000

	ignoresConditions, refusesConditions bool
	ignoresChecksums                     bool
	refusesChecksums                     int  // status of the answer to any header about them; 0: it knows them
	ignoresHeaders                       bool // of lock and encryption
	ignoresStart                         bool // of a listing
	swaps                                bool // stores other bytes than it was sent
	noDelete                             bool
	countsMarkers                        bool // a delete marker is an object to If-None-Match

	// fault may answer request number n, from 1, in place of the bucket.
	fault func(n int, r *http.Request) *fault
}

// fault is a misbehaviour: an answer, or a connection cut before the request
// was done, or after.
type fault struct {
	status       int
	code, text   string
	header       map[string]string
	before, late bool
	hang         <-chan struct{} // nothing happens before it is closed
}

// stored is one version of an object.
type stored struct {
	version  string
	body     []byte
	checksum string
	headers  map[string]string // of lock and encryption
	at       time.Time
	marker   bool
}

type begun struct {
	key   string
	r     http.Header
	parts map[int][]byte
}

// epoch is when everything is stored.
var epoch = time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)

func newFake() *fake { return &fake{objects: map[string][]*stored{}, uploads: map[string]*begun{}} }

// requests returns how many there were.
func (f *fake) requests() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.n
}

// reply is an answer before it is written.
type reply struct {
	status int
	header map[string]string
	body   []byte
}

func refuse(status int, code string) reply {
	return reply{status: status, body: fmt.Appendf(nil, "<Error><Code>%s</Code><Message>as asked by the test</Message></Error>", code)}
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.n++
	var fault *fault
	if f.fault != nil {
		fault = f.fault(f.n, r)
	}
	f.mu.Unlock()
	switch {
	case fault == nil:
		f.write(w, r, f.serve(r))
	case fault.hang != nil:
		<-fault.hang
	case fault.before:
		panic(http.ErrAbortHandler)
	case fault.late:
		f.serve(r)
		panic(http.ErrAbortHandler)
	default:
		a := refuse(fault.status, fault.code)
		if fault.text != "" {
			a.body = []byte(fault.text)
		}
		a.header = fault.header
		f.write(w, r, a)
	}
}

func (f *fake) write(w http.ResponseWriter, r *http.Request, a reply) {
	for k, v := range a.header {
		w.Header().Set(k, v)
	}
	if a.header["Content-Length"] == "" && r.Method != http.MethodHead {
		w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	}
	w.WriteHeader(a.status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(a.body)
	}
}

// serve answers a request for the bucket "bucket" in path style.
func (f *fake) serve(r *http.Request) reply {
	f.mu.Lock()
	defer f.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return refuse(400, "IncompleteBody")
	}
	if r.ContentLength < 0 {
		return refuse(411, "MissingContentLength")
	}
	if want := r.Header.Get("X-Amz-Content-Sha256"); want != "UNSIGNED-PAYLOAD" && want != sha(body).hex() {
		return refuse(400, codeBadPayload)
	}
	if f.refusesChecksums != 0 && aboutChecksums(r.Header) {
		return refuse(f.refusesChecksums, "InvalidArgument")
	}
	if says := r.Header.Get("Content-Md5"); says != "" && says != md5Of(body) {
		return refuse(400, codeBadDigest)
	}
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch q := r.URL.Query(); {
	case bucket != "bucket":
		return refuse(404, "NoSuchBucket")
	case !strings.Contains(r.Header.Get("Authorization"), "Credential=access/"):
		return refuse(403, "InvalidAccessKeyId")
	case key == "" && r.Method == http.MethodHead:
		return reply{status: 200}
	case key == "":
		return f.serveBucket(q)
	case q.Has("uploads") || q.Has("uploadId"):
		return f.serveUpload(r, key, body)
	}
	switch r.Method {
	case http.MethodPut:
		return f.put(r.Header, r.Header, key, body)
	case http.MethodDelete:
		return f.remove(key, r.URL.Query().Get("versionId"))
	}
	return f.get(r.Header, key, r.URL.Query().Get("versionId"))
}

func sha(b []byte) digest { return sha256.Sum256(b) }

func md5Of(b []byte) string {
	sum := md5.Sum(b)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// aboutChecksums reports whether a request has what stores of before 2022 do not know.
func aboutChecksums(h http.Header) bool {
	for name := range h {
		if name = strings.ToLower(name); strings.HasPrefix(name, "x-amz-checksum-") || name == "x-amz-trailer" || name == "x-amz-sdk-checksum-algorithm" {
			return true
		}
	}
	return strings.HasPrefix(h.Get("X-Amz-Content-Sha256"), "STREAMING-")
}

// put stores an object: as is, with what was asked of it and the condition.
func (f *fake) put(condition, as http.Header, key string, body []byte) reply {
	says := condition.Get(headerChecksum)
	if says != "" && says != sha(body).base64() {
		return refuse(400, codeBadDigest)
	}
	if condition.Get("If-None-Match") != "" {
		if f.refusesConditions {
			return refuse(501, "NotImplemented")
		}
		if f.taken(key) {
			return refuse(412, "PreconditionFailed")
		}
	}
	return f.store(as, key, body, says)
}

func (f *fake) store(as http.Header, key string, body []byte, checksum string) reply {
	headers := map[string]string{}
	for _, h := range []string{"X-Amz-Object-Lock-Mode", "X-Amz-Object-Lock-Retain-Until-Date", "X-Amz-Object-Lock-Legal-Hold", "X-Amz-Server-Side-Encryption"} {
		if v := as.Get(h); v != "" && !f.ignoresHeaders {
			if strings.Contains(h, "Lock") && !f.locking {
				return refuse(400, "InvalidRequest")
			}
			headers[h] = v
		}
	}
	if f.keeps != "" && headers["X-Amz-Object-Lock-Mode"] == "" {
		headers["X-Amz-Object-Lock-Mode"] = f.keeps
	}
	if f.swaps {
		body, checksum = slices.Concat([]byte("?"), body[1:]), ""
	}
	if f.ignoresChecksums {
		checksum = ""
	}
	f.made++
	o := &stored{body: body, checksum: checksum, headers: headers, at: epoch}
	if !f.versions {
		f.objects[key] = []*stored{o}
		return reply{status: 200, header: o.describe()}
	}
	o.version = fmt.Sprintf("version.%d", f.made)
	f.objects[key] = append(f.objects[key], o)
	return reply{status: 200, header: o.describe()}
}

// describe returns the headers that a store answers with.
func (o *stored) describe() map[string]string {
	h := maps.Clone(o.headers)
	h["Etag"] = `"` + hex.EncodeToString(sha256.New().Sum(nil)[:16]) + `"`
	h["Last-Modified"] = o.at.Format(http.TimeFormat)
	if o.version != "" {
		h["X-Amz-Version-Id"] = o.version
	}
	if o.checksum != "" {
		h[headerChecksum] = o.checksum
	}
	return h
}

// taken tells whether If-None-Match finds something.
func (f *fake) taken(key string) bool {
	return !f.ignoresConditions && (f.current(key) != nil || f.countsMarkers && len(f.objects[key]) > 0)
}

// current returns the version that a reader sees, or nil.
func (f *fake) current(key string) *stored {
	all := f.objects[key]
	if len(all) == 0 || all[len(all)-1].marker {
		return nil
	}
	return all[len(all)-1]
}

func (f *fake) get(asked http.Header, key, version string) reply {
	o := f.current(key)
	if version != "" {
		o = nil
		for _, v := range f.objects[key] {
			if v.version == version {
				o = v
			}
		}
	}
	if o == nil {
		return refuse(404, codeNoKey)
	}
	h := o.describe()
	if asked.Get("X-Amz-Checksum-Mode") == "" {
		delete(h, headerChecksum)
	}
	h["Content-Length"] = strconv.Itoa(len(o.body))
	return reply{200, h, o.body}
}

func (f *fake) remove(key, version string) reply {
	if f.noDelete {
		return refuse(403, "AccessDenied")
	}
	if f.versions && version == "" {
		f.objects[key] = append(f.objects[key], &stored{marker: true})
		return reply{status: 204}
	}
	for _, o := range f.objects[key] {
		if o.version == version && (o.headers["X-Amz-Object-Lock-Mode"] != "" || o.headers["X-Amz-Object-Lock-Legal-Hold"] != "") {
			return refuse(403, "AccessDenied")
		}
	}
	f.objects[key] = slices.DeleteFunc(f.objects[key], func(o *stored) bool { return o.version == version })
	return reply{status: 204}
}

// keys returns the keys that a reader sees, sorted.
func (f *fake) keys() []string {
	var keys []string
	for key := range f.objects {
		if f.current(key) != nil {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

func answerXML(v any) reply {
	body, err := xml.Marshal(v)
	if err != nil {
		panic(err)
	}
	return reply{status: 200, body: body}
}

func composite(parts [][]byte) string {
	var all []byte
	for _, p := range parts {
		sum := sha(p)
		all = append(all, sum[:]...)
	}
	sum := sha256.Sum256(all)
	return base64.StdEncoding.EncodeToString(sum[:]) + "-" + strconv.Itoa(len(parts))
}

func (f *fake) perPage() int { return cmp.Or(f.page, 1000) }
