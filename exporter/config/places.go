package config

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io/fs"
	"math"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// The checks of this file are about where things are: machines, ports, URLs and
// names in a store.

func checkListen(text string) error {
	_, port, err := net.SplitHostPort(text)
	if n, numErr := strconv.Atoi(port); err != nil || numErr != nil || n < 0 || n > math.MaxUint16 {
		return errors.New("must be host:port, such as 127.0.0.1:8443")
	}
	return nil
}

func checkOptionalListen(text string) error {
	if text == "" {
		return nil
	}
	return checkListen(text)
}

func checkURLPath(text string) error {
	u, err := url.ParseRequestURI(text)
	if err != nil || !strings.HasPrefix(text, "/") || u.Path != text {
		return errors.New("must be the path of a URL, such as /liveperson/events")
	}
	return nil
}

// checkDomainAPI accepts https, and http for loopback only: the account's
// token travels there.
func checkDomainAPI(text string) error {
	u, err := url.Parse(text)
	plain := err == nil && u.User == nil && u.RawQuery == "" && u.Fragment == "" &&
		(u.Path == "" || u.Path == "/") && u.Hostname() != ""
	switch {
	case !plain || u.Scheme != "https" && u.Scheme != "http":
		return errors.New("must be a URL without path, such as https://api.liveperson.net")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return errors.New("must begin with https:// unless the host is a loopback address")
	}
	return nil
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// checkHost accepts what can be dialled: a name or an address without a port.
func checkHost(text string) error {
	if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" {
		return nil
	}
	if checkHostName(text) != nil {
		return errors.New("must be the name or the address of a machine, without a port")
	}
	return nil
}

func checkHostName(text string) error {
	if !hostPattern.MatchString(text) || len(text) > 253 {
		return errors.New("must be the name of a machine, such as mail.firm.example")
	}
	return nil
}

func checkFingerprint(text string) error {
	sum, is := strings.CutPrefix(text, "SHA256:")
	raw, err := base64.RawStdEncoding.Strict().DecodeString(sum)
	if !is || err != nil || len(raw) != sha256.Size {
		return errors.New("must be a fingerprint as ssh-keygen -l writes it: SHA256: and 43 characters")
	}
	return nil
}

// checkBucket accepts names by the rules that all stores share.
func checkBucket(text string) error {
	_, err := netip.ParseAddr(text)
	if err == nil || !bucketPattern.MatchString(text) || strings.Contains(text, "..") || strings.Contains(text, ".-") || strings.Contains(text, "-.") {
		return errors.New("must be the name of a bucket: 3 to 63 of a-z, 0-9, - and, between others, single dots")
	}
	return nil
}

// parseEndpoint takes an S3 endpoint apart. Plain http is for loopback only.
func parseEndpoint(text string) (host string, plain bool, err error) {
	if !strings.Contains(text, "://") {
		text = "https://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Path != "" && u.Path != "/" ||
		u.Scheme != "https" && u.Scheme != "http" || checkHost(u.Hostname()) != nil || strings.HasSuffix(u.Host, ":") {
		return "", false, errors.New("must be host, host:port or a URL without path, such as https://s3.eu-central-1.amazonaws.com")
	}
	if u.Scheme == "http" && !loopback(u.Hostname()) {
		return "", false, errors.New("must not begin with http:// unless the host is a loopback address")
	}
	return u.Host, u.Scheme == "http", nil
}

// checkPrefix accepts what needs no escaping in a URL.
func checkPrefix(text string) error {
	if !prefixPattern.MatchString(text) || !fs.ValidPath(text) || text == "." {
		return errors.New(`must be names of letters, digits and "-_.", with "/" between them`)
	}
	return nil
}

func checkSSE(text string) error {
	if text != "s3" && text != "kms" {
		return errors.New("must be s3 or kms")
	}
	return nil
}
