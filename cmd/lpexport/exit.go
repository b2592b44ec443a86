package main

import (
	"context"
	"errors"
	"slices"
	"syscall"

	"lpexport/archive"
	"lpexport/exporter"
	"lpexport/exporter/checkpoint"
	"lpexport/exporter/config"
	"lpexport/exporter/listener"
	"lpexport/liveperson"
)

// Exit codes, which scripts of others rely on.
const (
	exitDone        = 0
	exitUnexpected  = 1
	exitUsage       = 2
	exitUnfinished  = 3
	exitDamage      = 4
	exitWaiting     = 5
	exitBusy        = 11
	exitCredentials = 12
	exitStopped     = 130
)

// precedence decides where several codes hold: the first counts.
var precedence = []int{exitUsage, exitBusy, exitStopped, exitUnexpected, exitCredentials, exitDamage, exitUnfinished, exitWaiting}

// exitStatus is the part of the long help that explains the codes.
const exitStatus = `
EXIT STATUS
  0    done, nothing waits
  1    unexpected error; nothing is lost
  2    usage or configuration
  3    something is not captured or not delivered yet: the next run tries again,
       or lpexport status names the command
  4    damage or a gap found
  5    done, but items wait for a person: lpexport quarantine list
  11   another cycle is running
  12   LivePerson refused the credentials
  130  stopped by a signal before the end; nothing is lost`

// outcome is an error whose exit code is known, with what to do about it.
type outcome struct {
	code int
	fact string
	hint string // a command to type, or ""
	err  error  // the cause, or nil
}

func (o *outcome) Error() string {
	if o.err == nil {
		return o.fact
	}
	if o.fact == "" {
		return o.err.Error()
	}
	return o.fact + ": " + o.err.Error()
}

func (o *outcome) Unwrap() error { return o.err }

// usage is an error in how the program was called.
func usage(fact, hint string) error { return &outcome{code: exitUsage, fact: fact, hint: hint} }

// exitCode is the one place that turns an error into an exit code.
func exitCode(err error) int {
	if err == nil {
		return exitDone
	}
	codes := leafCodes(err)
	for _, code := range precedence {
		if slices.Contains(codes, code) {
			return code
		}
	}
	return exitUnexpected
}

// leafCodes gives the code of each error that err joins or wraps.
func leafCodes(err error) []int {
	if code, known := ownCode(err); known {
		return []int{code}
	}
	switch wrapping := err.(type) {
	case interface{ Unwrap() []error }:
		var codes []int
		for _, each := range wrapping.Unwrap() {
			codes = append(codes, leafCodes(each)...)
		}
		return codes
	case interface{ Unwrap() error }:
		if inner := wrapping.Unwrap(); inner != nil {
			return leafCodes(inner)
		}
	}
	return []int{exitUnexpected}
}

// ownCode is the code of an error of a type that is known here; what it wraps
// is its cause, and no error beside it.
func ownCode(err error) (code int, known bool) {
	switch e := err.(type) {
	case *outcome:
		return e.code, true
	case config.Faults, *exporter.UnknownSkillError, *exporter.FromRequiredError, *exporter.UnknownDestinationError, *exporter.NotReadableError, *exporter.ListError,
		*exporter.StillConfiguredError, *exporter.StillPendingError, *exporter.RetiredError, *exporter.NotWaitingError, *exporter.NothingToSaveError,
		*exporter.RenamedError, *exporter.TargetChangedError,
		*exporter.NothingToAcceptError, *exporter.ReasonError:
		return exitUsage, true
	case stopped:
		return exitStopped, true
	case *exporter.ForkError, *exporter.GoneError, *exporter.ChangedError, *exporter.DiffersError:
		return exitDamage, true
	case *exporter.HaltError:
		if is[*exporter.ForkError](e) || is[*exporter.GoneError](e) || is[*exporter.ChangedError](e) {
			return exitDamage, true
		}
		if is[*exporter.TargetChangedError](e) {
			return exitUsage, true // the configuration names another place than before
		}
		return exitUnfinished, true
	case *listener.Error:
		if errors.Is(e, syscall.EADDRINUSE) {
			return exitUnexpected, true // it may be free when the program is started again
		}
		return exitUsage, true
	case *liveperson.AuthError:
		return exitCredentials, true
	case *liveperson.ServiceHostError:
		return exitUsage, true // repeating does not help: a person decides whether the host is one to allow
	case *liveperson.UnavailableError:
		return exitUnfinished, true
	case *liveperson.APIError:
		return unlessStopped(e, exitUnfinished), true
	case *exporter.HoleError:
		return exitUnfinished, true
	case *archive.Error:
		if e.Class == archive.Abort {
			return unlessStopped(e, exitUnexpected), true
		}
		return unlessStopped(e, exitUnfinished), true
	case *checkpoint.Error:
		if e.Kind == checkpoint.OtherAccount || e.Kind == checkpoint.NetworkFS {
			return exitUsage, true // the configuration names a state that it cannot use
		}
		return unlessStopped(e, exitUnexpected), true
	}
	switch err {
	case context.Canceled:
		return exitStopped, true
	case exporter.ErrCycleRunning:
		return exitBusy, true
	case exporter.ErrIncomplete:
		return exitUnfinished, true
	case exporter.ErrQuarantine:
		return exitWaiting, true
	}
	return 0, false
}

// unlessStopped is code, but where the cause is that we were stopped.
func unlessStopped(err error, code int) int {
	if is[stopped](err) || errors.Is(err, context.Canceled) {
		return exitStopped
	}
	return code
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// hint is what to do about an error, or "".
func hint(err error) string {
	if known, ok := errors.AsType[*outcome](err); ok && known.hint != "" {
		return known.hint
	}
	if errors.Is(err, exporter.ErrQuarantine) {
		return "lpexport quarantine list"
	}
	if errors.Is(err, exporter.ErrIncomplete) || errors.Is(err, exporter.ErrCycleRunning) {
		return "lpexport status"
	}
	if is[*liveperson.UnavailableError](err) {
		return "lpexport check"
	}
	if is[*liveperson.AuthError](err) {
		return "" // it names its remedy itself
	}
	if own, ok := errors.AsType[interface {
		error
		Hint() string
	}](err); ok {
		return own.Hint()
	}
	if state, ok := errors.AsType[*checkpoint.Error](err); ok {
		return state.Hint
	}
	if at, ok := errors.AsType[*archive.Error](err); ok {
		return at.Hint
	}
	return ""
}
