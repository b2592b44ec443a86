package benchmarks

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"lpexport/archive/directory"
	"lpexport/exporter"
	"lpexport/exporter/config"
	"lpexport/liveperson"
	"lpexport/liveperson/sandbox"
)

// job is one export: a backfill of the whole account, or a cycle.
type job struct {
	URL     string
	Dir     string // for the state and the archive
	Cycle   bool
	Now     time.Time
	Profile string // path without its ending; "": none
}

// exported is what the export says of itself.
type exported struct {
	Conversations, Messages, Searches int64
	Bytes                             int64 // of JSON received
	StateBytes                        int64
	Slices                            int // delivered
}

// export is the exporter's process: it wires the parts together as the program
// does, with the defaults of its configuration.
func export() (err error) {
	var j job
	if err := json.NewDecoder(os.Stdin).Decode(&j); err != nil {
		return fmt.Errorf("read job: %w", err)
	}
	finish, err := profile(j.Profile)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, finish()) }()
	ctx := context.Background()
	e, err := open(ctx, j)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	var r exporter.Report
	if j.Cycle {
		r, err = e.Cycle(ctx, nil)
	} else {
		r, err = e.Backfill(ctx, firstStart, lastStart, nil)
	}
	if err != nil && !r.Complete { // a cycle leaves a hole behind the account's backfill
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(exported{
		Conversations: r.Captured.Conversations, Messages: r.Captured.Messages, Searches: r.Searches,
		Bytes: r.Captured.Bytes, StateBytes: r.StateBytes, Slices: r.Destinations[0].Slices,
	})
}

func open(ctx context.Context, j job) (*exporter.Exporter, error) {
	debug.SetMemoryLimit(exporter.MemoryLimit) // as the program does
	c, err := configure(j)
	if err != nil {
		return nil, err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	now := clock(j.Now)
	client, err := newClient(c, log, now)
	if err != nil {
		return nil, err
	}
	d := c.Destinations[0]
	return exporter.Open(ctx, exporter.Settings{
		Account: c.Account, State: c.State, Source: client, Concurrency: c.LivePerson.Concurrency,
		Since: c.Poll.Since.Time, Overlap: c.Poll.Overlap, Reread: c.Poll.Reread,
		Destinations: []exporter.Destination{{
			Name: d.Name, Archive: d.Archive,
			Cut:            exporter.Cut{Immediately: d.Cut.Mode == config.CutImmediately, After: d.Cut.After},
			From:           &exporter.From{All: true},
			Bounds:         exporter.Bounds{Conversations: d.Bundle.MaxConversations, Bytes: d.Bundle.MaxBytes, Wait: d.Bundle.MaxWait},
			SettingsSHA256: fmt.Sprintf("%064d", 0),
			Target:         directory.New(directory.Config{Path: d.Directory.Path, Account: c.Account, Name: d.Name}),
		}},
		Generator: "lpexport benchmark", Log: log, Now: now,
	})
}

func newClient(c *config.Config, log *slog.Logger, now func() time.Time) (*liveperson.Client, error) {
	login := c.LivePerson.OAuth2
	return liveperson.New(liveperson.Config{
		Account: c.Account, DomainAPI: c.LivePerson.DomainAPI, Source: c.LivePerson.Source, Concurrency: c.LivePerson.Concurrency,
		OAuth2:    &liveperson.OAuth2Credentials{ClientID: login.ClientID, ClientSecret: login.ClientSecret.Reveal()},
		UserAgent: "lpexport-benchmark", Log: log, Now: now,
	})
}

// configure is a configuration that says nothing beyond what it has to.
func configure(j job) (*config.Config, error) {
	return config.Parse("benchmark.yaml", []byte(configuration(accountID, j)), config.Lookup{})
}

func configuration(account string, j job) string {
	login := sandbox.DefaultCredentials
	return fmt.Sprintf(`
account: %s
liveperson:
  domain_api: %s
  oauth2: {client_id: %q, client_secret: %q}
state: %q
destinations:
  - {name: local, archive: generic, from: all, directory: {path: %q}}
`, account, j.URL, login.ClientID, login.ClientSecret, filepath.Join(j.Dir, "state"), filepath.Join(j.Dir, "archive"))
}

// accountID is not "sandbox", which stands for the account inside the process.
const accountID = "benchmark"

// profile begins a CPU profile; finish ends it and adds one of the heap.
func profile(path string) (finish func() error, err error) {
	if path == "" {
		return func() error { return nil }, nil
	}
	cpu, err := os.Create(path + ".cpu.pprof")
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(cpu); err != nil {
		return nil, errors.Join(err, cpu.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		heap, err := os.Create(path + ".heap.pprof")
		if err != nil {
			return errors.Join(err, cpu.Close())
		}
		runtime.GC()
		return errors.Join(pprof.WriteHeapProfile(heap), heap.Close(), cpu.Close())
	}, nil
}

var profiled int

// profilePath is the path, without its ending, for the next export's profiles.
func profilePath(benchmark string) string {
	profiled++
	return filepath.Join(*profiles, fmt.Sprintf("%s-%03d", strings.NewReplacer("Benchmark", "", "/", "-").Replace(benchmark), profiled))
}

// run exports once, in a process of its own.
func run(b *testing.B, j job) (exported, usage) {
	b.Helper()
	if j.Now.IsZero() {
		j.Now = today
	}
	if *profiles != "" {
		j.Profile = profilePath(b.Name())
	}
	cmd := again(b, "export", j)
	var out bytes.Buffer
	cmd.Stdout = &out
	u := measure(b, cmd)
	var e exported
	if err := json.Unmarshal(out.Bytes(), &e); err != nil {
		b.Fatalf("export: %v", err)
	}
	return e, u
}
