package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/windows"
)

const (
	minute   = time.Minute
	lateness = 5 * time.Second
)

// options is what the reference job is run with.
type options struct {
	brokers, tidemark, dir       string
	self                         []string // the command that polls
	pairs, processes             int
	held                         bool // are the captures, until the processes have parted the partitions
	work                         workload
	window                       windows.Spec
	archive                      string
	budget                       bool // instead of thresholds
	ingest                       bool // alone
	captures, training, expected string
	profile                      string
	closing                      int    // windows that close whenever a run ends
	own                          string // the topic, where it is not that of the workload
	out                          io.Writer
}

// measured is what a run took.
type measured struct {
	rows    int64
	cpu     time.Duration
	seconds float64 // until the last record was read, and, of a run, committed
	until   float64 // seconds until the last report, of a run
	memory  int64   // bytes; the largest process
	mallocs float64 // from readiness on
	windows int
	stored  int64 // bytes in the archive
}

func (m *measured) perMillion() float64 { return m.cpu.Seconds() / float64(m.rows) * 1e6 }

func (m *measured) rate() float64 { return float64(m.rows) / m.seconds }

// enter makes the directory that a run's files are in, unless one was given.
func (o *options) enter() (done func(), err error) {
	if o.dir == "" {
		if o.dir, err = os.MkdirTemp("", "bench"); err != nil {
			return nil, err
		}
		made := o.dir
		return func() { _ = os.RemoveAll(made) }, nil // the system's temporary files
	}
	o.dir, err = filepath.Abs(o.dir)
	return func() {}, err
}

// reference runs the pairs and prints what they took.
func (o *options) reference(ctx context.Context) error {
	if o.work.rate < 1 {
		return fmt.Errorf("--rate %d: give how many records a second of event time has, 1 at least", o.work.rate)
	}
	done, err := o.enter()
	if err != nil {
		return err
	}
	defer done()
	b, edges, err := o.baseline()
	if err != nil {
		return err
	}
	started := time.Now()
	records, err := o.load(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(o.out, "%d records in topic %s (%.0f s)\n", records, o.topic(), time.Since(started).Seconds())
	rows := records
	if o.captures == "" {
		rows = int64(o.work.records)
	}
	// What is polled is the same rows as JSON, also where Tidemark reads them in Arrow's format.
	plain := *o
	if plain.work.arrowRows = 0; o.work.arrowRows > 0 {
		if _, err := plain.load(ctx); err != nil {
			return err
		}
	}
	expected, closing, err := o.expectation(edges)
	if err != nil {
		return err
	}
	o.closing = closing
	// One process is measured in the same way as several.
	one := *o
	if one.processes = 1; o.processes > 1 {
		o.held, one.held = true, true
	}
	var polls, ones, runs []measured
	fmt.Fprintf(o.out, "\n%-6s %12s %14s %8s %12s %10s %14s\n", "", "thousand/s", "CPU s/million", "RSS MB", "allocations", "windows", "last report s")
	for i := range o.pairs {
		poll, err := plain.poll(ctx, rows)
		if err != nil {
			return err
		}
		poll.print(o.out, "poll")
		polls = append(polls, poll)
		name := fmt.Sprintf("bench.%d.%d", os.Getpid(), i)
		if o.processes > 1 {
			m, err := one.run(ctx, name+".one", rows, records, b, maps.Clone(expected), false)
			if err != nil {
				return err
			}
			m.print(o.out, "one")
			ones = append(ones, m)
		}
		run, err := o.run(ctx, name, rows, records, b, maps.Clone(expected), i == o.pairs-1)
		if err != nil {
			return err
		}
		run.print(o.out, "run")
		runs = append(runs, run)
	}
	ratio := func(base []measured, of func(base, run *measured) float64) float64 {
		var all []float64
		for i := range base {
			all = append(all, of(&base[i], &runs[i]))
		}
		return median(all)
	}
	cost := func(base, run *measured) float64 { return run.perMillion() / base.perMillion() }
	rate := func(base, run *measured) float64 { return run.rate() / base.rate() }
	fmt.Fprintf(o.out, "\nmedian of %d pairs, run to poll: processor time %.2f, rate %.2f\n", o.pairs, ratio(polls, cost), ratio(polls, rate))
	if o.processes > 1 {
		fmt.Fprintf(o.out, "%d processes to one: processor time %.2f, rate %.2f\n", o.processes, ratio(ones, cost), ratio(ones, rate))
	}
	if o.archive != "" {
		fmt.Fprintf(o.out, "archive: %.1f B a row\n", ratio(runs, func(_, r *measured) float64 { return float64(r.stored) / float64(r.rows) }))
	}
	return nil
}

func median(all []float64) float64 {
	slices.Sort(all)
	n := len(all)
	if n == 0 {
		return math.NaN()
	}
	return (all[n/2] + all[(n-1)/2]) / 2
}

func (m *measured) print(out io.Writer, name string) {
	fmt.Fprintf(out, "%-6s %12.0f %14.3f %8.0f %12.4f %10d %14.1f\n", name, m.rate()/1000, m.perMillion(),
		float64(m.memory)/1e6, m.mallocs/float64(m.rows), m.windows, m.until)
}

// expectation is what every run is compared with, or nil when the workload is not the reference job's, or closes no window; and
// how many windows close whenever a run ends.
func (o *options) expectation(edges map[string][]float64) (expected map[int64]*window, closing int, err error) {
	if o.captures != "" && o.expected == "" || o.ingest {
		return nil, 0, nil
	}
	hash := kgo.StickyKeyPartitioner(nil).ForTopic(o.topic())
	last, partition := -1, 0
	place := func(i int) int {
		if w := &o.work; w.arrowRows > 0 {
			i -= i % w.arrowRows
		}
		if i != last {
			last, partition = i, hash.Partition(&kgo.Record{Key: []byte(eventID(i))}, partitions)
		}
		return partition
	}
	switch {
	case o.expected != "":
		expected, err = readExpected(o.expected)
	case o.work.endpoints > 1:
		closing, err = o.work.closing(o.window, place)
		return nil, closing, err
	default:
		expected, err = o.work.bruteForce(o.window, edges, place)
	}
	return expected, sure(expected), err
}

// poll polls and discards in a process of its own.
func (o *options) poll(ctx context.Context, rows int64) (measured, error) {
	command := exec.CommandContext(ctx, o.self[0], append(slices.Clone(o.self[1:]), "--brokers", o.brokers, "--topic", o.topic())...)
	command.Stderr = os.Stderr
	output, err := command.Output()
	if err != nil {
		return measured{}, fmt.Errorf("poll: %w", err)
	}
	var result polled
	if err := json.Unmarshal(output, &result); err != nil {
		return measured{}, fmt.Errorf("poll wrote %q: %w", output, err)
	}
	m := measured{rows: rows, seconds: result.Seconds}
	m.took(command.ProcessState)
	return m, nil
}
