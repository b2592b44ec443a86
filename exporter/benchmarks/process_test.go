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

// partner is this binary in another role, which answers what it is asked until
// the benchmark ends: one JSON value to each.
type partner struct {
	process *os.Process
	in      *json.Encoder
	out     *json.Decoder
}

func newPartner(b *testing.B, name string) *partner {
	b.Helper()
	cmd := again(b, name, nil)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			b.Errorf("%s: %v", name, err)
		}
	})
	return &partner{process: cmd.Process, in: json.NewEncoder(in), out: json.NewDecoder(out)}
}

// ask waits for the answer.
func (p *partner) ask(b *testing.B, question, answer any) {
	b.Helper()
	if err := p.in.Encode(question); err != nil {
		b.Fatal(err)
	}
	if err := p.out.Decode(answer); err != nil {
		b.Fatal(err)
	}
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
