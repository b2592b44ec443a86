package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"lpexport/exporter"
	"lpexport/exporter/checkpoint"
	"lpexport/exporter/config"
	"lpexport/exporter/identity"
	"lpexport/liveperson"
	"lpexport/liveperson/sandbox"
)

// This file is the one place where a configuration becomes things that work.

// newClient reaches the account; the sandbox needs no network. count is told how
// each request ended; nil: nobody is.
func (p *program) newClient(c *config.Config, count func(liveperson.Result)) (*liveperson.Client, error) {
	settings := liveperson.Config{
		Account:     c.Account,
		DomainAPI:   c.LivePerson.DomainAPI,
		Hosts:       c.LivePerson.Hosts,
		Source:      c.LivePerson.Source,
		Concurrency: c.LivePerson.Concurrency,
		Rollover:    c.LivePerson.Rollover,
		FileHosts:   append([]string{"liveperson.net", "lpsnmedia.net"}, c.Files.Hosts...),
		UserAgent:   strings.ReplaceAll(generator(), " ", "/"),
		Log:         p.log,
		Now:         p.now,
		Wait:        p.wait,
		Observe:     count,
	}
	var err error
	if settings.CA, err = trusted(c.LivePerson.CAFile); err != nil {
		return nil, err
	}
	if login := c.LivePerson.OAuth2; !login.Empty() {
		settings.OAuth2 = &liveperson.OAuth2Credentials{ClientID: login.ClientID, ClientSecret: login.ClientSecret.Reveal()}
	}
	if login := c.LivePerson.OAuth1; !login.Empty() {
		settings.OAuth1 = &liveperson.OAuth1Credentials{
			AppKey: login.AppKey.Reveal(), AppSecret: login.AppSecret.Reveal(),
			AccessToken: login.AccessToken.Reveal(), AccessTokenSecret: login.AccessTokenSecret.Reveal(),
		}
	}
	if c.Account == config.Sandbox {
		p.simulate(&settings)
	}
	client, err := liveperson.New(settings)
	if err != nil {
		return nil, fmt.Errorf("reach the account: %w", err)
	}
	return client, nil
}

// trusted is the system's list of authorities with those of a PEM file; nil, the
// system's alone, where no file is named.
func trusted(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	const remedy = "name the PEM file of the CA certificate, or take liveperson.ca_file out"
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, &outcome{code: exitUsage, fact: "liveperson.ca_file", hint: remedy, err: err}
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("the system's certificates: %w", err)
	}
	if !pool.AppendCertsFromPEM(data) {
		return nil, &outcome{code: exitUsage, fact: fmt.Sprintf("liveperson.ca_file: %s holds no certificate in PEM", file), hint: remedy}
	}
	return pool, nil
}

// simulate replaces the account by the one inside the program.
func (p *program) simulate(settings *liveperson.Config) {
	account := sandbox.Default()
	account.Account, account.Now = config.Sandbox, p.now
	login := sandbox.DefaultCredentials
	settings.Transport = sandbox.New(account).Transport()
	settings.DomainAPI = "http://127.0.0.1"
	settings.OAuth1 = nil
	settings.OAuth2 = &liveperson.OAuth2Credentials{ClientID: login.ClientID, ClientSecret: login.ClientSecret}
}

// knownDestinations gives the names by which the state knows the destinations
// that are called names in the configuration.
func knownDestinations(c *config.Config, names []string) ([]string, error) {
	var listed, known []string
	for _, d := range c.Destinations {
		listed = append(listed, d.Name)
	}
	for _, name := range names {
		i := slices.Index(listed, name)
		if i < 0 { // hints of the state's name it so
			i = slices.IndexFunc(c.Destinations, func(d config.Destination) bool { return identityOf(d) == name })
		}
		if i < 0 {
			return nil, usage(fmt.Sprintf("no destination %q in %s; there are: %s", name, c.File, strings.Join(listed, ", ")), "")
		}
		known = append(known, identityOf(c.Destinations[i]))
	}
	return known, nil
}

// called is the name that a destination has in the configuration.
func called(c *config.Config, identity string) string {
	for _, d := range c.Destinations {
		if identityOf(d) == identity {
			return d.Name
		}
	}
	return identity
}

// withDestination calls do with the exporter of the configuration, and with the
// name by which the state knows the destination that is called name there.
func (p *program) withDestination(ctx context.Context, name string, do func(e *exporter.Exporter, identity string) error) (err error) {
	c, err := p.loadConfig()
	if err != nil {
		return err
	}
	names, err := knownDestinations(c, []string{name})
	if err != nil {
		return err
	}
	e, err := p.openExporter(ctx, c, exporter.Settings{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	return do(e, names[0])
}

// openAccount is openExporter with the account as its source, whose requests are
// counted.
func (p *program) openAccount(ctx context.Context, c *config.Config, with exporter.Settings) (e *exporter.Exporter, err error) {
	client, err := p.newClient(c, func(result liveperson.Result) { e.Count(exporter.CounterRequests, string(result), "", 1) })
	if err != nil {
		return nil, err
	}
	with.Source = client
	with.Files.Source = client
	e, err = p.openExporter(ctx, c, with)
	return e, err
}

// openExporter builds all that c describes; with sets what only some commands
// need: Source and Progress. The caller closes what it gets.
func (p *program) openExporter(ctx context.Context, c *config.Config, with exporter.Settings) (*exporter.Exporter, error) {
	with.Account = c.Account
	with.State = c.State
	with.Concurrency = c.LivePerson.Concurrency
	with.Since = c.Poll.Since.Time
	with.Overlap = c.Poll.Overlap
	with.Reread = c.Poll.Reread
	with.Skills = c.Select.Skills
	with.Files.Fetch, with.Files.MaxBytes, with.Files.GiveUp = c.Files.Fetch, c.Files.MaxBytes, c.Files.GiveUp
	with.ConfirmWithin = c.Webhook.ConfirmWithin
	with.Generator = generator()
	with.Log = p.log
	with.Now = p.now
	addresses, err := newAddresses(c)
	if err != nil {
		return nil, err
	}
	for _, d := range c.Destinations {
		made, err := p.newDestination(c, d, addresses)
		if err != nil {
			return nil, err
		}
		with.Destinations = append(with.Destinations, made)
	}
	e, err := exporter.Open(ctx, with)
	if err != nil {
		return nil, err
	}
	p.warnShared(c.State)
	return e, nil
}

// newAddresses is what gives participants their addresses; nil: no destination
// needs any.
func newAddresses(c *config.Config) (*identity.Resolver, error) {
	if !slices.ContainsFunc(c.Destinations, func(d config.Destination) bool { return d.Profile.Addresses }) {
		return nil, nil
	}
	addresses, err := identity.New(c.Identity.Settings)
	if err != nil {
		return nil, &outcome{code: exitUsage, fact: "identity", err: err}
	}
	return addresses, nil
}

// warnShared warns of a state that others than its owner can read.
func (p *program) warnShared(state string) {
	info, err := os.Stat(state)
	if err == nil && runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		p.log.Warn("others can read the state, which holds what people wrote", "state", state, "remedy", "chmod 700 "+state)
	}
}

func checkpointPath(c *config.Config) string { return filepath.Join(c.State, checkpoint.File) }

// hasCheckpoint says that something was kept before. What cannot be looked at
// is there: opening it tells why.
func hasCheckpoint(c *config.Config) bool {
	_, err := os.Stat(checkpointPath(c))
	return !errors.Is(err, fs.ErrNotExist)
}
