package testbed

import (
	"syscall"
	"testing"
	"time"
)

// ProcessorTime is what the process has had of all processors so far. Others that want them do not count, as they do in elapsed
// time; collecting garbage does.
func ProcessorTime(t testing.TB) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
