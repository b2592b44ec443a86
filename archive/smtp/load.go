package smtp

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

// LoadTLS reads the PEM files that a configuration names, for Config.CA and
// Config.Certificates. An empty name stands for none; cert and key go together.
func LoadTLS(caFile, certFile, keyFile string) (*x509.CertPool, []tls.Certificate, error) {
	var pool *x509.CertPool
	if caFile != "" {
		data, err := os.ReadFile(caFile)
		if err != nil {
			return nil, nil, err
		}
		pool = x509.NewCertPool()
		if !pool.AppendCertsFromPEM(data) {
			return nil, nil, fmt.Errorf("%s holds no certificate in PEM", caFile)
		}
	}
	if certFile == "" && keyFile == "" {
		return pool, nil, nil
	}
	if certFile == "" || keyFile == "" {
		return nil, nil, errors.New("a client certificate and its key go together")
	}
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, nil, fmt.Errorf("client certificate %s with key %s: %w", certFile, keyFile, err)
	}
	return pool, []tls.Certificate{pair}, nil
}
