package benchmarks

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"testing"
	"time"
)

// usage is what a process cost, from its start to its end.
type usage struct {
	wall time.Duration
	cpu  time.Duration // user and system
	peak int64         // largest resident set in bytes, 0 where the system does not tell
}

// measure runs a command to its end and fails the benchmark when it fails.
func measure(b *testing.B, cmd *exec.Cmd) usage {
	b.Helper()
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	began := time.Now()
	if err := cmd.Run(); err != nil {
		b.Fatalf("%s: %v: %s", cmd.Path, err, complaints.Bytes())
	}
	s := cmd.ProcessState
	return usage{wall: time.Since(began), cpu: s.UserTime() + s.SystemTime(), peak: peakOf(s)}
}

// again is this binary in another role, reading input as JSON.
func again(b *testing.B, name string, input any) *exec.Cmd {
	b.Helper()
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), role+"="+name)
	if input != nil {
		cmd.Stdin = bytes.NewReader(encode(b, input))
	}
	return cmd
}

func encode(b *testing.B, v any) []byte {
	b.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		b.Fatal(err)
	}
	return raw
}

// clock is a moment that goes on from the time it was made.
func clock(at time.Time) func() time.Time {
	began := time.Now()
	return func() time.Time { return at.Add(time.Since(began)) }
}
