package main

import (
	"context"
	"errors"
	"strings"

	"lpexport/exporter/config"
	"lpexport/exporter/listener"
)

// keepReloading reads the configuration again whenever somebody asks for it.
func (s *serving) keepReloading(ctx context.Context) {
	inUse := s.config
	for {
		select {
		case <-s.hangups:
			s.note(s.notifier.Reloading())
			inUse = s.reload(inUse)
			s.ready()
		case <-ctx.Done():
			return
		}
	}
}

// reload takes over what may change while a service runs, and returns what is in use
// then. A configuration with faults changes nothing but certificates, which lie in files
// of their own.
func (s *serving) reload(inUse *config.Config) *config.Config {
	for _, l := range []*listener.Listener{s.events, s.monitor} {
		if l != nil {
			l.Reload()
		}
	}
	read, err := s.loadConfig()
	if err != nil {
		s.cannotReload(err)
		return inUse
	}
	next := *inUse
	next.LogLevel = read.LogLevel
	next.Identity.Agents, next.Identity.AgentsFile = read.Identity.Agents, read.Identity.AgentsFile
	if s.receiver != nil {
		next.Webhook.ClientSecret, next.Webhook.PreviousClientSecret = read.Webhook.ClientSecret, read.Webhook.PreviousClientSecret
	}
	taken := config.Changed(inUse, &next)
	if err := s.takeOver(&next); err != nil {
		s.cannotReload(err)
		return inUse
	}
	s.log.Info("configuration reloaded", "changed", strings.Join(taken, ", "))
	if rest := config.Changed(&next, read); len(rest) > 0 {
		s.log.Warn("these parts of the configuration have changed, and take a restart: systemctl restart lpexport-serve, or stop serve and start it again",
			"keys", strings.Join(rest, ", "))
	}
	return &next
}

// takeOver puts what may change while a service runs into use.
func (s *serving) takeOver(c *config.Config) error {
	addresses, err := newAddresses(c)
	if err != nil {
		return err
	}
	if addresses != nil {
		s.service.SetAddresses(addresses)
	}
	if s.receiver != nil {
		s.receiver.SetSecrets(secretsOf(c.Webhook))
	}
	return nil
}

// cannotReload logs each fault: there is no screen that they could stand on.
func (s *serving) cannotReload(err error) {
	var faults config.Faults
	if !errors.As(err, &faults) {
		s.log.Error("the configuration cannot be reloaded: the one before stays in use", "error", err)
		return
	}
	for _, fault := range faults {
		s.log.Error("the configuration cannot be reloaded: the one before stays in use", "error", fault.String())
	}
}
