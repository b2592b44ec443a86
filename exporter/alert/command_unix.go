//go:build unix

package alert

import (
	"os/exec"
	"syscall"
)

// killTogether gives cmd a process group of its own, so that at the end of its
// time what it started ends too.
func killTogether(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
