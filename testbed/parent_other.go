//go:build !linux

package testbed

import "syscall"

// endWithParent has no means here to end a server whose test did not clean up.
func endWithParent() *syscall.SysProcAttr { return nil }
