package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tidemark/testbed"
	"tidemark/windows"
)

// programs builds this command and Tidemark.
func programs(t testing.TB) (bench, tidemark string) {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"bench", "tidemark"} {
		command := exec.Command("go", "build", "-o", filepath.Join(dir, name), "tidemark/cmd/"+name)
		command.Env = append(os.Environ(), "CGO_ENABLED=0")
		if output, err := command.CombinedOutput(); err != nil {
			t.Fatalf("build %s: %v\n%s", name, err, output)
		}
	}
	return filepath.Join(dir, "bench"), filepath.Join(dir, "tidemark")
}

// TestReferenceJob runs a short reference job on Apache Kafka: every window is what brute force finds. Two processes
// share the second one, and ingest alone closes no window.
func TestReferenceJob(t *testing.T) {
	kafka := testbed.StartKafka(t)
	bench, tidemark := programs(t)
	for _, run := range []struct {
		processes int
		ingest    bool
		windows   string // from 22:12:20, the first that holds a record, to 22:13:50
	}{{1, false, "10"}, {2, false, "10"}, {1, true, "0"}} {
		var out bytes.Buffer
		o := options{
			brokers: kafka.Plain, tidemark: tidemark, self: []string{bench, "poll"}, dir: t.TempDir(), out: &out,
			pairs: 1, processes: run.processes, ingest: run.ingest, work: workload{records: 100_000, features: 20, endpoints: 1, rate: 1000},
			window: windows.Spec{Size: minute, Slide: minute / 6},
		}
		if err := o.reference(t.Context()); err != nil {
			t.Fatalf("%+v: %v\n%s", run, err, &out)
		}
		for line := range strings.Lines(out.String()) {
			if f := strings.Fields(line); len(f) == 7 && f[0] == "run" && f[5] != run.windows {
				t.Errorf("%+v compared %s windows", run, f[5])
			}
		}
	}
}

// BenchmarkLatency times reports and alerts; BENCH_FLAGS has flags of bench latency, such as --rate 100000.
func BenchmarkLatency(b *testing.B) { measure(b, "latency") }

// BenchmarkReference is the whole reference job; BENCH_FLAGS has flags of bench reference, such as --archive small.
func BenchmarkReference(b *testing.B) { measure(b, "reference") }

func measure(b *testing.B, what string) {
	kafka := testbed.StartKafka(b)
	bench, tidemark := programs(b)
	for b.Loop() {
		arguments := append([]string{what, "--brokers", kafka.Plain, "--tidemark", tidemark}, strings.Fields(os.Getenv("BENCH_FLAGS"))...)
		command := exec.CommandContext(b.Context(), bench, arguments...)
		command.Stdout, command.Stderr = os.Stdout, os.Stderr
		if err := command.Run(); err != nil {
			b.Fatal(err)
		}
	}
}
