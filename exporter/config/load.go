package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

const (
	maxFile   = 1 << 20
	maxSecret = 64 << 10
)

// Load reads the configuration in file, resolving ${ENV_NAME} and secret files
// against this process. The error is Faults where the content is at fault, and
// wraps a *fs.PathError where the file cannot be read.
func Load(file string) (*Config, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	shared := runtime.GOOS != "windows" && info.Mode().Perm()&0o044 != 0
	return parse(file, data, Lookup{Env: os.LookupEnv, Secret: readSecret, File: readFile}, shared)
}

// Parse decodes data, the content of file, which is named in faults only.
// The error is of type Faults.
func Parse(file string, data []byte, look Lookup) (*Config, error) {
	return parse(file, data, look, false)
}

// parse warns of literal secrets where others can read the file.
func parse(file string, data []byte, look Lookup, shared bool) (*Config, error) {
	d := newDecoder(file, look)
	read := newDraft()
	read.File = file
	if root := d.root(data); root != nil {
		keys(read).decode(d, "", root)
		if !d.faulty("(file)") {
			d.check(read)
		}
	}
	if len(d.faults) > 0 {
		d.faults.sort(file)
		return nil, d.faults
	}
	config := read.Config
	config.LivePerson.DomainAPI = strings.TrimSuffix(config.LivePerson.DomainAPI, "/")
	for i, t := range read.chosen {
		t.Unread = unreadOf(d.unread, i)
		config.Destinations = append(config.Destinations, t.Destination)
		config.Warnings = append(config.Warnings, d.unprotected(i, t.SMTP)...)
	}
	if shared {
		for _, key := range d.literals {
			config.Warnings = append(config.Warnings, Fault{
				File: file, Line: d.line(key), Key: key,
				Detail: "a secret in a file that others can read: chmod 600, ${ENV_NAME}, or " + key[strings.LastIndexByte(key, '.')+1:] + "_file",
			})
		}
	}
	return config, nil
}

// root gives the one document of data, or nil after a fault.
func (d *decoder) root(data []byte) *yaml.Node {
	if len(data) > maxFile {
		d.fault(1, "", "must be at most 1 MiB")
		return nil
	}
	if !utf8.Valid(data) {
		d.fault(1, "", "must be UTF-8")
		return nil
	}
	var document, more yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(data))
	err := dec.Decode(&document)
	if errors.Is(err, io.EOF) {
		return &yaml.Node{Kind: yaml.MappingNode, Line: 1}
	}
	if err != nil {
		line, detail := syntax(err)
		d.fault(line, "", "not YAML: %s", detail)
		return nil
	}
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		d.fault(more.Line, "", "must be one YAML document")
		return nil
	}
	root := document.Content[0]
	if root.Kind == yaml.ScalarNode && root.ShortTag() == "!!null" {
		return &yaml.Node{Kind: yaml.MappingNode, Line: 1}
	}
	return root
}

var (
	syntaxLine   = regexp.MustCompile(`^line ([0-9]+): `)
	syntaxQuoted = regexp.MustCompile(`'[^']*'`)
)

// syntax takes the line out of an error of the YAML parser, which gives it in
// its text only, and what it quotes: that may be part of a secret.
func syntax(err error) (line int, detail string) {
	detail = strings.TrimPrefix(err.Error(), "yaml: ")
	if m := syntaxLine.FindStringSubmatch(detail); m != nil {
		line, _ = strconv.Atoi(m[1])
		detail = detail[len(m[0]):]
	}
	return line, clip(syntaxQuoted.ReplaceAllString(detail, "'…'"))
}

// readFile gives the content of a file, at most one byte more than it may have.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxFile+1))
}

// readSecret gives the content of a secret file without the newline at its end.
func readSecret(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	switch {
	case err != nil:
		return "", err
	case len(content) > maxSecret:
		return "", errors.New("must be a file of at most 64 KiB")
	}
	text := strings.TrimRight(string(content), "\r\n")
	if text == "" {
		return "", errors.New("is a file without content")
	}
	return text, nil
}

// reason says why a secret file is no use, without the path twice.
func reason(err error) string {
	var at *fs.PathError
	if errors.As(err, &at) {
		return fmt.Sprintf("cannot read %q: %v", clip(at.Path), at.Err)
	}
	return err.Error()
}
