//go:build !unix

package alert

import "os/exec"

// killTogether leaves cmd as it is: only the command itself is killed here.
func killTogether(*exec.Cmd) {}
