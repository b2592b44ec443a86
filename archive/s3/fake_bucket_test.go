package s3

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// serveBucket answers what is asked of the bucket as a whole.
func (f *fake) serveBucket(q url.Values) reply {
	switch {
	case q.Has("versioning"):
		status := "<Status>Enabled</Status>"
		if !f.versions {
			status = ""
		}
		return reply{status: 200, body: []byte("<VersioningConfiguration>" + status + "</VersioningConfiguration>")}
	case q.Has("object-lock"):
		return f.lockConfiguration()
	case q.Has("uploads"):
		return f.listUploads(q)
	case q.Get("list-type") == "2":
		return f.listObjects(q)
	}
	return refuse(501, "NotImplemented")
}

func (f *fake) lockConfiguration() reply {
	if !f.locking {
		return refuse(404, codeNoLock)
	}
	rule := ""
	if f.keeps != "" {
		rule = "<Rule><DefaultRetention><Mode>" + f.keeps + "</Mode><Days>7</Days></DefaultRetention></Rule>"
	}
	return reply{status: 200, body: []byte(
		"<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled>" + rule + "</ObjectLockConfiguration>")}
}

type listedObject struct {
	Key          string
	LastModified string
	Size         int
}

func (f *fake) listObjects(q url.Values) reply {
	answer := struct {
		XMLName               xml.Name `xml:"ListBucketResult"`
		EncodingType          string
		IsTruncated           bool
		NextContinuationToken string `xml:",omitempty"`
		Contents              []listedObject
	}{EncodingType: "url"}
	after := q.Get("continuation-token")
	if !f.ignoresStart {
		after = max(after, q.Get("start-after"))
	}
	for _, key := range f.keys() {
		if !strings.HasPrefix(key, q.Get("prefix")) || key <= after {
			continue
		}
		if len(answer.Contents) == f.perPage() {
			answer.IsTruncated = true
			break
		}
		answer.NextContinuationToken = key
		answer.Contents = append(answer.Contents, listedObject{url.QueryEscape(key), epoch.Format("2006-01-02T15:04:05.000Z"), len(f.current(key).body)})
	}
	return answerXML(answer)
}

type listedUpload struct {
	Key      string
	UploadID string `xml:"UploadId"`
}

func (f *fake) listUploads(q url.Values) reply {
	answer := struct {
		XMLName            xml.Name `xml:"ListMultipartUploadsResult"`
		IsTruncated        bool
		NextKeyMarker      string
		NextUploadIDMarker string `xml:"NextUploadIdMarker"`
		Upload             []listedUpload
	}{}
	var all []listedUpload
	for id, u := range f.uploads {
		all = append(all, listedUpload{u.key, id})
	}
	order := func(a, b listedUpload) int { return strings.Compare(a.Key+"\x00"+a.UploadID, b.Key+"\x00"+b.UploadID) }
	slices.SortFunc(all, order)
	marker := listedUpload{q.Get("key-marker"), q.Get("upload-id-marker")}
	for _, u := range all {
		if !strings.HasPrefix(u.Key, q.Get("prefix")) || order(u, marker) <= 0 {
			continue
		}
		if len(answer.Upload) == f.perPage() {
			answer.IsTruncated = true
			break
		}
		answer.NextKeyMarker, answer.NextUploadIDMarker = u.Key, u.UploadID
		answer.Upload = append(answer.Upload, u)
	}
	return answerXML(answer)
}

// begin begins an upload in parts, as a process that died may have left it.
func (f *fake) begin(header http.Header, key string) string {
	f.made++
	id := fmt.Sprintf("upload%d", f.made)
	f.uploads[id] = &begun{key, header, map[int][]byte{}}
	return id
}

// serveUpload answers what is asked of an upload in parts.
func (f *fake) serveUpload(r *http.Request, key string, body []byte) reply {
	q := r.URL.Query()
	if q.Has("uploads") {
		return answerXML(struct {
			XMLName  xml.Name `xml:"InitiateMultipartUploadResult"`
			UploadID string   `xml:"UploadId"`
		}{UploadID: f.begin(r.Header, key)})
	}
	u := f.uploads[q.Get("uploadId")]
	if u == nil {
		return refuse(404, codeNoUpload)
	}
	switch r.Method {
	case http.MethodDelete:
		delete(f.uploads, q.Get("uploadId"))
		return reply{status: 204}
	case http.MethodPut:
		if says := r.Header.Get(headerChecksum); says != sha(body).base64() && r.Header.Get("Content-Md5") == "" {
			return refuse(400, codeBadDigest)
		}
		n, _ := strconv.Atoi(q.Get("partNumber"))
		u.parts[n] = body
		return reply{status: 200, header: map[string]string{"Etag": strconv.Quote(sha(body).hex())}}
	}
	return f.complete(r, q.Get("uploadId"), u, body)
}

func (f *fake) complete(r *http.Request, id string, u *begun, body []byte) reply {
	var asked struct {
		Part []struct {
			PartNumber           int
			ETag, ChecksumSHA256 string
		}
	}
	if err := xml.Unmarshal(body, &asked); err != nil || len(asked.Part) != len(u.parts) {
		return refuse(400, "MalformedXML")
	}
	var parts [][]byte
	for i, p := range asked.Part {
		part := u.parts[p.PartNumber]
		if p.PartNumber != i+1 || part == nil || strings.Trim(p.ETag, `"`) != sha(part).hex() || p.ChecksumSHA256 != "" && p.ChecksumSHA256 != sha(part).base64() {
			return refuse(400, "InvalidPart")
		}
		parts = append(parts, part)
	}
	if r.Header.Get("If-None-Match") != "" && f.refusesConditions {
		return refuse(501, "NotImplemented")
	}
	if r.Header.Get("If-None-Match") != "" && f.taken(u.key) {
		return refuse(412, "PreconditionFailed")
	}
	delete(f.uploads, id)
	checksum := ""
	if u.r.Get(headerAlgorithm) == "SHA256" {
		checksum = composite(parts)
	}
	a := f.store(u.r, u.key, slices.Concat(parts...), checksum)
	a.body = []byte("<CompleteMultipartUploadResult><Bucket>bucket</Bucket></CompleteMultipartUploadResult>")
	return a
}
