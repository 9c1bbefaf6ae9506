package testbed

import "syscall"

// endWithParent ends a server when the test's process ends without cleaning up, as it does after a time-out.
func endWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
