package main

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"lpexport/archive"
	"lpexport/archive/directory"
	"lpexport/archive/profile"
	"lpexport/archive/s3"
	"lpexport/archive/sftp"
	"lpexport/archive/smtp"
	"lpexport/exporter/config"
)

// whereOf tells a destination's place apart from every other place, without secrets.
func whereOf(d config.Destination) (string, error) {
	kind := ""
	if d.Layout == profile.LayoutDrop {
		kind = "the flat folder "
	}
	switch {
	case d.Directory != nil:
		path, err := filepath.Abs(d.Directory.Path)
		return cmp.Or(kind, "the folder ") + path, err
	case d.SFTP != nil:
		return kind + fmt.Sprintf("sftp://%s@%s%s", d.SFTP.User, hostPort(d.SFTP.Host, d.SFTP.Port), filepath.ToSlash(filepath.Join("/", d.SFTP.Path))), nil
	case d.SMTP != nil:
		return fmt.Sprintf("smtp://%s/%s", hostPort(d.SMTP.Host, d.SMTP.Port), d.SMTP.Recipient), nil
	case d.S3 != nil:
		return fmt.Sprintf("s3://%s/%s/%s", d.S3.Endpoint, d.S3.Bucket, d.S3.Prefix), nil
	}
	return "", errors.New("it has no transport")
}

// transportOf is the key under which a destination says how it is reached.
func transportOf(d config.Destination) string {
	switch {
	case d.Directory != nil:
		return "directory"
	case d.SFTP != nil:
		return "sftp"
	case d.SMTP != nil:
		return "smtp"
	}
	return "s3"
}

func hostPort(host string, port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }

// newTarget is the list of transports. The configuration has made sure that
// exactly one is set.
func (p *program) newTarget(account, name string, d config.Destination) (archive.Destination, error) {
	drop := d.Layout == profile.LayoutDrop
	switch {
	case d.Directory != nil && drop:
		return directory.NewDrop(directory.Config{Path: d.Directory.Path, Account: account, Name: name}), nil
	case d.Directory != nil:
		return directory.New(directory.Config{Path: d.Directory.Path, Account: account, Name: name}), nil
	case d.SFTP != nil:
		return newSFTP(account, name, d.SFTP, drop)
	case d.SMTP != nil:
		return p.newSMTP(account, name, d.SMTP)
	}
	return p.newS3(account, name, d.S3)
}

func newSFTP(account, name string, s *config.SFTP, drop bool) (archive.Destination, error) {
	made := sftp.Config{
		Host: s.Host, Port: s.Port, User: s.User, Password: s.Password.Reveal(), Passphrase: s.Passphrase.Reveal(),
		KnownHosts: s.KnownHosts, Fingerprint: s.Fingerprint, Path: s.Path, Account: account, Name: name, Timeout: s.Timeout,
	}
	var err error
	if made.Key, err = readOptional(s.KeyFile); err != nil {
		return nil, fmt.Errorf("key_file: %w", err)
	}
	if drop {
		return sftp.NewDrop(made)
	}
	return sftp.New(made)
}

func (p *program) newSMTP(account, name string, s *config.SMTP) (archive.Destination, error) {
	authorities, certificates, err := smtp.LoadTLS(s.CAFile, s.CertFile, s.KeyFile)
	if err != nil {
		return nil, err
	}
	return smtp.New(smtp.Config{
		Account: account, Name: name, Host: s.Host, Port: s.Port, TLS: s.TLS, CA: authorities, Certificates: certificates,
		Username: s.Username, Password: s.Password.Reveal(), Hello: s.Hello, Sender: s.Sender, Recipient: s.Recipient,
		MaxBytes: s.MaxBytes, PerConnection: s.PerConnection, CommandTimeout: s.Timeout, Now: p.now,
	})
}

func (p *program) newS3(account, name string, s *config.S3) (archive.Destination, error) {
	authorities, err := readOptional(s.CAFile)
	if err != nil {
		return nil, fmt.Errorf("ca_file: %w", err)
	}
	return s3.New(s3.Config{
		Endpoint: s.Endpoint, Plain: s.Plain, PathStyle: s.PathStyle, CA: authorities, Region: s.Region, Bucket: s.Bucket, Prefix: s.Prefix,
		AccessKey: s.AccessKey.Reveal(), SecretKey: s.SecretKey.Reveal(), SessionToken: s.SessionToken.Reveal(),
		Lock: s3.Lock{Mode: s.Lock.Mode, Days: s.Lock.Days}, LegalHold: s.LegalHold, SSE: s.SSE, KMSKey: s.KMSKey,
		Account: account, Name: name, Timeout: s.Timeout, Now: p.now,
	})
}

// readOptional reads a file, or nothing where none is named.
func readOptional(name string) ([]byte, error) {
	if name == "" {
		return nil, nil
	}
	return os.ReadFile(name)
}
