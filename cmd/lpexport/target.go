package main

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"lpexport/archive"
	"lpexport/archive/directory"
	"lpexport/archive/pgp"
	"lpexport/archive/profile"
	"lpexport/archive/s3"
	"lpexport/archive/sftp"
	"lpexport/archive/smtp"
	"lpexport/exporter"
	"lpexport/exporter/config"
	"lpexport/exporter/identity"
)

// identityOf is the name by which the state and the archive know a destination:
// its first one.
func identityOf(d config.Destination) string { return cmp.Or(d.RenamedFrom, d.Name) }

// newDestination builds one configured destination; addresses may be nil. One
// whose files cannot be read halts until they can: the others do not need them.
func (p *program) newDestination(c *config.Config, d config.Destination, addresses *identity.Resolver) (exporter.Destination, error) {
	made, err := p.describe(d, addresses)
	if err != nil {
		return made, err
	}
	whole := made
	if err := p.equip(&whole, c.Account, d); err != nil {
		made.Target = newBroken(d, err)
		var one sync.Mutex
		made.Mend = func() (exporter.Destination, error) {
			one.Lock()
			defer one.Unlock()
			whole := made
			whole.Mend = nil
			return whole, p.equip(&whole, c.Account, d)
		}
		return made, nil
	}
	return whole, nil
}

// describe sets all of a destination that follows from the configuration alone.
func (p *program) describe(d config.Destination, addresses *identity.Resolver) (made exporter.Destination, err error) {
	made = exporter.Destination{
		Name:    identityOf(d),
		Archive: d.Archive,
		Cut:     exporter.Cut{Immediately: d.Cut.Mode == config.CutImmediately, After: d.Cut.After},
		Bounds:  exporter.Bounds{Conversations: d.Bundle.MaxConversations, Bytes: d.Bundle.MaxBytes, Wait: d.Bundle.MaxWait, EventWait: d.Bundle.EventWait},
		Files:   d.Layout != profile.LayoutBundle,
		MaxAge:  d.MaxAge,
		OlderGo: d.Profile.OlderGo,
	}
	switch d.From.Mode {
	case config.FromAll:
		made.From = &exporter.From{All: true}
	case config.FromNew:
		made.From = &exporter.From{New: true}
	case config.FromDate:
		made.From = &exporter.From{Date: d.From.Date}
	}
	if d.Layout == profile.LayoutDrop {
		made.Stay = d.StaysAtMost
	}
	if d.Profile.Addresses {
		made.Addresses = addresses
	}
	if made.Where, err = whereOf(d); err != nil {
		return made, &outcome{code: exitUsage, fact: "destination " + d.Name, err: err}
	}
	err = render(&made, d)
	made.SettingsSHA256 = settingsSHA256(d, made.Rendering, nil)
	return made, err
}

// render sets what a destination's files are. The lines of generic need nothing.
func render(made *exporter.Destination, d config.Destination) error {
	if d.Rendering.Format() == profile.FormatJSONL && !d.Rendering.Packing.Zip && len(d.PGPKeys) == 0 {
		return nil
	}
	rendering := d.Rendering
	if rendering.Mail != nil {
		settings := *rendering.Mail
		settings.Destination = made.Name
		rendering.Mail = &settings
	}
	frozen, err := json.Marshal(rendering)
	if err != nil {
		return err
	}
	made.Rendering, made.Shape = frozen, shapeOf
	return nil
}

// equip sets all of a destination that needs files: secrets, keys, certificates.
// The error is an *archive.Error of class Halt.
func (p *program) equip(made *exporter.Destination, account string, d config.Destination) error {
	for _, u := range d.Unread {
		if err := u.Read(); err != nil {
			return unusable("read a secret", err)
		}
	}
	recipients, err := p.newRecipients(d)
	// Keys that have expired or were revoked stop only what is cut from now on.
	if err != nil && !errors.Is(err, pgp.ErrExpired) && !errors.Is(err, pgp.ErrRevoked) {
		return unusable("read pgp.keys", err)
	}
	if len(d.PGPKeys) > 0 {
		made.Seal = p.sealing(recipients, err)
	}
	made.SettingsSHA256 = settingsSHA256(d, made.Rendering, recipients)
	if made.Target, err = p.newTarget(account, made.Name, d); err != nil {
		return unusable("set up "+transportOf(d), err)
	}
	return nil
}

// sealing makes what a bundle's files are encrypted with; unusable is why the
// recipients cannot be used, or nil.
func (p *program) sealing(recipients *pgp.Recipients, unusable error) func() ([]byte, error) {
	return func() ([]byte, error) {
		if unusable != nil {
			return nil, unusable
		}
		sealed, err := recipients.Seal(rand.Reader, p.now())
		if err != nil {
			return nil, err
		}
		return json.Marshal(sealed)
	}
}

// shapeOf is what a frozen rendering and seal stand for.
func shapeOf(rendering, seal []byte) (archive.Shape, error) {
	var r profile.Rendering
	if err := json.Unmarshal(rendering, &r); err != nil {
		return archive.Shape{}, fmt.Errorf("frozen rendering: %w", err)
	}
	shape, err := r.Shape()
	if err != nil || len(seal) == 0 {
		return shape, err
	}
	var sealed pgp.Sealed
	if err := json.Unmarshal(seal, &sealed); err != nil {
		return shape, fmt.Errorf("frozen seal: %w", err)
	}
	shape.Seal = sealed
	return shape, nil
}

// newRecipients reads the keys that a destination is encrypted to; nil: it is not.
func (p *program) newRecipients(d config.Destination) (*pgp.Recipients, error) {
	if len(d.PGPKeys) == 0 {
		return nil, nil
	}
	var files []pgp.File
	for _, name := range d.PGPKeys {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		files = append(files, pgp.File{Name: name, Data: data})
	}
	return pgp.ReadKeys(files, p.now())
}

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

// settingsSHA256 names, in every manifest, the settings that decide what is
// in the bundles of a destination. Where they are sent is none of them.
func settingsSHA256(d config.Destination, rendering []byte, recipients *pgp.Recipients) string {
	encrypted := []string{}
	if recipients != nil {
		encrypted = recipients.Fingerprints()
	}
	settings, err := json.Marshal(struct {
		Archive          string          `json:"archive"`
		Cut              string          `json:"cut"`
		From             string          `json:"from"`
		MaxConversations int             `json:"max_conversations"`
		MaxBytes         int64           `json:"max_bytes"`
		MaxWait          time.Duration   `json:"max_wait"`
		Rendering        json.RawMessage `json:"rendering,omitempty"`
		EncryptedTo      []string        `json:"encrypted_to"`
	}{d.Archive, d.Cut.String(), d.From.String(), d.Bundle.MaxConversations, d.Bundle.MaxBytes, d.Bundle.MaxWait, rendering, encrypted})
	if err != nil {
		panic(err) // strings, numbers and what was JSON before
	}
	sum := sha256.Sum256(settings)
	return hex.EncodeToString(sum[:])
}
