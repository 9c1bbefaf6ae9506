package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/monitor"
)

var endpoints = flag.Int("endpoints", 50, "how many endpoints of 25 features the state has that TestRestore restores")

const restoreFeatures = 25

// TestRestore kills a process that has the panes and the alerts of many endpoints, and starts it again: each goes on where
// it was, and no window is reported twice. `make bench-restore` has it print how long 1,000 endpoints take.
func TestRestore(t *testing.T) {
	t.Parallel()
	s := newSecureSite(t)
	random := rand.New(rand.NewPCG(1, 1))
	row := func(separator string, cell func(i int) string) string {
		cells := make([]string, restoreFeatures)
		for i := range cells {
			cells[i] = cell(i)
		}
		return strings.Join(cells, separator)
	}
	training := []string{row(",", func(i int) string { return fmt.Sprint("f", i) })}
	for range 3000 {
		training = append(training, row(",", func(int) string { return fmt.Sprintf("%.4f", random.NormFloat64()) }))
	}
	s.write("training.csv", lines(training))
	s.tidemark("baseline", "build", "training.csv", "-o", "baseline")
	s.configure("  - {name: all, match: {endpoint: \"*\"}, baseline: baseline, windows: {size: 30s, slide: 5s}, allowed_lateness: 2s, drift: {method: psi, threshold: 0.2, min_samples: 5}}\n")

	var sending sync.Mutex // of chance
	capture := func(at time.Time) {
		sending.Lock()
		defer sending.Unlock()
		values := make([]string, *endpoints)
		for e := range values {
			values[e] = fmt.Sprintf(`{"endpoint":"e%04d","time":%d,"features":{%s}}`, e, at.UnixMilli(),
				row(",", func(i int) string { return fmt.Sprintf(`"f%d":%.4f`, i, random.NormFloat64()) }))
		}
		s.publish(values...)
	}
	live, stop := context.WithCancel(t.Context())
	var producer sync.WaitGroup
	producer.Go(func() {
		for tick := time.NewTicker(time.Second); live.Err() == nil; {
			select {
			case <-tick.C:
				capture(time.Now())
			case <-live.Done():
			}
		}
	})
	defer producer.Wait()
	defer stop()

	p := s.run("--instance", "victim")
	reader := s.dial(reading("tidemark.reports")...)
	seen, reported := map[string]bool{}, map[string]int{} // windows, and reports by endpoint since the last reset
	read := func(what string, done func(r *kgo.Record) bool) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
		defer cancel()
		for over := false; !over; {
			fetches := reader.PollFetches(ctx)
			if ctx.Err() != nil {
				t.Fatalf("gave up waiting for %s: %d endpoints reported", what, len(reported))
			}
			fetches.EachRecord(func(r *kgo.Record) {
				if r.Attrs.IsControl() {
					return
				}
				var report monitor.Report
				decode(t, r.Value, &report)
				key := fmt.Sprint(report.Endpoint, report.Window)
				if seen[key] {
					t.Errorf("window reported twice: %s", key)
				}
				seen[key] = true
				reported[report.Endpoint]++
				over = over || done(r)
			})
		}
	}
	all := func(least int) func(*kgo.Record) bool {
		return func(*kgo.Record) bool {
			if len(reported) < *endpoints {
				return false
			}
			for _, n := range reported {
				if n < least {
					return false
				}
			}
			return true
		}
	}
	read("windows of every endpoint", all(6))

	p.kill()
	ends, err := kadm.NewClient(s.client).ListEndOffsets(t.Context(), "tidemark.reports")
	if err != nil {
		t.Fatal(err)
	}
	started := time.Now()
	p = s.start("run", "--instance", "victim")
	read("the first report after the restart", func(r *kgo.Record) bool {
		end, ok := ends.Lookup(r.Topic, r.Partition)
		return ok && r.Offset >= end.Offset
	})
	took := time.Since(started)
	clear(reported)
	read("windows of every endpoint after the restart", all(2))
	t.Logf("%d endpoints of %d features: the first new report %v after the restart, all endpoints after %v", *endpoints, restoreFeatures,
		took.Round(10*time.Millisecond), time.Since(started).Round(10*time.Millisecond))
	stop()
	producer.Wait()
	p.stop()
}
