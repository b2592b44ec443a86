package main

import (
	"context"
	"errors"
	"fmt"
	"io"
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

type sandboxOptions struct {
	listen string
}

// sandboxResult says where the simulated account is.
type sandboxResult struct {
	header
	Account string `json:"account"`
	URL     string `json:"url"`
	Config  string `json:"config"` // a configuration that reaches it
}

func (r *sandboxResult) text(w io.Writer) {
	if r.URL != "" {
		fmt.Fprintf(w, "# The simulated account is at %s until you stop this.\n# A configuration that reaches it:\n%s", r.URL, r.Config)
	}
}

func newSandbox(p *program) *cobra.Command {
	var options sandboxOptions
	cmd := &cobra.Command{
		Use:   "sandbox",
		Short: "Serve the simulated account on loopback",
		Long: `Serve the simulated LivePerson account over plain HTTP on a loopback address,
until stopped. It prints its URL and a configuration that reaches it, log-in
included. Every start shows the same account, some time later.`,
		Args: arguments(0, 0),
	}
	cmd.Flags().StringVar(&options.listen, "listen", "127.0.0.1:0", "loopback `HOST:PORT`; port 0 takes a free one")
	return p.command(cmd, func() result { return new(sandboxResult) }, func(ctx context.Context, _ []string) (result, error) {
		return nil, runSandbox(ctx, options, func(found *sandboxResult) error { return p.report(cmd, found, nil) })
	})
}

// runSandbox serves until ctx ends, which is its good end. announce is called
// once, when requests are answered.
func runSandbox(ctx context.Context, options sandboxOptions, announce func(*sandboxResult) error) error {
	address, err := netip.ParseAddrPort(options.listen)
	if err != nil || !address.Addr().IsLoopback() {
		return usage(fmt.Sprintf("--listen %s: not a loopback address with a port", options.listen), "lpexport sandbox --listen 127.0.0.1:8080")
	}
	listener, err := net.Listen("tcp", options.listen)
	if err != nil {
		return fmt.Errorf("serve the sandbox: %w", err)
	}
	settings := sandbox.Default()
	settings.Account = sandboxAccount
	server := &http.Server{Handler: sandbox.New(settings), ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	url := "http://" + listener.Addr().String()
	if err := announce(&sandboxResult{Account: sandboxAccount, URL: url, Config: sandboxConfig(url)}); err != nil {
		return errors.Join(err, server.Close())
	}
	select {
	case err := <-ended:
		return fmt.Errorf("serve the sandbox: %w", err)
	case <-ctx.Done():
		return server.Close()
	}
}

// sandboxConfig is a whole configuration for the account at url.
func sandboxConfig(url string) string {
	return fmt.Sprintf(`account: %s
liveperson:
  domain_api: %s
  oauth2: {client_id: %q, client_secret: %q}
state: ./demo/state
destinations:
  - name: local
    archive: generic
    from: all
    directory: {path: ./demo/archive}
`, sandboxAccount, url, sandbox.DefaultCredentials.ClientID, sandbox.DefaultCredentials.ClientSecret)
}
