package main

import (
	"os"
	"os/user"
	"strconv"

	"lpexport/exporter"
)

// acceptance is the person who typed a command, and why.
func acceptance(reason, help string) (exporter.Acceptance, error) {
	if reason == "" {
		return exporter.Acceptance{}, usage("--reason is required: it is kept with the decision", help)
	}
	return exporter.Acceptance{Person: person(), Reason: reason}, nil
}

// person names the account of the operating system that typed the command.
func person() string {
	name := "uid " + strconv.Itoa(os.Getuid())
	if current, err := user.Current(); err == nil && current.Username != "" {
		name = current.Username
	}
	if behind := os.Getenv("SUDO_USER"); behind != "" && os.Getuid() == 0 {
		name = printable(behind) + " as " + name
	}
	return name
}
