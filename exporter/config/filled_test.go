package config

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"lpexport/archive/profile"
)

// filled are good values, by the key that is to be filled in.
var filled = map[string]string{
	"client_id": `"app"`, "client_secret_file": "testdata/secret", "internal_domains": "[firm.example]", "consumer_domain": "visitors.example",
	"bot_domain": "bots.firm.example", "path": "./out", "domain": "lpexport.firm.example", "X-GlobalRelay-MsgType": "LivePerson", "host": "archive.example",
	"user": "firm", "key_file": "./key", "known_hosts": "./known_hosts", "sender": "bounces@firm.example", "recipient": "firm@archive.example",
	"endpoint": "s3.archive.example", "bucket": "firm-archive", "access_key_file": "testdata/secret", "secret_key_file": "testdata/secret",
}

var toFill = regexp.MustCompile(`(?m)^( *)([A-Za-z_-]+): (""|\[\]) +# <<< .+$`)

// TestStarterForEveryArchive: what is marked, and nothing else, has to be filled in.
func TestStarterForEveryArchive(t *testing.T) {
	for _, p := range profile.All() {
		for _, way := range p.Ways {
			text := string(StarterFor("12345678", p, way))
			var faults Faults
			if _, err := Parse("config.yaml", []byte(text), testLookup); !errors.As(err, &faults) {
				t.Errorf("%s by %s is valid before it is filled in: %v", p.Name, way.Transport, err)
			}
			good := toFill.ReplaceAllStringFunc(text, func(line string) string {
				parts := toFill.FindStringSubmatch(line)
				value, known := filled[parts[2]]
				if !known {
					t.Errorf("%s by %s marks %s", p.Name, way.Transport, parts[2])
				}
				return parts[1] + parts[2] + ": " + value
			})
			got, err := Parse("config.yaml", []byte(good), testLookup)
			if err != nil {
				t.Errorf("%s by %s, filled in:\n%s%v", p.Name, way.Transport, good, err)
				continue
			}
			d := got.Destinations[0]
			if got.Account != "12345678" || d.Archive != p.Name || d.Layout != way.Layout || got.State != "./state-12345678" || strings.Contains(good, "<<< ") {
				t.Errorf("%s by %s is for %s, %s, layout %s, in %s", p.Name, way.Transport, got.Account, d.Archive, d.Layout, got.State)
			}
			if n := strings.Count(text, FillIn+" "); n < 3 {
				t.Errorf("%s by %s marks %d values", p.Name, way.Transport, n)
			}
		}
	}
}

// TestNoKeyExpandsTheTilde: a folder called ~ is what nobody means.
func TestNoKeyExpandsTheTilde(t *testing.T) {
	const head = "account: sandbox\n"
	const out = "destinations: [{name: a, archive: generic, directory: {path: ./a}}]\n"
	sftp := func(key string) string {
		return head + "destinations: [{name: a, archive: generic, sftp: {host: h, user: u, password: p, fingerprint: 'SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA', " + key + "}}]\n"
	}
	smtp := func(key string) string {
		return head + addresses + "destinations: [{name: a, archive: proofpoint, mail: {domain: d.firm.example}, smtp: {host: h, sender: s@firm.example, recipient: r@a.example, " + key + "}}]\n"
	}
	for key, text := range map[string]string{
		"state":                                head + "state: ~/state\n" + out,
		"metrics_file":                         head + "metrics_file: ~/m.prom\n" + out,
		"identity.agents_file":                 head + "identity: {agents_file: ~/a.csv}\n" + out,
		"serve.tls.cert_file":                  head + "serve: {tls: {cert_file: ~/c, key_file: k}}\n" + out,
		"webhook.tls.key_file":                 head + "webhook: {tls: {cert_file: c, key_file: ~/k}}\n" + out,
		"webhook.client_secret_file":           head + "webhook: {client_secret_file: ~/secret}\n" + out,
		"alert.command[0]":                     head + "alert: {command: [~/bin/tell, a]}\n" + out,
		"destinations[0].directory.path":       head + "destinations: [{name: a, archive: generic, directory: {path: ~/out}}]\n",
		"destinations[0].sftp.path":            sftp("path: ~/in"),
		"destinations[0].sftp.key_file":        sftp("path: in, key_file: ~/.ssh/id"),
		"destinations[0].sftp.known_hosts":     sftp("path: in, known_hosts: ~other/known"),
		"destinations[0].sftp.passphrase_file": sftp("path: in, key_file: k, passphrase_file: ~/p"),
		"destinations[0].smtp.ca_file":         smtp("ca_file: ~/ca.pem"),
		"destinations[0].smtp.cert_file":       smtp("cert_file: ~/c.pem, key_file: k"),
		"destinations[0].s3.ca_file":           head + "destinations: [{name: a, archive: generic, s3: {endpoint: h, bucket: bbb, access_key: a, secret_key: s, ca_file: ~/ca}}]\n",
		"destinations[0].pgp.keys[0]":          head + addresses + "destinations: [{name: a, archive: global-relay, mail: {domain: d.firm.example, headers: {X-GlobalRelay-MsgType: a}}, pgp: {keys: [~/k.asc]}, directory: {path: ./a}, layout: drop}]\n",
	} {
		_, err := Parse("config.yaml", []byte(text), testLookup)
		var faults Faults
		errors.As(err, &faults)
		if !slices.ContainsFunc(faults, func(f Fault) bool { return f.Key == key && strings.Contains(f.Detail, "~ is not expanded") }) {
			t.Errorf("%s: %v", key, err)
		}
	}
}
