package main

import (
	"crypto/x509"
	"encoding/pem"
	"hash/fnv"
	"os"
	"time"

	"github.com/robfig/cron/v3"

	"lpexport/exporter/config"
)

// mostSpread bounds how much later than its schedule an account's cycle begins.
const mostSpread = 10 * time.Minute

// newSchedule tells when cycles begin: on the schedule, later by the account's own
// share of the time until the next one, so that many accounts that are configured
// alike do not ask at once. Both are good: the configuration has been checked.
func newSchedule(c *config.Config) func(after time.Time) time.Time {
	zone, err := time.LoadLocation(c.Poll.TimeZone)
	if err != nil {
		zone = time.UTC
	}
	schedule, err := cron.ParseStandard(c.Poll.Schedule)
	if err != nil {
		return func(after time.Time) time.Time { return after.Add(mostSpread) }
	}
	share := shareOf(c.Account)
	return func(after time.Time) time.Time {
		from := after.Add(-mostSpread).In(zone)
		for {
			begin := schedule.Next(from)
			if begin.IsZero() { // none in the next five years, as for February 29 before 2104
				return after.AddDate(1, 0, 0)
			}
			gap := schedule.Next(begin).Sub(begin)
			if gap <= 0 || gap > mostSpread {
				gap = mostSpread
			}
			if at := begin.Add(time.Duration(share * float64(gap))); at.After(after) {
				return at.UTC()
			}
			from = begin
		}
	}
}

// shareOf is a number in [0, 1) that an account keeps.
func shareOf(account string) float64 {
	h := fnv.New64a()
	h.Write([]byte(account))
	return float64(h.Sum64()>>11) / (1 << 53)
}

// certificateEnd is when the first certificate of a PEM file ends; zero when that
// cannot be read: `lpexport check` says why.
func certificateEnd(file string) time.Time {
	data, err := os.ReadFile(file)
	if err != nil {
		return time.Time{}
	}
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		if certificate, err := x509.ParseCertificate(block.Bytes); err == nil {
			return certificate.NotAfter
		}
	}
	return time.Time{}
}
