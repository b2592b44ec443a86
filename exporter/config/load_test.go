package config

import (
	"bytes"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lpexport/archive/filedump"
	"lpexport/archive/profile"
	"lpexport/exporter/identity"
)

var update = flag.Bool("update", false, "write the golden files anew")

// environment is what the tests see of the process.
func environment(name string) (string, bool) {
	value, ok := map[string]string{
		"ACCOUNT": "12345678", "MANY": "100", "EMPTY": "", "UPPER": "UPPER", "SECRET": "hunter2",
	}[name]
	return value, ok
}

// testSecret reads secret files, and stands in for one that is too large.
func testSecret(path string) (string, error) {
	if path == "testdata/large" {
		return "", errors.New("must be a file of at most 64 KiB")
	}
	return readSecret(path)
}

func TestFaults(t *testing.T) {
	inputs, err := filepath.Glob("testdata/faults/*.yaml")
	if err != nil || len(inputs) == 0 {
		t.Fatal("no inputs", err)
	}
	for _, input := range inputs {
		t.Run(strings.TrimSuffix(filepath.Base(input), ".yaml"), func(t *testing.T) {
			data, err := os.ReadFile(input)
			if err != nil {
				t.Fatal(err)
			}
			_, err = Parse("config.yaml", data, testLookup)
			var faults Faults
			if !errors.As(err, &faults) || len(faults) == 0 {
				t.Fatalf("got %v, want faults", err)
			}
			golden := strings.TrimSuffix(input, ".yaml") + ".faults"
			got := faults.Error() + "\n"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Error(diff)
			}
			if strings.Contains(got, "hunter2") {
				t.Error("a secret is told")
			}
		})
	}
}

func TestExampleIsTheStarter(t *testing.T) {
	example, err := os.ReadFile("../../config.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(example, Starter) {
		t.Error("config.example.yaml and exporter/config/starter.yaml differ")
	}
}

func parseText(t *testing.T, text string) *Config {
	t.Helper()
	config, err := Parse("config.yaml", []byte(text), testLookup)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

var testLookup = Lookup{Env: environment, Secret: testSecret, File: readFile}

// plain is a destination of the archive generic that says nothing more.
func plain(name, path string) Destination {
	d := destinationDefaults()
	d.Name, d.Archive, d.Directory = name, "generic", &Directory{path}
	d.Profile, _ = profile.Find("generic")
	d.Rendering, d.Layout = d.Profile.Rendering, profile.LayoutBundle
	d.Bundle.EventWait = time.Second
	return d
}

// hashOfPassword is the bcrypt hash of "password", of the least cost.
const hashOfPassword = "$2a$04$Ap/TFdEplfd/kGX7i3oEk.8gLFk3mdydc6/PHKiC2UDCfYmuAlDSO"

const least = "account: sandbox\ndestinations: [{name: a, archive: generic, directory: {path: a}}]\n"

func TestLeastGetsDefaults(t *testing.T) {
	got := parseText(t, least)
	want := defaults()
	want.File, want.Account = "config.yaml", "sandbox"
	want.Identity.Account = "sandbox"
	want.Destinations = []Destination{plain("a", "a")}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestDefaultsOfTheContract pins the values that other people's files rely on.
func TestDefaultsOfTheContract(t *testing.T) {
	got := parseText(t, least)
	if got.LivePerson.DomainAPI != "https://api.liveperson.net" || got.LivePerson.Source != "lpexport" ||
		got.LivePerson.Concurrency != 4 || got.LivePerson.Rollover || got.State != "./state" ||
		got.Poll != (Poll{"*/5 * * * *", "UTC", Since{Ago: 24 * time.Hour}, 30 * time.Minute, 5 * time.Minute}) ||
		got.Webhook.Listen != "" || got.Webhook.Path != "/liveperson/events" || got.Serve.Listen != "127.0.0.1:9464" ||
		got.MetricsFile != "" || got.Destinations[0].Cut.Mode != CutImmediately || got.Destinations[0].From.Mode != FromUnset {
		t.Errorf("got %+v", got)
	}
}

func TestEveryValue(t *testing.T) {
	got := parseText(t, `
account: ${ACCOUNT}
liveperson:
  domain_api: http://[::1]:8080
  hosts: [chat.example]
  oauth1: {app_key: k, app_secret: "${SECRET}", access_token_file: testdata/secret, access_token: "", access_token_secret: s}
  source: "1"
  concurrency: 64
  rollover: true
  expires: 2027-03-01
state: s
poll: {schedule: "0 1 * * 1-5", time_zone: Europe/London, since: 2026-01-31, overlap: 20m, reread: 0s}
select: {skills: [12, Sales]}
files: {fetch: false, max_bytes: 64KiB, give_up: 2d, hosts: [files.example]}
webhook: {listen: ":8443", path: /x, client_id: i, client_secret: a, previous_client_secret: b, signature: sha256-hex, resolve_within: 1m, confirm_within: 2h, tls: {cert_file: c, key_file: k}}
serve: {listen: "[::1]:0", hosts: [archive, archive.firm.example], tls: {cert_file: d, key_file: l}, user: u, password_hash: "`+hashOfPassword+`"}
alert: {command: [/bin/tell, "a b"], lag: 2h, failing: 3h, silence: 4h, expiry: 5d, repeat: 6h}
metrics_file: m
log_level: debug
destinations:
  - {name: a, archive: generic, cut: 1d12h, from: new, directory: {path: a}}
  - {name: b, archive: generic, cut: closed, from: 2026-01-31T12:00:00+02:00, directory: {path: b}, bundle: {max_conversations: 5, max_bytes: 64KiB, max_wait: 0s}}
`)
	want := &Config{
		File: "config.yaml", Account: "12345678",
		LivePerson: LivePerson{
			DomainAPI: "http://[::1]:8080", Hosts: []string{"chat.example"}, Source: "1", Concurrency: 64, Rollover: true, Expires: Date{time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC)},
			OAuth1: OAuth1{NewSecret("k"), NewSecret("hunter2"), NewSecret("from a file"), NewSecret("s")},
		},
		State:   "s",
		Poll:    Poll{"0 1 * * 1-5", "Europe/London", Since{At: time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC)}, 20 * time.Minute, 0},
		Select:  Select{Skills: []string{"12", "Sales"}},
		Files:   Files{false, 64 << 10, 48 * time.Hour, []string{"files.example"}},
		Webhook: Webhook{":8443", "/x", "i", NewSecret("a"), NewSecret("b"), "sha256-hex", time.Minute, 2 * time.Hour, TLS{"c", "k"}},
		Serve:   Serve{"[::1]:0", []string{"archive", "archive.firm.example"}, TLS{"d", "l"}, "u", NewSecret(hashOfPassword)},
		Alert: Alert{[]string{"/bin/tell", "a b"}, Secret{},
			2 * time.Hour, 3 * time.Hour, 4 * time.Hour, 5 * 24 * time.Hour, 6 * time.Hour},
		MetricsFile: "m",
		LogLevel:    "debug",
		Identity:    Identity{Settings: identity.Settings{Account: "12345678", ConsumerEmail: "verified", UnknownAgent: "hold"}},
	}
	a, b := plain("a", "a"), plain("b", "b")
	a.Cut, a.From = Cut{CutAfter, 36 * time.Hour}, From{Mode: FromNew}
	b.Cut, b.From = Cut{CutClosed, 7 * 24 * time.Hour}, From{FromDate, time.Date(2026, 1, 31, 10, 0, 0, 0, time.UTC)}
	b.Bundle = Bundle{5, 64 << 10, 0, 0}
	want.Destinations = []Destination{a, b}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestLiteralSecretInSharedFileWarns(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("files have no mode here")
	}
	text := "account: 1\nliveperson:\n  oauth2:\n    client_id: i\n    client_secret: hunter2\n" +
		"destinations: [{name: a, archive: generic, directory: {path: a}}]\n"
	for _, each := range []struct {
		mode fs.FileMode
		text string
		want int
	}{
		{0o600, text, 0},
		{0o640, text, 1},
		{0o604, text, 1},
		{0o644, strings.Replace(text, "hunter2", "${LPEXPORT_TEST_SECRET}", 1), 0},
	} {
		t.Setenv("LPEXPORT_TEST_SECRET", "hunter2")
		file := filepath.Join(t.TempDir(), "config.yaml")
		if err := os.WriteFile(file, []byte(each.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(file, each.mode); err != nil {
			t.Fatal(err)
		}
		config, err := Load(file)
		if err != nil {
			t.Fatal(err)
		}
		if len(config.Warnings) != each.want {
			t.Errorf("mode %o: %v", each.mode, config.Warnings)
		}
		for _, warning := range config.Warnings {
			if warning.Line != 5 || warning.Key != "liveperson.oauth2.client_secret" || strings.Contains(warning.Detail, "hunter2") {
				t.Errorf("got %v", warning)
			}
		}
	}
}

func TestLoadBoundsTheFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(file, bytes.Repeat([]byte("# long\n"), 1<<18), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Load(file)
	var faults Faults
	if !errors.As(err, &faults) || len(faults) != 1 || faults[0].Key != "(file)" {
		t.Errorf("got %v", err)
	}
	if _, err := Load(file + ".absent"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestReadSecretBounds(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	for _, each := range []struct {
		content string
		want    string
		fails   bool
	}{
		{"word\n", "word", false},
		{"word\r\n", "word", false},
		{" two words ", " two words ", false},
		{strings.Repeat("x", maxSecret), strings.Repeat("x", maxSecret), false},
		{strings.Repeat("x", maxSecret+1), "", true},
		{"\n", "", true},
	} {
		if err := os.WriteFile(file, []byte(each.content), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := readSecret(file)
		if got != each.want || (err != nil) != each.fails {
			t.Errorf("%d bytes: got %d bytes, %v", len(each.content), len(got), err)
		}
	}
}

func FuzzLoad(f *testing.F) {
	inputs, _ := filepath.Glob("testdata/faults/*.yaml")
	for _, input := range inputs {
		data, err := os.ReadFile(input)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add(Starter)
	f.Add(example.ReplaceAll(Starter, []byte("$1$2")))
	f.Add([]byte("account: sandbox\n" + addresses + "destinations:\n  - {name: a, archive: zl-unified, mail: {domain: d.firm.example, zone: UTC, headers: {X: '{skill}'}}, " + byDir + "}\n" +
		"  - {name: b, archive: smarsh-enterprise, filedump: {}, " + bySFTP + "}\n  - {name: c, archive: mimecast, cut: 1d, mail: {domain: d.firm.example}, " + bySMTP + "}\n"))
	none := func(string) (string, error) { return "", fs.ErrNotExist }
	noFile := func(string) ([]byte, error) { return []byte("a: a@firm.example\nb: c"), nil }
	f.Fuzz(func(t *testing.T, data []byte) {
		config, err := Parse("config.yaml", data, Lookup{Env: environment, Secret: none, File: noFile})
		var faults Faults
		switch {
		case err == nil:
			checkGood(t, config)
		case err != nil && !errors.As(err, &faults):
			t.Errorf("got %v", err)
		}
		for _, fault := range faults {
			if fault.Line < 1 || fault.Key == "" || strings.ContainsAny(fault.String(), "\n\r") {
				t.Errorf("got %q", fault)
			}
		}
	})
}

// checkGood holds what Load promises of a configuration without faults.
func checkGood(t *testing.T, c *Config) {
	if c.Account == "" || len(c.Destinations) == 0 {
		t.Error("a configuration without what is required")
	}
	if _, err := identity.New(c.Identity.Settings); err != nil && !c.Identity.Empty() {
		t.Error(err)
	}
	for _, d := range c.Destinations {
		if d.Profile.Name != d.Archive || d.Layout == "" || d.Profile.Addresses && c.Identity.Empty() {
			t.Errorf("%s is not settled", d.Name)
		}
		if d.MaxAge > 0 && d.Cut.After >= d.MaxAge {
			t.Errorf("%s: a cut of %s, an age of %s", d.Name, d.Cut, d.MaxAge)
		}
		if m := d.Rendering.Mail; m != nil {
			if err := m.Check(); err != nil {
				t.Error(err)
			}
		}
		if f := d.Rendering.FileDump; f != nil {
			if _, err := filedump.New(*f); err != nil {
				t.Error(err)
			}
		}
	}
}
