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

// newDestination builds one configured destination; addresses may be nil.
func (p *program) newDestination(c *config.Config, d config.Destination, addresses *identity.Resolver) (exporter.Destination, error) {
	made := exporter.Destination{
		Name:     identityOf(d),
		Archive:  d.Archive,
		Cut:      exporter.Cut{Immediately: d.Cut.Mode == config.CutImmediately, After: d.Cut.After},
		Bounds:   exporter.Bounds{Conversations: d.Bundle.MaxConversations, Bytes: d.Bundle.MaxBytes, Wait: d.Bundle.MaxWait, EventWait: d.Bundle.EventWait},
		Withhold: d.PrivateMessages == config.PrivateWithhold,
		Files:    d.Layout != profile.LayoutBundle,
		MaxAge:   d.MaxAge,
		OlderGo:  d.Profile.OlderGo,
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
	recipients, err := p.newRecipients(d)
	if err := p.render(&made, d, recipients, err); err != nil {
		return made, err
	}
	made.SettingsSHA256 = settingsSHA256(d, made.Rendering, recipients)
	made.Target, made.Where, err = p.newTarget(c.Account, made.Name, d)
	if err != nil {
		err = &outcome{code: exitUsage, fact: "destination " + d.Name, err: err}
	}
	return made, err
}

// render sets what a destination's files are. The lines of generic need nothing.
// Keys that have expired or were revoked stop the one destination that they are
// for; keys that cannot be read are a fault of the configuration.
func (p *program) render(made *exporter.Destination, d config.Destination, recipients *pgp.Recipients, unusable error) error {
	if unusable != nil && !errors.Is(unusable, pgp.ErrExpired) && !errors.Is(unusable, pgp.ErrRevoked) {
		return &outcome{code: exitUsage, fact: "destination " + d.Name + ": pgp.keys", err: unusable}
	}
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
	if len(d.PGPKeys) > 0 {
		made.Seal = func() ([]byte, error) {
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
	return nil
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

// newTarget is the list of transports. The configuration has made sure that
// exactly one is set. where tells it apart from every other place.
func (p *program) newTarget(account, name string, d config.Destination) (target archive.Destination, where string, err error) {
	drop := d.Layout == profile.LayoutDrop
	switch {
	case d.Directory != nil:
		made := directory.Config{Path: d.Directory.Path, Account: account, Name: name}
		path, err := filepath.Abs(d.Directory.Path)
		if drop {
			return directory.NewDrop(made), "the flat folder " + path, err
		}
		return directory.New(made), "the folder " + path, err
	case d.SFTP != nil:
		return newSFTP(account, name, d.SFTP, drop)
	case d.SMTP != nil:
		return p.newSMTP(account, name, d.SMTP)
	case d.S3 != nil:
		return p.newS3(account, name, d.S3)
	}
	return nil, "", errors.New("it has no transport")
}

func newSFTP(account, name string, s *config.SFTP, drop bool) (archive.Destination, string, error) {
	made := sftp.Config{
		Host: s.Host, Port: s.Port, User: s.User, Password: s.Password.Reveal(), Passphrase: s.Passphrase.Reveal(),
		KnownHosts: s.KnownHosts, Fingerprint: s.Fingerprint, Path: s.Path, Account: account, Name: name, Timeout: s.Timeout,
	}
	var err error
	if made.Key, err = readOptional(s.KeyFile); err != nil {
		return nil, "", fmt.Errorf("sftp.key_file: %w", err)
	}
	where := fmt.Sprintf("sftp://%s@%s%s", s.User, net.JoinHostPort(s.Host, strconv.Itoa(s.Port)), filepath.ToSlash(filepath.Join("/", s.Path)))
	if drop {
		target, err := sftp.NewDrop(made)
		return target, "the flat folder " + where, err
	}
	target, err := sftp.New(made)
	return target, where, err
}

func (p *program) newSMTP(account, name string, s *config.SMTP) (archive.Destination, string, error) {
	authorities, certificates, err := smtp.LoadTLS(s.CAFile, s.CertFile, s.KeyFile)
	if err != nil {
		return nil, "", err
	}
	target, err := smtp.New(smtp.Config{
		Account: account, Name: name, Host: s.Host, Port: s.Port, TLS: s.TLS, CA: authorities, Certificates: certificates,
		Username: s.Username, Password: s.Password.Reveal(), Hello: s.Hello, Sender: s.Sender, Recipient: s.Recipient,
		MaxBytes: s.MaxBytes, PerConnection: s.PerConnection, CommandTimeout: s.Timeout, Now: p.now,
	})
	return target, fmt.Sprintf("smtp://%s/%s", net.JoinHostPort(s.Host, strconv.Itoa(s.Port)), s.Recipient), err
}

func (p *program) newS3(account, name string, s *config.S3) (archive.Destination, string, error) {
	authorities, err := readOptional(s.CAFile)
	if err != nil {
		return nil, "", fmt.Errorf("s3.ca_file: %w", err)
	}
	target, err := s3.New(s3.Config{
		Endpoint: s.Endpoint, Plain: s.Plain, PathStyle: s.PathStyle, CA: authorities, Region: s.Region, Bucket: s.Bucket, Prefix: s.Prefix,
		AccessKey: s.AccessKey.Reveal(), SecretKey: s.SecretKey.Reveal(), SessionToken: s.SessionToken.Reveal(),
		Lock: s3.Lock{Mode: s.Lock.Mode, Days: s.Lock.Days}, LegalHold: s.LegalHold, SSE: s.SSE, KMSKey: s.KMSKey,
		Account: account, Name: name, Timeout: s.Timeout, Now: p.now,
	})
	return target, fmt.Sprintf("s3://%s/%s/%s", s.Endpoint, s.Bucket, s.Prefix), err
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
	withheld := ""
	if d.PrivateMessages == config.PrivateWithhold {
		withheld = d.PrivateMessages
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
		PrivateMessages  string          `json:"private_messages,omitempty"` // where they are withheld
	}{d.Archive, d.Cut.String(), d.From.String(), d.Bundle.MaxConversations, d.Bundle.MaxBytes, d.Bundle.MaxWait, rendering, encrypted, withheld})
	if err != nil {
		panic(err) // strings, numbers and what was JSON before
	}
	sum := sha256.Sum256(settings)
	return hex.EncodeToString(sum[:])
}
