package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"lpexport/archive"
	"lpexport/exporter"
	"lpexport/exporter/checkpoint"
	"lpexport/exporter/config"
	"lpexport/liveperson"
)

func TestExitCodeOfEach(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(stopped{syscall.SIGTERM})
	for _, each := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{errors.New("disk on fire"), 1},
		{usage("no", ""), 2},
		{config.Faults{{File: "f", Line: 1}}, 2},
		{fmt.Errorf("run: %w", &outcome{code: exitBusy}), 11},
		{context.Canceled, 130},
		{fmt.Errorf("deliver: %w", context.Cause(ctx)), 130},
		{settle(ctx, fmt.Errorf("deliver: %w", context.Canceled)), 130},
		{context.DeadlineExceeded, 1},
		{&liveperson.AuthError{Err: &liveperson.APIError{Status: 401}}, 12},
		{fmt.Errorf("capture: %w", &liveperson.APIError{Status: 503}), 3},
		{&liveperson.APIError{Err: context.Canceled}, 130},
		{&liveperson.ServiceHostError{Service: "sentinel", Host: "evil.example"}, 2},
		{errors.Join(fmt.Errorf("fetch users: %w", &liveperson.ServiceHostError{}), exporter.ErrIncomplete), 2},
		{errors.Join(&liveperson.UnavailableError{Err: errors.New("connection refused")}, exporter.ErrIncomplete), 3},
		{exporter.ErrCycleRunning, 11},
		{fmt.Errorf("run: %w", exporter.ErrIncomplete), 3},
		{exporter.ErrQuarantine, 5},
		{&exporter.HaltError{Err: &exporter.ForkError{}}, 4},
		{&exporter.HaltError{Err: &exporter.GoneError{Err: &archive.Error{Class: archive.Halt, Err: archive.ErrGone}}}, 4},
		{&exporter.HaltError{Err: &exporter.ChangedError{}}, 4},
		{&exporter.GoneError{}, 4},
		{&exporter.ChangedError{}, 4},
		{&exporter.DiffersError{}, 4},
		{&exporter.TargetChangedError{}, 2},
		{&exporter.RenamedError{}, 2},
		{&exporter.NothingToAcceptError{}, 2},
		{&exporter.ReasonError{}, 2},
		{&exporter.HaltError{Err: &archive.Error{Class: archive.Halt, Err: errors.New("other bytes")}}, 3},
		{&exporter.FromRequiredError{}, 2},
		{&exporter.UnknownSkillError{}, 2},
		{&archive.Error{Class: archive.Retry, Err: errors.New("disk full")}, 3},
		{&archive.Error{Class: archive.Abort, Err: errors.New("spool damaged")}, 1},
		{&archive.Error{Class: archive.Retry, Err: fmt.Errorf("copy: %w", context.Canceled)}, 130},
		{&checkpoint.Error{Kind: checkpoint.OtherAccount}, 2},
		{&checkpoint.Error{Kind: checkpoint.NetworkFS}, 2},
		{&checkpoint.Error{Kind: checkpoint.DiskFull, Err: errors.New("disk full")}, 1},
		{&checkpoint.Error{Kind: checkpoint.Damaged, Err: errors.New("not a database")}, 1},
	} {
		if got := exitCode(each.err); got != each.want {
			t.Errorf("%v: got %d, want %d", each.err, got, each.want)
		}
	}
}

// TestExitCodePrecedence joins every pair of codes in both orders.
func TestExitCodePrecedence(t *testing.T) {
	order := []int{2, 11, 130, 1, 12, 4, 3, 5}
	for i, first := range order {
		for _, second := range order[i:] {
			a, b := &outcome{code: first}, &outcome{code: second}
			for _, err := range []error{errors.Join(a, b), errors.Join(b, fmt.Errorf("wrapped: %w", a)), errors.Join(b, errors.Join(b, a))} {
				if got := exitCode(err); got != first {
					t.Errorf("%d with %d: got %d", first, second, got)
				}
			}
		}
	}
}

// TestUnknownErrorBesideKnown: an error nobody foresaw must not hide behind
// one that is merely unfinished.
func TestUnknownErrorBesideKnown(t *testing.T) {
	joined := errors.Join(&outcome{code: exitUnfinished}, errors.New("unforeseen"))
	for _, err := range []error{joined, fmt.Errorf("run: %w", joined)} {
		if got := exitCode(err); got != exitUnexpected {
			t.Errorf("%q: got %d", err, got)
		}
	}
}

func TestComplainTellsFactsThenHintsOnce(t *testing.T) {
	var out strings.Builder
	p := &program{stderr: &out}
	p.complain(errors.Join(
		&outcome{code: 3, fact: "2 bundles wait", hint: "lpexport status"},
		&outcome{code: 5, fact: "1 record\x1b[2J waits", hint: "lpexport status"},
		config.Faults{{File: "config.yaml", Line: 3, Key: "a.b", Detail: "is wrong"}},
	))
	want := "lpexport: error: 2 bundles wait\nlpexport: error: 1 record\uFFFD[2J waits\nconfig.yaml:3: a.b: is wrong\nlpexport: hint: lpexport status\n"
	if out.String() != want {
		t.Errorf("got %q", out.String())
	}
}
