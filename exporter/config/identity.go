package config

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"lpexport/exporter/identity"
)

func identityKeys(i *Identity) object {
	return object{
		doc: "how participants are given the addresses that archives know them by",
		fields: []field{
			may("internal_domains", texts(&i.InternalDomains, "domains of the firm, with all below them; no consumer is given an address there",
				func(at *string) scalar { return canonical(at, "a domain such as firm.example", identity.ParseDomain) })),
			may("consumer_email", choice(&i.ConsumerEmail, "which e-mail of a consumer becomes his address: verified (LivePerson had it authenticated), given (also one that was only said), never",
				identity.EmailVerified, identity.EmailGiven, identity.EmailNever)),
			may("consumer_domain", canonical(&i.ConsumerDomain, "domain of addresses made for consumers: one of your own, for this alone, no internal one", orEmpty(identity.ParseMadeDomain))),
			may("bot_domain", canonical(&i.BotDomain, "domain of addresses made for bots and the system", orEmpty(identity.ParseMadeDomain))),
			may("placeholder_domain", canonical(&i.PlaceholderDomain, "domain of addresses made for unknown agents", orEmpty(identity.ParseMadeDomain))),
			may("agents", agentTable(&i.Agents)),
			may("agents_file", text(&i.AgentsFile, "more of agents: a file of YAML, or .csv with login and address", "", checkOptional(checkPath))),
			may("unknown_agent", choice(&i.UnknownAgent, "what becomes of an agent without an address: hold (what he took part in waits), placeholder (he is given one that is made)",
				identity.UnknownHold, identity.UnknownPlaceholder)),
		},
	}
}

// agentTable reads addresses by login, id or e-mail.
func agentTable(at *map[string]string) mapping {
	return mapping{
		doc:   "address of an agent or a bot by login, id or e-mail in LivePerson, case ignored",
		check: checkAgentKey, fold: identity.Fold,
		add: func(key string) (value, func()) {
			address := new(string)
			return canonical(address, "the agent's address", identity.ParseAddress), func() {
				if *at == nil {
					*at = map[string]string{}
				}
				(*at)[key] = *address
			}
		},
	}
}

func checkAgentKey(key string) error {
	if identity.Fold(key) == "" || len(key) > identity.MaxKey {
		return fmt.Errorf("must be a login, an id or an e-mail of at most %d bytes", identity.MaxKey)
	}
	return nil
}

// checkIdentity wants addresses to be complete where a destination needs them.
func (d *decoder) checkIdentity(c *draft) {
	i := &c.Identity
	i.Account = c.Account
	d.readAgentsFile(i)
	why := ""
	if !i.Empty() {
		why = "identity is incomplete without it"
	}
	for _, t := range c.chosen {
		if t.Profile.Addresses {
			why = t.Archive + " knows people by their addresses"
			break
		}
	}
	d.requireIdentity(i, why)
	if why != "" && !d.faulty("identity") {
		d.checkDomains(i)
	}
}

// requireIdentity wants what no address can be made without, for the reason why;
// "" for none.
func (d *decoder) requireIdentity(i *Identity, why string) {
	require := func(key string, missing bool, why string) {
		at := "identity." + key
		if missing && why != "" && !d.faulty(at) {
			d.fault(d.line(at), at, "is required: %s", why)
		}
	}
	require("internal_domains", len(i.InternalDomains) == 0, why)
	require("consumer_domain", i.ConsumerDomain == "", why)
	require("bot_domain", i.BotDomain == "", why)
	require("placeholder_domain", i.UnknownAgent == identity.UnknownPlaceholder && i.PlaceholderDomain == "", "unknown_agent is placeholder")
}

// checkDomains keeps consumers from passing for the firm, and the other way round.
func (d *decoder) checkDomains(i *Identity) {
	const key = "identity.consumer_domain"
	if identity.Within(i.ConsumerDomain, i.InternalDomains) {
		d.fault(d.line(key), key, "must not be an internal domain or below one: consumers would pass for the firm")
		return
	}
	if _, err := identity.New(i.Settings); err != nil {
		d.fault(d.line("identity"), "identity", "%s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
}

// readAgentsFile adds the agents of the file. Its faults bear its own lines.
func (d *decoder) readAgentsFile(i *Identity) {
	const key = "identity.agents_file"
	if i.AgentsFile == "" || d.faulty(key) {
		return
	}
	data, err := d.look.File(i.AgentsFile)
	if err != nil {
		d.fault(d.line(key), key, "%s", reason(err))
		return
	}
	var more map[string]string
	in := newDecoder(i.AgentsFile, d.look)
	if strings.EqualFold(filepath.Ext(i.AgentsFile), ".csv") {
		in.agentsOfCSV(data, agentTable(&more))
	} else if root := in.root(data); root != nil {
		agentTable(&more).decode(in, key, root)
	}
	for _, login := range in.entries[key].good {
		at := join(key, login)
		if _, twice := d.entries["identity.agents"].first[identity.Fold(login)]; twice {
			in.fault(in.line(at), at, "is in identity.agents already: keep one")
			continue
		}
		if i.Agents == nil {
			i.Agents = map[string]string{}
		}
		i.Agents[login] = more[login]
	}
	d.faults = append(d.faults, in.faults...)
}

// agentsOfCSV reads rows of login and address; what else a row has is passed
// over, and so is a first row that names its columns. Rows are divided by
// commas, or by semicolons as some spreadsheets write them.
func (d *decoder) agentsOfCSV(data []byte, table mapping) {
	const key = "identity.agents_file"
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if len(data) > maxFile || !utf8.Valid(data) {
		d.fault(1, key, "must be UTF-8 of at most 1 MiB")
		return
	}
	rows := csv.NewReader(bytes.NewReader(data))
	rows.FieldsPerRecord = -1
	first, _, _ := bytes.Cut(data, []byte("\n"))
	if bytes.ContainsRune(first, ';') && !bytes.ContainsRune(first, ',') {
		rows.Comma = ';'
	}
	for n := 0; ; n++ {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		var at *csv.ParseError
		if errors.As(err, &at) {
			d.fault(at.Line, key, "not CSV: %v", at.Err)
			return
		}
		if len(row) > 1 && n == 0 && !strings.Contains(row[1], "@") {
			continue
		}
		line, _ := rows.FieldPos(0)
		if len(row) < 2 {
			d.fault(line, key, "must be rows of login and address")
			continue
		}
		table.entry(d, key, row[0], line, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: row[1], Line: line})
	}
}
