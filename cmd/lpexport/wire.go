package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"lpexport/archive/directory"
	"lpexport/exporter"
	"lpexport/exporter/checkpoint"
	"lpexport/exporter/config"
	"lpexport/liveperson"
	"lpexport/liveperson/sandbox"
)

// This file is the one place where a configuration becomes things that work.

// newClient reaches the account; the sandbox needs no network.
func (p *program) newClient(c *config.Config) (*liveperson.Client, error) {
	settings := liveperson.Config{
		Account:     c.Account,
		DomainAPI:   c.LivePerson.DomainAPI,
		Source:      c.LivePerson.Source,
		Concurrency: c.LivePerson.Concurrency,
		Rollover:    c.LivePerson.Rollover,
		UserAgent:   strings.ReplaceAll(generator(), " ", "/"),
		Log:         p.log,
		Now:         p.now,
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

// knownDestinations makes sure that every one of names is configured.
func knownDestinations(c *config.Config, names []string) error {
	var listed []string
	for _, d := range c.Destinations {
		listed = append(listed, d.Name)
	}
	for _, name := range names {
		if !slices.Contains(listed, name) {
			return usage(fmt.Sprintf("no destination %q in %s; there are: %s", name, c.File, strings.Join(listed, ", ")), "")
		}
	}
	return nil
}

func newDestination(account string, d config.Destination) exporter.Destination {
	made := exporter.Destination{
		Name:           d.Name,
		Archive:        d.Archive,
		Cut:            exporter.Cut{Immediately: d.Cut.Mode == config.CutImmediately, After: d.Cut.After},
		Bounds:         exporter.Bounds{Conversations: d.Bundle.MaxConversations, Bytes: d.Bundle.MaxBytes, Wait: d.Bundle.MaxWait},
		SettingsSHA256: settingsSHA256(d),
		Target:         newTarget(account, d),
	}
	switch d.From.Mode {
	case config.FromAll:
		made.From = &exporter.From{All: true}
	case config.FromNew:
		made.From = &exporter.From{New: true}
	case config.FromDate:
		made.From = &exporter.From{Date: d.From.Date}
	}
	return made
}

// newTarget is the list of transports. The configuration has made sure that
// exactly one is set.
func newTarget(account string, d config.Destination) exporter.Target {
	return directory.New(directory.Config{Path: d.Directory.Path, Account: account, Name: d.Name})
}

// settingsSHA256 names, in every manifest, the settings that decide what is
// in the bundles of a destination. Where they are sent is none of them.
func settingsSHA256(d config.Destination) string {
	settings, err := json.Marshal(struct {
		Archive          string `json:"archive"`
		Cut              string `json:"cut"`
		From             string `json:"from"`
		MaxConversations int    `json:"max_conversations"`
		MaxBytes         int64  `json:"max_bytes"`
		MaxWait          string `json:"max_wait"`
	}{d.Archive, d.Cut.String(), d.From.String(), d.Bundle.MaxConversations, d.Bundle.MaxBytes, d.Bundle.MaxWait.String()})
	if err != nil {
		panic(err) // strings and numbers
	}
	sum := sha256.Sum256(settings)
	return hex.EncodeToString(sum[:])
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
	with.Generator = generator()
	with.Log = p.log
	with.Now = p.now
	for _, d := range c.Destinations {
		with.Destinations = append(with.Destinations, newDestination(c.Account, d))
	}
	e, err := exporter.Open(ctx, with)
	if err != nil {
		return nil, err
	}
	p.warnShared(c.State)
	return e, nil
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
