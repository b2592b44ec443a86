package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"lpexport/exporter"
	"lpexport/exporter/config"
)

// program is what all commands share: the streams, the clock, the flags.
// Results go to stdout, talk to stderr.
type program struct {
	stdout, stderr io.Writer
	terminal       bool // stderr is one
	now            func() time.Time
	wait           func(ctx context.Context, d time.Duration) error // between two tries of a request; nil: a timer

	flags    globalFlags
	summing  string // the command whose errors end in a line with the cause; "" none does
	log      *slog.Logger
	level    slog.LevelVar // of log
	screen   *screen
	empty    map[*cobra.Command]func() result
	reported bool

	serves  atomic.Bool   // a hangup means to reload
	hangups chan struct{} // there was one
}

// hangUp takes a hangup where it means to reload; else it is a reason to stop.
func (p *program) hangUp() (taken bool) {
	if !p.serves.Load() {
		return false
	}
	select {
	case p.hangups <- struct{}{}:
	default: // one is waiting
	}
	return true
}

// result is what a command found, also when it failed: its lists are never nil.
type result interface {
	head() *header
	// text writes the result for people.
	text(w io.Writer)
}

// header begins every JSON object.
type header struct {
	Schema string `json:"schema"`
	Exit   int    `json:"exit"`
	Error  string `json:"error,omitempty"`
}

func (h *header) head() *header { return h }

// bare is the result of what has no result but its end.
type bare struct{ header }

func (*bare) text(io.Writer) {}

// execute runs one command line and returns its exit code.
func (p *program) execute(ctx context.Context, args []string) int {
	p.empty = map[*cobra.Command]func() result{}
	p.screen = &screen{out: p.stderr}
	p.log = slog.New(slog.DiscardHandler)
	root := newRoot(p)
	root.SetArgs(args)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitDone
	}
	if !p.reported && wantsJSON(args) {
		p.flags.json = true
		empty := p.empty[cmd]
		if empty == nil {
			empty = func() result { return new(bare) }
		}
		err = p.report(cmd, empty(), err)
	}
	p.complain(err)
	p.sum(err)
	return exitCode(err)
}

// sum ends what a command says with one line that names the cause: the end is what
// people see of a mail from cron.
func (p *program) sum(err error) {
	if code := exitCode(err); p.summing != "" {
		fmt.Fprintf(p.stderr, "lpexport: %s ended with %d: %s\n", p.summing, code, printable(cause(err, code)))
	}
}

// cause is what an error with that code says, in one line: of several the one that says
// most, which those do that know no more than the code.
func cause(err error, code int) string {
	said, general := "", ""
	more := 0
	for _, each := range leaves(err) {
		text := strings.Join(strings.Fields(each.Error()), " ")
		switch {
		case exitCode(each) != code:
		case each == exporter.ErrIncomplete || each == exporter.ErrQuarantine:
			general = text
		case said == "":
			said = text
		default:
			more++
		}
	}
	if more > 0 {
		said += fmt.Sprintf(" (and %d more, above)", more)
	}
	return cmp.Or(said, general, strings.Join(strings.Fields(err.Error()), " "))
}

// wantsJSON looks for --json where the flags could not be read.
func wantsJSON(args []string) bool {
	if end := slices.Index(args, "--"); end >= 0 {
		args = args[:end]
	}
	return slices.Contains(args, "--json") || slices.Contains(args, "--json=true")
}

// command gives cmd its work, which returns its result, or nil when it has
// reported that itself. empty is the result for a command line that never came
// to work.
func (p *program) command(cmd *cobra.Command, empty func() result, work func(ctx context.Context, args []string) (result, error)) *cobra.Command {
	p.empty[cmd] = empty
	cmd.Long = strings.TrimSpace(cmd.Long) + "\n" + exitStatus
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		found, err := work(cmd.Context(), args)
		err = settle(cmd.Context(), err)
		if p.reported {
			return err
		}
		if found == nil {
			found = empty()
		}
		return p.report(cmd, found, err)
	}
	return cmd
}

// settle tells a stop by a signal from other cancellations.
func settle(ctx context.Context, err error) error {
	var signal stopped
	if err != nil && errors.As(context.Cause(ctx), &signal) && errors.Is(err, context.Canceled) {
		return &outcome{code: exitStopped, err: signal, hint: "the same command again goes on where it stopped"}
	}
	return err
}

// report writes what a command found, and returns err or why that could not be
// written.
func (p *program) report(cmd *cobra.Command, found result, err error) error {
	p.reported = true
	p.screen.close()
	var out strings.Builder
	if p.flags.json {
		head := found.head()
		head.Schema = "lpexport/" + verb(cmd) + "/v1"
		if own, is := found.(interface{ schema() string }); is {
			head.Schema = own.schema()
		}
		head.Exit = exitCode(err)
		if err != nil {
			head.Error = err.Error()
		}
		encoder := json.NewEncoder(&out)
		encoder.SetEscapeHTML(false)
		if jsonErr := encoder.Encode(found); jsonErr != nil {
			return errors.Join(err, fmt.Errorf("write the result: %w", jsonErr))
		}
	} else {
		found.text(&out)
	}
	if _, writeErr := io.WriteString(p.stdout, out.String()); writeErr != nil {
		return errors.Join(err, fmt.Errorf("write the result: %w", writeErr))
	}
	return err
}

// verb names a command in a schema: "export", "quarantine-list".
func verb(cmd *cobra.Command) string {
	if words := strings.Fields(cmd.CommandPath()); len(words) > 1 {
		return strings.Join(words[1:], "-")
	}
	return "lpexport"
}

// complain tells a person each error on its own line, the hint below it.
// Configuration faults stand alone, so that editors can jump to them.
func (p *program) complain(err error) {
	var hints []string
	for _, each := range leaves(err) {
		var faults config.Faults
		if errors.As(each, &faults) {
			for _, fault := range faults {
				fmt.Fprintln(p.stderr, printable(fault.String()))
			}
			continue
		}
		fmt.Fprintf(p.stderr, "lpexport: error: %s\n", printable(each.Error()))
		if next := p.pasteable(hint(each)); next != "" && !slices.Contains(hints, next) {
			hints = append(hints, next)
		}
	}
	for _, next := range hints {
		fmt.Fprintf(p.stderr, "lpexport: hint: %s\n", printable(next))
	}
}

var endsInCommand = regexp.MustCompile("(^|: )lpexport [^`]*$")

// pasteable adds the configuration in use to a hint that ends in a command.
func (p *program) pasteable(hint string) string {
	if p.flags.config != "" && endsInCommand.MatchString(hint) && !strings.Contains(hint, " --config ") && !strings.HasSuffix(hint, " --help") {
		return hint + " --config " + p.flags.config
	}
	return hint
}

// leaves takes joined errors apart.
func leaves(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, each := range joined.Unwrap() {
		all = append(all, leaves(each)...)
	}
	return all
}

// printable keeps text from outside from steering a terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && !unicode.IsPrint(r) {
			return '\uFFFD'
		}
		return r
	}, text)
}
