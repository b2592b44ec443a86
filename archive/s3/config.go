package s3

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"net/url"
	"strings"

	"github.com/minio/minio-go/v7/pkg/encrypt"
	"github.com/minio/minio-go/v7/pkg/s3utils"
)

// maxDays is what the stores take: a hundred years.
const maxDays = 36500

// check returns all faults of a configuration.
func (c Config) check() error {
	var faults []error
	fault := func(wrong bool, text string, values ...any) {
		if wrong {
			faults = append(faults, fmt.Errorf(text, values...))
		}
	}
	host := c.host()
	fault(host == "", "endpoint %q: want host or host:port, without https:// or a path", c.Endpoint)
	fault(host != "" && c.Plain && !loopback(host), "endpoint %q: without TLS only loopback addresses are taken", c.Endpoint)
	if err := s3utils.CheckValidBucketName(c.Bucket); err != nil {
		fault(true, "bucket %q: %w", c.Bucket, err)
	}
	fault(!safePrefix(c.Prefix), "prefix %q: want names of letters, digits and \"!-_.*'()=+@\" with \"/\" between them", c.Prefix)
	fault(c.AccessKey == "" || c.SecretKey == "", "access key and secret key are required")
	fault(c.Account == "" || c.Name == "", "account and name are required")
	switch c.Lock.Mode {
	case "":
		fault(c.Lock.Days != 0, "lock: days without a mode")
	case governance, compliance:
		fault(c.Lock.Days < 1 || c.Lock.Days > maxDays, "lock: days %d: want 1 to %d", c.Lock.Days, maxDays)
	default:
		fault(true, "lock: mode %q: want %s or %s", c.Lock.Mode, governance, compliance)
	}
	fault(c.SSE != "" && c.SSE != sseS3 && c.SSE != sseKMS, "sse %q: want %s or %s", c.SSE, sseS3, sseKMS)
	fault(c.KMSKey != "" && c.SSE != sseKMS, "a KMS key without sse: %s", sseKMS)
	fault(c.Timeout < 0, "timeout %s: want more than 0", c.Timeout)
	return errors.Join(faults...)
}

// Values of Config.Lock.Mode and Config.SSE.
const (
	governance = "governance"
	compliance = "compliance"
	sseS3      = "s3"
	sseKMS     = "kms"
)

// host returns the endpoint's host, or "" if it is no endpoint.
func (c Config) host() string {
	u, err := url.Parse("https://" + c.Endpoint)
	if err != nil || u.Host != c.Endpoint || u.Port() == "" && strings.HasSuffix(u.Host, ":") {
		return ""
	}
	return u.Hostname()
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && net.IP(ip.AsSlice()).IsLoopback()
}

// safePrefix tells whether keys that begin so need no care in a URL.
func safePrefix(prefix string) bool {
	if prefix == "" {
		return true
	}
	odd := strings.IndexFunc(prefix, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("!-_.*'()=+@/", r)
	})
	return odd < 0 && prefix != "." && len(prefix) <= 200 && fs.ValidPath(prefix)
}

// region never leaves the question to the store, which many do not answer.
func (c Config) region() string {
	scheme := "https"
	if c.Plain {
		scheme = "http"
	}
	return cmp.Or(c.Region, s3utils.GetRegionFromURL(url.URL{Scheme: scheme, Host: c.Endpoint}), "us-east-1")
}

// seal returns what asks the store to encrypt, or nil.
func (c Config) seal() (encrypt.ServerSide, error) {
	switch c.SSE {
	case sseS3:
		return encrypt.NewSSE(), nil
	case sseKMS:
		return encrypt.NewSSEKMS(c.KMSKey, nil)
	}
	return nil, nil
}
