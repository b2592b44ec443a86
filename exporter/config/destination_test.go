package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lpexport/archive"
	"lpexport/archive/filedump"
	"lpexport/archive/mail"
	"lpexport/archive/profile"
)

const addresses = "identity: {internal_domains: [Firm.example], consumer_domain: visitors.example, bot_domain: bots.firm.example}\n"

// one reads a configuration with one destination, in the braces of flow YAML.
func one(t *testing.T, destination string) Destination {
	t.Helper()
	c := parseText(t, "account: sandbox\n"+addresses+"destinations:\n  - {name: a, "+destination+"}\n")
	return c.Destinations[0]
}

const (
	bySMTP = "smtp: {host: h, recipient: r@archive.example, sender: s@firm.example}"
	bySFTP = "sftp: {host: h, user: u, password: p, known_hosts: k, path: p}"
	byS3   = "s3: {endpoint: e, bucket: bucket, access_key: a, secret_key: s}"
	byDir  = "directory: {path: p}"
)

// TestEveryWayOfEveryArchive: what a row of the table says can be configured,
// with the keys that it asks for and no more.
func TestEveryWayOfEveryArchive(t *testing.T) {
	by := map[string]string{"directory": byDir, "sftp": bySFTP, "smtp": bySMTP, "s3": byS3}
	for _, p := range profile.All() {
		for _, w := range p.Ways {
			more := ""
			if w.Transport != "smtp" {
				more = "layout: " + w.Layout + ", "
			}
			if p.Rendering.Mail != nil {
				more += "mail: {domain: d.firm.example"
				for _, key := range p.Must {
					if name, is := strings.CutPrefix(key, "mail.headers."); is {
						more += ", headers: {" + name + ": x}"
					}
				}
				more += "}, "
			}
			got := one(t, fmt.Sprintf("archive: %s, %s%s", p.Name, more, by[w.Transport]))
			if got.Layout != w.Layout || got.Rendering.Packing.Zip != w.Zip || got.Rendering.Format() != p.Rendering.Format() || got.Cut.String() != p.Cut {
				t.Errorf("%s by %s: got %s, %s, %+v", p.Name, w.Transport, got.Layout, got.Cut, got.Rendering)
			}
			if want := p.MaxAge; w.Older && got.MaxAge != 0 || !w.Older && got.MaxAge != want {
				t.Errorf("%s by %s: max_age %s", p.Name, w.Transport, got.MaxAge)
			}
			if m := got.Rendering.Mail; m != nil && (m.Destination != "a" || m.Domain != "d.firm.example" || !slices.Equal(m.Internal, []string{"firm.example"})) {
				t.Errorf("%s by %s: %+v", p.Name, w.Transport, m)
			}
			if s := got.SMTP; s != nil && (s.TLS != p.SMTP.TLS || s.PerConnection != p.SMTP.PerConnection || s.Port != 25) {
				t.Errorf("%s: %+v", p.Name, s)
			}
		}
	}
}

// TestKeysOfTheArchivesExist: a page that names a key must not mislead.
func TestKeysOfTheArchivesExist(t *testing.T) {
	for _, p := range profile.All() {
		for _, key := range slices.Concat(p.Must, p.Confirm) {
			var at value = destinationKeys(new(chosen))
			for part := range strings.SplitSeq(key, ".") {
				at = below(at, part)
			}
			if at == nil {
				t.Errorf("%s names %s", p.Name, key)
			}
		}
	}
}

func below(v value, name string) value {
	if l, is := v.(lazy); is {
		v = l()
	}
	switch v := v.(type) {
	case object:
		if row := v.find(name); row != nil {
			return row.value
		}
	case mapping:
		entry, _ := v.add(name)
		return entry
	}
	return nil
}

func TestDestinationKeysReplaceThoseOfTheArchive(t *testing.T) {
	got := one(t, `archive: global-relay, cut: 2d, private_messages: withhold, max_age: 30d, renamed_from: b, layout: drop, stays_at_most: 3h, mail: {domain: D.firm.example, per: message,
    date: first, from: Archive@FIRM.example, to: others, subject: "LivePerson {conversation}", zone: Europe/Berlin, max_bytes: 1MiB, journal: {from: a@b.example, to: c@d.example},
    headers: {x-globalrelay-msgtype: Chat, X-More: "{account}", Precedence: ""}},
    pack: {zip: false, max_count: 0, max_bytes: 1MB, manifest: none, name: "{serial}-{part}"}, pgp: {keys: [one.asc, two.asc]}, `+bySFTP)
	want := Destination{
		Name: "a", RenamedFrom: "b", Archive: "global-relay", Cut: Cut{CutAfter, 48 * time.Hour}, Bundle: destinationDefaults().Bundle,
		PrivateMessages: PrivateWithhold, Layout: profile.LayoutDrop, MaxAge: 720 * time.Hour, StaysAtMost: 3 * time.Hour, PGPKeys: []string{"one.asc", "two.asc"},
		SFTP: &SFTP{Host: "h", Port: 22, User: "u", Password: NewSecret("p"), KnownHosts: "k", Path: "p", Timeout: time.Minute},
		Rendering: profile.Rendering{
			Mail: &mail.Settings{
				Destination: "a", Domain: "d.firm.example", Per: mail.PerMessage, Date: mail.DateFirst, From: "Archive@firm.example", To: mail.ToOthers,
				Internal: []string{"firm.example"}, Subject: "LivePerson {conversation}", Zone: "Europe/Berlin", MaxBytes: 1 << 20,
				Journal: &mail.Journal{From: "a@b.example", To: "c@d.example"},
				Headers: []mail.Header{{Name: "x-globalrelay-msgtype", Value: "Chat"}, {Name: "Precedence", Value: ""}, {Name: "X-More", Value: "{account}"}},
			},
			Packing: archive.Packing{MaxBytes: 1e6, Manifest: archive.ManifestNone, Name: "{serial}-{part}"},
		},
	}
	want.Profile, _ = profile.Find("global-relay")
	want.Bundle.EventWait = want.Bundle.MaxWait
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestTemplatesAreChecked: by the format itself, and what the starter tells of
// them is what there is.
func TestTemplatesAreChecked(t *testing.T) {
	_, list, _ := strings.Cut(string(Starter), "Templates may hold")
	list, _, _ = strings.Cut(list, "#mail:")
	var told []string
	for _, name := range regexp.MustCompile(`\{[a-z_]+\}`).FindAllString(list, -1) {
		told = append(told, name)
		one(t, "archive: zl-unified, mail: {domain: d.firm.example, subject: '"+name+"'}, "+byDir)
	}
	if len(told) < 16 {
		t.Errorf("told of %v", told)
	}
	for _, key := range []string{"mail.subject", "mail.headers.X-A"} {
		member := "subject: '{nosuch}'"
		if key != "mail.subject" {
			member = "headers: {X-A: '{nosuch}'}"
		}
		_, err := Parse("c", []byte("account: sandbox\n"+addresses+"destinations:\n  - {name: a, archive: zl-unified, mail: {domain: d.firm.example, "+member+"}, "+byDir+"}\n"), testLookup)
		var faults Faults
		if !errors.As(err, &faults) || len(faults) != 1 || faults[0].Key != "destinations[0]."+key {
			t.Errorf("%s: %v", key, err)
		}
	}
}

func TestFileDumpIsAskedForByItsBlock(t *testing.T) {
	got := one(t, `archive: smarsh-enterprise, filedump: {file: f.xml, time_unit: s, order: microsoft, status: completed, base64: true, perspective: p, separator: '\', system: s}, `+byDir)
	want := &filedump.Settings{File: "f.xml", TimeUnit: "s", Order: "microsoft", Status: "completed", Base64: true, Perspective: "p",
		Internal: []string{"firm.example"}, Separator: `\`, System: "s"}
	if diff := cmp.Diff(want, got.Rendering.FileDump); diff != "" || got.Rendering.Mail != nil || !got.Rendering.Packing.Zip {
		t.Errorf("%s\n%+v", diff, got.Rendering)
	}
	p, _ := profile.Find("smarsh-enterprise")
	defaults := *p.Other.FileDump
	defaults.Internal = []string{"firm.example"}
	if diff := cmp.Diff(&defaults, one(t, "archive: smarsh-enterprise, filedump: {}, "+byDir).Rendering.FileDump); diff != "" {
		t.Error(diff)
	}
}

func TestEveryTransport(t *testing.T) {
	sftp := one(t, `archive: generic, sftp: {host: "::1", port: 2022, user: u, key_file: k, passphrase: "${SECRET}", fingerprint: "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA0", path: /p, timeout: 5s}`).SFTP
	if want := (&SFTP{Host: "::1", Port: 2022, User: "u", KeyFile: "k", Passphrase: NewSecret("hunter2"),
		Fingerprint: "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA0", Path: "/p", Timeout: 5 * time.Second}); !cmp.Equal(want, sftp) {
		t.Error(cmp.Diff(want, sftp))
	}
	smtp := one(t, `archive: proofpoint, mail: {domain: d.firm.example}, smtp: {host: h, tls: tls, ca_file: c, cert_file: d, key_file: e, username: u, password_file: testdata/secret,
    hello: me.firm.example, sender: S@FIRM.example, recipient: r@archive.example, max_bytes: 1MB, per_connection: 7, timeout: 2m}`).SMTP
	if want := (&SMTP{Host: "h", Port: 465, TLS: TLSDirect, CAFile: "c", CertFile: "d", KeyFile: "e", Username: "u", Password: NewSecret("from a file"),
		Hello: "me.firm.example", Sender: "S@firm.example", Recipient: "r@archive.example", MaxBytes: 1e6, PerConnection: 7, Timeout: 2 * time.Minute}); !cmp.Equal(want, smtp) {
		t.Error(cmp.Diff(want, smtp))
	}
	s3 := one(t, `archive: generic, s3: {endpoint: "http://127.0.0.1:9000/", region: r, bucket: b-1, prefix: a/b, access_key: k, secret_key: s, session_token: t, ca_file: c, path_style: true,
    lock: {mode: compliance, days: 7}, legal_hold: true, sse: kms, kms_key: m, timeout: 1s}`).S3
	if want := (&S3{Endpoint: "127.0.0.1:9000", Plain: true, Region: "r", Bucket: "b-1", Prefix: "a/b", AccessKey: NewSecret("k"), SecretKey: NewSecret("s"),
		SessionToken: NewSecret("t"), CAFile: "c", PathStyle: true, Lock: Lock{"compliance", 7}, LegalHold: true, SSE: "kms", KMSKey: "m", Timeout: time.Second}); !cmp.Equal(want, s3) {
		t.Error(cmp.Diff(want, s3))
	}
}

func TestEndpoints(t *testing.T) {
	for text, want := range map[string]string{
		"s3.example": "s3.example", "s3.example:9000": "s3.example:9000", "https://s3.example": "s3.example", "https://[::1]:90/": "[::1]:90",
		"http://localhost:90": "localhost:90 plain", "http://[::1]": "[::1] plain", "HTTPS://s3.example": "s3.example",
		"http://s3.example": "", "http://localhost.example": "", "ftp://s3.example": "", "https://": "", "": "", "https://s3.example/bucket": "", "s3.example/bucket": "",
		"https://u:p@s3.example": "", "https://s3.example?a": "", "s3.example:": "", "a b": "", "https://s3.example\r\n": "",
	} {
		host, plain, err := parseEndpoint(text)
		if plain {
			host += " plain"
		}
		if host != want || (err == nil) != (want != "") {
			t.Errorf("%q: got %q, %v", text, host, err)
		}
	}
}

func TestNamesOfMachinesAndBuckets(t *testing.T) {
	for text, good := range map[string]bool{
		"a": true, "mail.firm.example": true, "a_b.example": true, "192.0.2.1": true, "2001:db8::1": true,
		"fe80::1%eth0": false, "": false, "a:22": false, "[::1]": false, "-oProxyCommand=x": false, "a..b": false, "a b": false, "a\n": false,
		strings.Repeat("a.", 127) + "a": false,
	} {
		if err := checkHost(text); (err == nil) != good {
			t.Errorf("host %q: %v", text, err)
		}
	}
	for text, good := range map[string]bool{
		"abc": true, "firm-archive.eu": true, "ab": false, "Abc": false, "a..b": false, "a.-b": false, "a-.b": false, "-ab": false, "192.0.2.1": false,
		"a_b": false, strings.Repeat("a", 64): false,
	} {
		if err := checkBucket(text); (err == nil) != good {
			t.Errorf("bucket %q: %v", text, err)
		}
	}
	for text, good := range map[string]bool{
		"SHA256:" + strings.Repeat("A", 43): true, "SHA256:" + strings.Repeat("A", 43) + "=": false, "SHA256:" + strings.Repeat("A", 42) + "B": false,
		"SHA256:" + strings.Repeat("A", 42): false, "MD5:00": false, strings.Repeat("A", 43): false,
	} {
		if err := checkFingerprint(text); (err == nil) != good {
			t.Errorf("fingerprint %q: %v", text, err)
		}
	}
}

func TestInTheClearIsWarnedOf(t *testing.T) {
	for host, want := range map[string]int{"192.0.2.1": 1, "relay.firm.example": 1, "127.0.0.1": 0, "localhost": 0} {
		c := parseText(t, "account: sandbox\n"+addresses+"destinations:\n  - {name: a, archive: proofpoint, mail: {domain: d.firm.example},\n"+
			"     smtp: {host: "+host+", tls: none, recipient: r@archive.example, sender: s@firm.example}}\n")
		if len(c.Warnings) != want || want == 1 && (c.Warnings[0].Line != 5 || c.Warnings[0].Key != "destinations[0].smtp.tls") {
			t.Errorf("%s: %v", host, c.Warnings)
		}
	}
}

// TestAgeLeavesADayToDeliver: just below the limit is taken.
func TestAgeLeavesADayToDeliver(t *testing.T) {
	for _, text := range []string{"cut: 28d23h", "cut: closed", "cut: 60d, max_age: 0s", "cut: closed, max_age: 8d1m"} {
		one(t, "archive: mimecast, "+text+", mail: {domain: d.firm.example}, "+bySMTP)
	}
	one(t, "archive: mimecast, cut: 100d, mail: {domain: d.firm.example}, "+bySFTP) // the way of older ones
}

func TestAgentsComeFromBothPlaces(t *testing.T) {
	want := map[string]string{"Ann": "ann@firm.example", "4711": "by.id@firm.example", "bob": "bob@firm.example", "eve@login.example": "eve@firm.example"}
	for name, content := range map[string]string{
		"agents.yaml": "bob: bob@firm.example\neve@login.example: eve@FIRM.example\n4711: ${AGENT}\n",
		"marked.yaml": "\ufeffbob: bob@firm.example\neve@login.example: eve@FIRM.example\n4711: ${AGENT}\n",
		"agents.json": "\ufeff{\"bob\": \"bob@firm.example\", \"eve@login.example\": \"eve@FIRM.example\", \"4711\": \"${AGENT}\"}",
		"marked.csv":  "\ufefflogin,address\nbob,bob@firm.example\n4711,by.id@firm.example\neve@login.example,eve@firm.example\n",
		"agents.csv":  "login,address\nbob,bob@firm.example,more\n4711,by.id@firm.example\n\neve@login.example,eve@firm.example\n",
		"AGENTS.CSV":  "bob;bob@firm.example\r\n4711;by.id@firm.example\r\neve@login.example;eve@firm.example\r\n",
	} {
		look := testLookup
		look.File = func(path string) ([]byte, error) {
			if path != name {
				t.Errorf("read %s", path)
			}
			return []byte(content), nil
		}
		look.Env = func(string) (string, bool) { return "by.id@firm.example", true }
		c, err := Parse("config.yaml", []byte("\ufeffaccount: 12\nliveperson: {oauth2: {client_id: a, client_secret: b}}\nidentity: {agents: {Ann: ann@firm.example}, agents_file: "+name+"}\n"+
			"destinations: [{name: a, archive: generic, directory: {path: a}}]"), look)
		if err != nil {
			t.Fatal(name, err)
		}
		if diff := cmp.Diff(want, c.Identity.Agents); diff != "" || c.Identity.Account != "12" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestManyAgents: a firm of that size is read at once, not in its square.
func TestManyAgents(t *testing.T) {
	var file strings.Builder
	for i := range 25_000 {
		fmt.Fprintf(&file, "%d: a%d@firm.example\n", i, i)
	}
	look := testLookup
	look.File = func(string) ([]byte, error) { return []byte(file.String()), nil }
	c, err := Parse("config.yaml", []byte("account: sandbox\n"+addresses[:len(addresses)-2]+", agents_file: f}\n"+
		"destinations: [{name: a, archive: generic, directory: {path: a}}]"), look)
	if err != nil || len(c.Identity.Agents) != 25_000 {
		t.Fatal(err)
	}
}

// TestConfigurationsOfTheEleven: the ones that are tried against real servers.
func TestConfigurationsOfTheEleven(t *testing.T) {
	files, err := filepath.Glob("../../testdata/eleven/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("none found", err)
	}
	look := testLookup
	look.Env = func(name string) (string, bool) {
		switch {
		case strings.HasSuffix(name, "_PORT"):
			return "10025", true
		case strings.HasSuffix(name, "_ENDPOINT"):
			return "http://127.0.0.1:9000", true
		case strings.HasSuffix(name, "_FINGERPRINT"):
			return "SHA256:" + strings.Repeat("A", 43), true
		case strings.HasSuffix(name, "_BUCKET"):
			return "a-bucket", true
		}
		return "127.0.0.1", true
	}
	var archives []string
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		c, err := Parse(file, data, look)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		archives = append(archives, c.Destinations[0].Archive)
	}
	if diff := cmp.Diff(Archives()[1:], archives); diff != "" {
		t.Error(diff)
	}
}

// TestExamplesOfTheManual: whoever copies one begins with what is accepted.
func TestExamplesOfTheManual(t *testing.T) {
	pages, err := filepath.Glob("../../doc/destinations/*.md")
	if err != nil || len(pages) < 12 {
		t.Fatal("none found", err)
	}
	blocks := regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$")
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range blocks.FindAllSubmatch(text, -1) {
			if !strings.HasPrefix(string(block[1]), "destinations:") {
				continue // a part of one
			}
			look := Lookup{
				Env:    func(string) (string, bool) { return "x", true },
				Secret: func(string) (string, error) { return "secret", nil },
				File:   func(string) ([]byte, error) { return nil, nil },
			}
			if _, err := Parse(filepath.Base(page), append([]byte("account: sandbox\n"), block[1]...), look); err != nil {
				t.Error(err)
			}
		}
	}
}
