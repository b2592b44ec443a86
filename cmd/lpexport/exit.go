package main

import (
	"context"
	"errors"
	"slices"

	"lpexport/exporter/config"
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
  3    something is not captured or not delivered yet: the next run tries again
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

// leafCodes gives the code of each error that err joins.
func leafCodes(err error) []int {
	var known *outcome
	var faults config.Faults
	var signal stopped
	switch joined, isJoined := err.(interface{ Unwrap() []error }); {
	case isJoined:
		var codes []int
		for _, each := range joined.Unwrap() {
			codes = append(codes, leafCodes(each)...)
		}
		return codes
	case errors.As(err, &known):
		return []int{known.code}
	case errors.As(err, &faults):
		return []int{exitUsage}
	case errors.As(err, &signal), errors.Is(err, context.Canceled):
		return []int{exitStopped}
	default:
		return []int{exitUnexpected}
	}
}
