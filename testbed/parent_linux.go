package testbed

import "syscall"

// EndWithParent ends a server when the test's process ends without cleaning up, as it does after a time-out.
func EndWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
