package testbed

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Disk is a small file system of a test's own.
type Disk struct {
	Dir string

	t testing.TB
}

// diskMade is, in the process that a test with a disk of its own runs in, the disk's directory.
const diskMade = "TIDEMARK_TEST_DISK"

// OnDisk runs a test that has a disk of some MiB. That takes a process of its own, in which the user may make mounts that
// nobody else sees: it runs the same test again. Where the system does not let users do so, the test is skipped by name.
func OnDisk(t *testing.T, mebibytes int, test func(*testing.T, *Disk)) {
	t.Helper()
	if dir := os.Getenv(diskMade); dir != "" {
		if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dm", mebibytes)); err != nil {
			t.Fatalf("make a disk: %v", err)
		}
		test(t, &Disk{dir, t})
		return
	}
	isolated := func(program string, arguments ...string) *exec.Cmd {
		command := exec.Command(program, arguments...)
		command.Env = append(os.Environ(), diskMade+"="+t.TempDir())
		command.SysProcAttr = EndWithParent()
		command.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS
		command.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		command.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
		return command
	}
	if err := isolated("mount", "-t", "tmpfs", "tmpfs", t.TempDir()).Run(); err != nil {
		note(t, "this system lets nobody make a small disk")
		t.Skipf("this system lets nobody make a small disk: %v", err)
	}
	only := "^" + strings.ReplaceAll(t.Name(), "/", "$/^") + "$"
	out, err := isolated(os.Args[0], "-test.run="+only, "-test.count=1", "-test.timeout=10m", "-test.v").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()+" ") {
		t.Errorf("with a small disk: %v\n%s", err, out)
	}
}

// filler is the file that takes all the room.
const filler = "filler"

// Fill leaves room for so many bytes on the disk.
func (d *Disk) Fill(but int) {
	d.t.Helper()
	f, err := os.OpenFile(filepath.Join(d.Dir, filler), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		d.t.Fatal(err)
	}
	defer f.Close()
	for page := make([]byte, 4096); err == nil; {
		_, err = f.Write(page)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		d.t.Fatalf("fill the disk: %v", err)
	}
	if size, err := f.Seek(0, io.SeekCurrent); err != nil || f.Truncate(size-int64(but)) != nil {
		d.t.Fatalf("leave %d bytes of %d on the disk: %v", but, size, err)
	}
}

// Free gives back what Fill took.
func (d *Disk) Free() {
	d.t.Helper()
	if err := os.Remove(filepath.Join(d.Dir, filler)); err != nil {
		d.t.Fatal(err)
	}
}
