package alert

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

const (
	commandTime = 30 * time.Second
	// linger is how long what the command left behind may hold its output.
	linger = time.Second
	// outputKept is how many bytes of its output are looked at.
	outputKept = 4 << 10
)

// inherited is all that the command gets of our environment, which may hold
// secrets of the configuration.
var inherited = []string{"PATH", "HOME", "LANG"}

// run hands n to the command, as JSON on its standard input.
func (w *Watch) run(ctx context.Context, n notification) error {
	body, err := n.json()
	if err != nil {
		return err
	}
	var env []string
	for _, name := range inherited {
		if value, set := os.LookupEnv(name); set {
			env = append(env, name+"="+value)
		}
	}
	env = append(env, "LPEXPORT_ACCOUNT="+n.Account, "LPEXPORT_ALERT_STATE="+n.state(), "LPEXPORT_ALERT_NAMES="+n.names())
	ctx, cancel := context.WithTimeout(ctx, commandTime)
	defer cancel()
	return w.Run(ctx, w.Command[0], w.Command[1:], env, body)
}

// runCommand runs a program to its end, or to that of ctx: then it is killed
// with all that it started. Its error ends in the first line that it printed.
func runCommand(ctx context.Context, name string, args, env []string, stdin []byte) error {
	var out head
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = env, bytes.NewReader(stdin), &out, &out
	cmd.WaitDelay = linger
	killTogether(cmd)
	err := cmd.Run()
	if err == nil || errors.Is(err, exec.ErrWaitDelay) { // the latter: it ended well, and left something running
		return nil
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	err = fmt.Errorf("alert command: %w", err)
	if line := out.line(); line != "" {
		err = fmt.Errorf("%w: %s", err, line)
	}
	return err
}

// head keeps the beginning of what is written to it and takes all of it.
type head struct{ kept []byte }

func (h *head) Write(b []byte) (int, error) {
	h.kept = append(h.kept, b[:min(len(b), outputKept-len(h.kept))]...)
	return len(b), nil
}

// line is the first line that is not empty, fit for a log.
func (h *head) line() string {
	first, _, _ := strings.Cut(strings.TrimSpace(string(h.kept)), "\n")
	return plain(strings.TrimSpace(first))
}
