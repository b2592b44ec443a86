package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"lpexport/liveperson/sandbox"
)

// webhookOptions say where the sandbox sends its events, and how well.
type webhookOptions struct {
	url        string // "": nowhere
	secret     string
	retention  time.Duration
	duplicates float64
	reorder    float64
	unsaid     float64
	newTypes   float64
}

// longestRetention is the most that LivePerson can be told.
const longestRetention = 72 * time.Hour

func (o *webhookOptions) flags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&o.url, "webhook", "", "also send the account's events to this loopback `URL`")
	flags.StringVar(&o.secret, "webhook-secret", sandbox.DefaultWebhookSecret, "`SECRET` that signs them")
	flags.DurationVar(&o.retention, "webhook-retention", longestRetention, "for how long an event that was not taken is tried again; 0s drops it at once, as LivePerson does unless told otherwise")
	flags.Float64Var(&o.duplicates, "webhook-duplicates", 0, "`SHARE` of events, from 0 to 1, that come twice")
	flags.Float64Var(&o.reorder, "webhook-reorder", 0, "`SHARE` of events, from 0 to 1, that come after later ones")
	flags.Float64Var(&o.unsaid, "webhook-unsaid", 0, "`SHARE` of messages, from 0 to 1, whose events do not say who may read them")
	flags.Float64Var(&o.newTypes, "webhook-new-types", 0, "`SHARE` of messages, from 0 to 1, around which events of undocumented types come")
}

const webhookExample = "lpexport sandbox --webhook http://127.0.0.1:8081"

// checkUnused refuses flags that say how events are sent where none are.
func (o *webhookOptions) checkUnused(cmd *cobra.Command) error {
	for _, name := range []string{"webhook-secret", "webhook-retention", "webhook-duplicates", "webhook-reorder", "webhook-unsaid", "webhook-new-types"} {
		if o.url == "" && cmd.Flags().Changed(name) {
			return usage("--"+name+": has no effect without --webhook", webhookExample)
		}
	}
	return nil
}

// check checks the flags, and completes a URL without a path by the default
// one of the configuration.
func (o *webhookOptions) check() error {
	if o.url == "" {
		return nil
	}
	u, err := url.Parse(o.url)
	if err != nil || u.Scheme != "http" || u.Port() == "" || !loopbackName(u.Hostname()) ||
		u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.EscapedPath() != u.Path {
		return usage("--webhook: not a plain http URL of a loopback address with a port", webhookExample)
	}
	u.Path = cmp.Or(strings.TrimSuffix(u.Path, "/"), "/liveperson/events")
	o.url = u.String()
	switch {
	case o.secret == "":
		return usage("--webhook-secret: is empty", webhookExample)
	case o.retention != 0 && o.retention < 2*time.Second || o.retention > longestRetention:
		return usage(fmt.Sprintf("--webhook-retention %v: neither 0s nor from 2s to 72h", o.retention), webhookExample+" --webhook-retention 72h")
	}
	for name, share := range map[string]float64{"duplicates": o.duplicates, "reorder": o.reorder, "unsaid": o.unsaid, "new-types": o.newTypes} {
		if !(share >= 0 && share <= 1) {
			return usage(fmt.Sprintf("--webhook-%s %v: not from 0 to 1", name, share), webhookExample+" --webhook-"+name+" 0.05")
		}
	}
	return nil
}

func loopbackName(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}

// config is the part of a configuration that listens for the events.
func (o *webhookOptions) config() string {
	if o.url == "" {
		return ""
	}
	u, _ := url.Parse(o.url) // checked
	return fmt.Sprintf("webhook: {listen: %q, path: %q, client_id: %q, client_secret: %q}\nserve: {listen: \"127.0.0.1:9464\"}\n",
		u.Host, u.Path, sandbox.DefaultWebhookClientID, o.secret)
}

// start sends the account's events from now on. What it returns ends that.
func (o *webhookOptions) start(ctx context.Context, account *sandbox.Account, log *slog.Logger) (stop func()) {
	if o.url == "" {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	tell := &deliveryLog{log: log.With("url", o.url)}
	sender := account.NewSender(sandbox.SenderSettings{
		URL: o.url, Secret: o.secret, Retention: o.retention, Duplicates: o.duplicates, Reorder: o.reorder, Observe: tell.observe,
	})
	var running sync.WaitGroup
	running.Go(func() {
		// It ends with its context, which is its good end.
		_ = sender.Run(ctx, time.Now())
	})
	running.Go(func() {
		tick := time.NewTicker(5 * time.Second)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				tell.note(sender.Counts())
			case <-ctx.Done():
				return
			}
		}
	})
	return func() {
		cancel()
		running.Wait()
		tell.end(sender.Counts())
	}
}

// deliveryLog tells when events begin to fail and when they are taken again.
type deliveryLog struct {
	log     *slog.Logger
	reason  atomic.Value // string: of the last failure
	last    sandbox.Counts
	failing bool
}

func (l *deliveryLog) observe(d sandbox.Delivery) {
	switch {
	case d.Err != nil:
		l.reason.Store(d.Err.Error())
	case !d.Taken():
		l.reason.Store(fmt.Sprintf("it answered %d", d.Status))
	}
}

// note compares the counts with those of the last call.
func (l *deliveryLog) note(now sandbox.Counts) {
	failed := now.Failed > l.last.Failed
	taken := now.Delivered > l.last.Delivered
	l.last = now
	switch {
	case failed && !l.failing:
		l.failing = true
		l.log.Warn("the webhook does not take events", append(summary(now), "reason", l.reason.Load())...)
	case taken && !failed && l.failing:
		l.failing = false
		l.log.Info("the webhook takes events again", summary(now)...)
	}
}

// end tells what became of the events where any failed or was left.
func (l *deliveryLog) end(now sandbox.Counts) {
	if now.Failed > 0 || now.Pending > 0 {
		l.log.Warn("not all events were taken", summary(now)...)
	}
}

func summary(c sandbox.Counts) []any {
	return []any{"delivered", c.Delivered, "failed_attempts", c.Failed, "dropped", c.Dropped, "pending", c.Pending}
}
