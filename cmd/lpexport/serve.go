package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"lpexport/exporter"
	"lpexport/exporter/alert"
	"lpexport/exporter/config"
	"lpexport/exporter/listener"
	"lpexport/exporter/monitor"
	"lpexport/exporter/notify"
	"lpexport/liveperson/webhook"
)

func newServe(p *program) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Archive on a schedule and in real time, until stopped",
		Long: `Serve until stopped: cycles on poll.schedule, real-time events where webhook.listen
is set, deliveries as things become due; metrics, health and a status page on
serve.listen. Backfills, replays and quarantine retries may run beside it.

SIGTERM stops it within 30 seconds, without loss; a second one cuts. SIGHUP reads
the configuration again: certificates, identity.agents and agents_file, the
webhook's secrets and log_level are in use at once; for all else it logs that a
restart is needed.`,
		Args: arguments(0, 0),
	}
	return p.command(cmd, func() result { return new(bare) }, func(ctx context.Context, _ []string) (result, error) {
		p.serves.Store(true)
		c, err := p.loadConfig()
		if err != nil {
			return nil, err
		}
		return nil, p.serve(ctx, c)
	})
}

// serving is all that serve runs.
type serving struct {
	*program
	config   *config.Config
	service  *exporter.Service
	receiver *webhook.Receiver  // nil: no events are listened to
	events   *listener.Listener // nil: the same
	monitor  *listener.Listener // nil: nobody is shown anything
	watch    *alert.Watch       // nil: nobody is told
	notifier *notify.Notifier

	mu      sync.Mutex
	counted map[webhook.Result]int64 // of what the receiver has counted
}

// serve opens everything before anything begins: what is wrong with the
// configuration ends it at once.
func (p *program) serve(ctx context.Context, c *config.Config) (err error) {
	s := &serving{program: p, config: c, notifier: notify.New(os.Getenv), counted: map[webhook.Result]int64{}}
	e, err := p.openAccount(ctx, c, exporter.Settings{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	settings := exporter.ServeSettings{Next: newSchedule(c)}
	if c.Webhook.Listen != "" {
		settings.Events = &exporter.EventSettings{ResolveWithin: c.Webhook.ResolveWithin}
	}
	s.service = e.NewService(settings)
	if err := s.open(ctx); err != nil {
		return err
	}
	return s.run(ctx)
}

func (s *serving) open(ctx context.Context) (err error) {
	c := s.config
	if c.Webhook.Listen != "" {
		if err := s.openWebhook(ctx); err != nil {
			return err
		}
	}
	if len(c.Alert.Command) > 0 || !c.Alert.URL.Empty() {
		bounds := alert.Bounds{Lag: c.Alert.Lag, Failing: c.Alert.Failing, Silence: c.Alert.Silence, Expiry: c.Alert.Expiry, Repeat: c.Alert.Repeat}
		s.watch, err = alert.New(alert.Settings{Bounds: bounds, Command: c.Alert.Command, URL: c.Alert.URL.Reveal(), Account: c.Account,
			Overview: s.overview, Commands: s.pasteable, Log: s.log, Now: s.now})
		if err != nil {
			return err
		}
	}
	if c.Serve.Listen == "" {
		return nil
	}
	settings := monitor.Settings{Overview: s.overview, Commands: s.pasteable, Behind: c.Alert.Lag, Alive: s.alive, Ready: s.atWork,
		Hosts: append(slices.Clone(c.Serve.Hosts), hostOf(c.Serve.Listen)), Log: s.log, Now: s.now}
	if !c.Serve.PasswordHash.Empty() {
		settings.User, settings.PasswordHash = c.Serve.User, c.Serve.PasswordHash.Reveal()
	}
	shown, err := monitor.New(settings)
	if err != nil {
		return err
	}
	s.monitor, err = listener.Listen(ctx, listener.Settings{Address: c.Serve.Listen, Certificate: c.Serve.TLS.CertFile, Key: c.Serve.TLS.KeyFile,
		Handler: shown, Proves: monitor.Proves, Log: s.log, Now: s.now})
	return err
}

// hostOf is the host of host:port.
func hostOf(listen string) string {
	host, _, _ := net.SplitHostPort(listen) // it has been checked
	return strings.ToLower(host)
}

func (s *serving) openWebhook(ctx context.Context) (err error) {
	w := s.config.Webhook
	settings := webhook.Settings{Account: s.config.Account, Path: w.Path, ClientID: w.ClientID, Secrets: secretsOf(w),
		Store: s.service.Events().Store, Log: s.log, Now: s.now}
	if w.Signature != config.SignatureAny {
		settings.Signature = webhook.Shape(w.Signature)
	}
	if s.receiver, err = webhook.New(settings); err != nil {
		return err
	}
	s.events, err = listener.Listen(ctx, listener.Settings{Address: w.Listen, Certificate: w.TLS.CertFile, Key: w.TLS.KeyFile,
		Handler: s.receiver, Log: s.log, Now: s.now})
	return err
}

// secretsOf are those that events may be signed with.
func secretsOf(w config.Webhook) []string {
	secrets := []string{w.ClientSecret.Reveal()}
	if !w.PreviousClientSecret.Empty() {
		secrets = append(secrets, w.PreviousClientSecret.Reveal())
	}
	return secrets
}

// alivePatience is how long the state may not be writable until that counts.
const alivePatience = 10 * time.Second

func (s *serving) alive() error {
	ctx, cancel := context.WithTimeout(context.Background(), alivePatience)
	defer cancel()
	return s.service.Alive(ctx)
}

// fullDisk is the space below which nothing more can be stored reliably: a transaction
// needs some MiB.
const fullDisk = 16 << 20

// atWork reports whether what comes can be stored. What cannot be asked is no fault.
func (s *serving) atWork() error {
	if free, err := freeSpace(s.config.State); err == nil && free < fullDisk {
		return fmt.Errorf("the disk of the state is full: %d MiB are free", free>>20)
	}
	return s.service.Ready()
}

// stopPatience is for senders whose events are being stored when the service stops.
const stopPatience = 5 * time.Second

// run serves until ctx ends. Events are listened to as long as they can be
// stored, and what is shown is shown until the end.
func (s *serving) run(ctx context.Context) error {
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	ctx, give := context.WithCancel(ctx)
	defer give()
	g, failed := errgroup.WithContext(working)
	ended := context.AfterFunc(failed, give)
	defer ended()
	for _, l := range []*listener.Listener{s.events, s.monitor} {
		if l != nil {
			g.Go(l.Serve)
		}
	}
	g.Go(func() error { s.keepMinutes(working); return nil })
	g.Go(func() error {
		defer give() // it ends by itself only when it cannot go on
		return s.service.Run(working)
	})
	s.began()
	g.Go(func() error { s.keepReloading(working); return nil })
	g.Go(func() error { s.keepAlive(working); return nil })
	<-ctx.Done()
	s.note(s.notifier.Stopping())
	s.log.Info("stopping")
	s.shut(s.events)
	stop()
	if s.monitor != nil {
		// It shows how the rest ends.
		g.Go(func() error { <-working.Done(); s.shut(s.monitor); return nil })
	}
	return g.Wait()
}

func (s *serving) shut(l *listener.Listener) {
	if l == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopPatience)
	defer cancel()
	if err := l.Shutdown(ctx); err != nil {
		s.log.Warn("connections were cut", "address", l.Addr().String(), "error", err)
	}
}

// began says where everything is, to people and to the service manager.
func (s *serving) began() {
	about := []any{"account", s.config.Account}
	for _, each := range []struct {
		what string
		at   *listener.Listener
		tls  config.TLS
		path string
	}{{"events", s.events, s.config.Webhook.TLS, s.config.Webhook.Path}, {"status", s.monitor, s.config.Serve.TLS, "/"}} {
		if each.at == nil {
			continue
		}
		scheme := "https"
		if each.tls.Empty() {
			scheme = "http"
		}
		about = append(about, each.what, scheme+"://"+each.at.Addr().String()+each.path)
	}
	s.log.Info("serving", about...)
	s.ready()
}

func (s *serving) ready() { s.note(s.notifier.Ready("serving account " + s.config.Account)) }

// note logs that the service manager could not be told something.
func (s *serving) note(err error) {
	if err != nil {
		s.log.Warn("the service manager could not be told", "error", err)
	}
}

// keepAlive tells the service manager's watchdog that the state can be written.
func (s *serving) keepAlive(ctx context.Context) {
	beat, watched := s.notifier.Watchdog()
	if !watched {
		return
	}
	for t := time.NewTicker(beat); ; {
		if err := s.alive(); err != nil {
			s.log.Error("the state cannot be written: the service manager is not told that all is well", "error", err)
		} else {
			s.note(s.notifier.Alive())
		}
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return
		}
	}
}
