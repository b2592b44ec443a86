package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"lpexport/archive"
	"lpexport/archive/profile"
	"lpexport/exporter"
	"lpexport/exporter/config"
)

// trySizes compares what limits the size of a destination's mails: mail.max_bytes, which
// is the archive's own where it is not set, smtp.max_bytes, and what the server says. The
// least splits them.
func trySizes(ctx context.Context, c *config.Config, d exporter.Destination) (facts []string, err error) {
	sized, ok := d.Target.(archive.Sized)
	if !ok || d.Fit == nil {
		return nil, nil
	}
	var r profile.Rendering
	if err := json.Unmarshal(d.Rendering, &r); err != nil || r.Mail == nil {
		return nil, err
	}
	said, err := sized.MostBytes(ctx)
	if err != nil {
		return nil, err
	}
	limits := []string{}
	least := int64(0)
	for _, l := range []struct {
		whose string
		bytes int64
	}{{"mail.max_bytes", r.Mail.MaxBytes}, {"smtp.max_bytes", d.MostBytes}, {"the server", said}} {
		if l.bytes == 0 {
			continue
		}
		limits = append(limits, fmt.Sprintf("%s %d", l.whose, l.bytes))
		if least == 0 || l.bytes < least {
			least = l.bytes
		}
	}
	if least == 0 {
		return nil, nil
	}
	if least < exporter.LeastItem {
		return nil, exporter.NothingFits(least)
	}
	facts = append(facts, fmt.Sprintf("mails are split at %d bytes, the least of: %s", least, strings.Join(limits, ", ")))
	if most := least / 3 * 2; c.Files.Fetch && c.Files.MaxBytes > most {
		facts = append(facts, fmt.Sprintf("a file of over %d bytes fits in no mail and holds up its conversation: files.max_bytes: %dKiB keeps it out, and says so in its place", most, most>>10))
	}
	return facts, nil
}

// tryRefusals tells of a destination that refuses what is sent to it, which no probe can
// find out: nothing is sent by it.
func tryRefusals(ctx context.Context, e *exporter.Exporter, d exporter.Destination) error {
	stands, err := e.StandsFor(ctx, d.Name)
	if err != nil || stands == nil {
		return err
	}
	return &outcome{code: exitUsage, fact: "it answers, and refuses what it is sent", hint: stands.Hint, err: stands}
}
