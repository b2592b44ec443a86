package main

import (
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// analyze runs systemd-analyze in a folder, and gives all that it says.
func analyze(t *testing.T, dir string, args ...string) (said string, err error) {
	t.Helper()
	program, err := exec.LookPath("systemd-analyze")
	if err != nil {
		if os.Getenv("CI") == "true" && runtime.GOOS == "linux" {
			t.Fatalf("CI must have systemd: %v", err)
		}
		t.Skipf("needs systemd: %v", err)
	}
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// unitsOf writes the units for these options, and gives their names.
func unitsOf(t *testing.T, dir string, options systemdOptions, config string) []string {
	t.Helper()
	settings, err := newUnitSettings(options, config)
	if err != nil {
		t.Fatal(err)
	}
	units, err := makeUnits(settings, options.service)
	if err != nil {
		t.Fatal(err)
	}
	written, err := writeUnits(dir, units)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, u := range written {
		names = append(names, filepath.Base(u.Path))
	}
	return names
}

// TestSystemdTakesTheUnits: verify ends well where a key is unknown or a value is
// wrong, so it must not say a word. The threshold is ten times the figure that
// security prints: 1.5.
func TestSystemdTakesTheUnits(t *testing.T) {
	for name, options := range map[string]systemdOptions{
		"one account":   {user: "lpexport"},
		"many accounts": {user: "lpexport", template: true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			names := unitsOf(t, dir, options, "")
			if said, err := analyze(t, dir, append([]string{"verify"}, names...)...); said != "" || err != nil {
				t.Errorf("verify: %v\n%s", err, said)
			}
			for _, unit := range names {
				if strings.HasSuffix(unit, ".timer") {
					continue
				}
				if said, err := analyze(t, dir, "security", "--offline=true", "--no-pager", "--threshold=15", unit); err != nil {
					t.Errorf("%s: %v\n%s", unit, err, said)
				}
			}
		})
	}
}

// TestSystemdWouldTell: the silence above means something.
func TestSystemdWouldTell(t *testing.T) {
	dir := t.TempDir()
	unit := unitsOf(t, dir, systemdOptions{user: "lpexport", service: "serve"}, "")[0]
	text, err := os.ReadFile(filepath.Join(dir, unit))
	if err != nil {
		t.Fatal(err)
	}
	wrong := strings.Replace(string(text), "WatchdogSec=", "WatchdogSecs=", 1)
	if err := os.WriteFile(filepath.Join(dir, unit), []byte(wrong), 0o600); err != nil {
		t.Fatal(err)
	}
	if said, _ := analyze(t, dir, "verify", unit); !strings.Contains(said, "WatchdogSecs") {
		t.Errorf("verify says only %q of an unknown key", said)
	}
}

func TestUnitsAreThoseAskedFor(t *testing.T) {
	for _, test := range []struct {
		options systemdOptions
		want    []string
	}{
		{systemdOptions{}, []string{"lpexport.service", "lpexport.timer", "lpexport-serve.service"}},
		{systemdOptions{service: "oneshot"}, []string{"lpexport.service", "lpexport.timer"}},
		{systemdOptions{service: "serve"}, []string{"lpexport-serve.service"}},
		{systemdOptions{template: true}, []string{"lpexport@.service", "lpexport@.timer", "lpexport-serve@.service"}},
		{systemdOptions{template: true, service: "serve"}, []string{"lpexport-serve@.service"}},
	} {
		test.options.user, test.options.binary = "archive", "/usr/bin/lpexport"
		if diff := cmp.Diff(test.want, unitsOf(t, t.TempDir(), test.options, "")); diff != "" {
			t.Errorf("%+v: %s", test.options, diff)
		}
	}
}

// TestUnitsSayWhatWasChosen: by systemd's own specifiers an account's units share
// nothing with another's.
func TestUnitsSayWhatWasChosen(t *testing.T) {
	settings, err := newUnitSettings(systemdOptions{template: true, user: "lp-%i", binary: "/usr/bin/lpexport"}, "")
	if err != nil {
		t.Fatal(err)
	}
	units, err := makeUnits(settings, "")
	if err != nil {
		t.Fatal(err)
	}
	for i, command := range map[int]string{0: "export", 2: "serve"} {
		lines := strings.Split(units[i].Text, "\n")
		for _, want := range []string{
			"ExecStart=/usr/bin/lpexport " + command + " --config /etc/lpexport/%i.yaml",
			"User=lp-%i", "StateDirectory=lpexport/%i", "WorkingDirectory=%S/lpexport/%i",
			"LoadCredential=client_secret:/etc/lpexport/credentials/%i/client_secret",
			map[string]string{"export": "Type=oneshot", "serve": "Restart=always"}[command],
			map[string]string{"export": "SuccessExitStatus=11 130", "serve": "ExecReload=/bin/kill -HUP $MAINPID"}[command],
		} {
			if !slices.Contains(lines, want) {
				t.Errorf("%s has no line %s", units[i].Path, want)
			}
		}
	}
}

var (
	directive = regexp.MustCompile(`(?m)^[A-Z][A-Za-z]*=.*$`)
	specifier = regexp.MustCompile(`%.?`)
)

// FuzzUnitSettings: what a flag holds either is refused, or stays the one word
// that it is: it adds no directive, no argument and no specifier to a unit.
func FuzzUnitSettings(f *testing.F) {
	for _, seed := range []string{
		"/usr/local/bin/lpexport", "/a b", "/a\nUser=root", `/a"b`, "/a%H", "/a%i", "/a%%i", "/a$HOME", "/a;b", "/a\\x20b", "lpexport", "root\nx", "-x", "/a/../b", "/", "",
	} {
		f.Add(seed, seed, seed, false)
		f.Add("/usr/bin/lpexport", "/etc/"+seed+"%i.yaml", seed, true)
	}
	f.Fuzz(func(t *testing.T, binary, config, user string, template bool) {
		plain, err := newUnitSettings(systemdOptions{binary: "/p", user: "u", template: template}, map[bool]string{false: "/c", true: "/%i"}[template])
		if err != nil {
			t.Fatal(err)
		}
		settings, err := newUnitSettings(systemdOptions{binary: binary, user: user, template: template}, config)
		if err != nil {
			return
		}
		want, err := makeUnits(plain, "")
		if err != nil {
			t.Fatal(err)
		}
		got, err := makeUnits(settings, "")
		if err != nil {
			t.Fatal(err)
		}
		for i := range got {
			if a, b := strings.Count(got[i].Text, "\n"), strings.Count(want[i].Text, "\n"); a != b {
				t.Errorf("%d lines, not %d", a, b)
			}
			a, b := directive.FindAllString(got[i].Text, -1), directive.FindAllString(want[i].Text, -1)
			for j := range b {
				if len(a) != len(b) || len(strings.Fields(a[j])) != len(strings.Fields(b[j])) {
					t.Errorf("directives %q", a)
					break
				}
			}
			for _, s := range specifier.FindAllString(got[i].Text, -1) {
				if s != "%S" && s != "%d" && (s != "%i" || !template) {
					t.Errorf("specifier %q in %s", s, got[i].Text)
				}
			}
		}
	})
}

// TestNoUnitIsWrittenWhereOneExists: a unit that somebody has changed stays, and
// no half set of them is left.
func TestNoUnitIsWrittenWhereOneExists(t *testing.T) {
	dir := t.TempDir()
	last := filepath.Join(dir, "lpexport-serve.service")
	if err := os.WriteFile(last, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	units := []unit{{Path: path.Join(unitFolder, "lpexport.service")}, {Path: path.Join(unitFolder, "lpexport-serve.service")}}
	if written, err := writeUnits(dir, units); exitCode(err) != exitUsage || len(written) > 0 {
		t.Errorf("wrote %v, %v", written, err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("the folder holds %v, %v", entries, err)
	}
	if text, err := os.ReadFile(last); string(text) != "mine" || err != nil {
		t.Errorf("the unit is %q, %v", text, err)
	}
}

// TestHiddenPlaces: of what the units put out of sight somebody must be told.
func TestHiddenPlaces(t *testing.T) {
	for file, want := range map[string]bool{
		"/home/a/lpexport": true, "/root/lpexport": true, "/run/user/0/c.yaml": true, "/tmp/lpexport": true, "/var/tmp/x": true,
		"/usr/local/bin/lpexport": false, "/etc/lpexport/config.yaml": false, "/opt/home/lpexport": false, "/homes/x": false,
	} {
		if got := hidden(file); got != want {
			t.Errorf("%s: hidden %v", file, got)
		}
	}
}
