package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"text/template"

	"github.com/spf13/cobra"
)

// unitFolder is where systemd looks for units of administrators.
const unitFolder = "/etc/systemd/system"

//go:embed units
var unitFiles embed.FS

var unitTemplates = template.Must(template.ParseFS(unitFiles, "units/*"))

type systemdOptions struct {
	service  string // oneshot, serve, or "" for both
	template bool
	user     string
	binary   string // "" = this program
	output   string // "" = stdout
}

// systemdResult is the units that were written, or are to be.
type systemdResult struct {
	header
	Units   []unit `json:"units"`
	written bool
}

// unit is one file of systemd.
type unit struct {
	Path string `json:"path"`
	Text string `json:"text"`
}

func newSystemdResult() *systemdResult { return &systemdResult{Units: []unit{}} }

func (r *systemdResult) text(w io.Writer) {
	for i, u := range r.Units {
		switch {
		case r.written:
			fmt.Fprintf(w, "wrote %s\n", u.Path)
		case i > 0:
			fmt.Fprintf(w, "\n# FILE: %s\n%s", u.Path, u.Text)
		default:
			fmt.Fprintf(w, "# FILE: %s\n%s", u.Path, u.Text)
		}
	}
	if r.written {
		fmt.Fprintln(w, "next: systemctl daemon-reload")
	}
}

func newSystemd(p *program) *cobra.Command {
	var options systemdOptions
	cmd := &cobra.Command{
		Use:   "systemd",
		Short: "Print service and timer units for systemd",
		Long: `Print units for systemd 252 or later: a service and a timer that run lpexport
export every five minutes, and a service for lpexport serve. Use the one or the
other. They are hardened: an own user, a read-only system but for
/var/lib/lpexport, secrets as credentials of systemd. Each directive is explained
where it stands, and doc/running.md goes through the whole installation.

With --template they are for many accounts: lpexport@ACCOUNT.timer reads
/etc/lpexport/ACCOUNT.yaml and keeps its state in /var/lib/lpexport/ACCOUNT.

The units name the configuration of --config, which must be absolute, and else
` + systemConfig + `. It is not read here.`,
		Args: arguments(0, 0),
	}
	choiceVar(cmd, &options.service, "service", "", "only the units for export (oneshot) or for serve", "oneshot", "serve")
	flags := cmd.Flags()
	flags.BoolVar(&options.template, "template", false, "units for many accounts; %i in --config and --user is the account")
	flags.StringVar(&options.user, "user", "lpexport", "`NAME` of the user that they run as")
	flags.StringVar(&options.binary, "binary", "", "`PATH` of the program (default: where this one is)")
	flags.StringVar(&options.output, "output", "", "write the files into `DIR` instead; none is overwritten")
	return p.command(cmd, func() result { return newSystemdResult() }, func(context.Context, []string) (result, error) {
		return runSystemd(p, options)
	})
}

func runSystemd(p *program, options systemdOptions) (*systemdResult, error) {
	found := newSystemdResult()
	settings, err := newUnitSettings(options, p.flags.config)
	if err != nil {
		return found, err
	}
	for _, file := range []string{settings.Binary, settings.Config} {
		if hidden(file) {
			p.log.Warn("the units cannot reach this file: move it, and name its new place", "file", file)
		}
	}
	units, err := makeUnits(settings, options.service)
	if err != nil {
		return found, err
	}
	if options.output == "" {
		found.Units = units
		return found, nil
	}
	found.written = true
	found.Units, err = writeUnits(options.output, units)
	return found, err
}

// unitSettings is what the templates are filled with.
type unitSettings struct {
	Binary, Config, User string
	Template             bool
}

// At, Of and State name the instance, where the units are templates.
func (s unitSettings) At() string    { return s.perAccount("@") }
func (s unitSettings) Of() string    { return s.perAccount(" of %i") }
func (s unitSettings) State() string { return "lpexport" + s.perAccount("/%i") }

// Credentials is the folder of the secret files.
func (s unitSettings) Credentials() string { return "/etc/lpexport/credentials" + s.perAccount("/%i") }

func (s unitSettings) perAccount(text string) string {
	if s.Template {
		return text
	}
	return ""
}

// What needs no quotes in a unit, nor is expanded there.
var (
	plainPath = regexp.MustCompile(`^/[A-Za-z0-9/._@:+=,-]*[A-Za-z0-9._@:+=,-]$`)
	plainUser = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]{0,30}$`)
)

// newUnitSettings refuses what a unit would understand in another way.
func newUnitSettings(options systemdOptions, config string) (unitSettings, error) {
	s := unitSettings{Binary: options.binary, Config: config, User: options.user, Template: options.template}
	if s.Config == "" {
		s.Config = systemConfig
		if s.Template {
			s.Config = "/etc/lpexport/%i.yaml"
		}
	}
	if s.Binary == "" {
		s.Binary = ownPath()
	}
	const next = "lpexport systemd --help"
	config, user := s.Config, s.User
	if s.Template {
		if !strings.Contains(config, "%i") {
			return s, usage(fmt.Sprintf("--config %q: with --template it must contain %%i, or all accounts are the same one", config),
				"lpexport systemd --template --config /etc/lpexport/%i.yaml")
		}
		config, user = strings.ReplaceAll(config, "%i", "i"), strings.ReplaceAll(user, "%i", "i")
	}
	for _, each := range []struct{ flag, given, checked string }{{"config", s.Config, config}, {"binary", s.Binary, s.Binary}} {
		if !plainPath.MatchString(each.checked) || path.Clean(each.checked) != each.checked {
			return s, usage(fmt.Sprintf("--%s %q: must be an absolute path of letters, digits and ._@:+=,-", each.flag, each.given), next)
		}
	}
	if !plainUser.MatchString(user) {
		return s, usage(fmt.Sprintf("--user %q: must be the name of a user: letters, digits, _ and -", s.User), next)
	}
	return s, nil
}

// ownPath is where this program is, where it runs on what has systemd.
func ownPath() string {
	if own, err := os.Executable(); err == nil && runtime.GOOS == "linux" {
		return own
	}
	return "/usr/local/bin/lpexport"
}

// hidden says that ProtectHome or PrivateTmp put something else over a file.
func hidden(file string) bool {
	for _, folder := range []string{"/home/", "/root/", "/run/user/", "/tmp/", "/var/tmp/"} {
		if strings.HasPrefix(file, folder) {
			return true
		}
	}
	return false
}

func makeUnits(settings unitSettings, service string) ([]unit, error) {
	var units []unit
	add := func(stem, kind string) error {
		var text strings.Builder
		if err := unitTemplates.ExecuteTemplate(&text, stem+kind, settings); err != nil {
			return fmt.Errorf("make a unit: %w", err)
		}
		units = append(units, unit{Path: path.Join(unitFolder, stem+settings.At()+kind), Text: text.String()})
		return nil
	}
	var err error
	if service != "serve" {
		err = errors.Join(add("lpexport", ".service"), add("lpexport", ".timer"))
	}
	if service != "oneshot" {
		err = errors.Join(err, add("lpexport-serve", ".service"))
	}
	return units, err
}

// writeUnits writes files for all to read: units hold no secrets. It returns
// those that it has written.
func writeUnits(folder string, units []unit) ([]unit, error) {
	written := []unit{}
	for i := range units {
		units[i].Path = filepath.Join(folder, path.Base(units[i].Path))
		if _, err := os.Lstat(units[i].Path); !errors.Is(err, fs.ErrNotExist) {
			return written, usage(fmt.Sprintf("%s exists already: no unit is written", units[i].Path), "move it away, or write into another folder and compare")
		}
	}
	for _, u := range units {
		if err := writeNew(u.Path, u.Text, 0o644); err != nil {
			return written, fmt.Errorf("write a unit: %w", err)
		}
		written = append(written, u)
	}
	return written, nil
}

// writeNew writes a file that did not exist.
func writeNew(path, text string, mode fs.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Chmod(mode), f.Close()) // whatever the umask
}
