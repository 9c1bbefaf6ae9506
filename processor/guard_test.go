//go:build linux

package processor

import (
	"encoding/json"
	"math"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tidemark/windows"
)

// guardMargin is by how much a ratio may exceed the accepted one: more than machines and runs differ.
const guardMargin = 1.3

// BenchmarkGuard fails when counting a capture has become slower, against reading the same captures by the standard
// library, than testdata/guard.json says was accepted. Both are measured in turn by the processor time of one thread, and
// the least of many rounds counts: what else the machine does hardly matters.
func BenchmarkGuard(b *testing.B) {
	content, err := os.ReadFile("testdata/guard.json")
	if err != nil {
		b.Fatal(err)
	}
	var accepted struct{ Fold float64 }
	if err := json.Unmarshal(content, &accepted); err != nil {
		b.Fatal(err)
	}
	f, records := benchmarkFold(b)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	counted, read := time.Duration(math.MaxInt64), time.Duration(math.MaxInt64)
	for b.Loop() {
		for range 200 {
			counted = min(counted, threadTime(b, func() {
				for _, r := range records {
					if dead := f.add(r, windows.At(noon)); dead != nil {
						b.Fatal(dead)
					}
				}
				f.foldRows(0)
			}))
			read = min(read, threadTime(b, func() {
				for _, r := range records[:100] {
					readPlainly(b, r.Value)
				}
			}))
		}
	}
	ratio := float64(counted) / float64(len(records)) / (float64(read) / 100)
	b.ReportMetric(ratio, "of-plain-reading")
	if limit := accepted.Fold * guardMargin; !(ratio <= limit) {
		b.Fatalf("counting a capture takes %.4f of the time of reading it plainly, accepted are %.4f and up to %.4f: find what made it slower, or accept the ratio in testdata/guard.json", ratio, accepted.Fold, limit)
	}
}

// threadTime is the processor time that this thread takes.
func threadTime(b *testing.B, do func()) time.Duration {
	taken := func() time.Duration {
		var t unix.Timespec
		if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
			b.Fatal(err)
		}
		return time.Duration(t.Nano())
	}
	before := taken()
	do()
	return taken() - before
}

// readPlainly reads the numbers of a capture as the standard library would.
func readPlainly(b *testing.B, value []byte) (sum float64) {
	var capture struct {
		CaptureData struct{ EndpointInput, EndpointOutput struct{ Data string } }
	}
	if err := json.Unmarshal(value, &capture); err != nil {
		b.Fatal(err)
	}
	for _, text := range []string{capture.CaptureData.EndpointInput.Data, capture.CaptureData.EndpointOutput.Data} {
		for _, cell := range strings.Split(text, ",") {
			if x, err := strconv.ParseFloat(cell, 64); err == nil {
				sum += x
			}
		}
	}
	return sum
}
