//go:build !linux

package testbed

import "testing"

// Disk is a small file system of a test's own.
type Disk struct{ Dir string }

// OnDisk skips the test: only Linux lets a user make a disk.
func OnDisk(t *testing.T, _ int, _ func(*testing.T, *Disk)) {
	note(t, "only Linux lets a user make a small disk")
	t.Skip("only Linux lets a user make a small disk")
}

// Fill leaves room for so many bytes on the disk.
func (d *Disk) Fill(_ int) {}

// Free gives back what Fill took.
func (d *Disk) Free() {}
