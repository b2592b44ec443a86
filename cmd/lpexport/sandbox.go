package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/spf13/cobra"

	"lpexport/liveperson/sandbox"
)

// sandboxAccount is the id of the account that the sandbox command serves: not
// "sandbox", which a configuration answers inside the process.
const sandboxAccount = "demo"

// mostConversations a day: an account's index begins in 2025 and is in memory.
const mostConversations = 5000

type sandboxOptions struct {
	listen  string
	rate    int // conversations a day; 0: the small account, with a webhook the lively one
	webhook webhookOptions
}

// sandboxResult says where the simulated account is.
type sandboxResult struct {
	header
	Account string `json:"account"`
	URL     string `json:"url"`
	Webhook string `json:"webhook,omitempty"` // where its events go
	Config  string `json:"config"`            // a configuration that reaches it
}

func (r *sandboxResult) text(w io.Writer) {
	if r.URL == "" {
		return
	}
	fmt.Fprintf(w, "# The simulated account is at %s until you stop this.\n", r.URL)
	if r.Webhook != "" {
		fmt.Fprintf(w, "# It sends its events to %s.\n", r.Webhook)
	}
	fmt.Fprintf(w, "# A configuration that reaches it:\n%s", r.Config)
}

func newSandbox(p *program) *cobra.Command {
	var options sandboxOptions
	cmd := &cobra.Command{
		Use:   "sandbox",
		Short: "Serve the simulated account on loopback",
		Long: `Serve the simulated LivePerson account over plain HTTP on a loopback address,
until stopped. It prints its URL and a configuration that reaches it, log-in
included. Every start shows the same account, some time later.

With --webhook it also sends the account's events there, signed, as LivePerson
does, and the configuration has a listener for them. To watch them arrive:
  lpexport sandbox --webhook http://127.0.0.1:8081 > demo.yaml
and, while that runs, in another terminal:
  lpexport serve --config demo.yaml`,
		Args: arguments(0, 0),
	}
	cmd.Flags().StringVar(&options.listen, "listen", "127.0.0.1:0", "loopback `HOST:PORT`; port 0 takes a free one")
	cmd.Flags().IntVar(&options.rate, "rate", 0, "`CONVERSATIONS` a day, up to 5000 (default 15 in a small account; 1000 of an hour each with --webhook)")
	options.webhook.flags(cmd)
	return p.command(cmd, func() result { return new(sandboxResult) }, func(ctx context.Context, _ []string) (result, error) {
		if err := options.webhook.checkUnused(cmd); err != nil {
			return nil, err
		}
		return nil, runSandbox(ctx, options, p.log, func(found *sandboxResult) error { return p.report(cmd, found, nil) })
	})
}

// runSandbox serves, and sends events, until ctx ends, which is its good end.
// announce is called once, when requests are answered.
func runSandbox(ctx context.Context, options sandboxOptions, log *slog.Logger, announce func(*sandboxResult) error) error {
	address, err := netip.ParseAddrPort(options.listen)
	if err != nil || !address.Addr().IsLoopback() {
		return usage(fmt.Sprintf("--listen %s: not a loopback address with a port", options.listen), "lpexport sandbox --listen 127.0.0.1:8080")
	}
	settings, err := options.account()
	if err != nil {
		return err
	}
	if err := options.webhook.check(); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", options.listen)
	if err != nil {
		return fmt.Errorf("serve the sandbox: %w", err)
	}
	account := sandbox.New(settings)
	server := &http.Server{Handler: account, ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	url := "http://" + listener.Addr().String()
	found := &sandboxResult{Account: settings.Account, URL: url, Webhook: options.webhook.url, Config: accountConfig(settings.Account, url)}
	found.Config += options.webhook.config()
	if err := announce(found); err != nil {
		return errors.Join(err, server.Close())
	}
	defer options.webhook.start(ctx, account, log)()
	select {
	case err := <-ended:
		return fmt.Errorf("serve the sandbox: %w", err)
	case <-ctx.Done():
		return server.Close()
	}
}

// account is the account that is asked for. One of another rate is another
// account, so it has another id: what was archived of one stays apart.
func (o *sandboxOptions) account() (sandbox.Settings, error) {
	settings := sandbox.Default()
	settings.Account = sandboxAccount
	if o.rate == 0 && o.webhook.url == "" {
		return settings, nil
	}
	settings = sandbox.Live()
	settings.Unsaid, settings.NewTypes = o.webhook.unsaid, o.webhook.newTypes
	if o.rate != 0 {
		settings.Rate = o.rate
	}
	if settings.Rate < 1 || settings.Rate > mostConversations {
		return settings, usage(fmt.Sprintf("--rate %d: not from 1 to %d", o.rate, mostConversations), "lpexport sandbox --rate 1000")
	}
	settings.Account = fmt.Sprintf("%s-%d", sandboxAccount, settings.Rate)
	return settings, nil
}

// accountConfig is a whole configuration for the account at url.
func accountConfig(account, url string) string {
	return fmt.Sprintf(`account: %[1]s
liveperson:
  domain_api: %[2]s
  oauth2: {client_id: %[3]q, client_secret: %[4]q}
state: ./%[1]s/state
destinations:
  - name: local
    archive: generic
    from: all
    directory: {path: ./%[1]s/archive}
`, account, url, sandbox.DefaultCredentials.ClientID, sandbox.DefaultCredentials.ClientSecret)
}
