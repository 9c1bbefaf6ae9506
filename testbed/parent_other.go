//go:build !linux

package testbed

import "syscall"

// EndWithParent has no means here to end a server whose test did not clean up.
func EndWithParent() *syscall.SysProcAttr { return nil }
