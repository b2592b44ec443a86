package main

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"lpexport/archive"
	"lpexport/archive/pgp"
	"lpexport/archive/profile"
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
	settings, err := json.Marshal(rendering)
	if err != nil {
		return err
	}
	made.Rendering, made.Freeze, made.Shape = settings, freeze, shapeOf
	if d.SMTP != nil && rendering.Mail != nil {
		made.MostBytes, made.Fit = d.SMTP.MaxBytes, fitMails
	}
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

// fitMails is a rendering whose mails have at most so many bytes.
func fitMails(rendering []byte, most int64) ([]byte, error) {
	var r profile.Rendering
	if err := json.Unmarshal(rendering, &r); err != nil {
		return nil, fmt.Errorf("rendering: %w", err)
	}
	if r.Mail == nil || r.Mail.MaxBytes > 0 && r.Mail.MaxBytes <= most {
		return rendering, nil
	}
	r.Mail.MaxBytes = most
	return json.Marshal(r)
}

// freeze adds to a rendering what this machine knows of time zones.
func freeze(rendering []byte, created time.Time) ([]byte, error) {
	var r profile.Rendering
	if err := json.Unmarshal(rendering, &r); err != nil {
		return nil, fmt.Errorf("rendering: %w", err)
	}
	r, err := r.Frozen(created)
	if err != nil {
		return nil, err
	}
	return json.Marshal(r)
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
