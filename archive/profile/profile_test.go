package profile_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"lpexport/archive"
	"lpexport/archive/mail"
	"lpexport/archive/profile"
)

// root of the module, from here.
const root = "../.."

// keys of a destination in the configuration that a row may name, beside those
// of single headers.
var keys = strings.Fields(`
	layout max_age stays_at_most pgp.keys
	mail.domain mail.per mail.date mail.from mail.to mail.subject mail.zone mail.journal mail.max_bytes
	filedump.file filedump.time_unit filedump.order filedump.status filedump.base64 filedump.perspective
	pack.zip pack.max_count pack.max_bytes pack.manifest pack.name
	smtp.host smtp.port smtp.tls smtp.ca_file smtp.cert_file smtp.key_file smtp.username smtp.password
	smtp.hello smtp.sender smtp.recipient smtp.max_bytes smtp.per_connection`)

// Whoever writes a row sees here what is wrong with it.
func TestRowsAreConsistent(t *testing.T) {
	for _, p := range profile.All() {
		t.Run(p.Name, func(t *testing.T) {
			checkFacts(t, p)
			checkWays(t, p)
			checkKeys(t, p)
			checkMail(t, p)
		})
	}
}

func checkFacts(t *testing.T, p profile.Profile) {
	if !regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`).MatchString(p.Name) {
		t.Errorf("the name is %q", p.Name)
	}
	if p.Title == "" || p.Arrival == "" || len(p.Sources) == 0 {
		t.Error("title, arrival or sources are not told")
	}
	if !slices.Contains([]string{profile.High, profile.Medium, profile.Low}, p.Confidence) {
		t.Errorf("confidence is %q", p.Confidence)
	}
	if p.Name != "generic" && (p.Cut != "24h" || !p.Addresses) {
		t.Errorf("cut is %q, addresses needed: %v", p.Cut, p.Addresses)
	}
	if f, ok := profile.Find(p.Name); !ok || f.Title != p.Title {
		t.Error("not found by its name")
	}
}

func checkWays(t *testing.T, p profile.Profile) {
	layouts := map[string][]string{
		"directory": {profile.LayoutBundle, profile.LayoutDrop},
		"sftp":      {profile.LayoutBundle, profile.LayoutDrop},
		"s3":        {profile.LayoutBundle},
		"smtp":      {profile.LayoutMails},
	}
	seen := make(map[string]bool)
	mails, older := false, false
	for _, w := range p.Ways {
		if !slices.Contains(layouts[w.Transport], w.Layout) || seen[w.Transport+w.Layout] {
			t.Errorf("way %+v is unknown or there twice", w)
		}
		seen[w.Transport+w.Layout] = true
		if w.Layout == profile.LayoutMails && w.Zip {
			t.Error("zips as mails")
		}
		if r, ok := p.As("", w); !ok || r.Format() != p.Rendering.Format() || r.Packing.Zip != w.Zip {
			t.Errorf("way %+v does not take the archive's first format", w)
		}
		mails = mails || w.Transport == "smtp"
		older = older || w.Older
	}
	if len(p.Ways) == 0 {
		t.Fatal("no way in")
	}
	if mails != (p.SMTP != nil) {
		t.Error("SMTP is told without a way, or a way without it")
	}
	if s := p.SMTP; s != nil && (s.TLS != "starttls" && s.TLS != "tls" || s.PerConnection < 1 || s.Sender == "" || s.Recipient == "") {
		t.Errorf("the envelope is not told: %+v", *s)
	}
	if (p.MaxAge > 0) != (p.OlderGo != "") || (p.MaxAge > 0) != older || p.Ways[0].Older {
		t.Error("where older ones go is not told, or told without an age")
	}
}

func checkKeys(t *testing.T, p profile.Profile) {
	for _, key := range slices.Concat(p.Must, p.Confirm) {
		if name, ok := strings.CutPrefix(key, "mail.headers."); ok && name != "" {
			continue
		}
		if !slices.Contains(keys, key) {
			t.Errorf("%s is no key of the configuration", key)
		}
	}
	for _, w := range p.Ways {
		needs := p.Needs(p.Rendering.Format(), w)
		if slices.Contains(needs, "smtp.sender") != (w.Transport == "smtp") {
			t.Errorf("by %s it needs %v", w.Transport, needs)
		}
		if slices.Contains(needs, "mail.domain") != (p.Rendering.Mail != nil) {
			t.Errorf("by %s it needs %v", w.Transport, needs)
		}
	}
	if p.Other == nil {
		return
	}
	for _, key := range p.Needs(p.Other.Format(), p.Ways[len(p.Ways)-1]) {
		if strings.HasPrefix(key, p.Rendering.Format()+".") {
			t.Errorf("%s is needed in the other format", key)
		}
	}
}

func checkMail(t *testing.T, p profile.Profile) {
	for _, r := range renderings(p) {
		if r.Packing.Name != "" {
			if err := archive.CheckZipName(r.Packing.Name); err != nil {
				t.Error(err)
			}
		}
		if r.Mail == nil {
			continue
		}
		if r.Mail.Journal != nil || r.Mail.Destination != "" || r.Mail.Domain != "" || r.Mail.Internal != nil {
			t.Error("what belongs to a destination is in the table")
		}
		if r.Mail.MaxBytes < profile.MB || !strings.HasPrefix(r.Mail.Subject, "LivePerson") {
			t.Errorf("at most %d bytes, subject %q", r.Mail.MaxBytes, r.Mail.Subject)
		}
		templates := []string{r.Mail.Subject}
		for _, h := range r.Mail.Headers {
			templates = append(templates, h.Value)
		}
		for _, text := range templates {
			if err := mail.CheckTemplate(text); err != nil {
				t.Errorf("%q: %v", text, err)
			}
		}
	}
}

// renderings returns the formats that a row knows.
func renderings(p profile.Profile) []profile.Rendering {
	all := []profile.Rendering{p.Rendering}
	if p.Other != nil {
		all = append(all, *p.Other)
	}
	return all
}

func TestAllIsSorted(t *testing.T) {
	all := profile.All()
	if len(all) < 12 || all[0].Name != "generic" {
		t.Fatalf("%d rows, the first is %q", len(all), all[0].Name)
	}
	for i := 2; i < len(all); i++ {
		if all[i-1].Name >= all[i].Name {
			t.Errorf("%q stands before %q", all[i-1].Name, all[i].Name)
		}
	}
	if _, ok := profile.Find("Generic"); ok {
		t.Error("a name that is no row's was found")
	}
}

// A destination's own settings are written into what Find returns.
func TestRowsAreNotShared(t *testing.T) {
	const name = "global-relay"
	p, _ := profile.Find(name)
	p.Rendering.Mail.Domain = "changed.example"
	p.Rendering.Mail.Headers[0].Value = "changed"
	p.SMTP.PerConnection = 1
	p.Ways[0].Transport = "changed"
	q, _ := profile.Find(name)
	if q.Rendering.Mail.Domain != "" || q.Rendering.Mail.Headers[0].Value != "" || q.SMTP.PerConnection == 1 || q.Ways[0].Transport == "changed" {
		t.Error("a change of one is a change of the next")
	}
}

func TestOnAndAs(t *testing.T) {
	p := find(t, "smarsh-enterprise")
	if w, ok := p.On("sftp", ""); !ok || w.Layout != profile.LayoutDrop {
		t.Errorf("by sftp: %+v, %v", w, ok)
	}
	for _, no := range [][2]string{{"s3", ""}, {"smtp", "drop"}, {"", ""}} {
		if w, ok := p.On(no[0], no[1]); ok {
			t.Errorf("%v: %+v", no, w)
		}
	}
	smtp, _ := p.On("smtp", "")
	if _, ok := p.As(profile.FormatFileDump, smtp); ok {
		t.Error("FileDump XML as mails")
	}
	if _, ok := p.As(profile.FormatJSONL, smtp); ok {
		t.Error("a format that the archive does not take")
	}
	sftp, _ := p.On("sftp", "")
	for _, format := range []string{profile.FormatMail, profile.FormatFileDump} {
		if r, ok := p.As(format, sftp); !ok || r.Format() != format || !r.Packing.Zip {
			t.Errorf("%s by sftp: %+v, %v", format, r, ok)
		}
	}
}

func TestShape(t *testing.T) {
	r := mails(t, "proofpoint")
	r.Packing.Zip = true
	if shape, err := r.Shape(); err != nil || shape.Format.Extension() != ".eml" || shape.Packing != r.Packing {
		t.Errorf("%+v, %v", shape, err)
	}
	r.Mail.Domain = ""
	if shape, err := r.Shape(); err == nil || !strings.Contains(err.Error(), "mail.domain") || shape.Format != nil {
		t.Errorf("%+v, %v", shape, err)
	}
}

// The rest of the program must work with any archive, so it may name none: a
// twelfth touches one row, one folder of goldens and one page.
func TestNoOtherCodeNamesAnArchive(t *testing.T) {
	var names []string
	for _, p := range profile.All()[1:] {
		names = append(names, p.Name, p.Title)
	}
	seen := 0
	err := filepath.WalkDir(root, func(path string, e os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		switch {
		case e.IsDir() && (rel == filepath.Join("archive", "profile") || strings.HasPrefix(e.Name(), ".git")):
			return filepath.SkipDir
		case !strings.HasSuffix(rel, ".go") || strings.HasSuffix(rel, "_test.go"):
			return nil
		}
		seen++
		text, err := os.ReadFile(path)
		for _, name := range names {
			if strings.Contains(string(text), name) {
				t.Errorf("%s names %q", rel, name)
			}
		}
		return err
	})
	if err != nil || seen < 50 {
		t.Errorf("looked at %d files: %v", seen, err)
	}
}
