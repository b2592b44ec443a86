package reach

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
)

func dialled(err error) error { return fmt.Errorf("wrapped: %w", &net.OpError{Op: "dial", Err: err}) }

func TestHintNamesTheLikelyCause(t *testing.T) {
	for want, err := range map[string]error{
		"no such host":       dialled(&net.DNSError{IsNotFound: true}),
		"DNS":                dialled(&net.DNSError{IsTimeout: true}),
		"nothing listens":    dialled(os.NewSyscallError("connect", syscall.ECONNREFUSED)),
		"no route":           dialled(os.NewSyscallError("connect", syscall.EHOSTUNREACH)),
		"nothing answers":    dialled(os.ErrDeadlineExceeded),
		"check the.keys":     dialled(errors.New("something else")),
		"proxy":              verification(x509.UnknownAuthorityError{}),
		"another name":       verification(x509.HostnameError{Certificate: &x509.Certificate{}}),
		"expired":            verification(x509.CertificateInvalidError{Reason: x509.Expired}),
		"give the authority": verification(x509.CertificateInvalidError{Reason: x509.NotAuthorizedToSign}),
	} {
		if got := Hint(err, "the.keys") + Certificate(err, "the.keys", "the.ca"); !strings.Contains(got, want) {
			t.Errorf("%v: %q, want %q in it", err, got, want)
		}
	}
	for _, err := range []error{nil, errors.New("x"), &net.OpError{Op: "read", Err: syscall.ECONNRESET}} {
		if got := Hint(err, "k") + Certificate(err, "k", "a"); got != "" {
			t.Errorf("%v: %q", err, got)
		}
	}
}

func verification(err error) error { return &tls.CertificateVerificationError{Err: err} }
