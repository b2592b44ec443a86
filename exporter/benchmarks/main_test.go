// Package benchmarks measures the whole export against the figures that it is
// held to: CPU beside jq's, peak memory, searches, time, the size of the state; and
// the service: how fast it answers events, what it loses, what it costs at rest.
//
//	go test -run '^$' -bench . -benchtime 1x ./exporter/benchmarks
//
// The simulated account is served by one process and exported by another, both
// this test binary again, so that the figures are those of a whole process that
// does nothing but export: user and system time, wall time and peak memory as
// the operating system accounts for them when it ends. A figure is printed
// beside its target and never fails the benchmark, since machines differ.
//
// The service and what runs beside it are the program itself, built before.
//
// Behind the package, -large 200000 takes the full size where a benchmark grows
// with the account (then with -timeout 60m, as for all benchmarks at once); the
// default is smaller. -events 10s shortens the minute of 2,000 events a second,
// -idle 1m the five minutes of rest. -profiles DIR keeps a CPU and a heap profile
// of every export, and of the program also what blocked it.
package benchmarks

import (
	"flag"
	"fmt"
	"os"
	"testing"
	"time"
)

var (
	pairs     = flag.Int("pairs", 5, "runs of each of two commands that are compared")
	large     = flag.Int("large", 50_000, "conversations of the large account")
	eventsFor = flag.Duration("events", time.Minute, "how long 2,000 events a second are sent")
	idleFor   = flag.Duration("idle", 5*time.Minute, "how long idle services are watched: with the default one cycle of each is within")
	profiles  = flag.String("profiles", "", "folder that exists, for profiles of every export and service")
)

// role is the environment variable that makes this binary one of the processes
// that a benchmark starts.
const role = "LPEXPORT_BENCHMARK_ROLE"

func TestMain(m *testing.M) {
	roles := map[string]func() error{"serve": serve, "export": export, "save": save, "events": sending}
	work, ok := roles[os.Getenv(role)]
	if !ok {
		os.Exit(m.Run())
	}
	if err := work(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}
