package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"lpexport/exporter"
	"lpexport/exporter/config"
	"lpexport/exporter/listener"
	"lpexport/liveperson"
)

// checkResult is everything that was tried, in the order of trying.
type checkResult struct {
	header
	Checks []tried `json:"checks"`
}

type tried struct {
	Name   string   `json:"name"`
	Good   bool     `json:"good"`
	Awaits string   `json:"awaits"` // the check whose fault kept this one from being made, or ""
	Detail string   `json:"detail"` // what is wrong
	Remedy string   `json:"remedy"`
	Facts  []string `json:"facts"`
}

func newCheckResult() *checkResult { return &checkResult{Checks: []tried{}} }

func (r *checkResult) text(w io.Writer) {
	for _, each := range r.Checks {
		if each.Good {
			fmt.Fprintf(w, "good   %s\n", each.Name)
			for _, fact := range each.Facts {
				fmt.Fprintf(w, "       %s\n", printable(fact))
			}
			continue
		}
		if each.Awaits != "" {
			fmt.Fprintf(w, "not    %s: it needs %s\n", each.Name, each.Awaits)
			continue
		}
		fmt.Fprintf(w, "fault  %s: %s\n", each.Name, printable(each.Detail))
		if each.Remedy != "" {
			fmt.Fprintf(w, "       %s\n", printable(each.Remedy))
		}
	}
}

func newCheck(p *program) *cobra.Command {
	return p.command(&cobra.Command{
		Use:   "check",
		Short: "Try everything that an export needs",
		Long: `Try what an export needs: the configuration, the state, free space on the disk,
the look-up of the services, the login and its privileges, the clock, and
listing and writing to each destination. Every fault comes with its remedy.
Nothing is captured or delivered. It ends with 2 where you have to change
something, such as for a destination that halts.

LivePerson is asked even while runs leave it alone because it was unavailable.
Once it answers, the next run asks it again.

A destination that is configured to be elsewhere than before, that does not hold
what it took last, or to which somebody else has written, is a fault. Nothing is
written there then: not even to try whether that works.`,
		Args: arguments(0, 0),
	}, func() result { return newCheckResult() }, func(ctx context.Context, _ []string) (result, error) {
		return runCheck(ctx, p)
	})
}

func runCheck(ctx context.Context, p *program) (*checkResult, error) {
	found := newCheckResult()
	c, err := p.loadConfig()
	if err != nil {
		return found, err
	}
	faults := []error{found.note("configuration", nil)}
	e, err := p.openExporter(ctx, c, exporter.Settings{})
	faults = append(faults, found.note("state "+c.State, err))
	if e != nil {
		defer e.Close()
	}
	faults = append(faults, found.note("disk of "+c.State, tryDisk(c.State)))
	client, err := p.newClient(c, nil)
	if err != nil {
		faults = append(faults, found.note("account", err))
	} else {
		faults = append(faults, found.tryAccount(ctx, c, client, e))
	}
	for _, l := range []struct {
		name, listen string
		tls          config.TLS
	}{{"webhook", c.Webhook.Listen, c.Webhook.TLS}, {"serve", c.Serve.Listen, c.Serve.TLS}} {
		if l.listen == "" || l.name == "serve" && l.tls.Empty() {
			continue // nothing that could be wrong
		}
		facts, err := tryListener(ctx, l.listen, l.tls)
		faults = append(faults, found.note(l.name+" on "+l.listen, err, facts...))
	}
	if e != nil {
		for _, d := range e.Destinations {
			facts, err := tryDestination(ctx, c, e, d)
			faults = append(faults, found.note("destination "+called(c, d.Name), err, facts...))
		}
	}
	return found, errors.Join(faults...)
}

// tryAccount tries everything that is asked of LivePerson. e is nil where the state
// could not be opened.
func (r *checkResult) tryAccount(ctx context.Context, c *config.Config, client *liveperson.Client, e *exporter.Exporter) error {
	var faults []error
	awaited := map[string]string{} // by probe
	for _, probe := range client.Check(ctx) {
		name := "account: " + probe.Name
		if probe.Awaits != "" {
			awaited[probe.Name] = "account: " + probe.Awaits
			r.skip(name, awaited[probe.Name])
			continue
		}
		if probe.Name == liveperson.ProbeSkills && probe.Err != nil {
			awaited[probe.Name] = name
		}
		facts, err := noteAnswer(ctx, e, probe)
		faults = append(faults, r.note(name, err, facts...))
	}
	if e != nil && len(c.Select.Skills) > 0 {
		faults = append(faults, r.unlessAwaiting("select.skills", awaited[liveperson.ProbeSkills], func() ([]string, error) {
			skills, err := client.Skills(ctx)
			if err == nil {
				err = e.CheckSelection(ctx, skills)
			}
			return nil, err
		}))
	}
	if c.Files.Fetch {
		faults = append(faults, r.unlessAwaiting("account: files", awaited[liveperson.ProbeHistory], func() ([]string, error) { return tryFiles(ctx, client, e) }))
	}
	return errors.Join(faults...)
}

// unlessAwaiting makes a check, unless another one's fault keeps it from being made.
func (r *checkResult) unlessAwaiting(name, awaits string, try func() (facts []string, err error)) error {
	if awaits != "" {
		r.skip(name, awaits)
		return nil
	}
	facts, err := try()
	return r.note(name, err, facts...)
}

// skip notes a check that another one's fault kept from being made.
func (r *checkResult) skip(name, awaits string) {
	r.Checks = append(r.Checks, tried{Name: name, Awaits: awaits, Facts: []string{}})
}

// noteAnswer lets the next run ask again, whatever the time is that the state
// names, when history has been answered.
func noteAnswer(ctx context.Context, e *exporter.Exporter, probe liveperson.Probe) (facts []string, err error) {
	if e == nil || probe.Err != nil || probe.Name != liveperson.ProbeHistory {
		return nil, probe.Err
	}
	was, err := e.Answers(ctx)
	if was && err == nil {
		facts = []string{"was unavailable: the next run asks again"}
	}
	return facts, err
}

// tryFiles asks for the files of no conversation. A login that was never given
// any is no fault: texts are exported, and what that lacks is said.
func tryFiles(ctx context.Context, client *liveperson.Client, e *exporter.Exporter) (facts []string, err error) {
	err = client.CheckFiles(ctx)
	if elsewhere, ok := errors.AsType[*liveperson.ServiceHostError](err); ok {
		return nil, elsewhere
	}
	if !errors.Is(err, liveperson.ErrFilesRefused) || e == nil {
		return nil, err
	}
	status, serr := e.Status(ctx)
	if serr != nil || status.Files.Kept > 0 {
		return nil, errors.Join(err, serr)
	}
	return []string{"not given to this login, so that they are only named: " + err.Error(), "if that is meant: files.fetch: false"}, nil
}

// tryListener opens an address and closes it again.
func tryListener(ctx context.Context, address string, tls config.TLS) (facts []string, err error) {
	l, err := listener.Listen(ctx, listener.Settings{Address: address, Certificate: tls.CertFile, Key: tls.KeyFile, Handler: http.NotFoundHandler()})
	if errors.Is(err, syscall.EADDRINUSE) {
		return []string{"in use: by lpexport serve?"}, nil
	}
	if err != nil {
		return nil, err
	}
	if end := l.CertificateExpiry(); !end.IsZero() {
		facts = append(facts, "certificate until "+end.UTC().Format(time.DateOnly))
	}
	return facts, l.Shutdown(ctx)
}

// note keeps what came of one check, and gives its error back with its name.
func (r *checkResult) note(name string, err error, facts ...string) error {
	facts = append([]string{}, facts...) // lists are never null
	if err == nil {
		r.Checks = append(r.Checks, tried{Name: name, Good: true, Facts: facts})
		return nil
	}
	detail, remedy := err.Error(), hint(err)
	if auth, ok := errors.AsType[*liveperson.AuthError](err); ok {
		detail, remedy = auth.Fact(), auth.Hint
	}
	r.Checks = append(r.Checks, tried{Name: name, Detail: detail, Remedy: remedy, Facts: facts})
	return fmt.Errorf("%s: %w", name, err)
}

// leastFree is the space below which an export may soon fail.
const leastFree = 512 << 20

func tryDisk(dir string) error {
	free, err := freeSpace(dir)
	if err != nil {
		return fmt.Errorf("free space: %w", err)
	}
	if free < leastFree {
		return &outcome{
			code: exitUnexpected, fact: fmt.Sprintf("only %d MiB are free", free>>20),
			hint: "make room: the state needs space for what is captured and not delivered yet",
		}
	}
	return nil
}
