package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/baseline"
	"tidemark/processor"
)

// patience is how long a run may take.
const patience = 5 * time.Minute

// process is a Tidemark under measurement.
type process struct {
	command *exec.Cmd
	address string // of its HTTP server
	log     *bytes.Buffer
	ended   chan struct{}
}

// run measures Tidemark on the whole topic, from nothing.
func (o *options) run(ctx context.Context, name string, rows, records int64, b *baseline.Baseline, expected map[int64]*window, last bool) (m measured, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	c := o.processor(name)
	client, err := kgo.NewClient(c.Kafka.Options()...)
	if err != nil {
		return m, err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	if _, err := c.CreateTopics(ctx, client); err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, o.tidy(context.WithoutCancel(ctx), admin, c)) }()

	var all []*process
	defer func() {
		for _, p := range all {
			_ = p.command.Process.Kill() // it has ended, unless something failed
			<-p.ended
		}
	}()
	for i := range o.processes {
		p, err := o.start(name, i)
		if err != nil {
			return m, err
		}
		all = append(all, p)
	}
	for _, p := range all {
		if err := p.await(ctx); err != nil {
			return m, err
		}
	}
	started := time.Now()
	var profiles sync.WaitGroup
	defer profiles.Wait()
	if last && o.profile != "" {
		profiles.Go(func() { all[0].profile(o.profile) })
	}
	if err := o.finished(ctx, admin, c.Topics.Panes, records); err != nil {
		return m, fmt.Errorf("%w\n%s", err, all[0].log)
	}
	at, err := o.lastReport(ctx, c.Topics.Reports, len(expected))
	if err != nil {
		return m, err
	}
	m.rows, m.seconds = rows, at.Sub(started).Seconds()
	profiles.Wait()
	for _, p := range all {
		mallocs, err := p.metric("go_memstats_mallocs_total")
		if err != nil {
			return m, err
		}
		m.mallocs += mallocs
		if err := p.command.Process.Signal(syscall.SIGTERM); err != nil {
			return m, err
		}
	}
	for _, p := range all {
		if <-p.ended; !p.command.ProcessState.Success() {
			return m, fmt.Errorf("tidemark ended with %v\n%s", p.command.ProcessState, p.log)
		}
		m.took(p.command.ProcessState)
	}
	if m.stored, err = sizeOf(o.archiveOf(name)); err != nil {
		return m, err
	}
	if expected == nil {
		return m, nil
	}
	m.windows, err = o.compare(ctx, c.Topics, b, expected)
	return m, err
}

// processor is the configuration of a run whose topics nobody else has.
func (o *options) processor(name string) *processor.Config {
	c := processor.DefaultConfig()
	c.Kafka.Brokers = []string{o.brokers}
	c.Capture = []processor.CaptureConfig{{Topic: o.topic()}}
	c.Topics.Panes, c.Topics.State, c.Topics.Reports = name+".panes", name+".state", name+".reports"
	c.Topics.Alerts, c.Topics.Late, c.Topics.DeadLetters = name+".alerts", name+".late", name+".deadletters"
	c.Complete()
	return &c
}

// start starts a process of a run.
func (o *options) start(name string, i int) (*process, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &process{address: listener.Addr().String(), log: &bytes.Buffer{}, ended: make(chan struct{})}
	if err := listener.Close(); err != nil {
		return nil, err
	}
	c, archive := o.processor(name), ""
	if o.archive != "" {
		archive = fmt.Sprintf("archive: {url: %q, codec: %s}\n", o.archiveOf(name), o.archive)
	}
	endpoint := "bench"
	if o.work.endpoints > 1 {
		endpoint = "*"
	}
	drift := "[{method: psi, threshold: 0.2}, {method: ks, threshold: 0.1}, {method: l_infinity, threshold: 0.1}, {method: chi_square, alpha: 0.000001}]"
	if o.budget {
		drift = "{false_alarms: 1 per 30d, min_effect: 0.02}"
	}
	file := filepath.Join(o.dir, fmt.Sprintf("%s.%d.yaml", name, i))
	err = os.WriteFile(file, fmt.Appendf(nil, `kafka: {brokers: [%q]}
capture: [{topic: %q}]
topics: {panes: %q, state: %q, reports: %q, alerts: %q, late: %q, deadletters: %q}
instance: bench-%d
http: {listen: %q}
%smonitors:
  - name: bench
    baseline: %q
    match: {endpoint: %q}
    windows: [{size: %s, slide: %s}]
    allowed_lateness: %s
    drift: %s
`, o.brokers, o.topic(), c.Topics.Panes, c.Topics.State, c.Topics.Reports, c.Topics.Alerts, c.Topics.Late, c.Topics.DeadLetters,
		i, p.address, archive, filepath.Join(o.dir, "baseline"), endpoint, o.window.Size, o.window.Step(), lateness, drift), 0o600)
	if err != nil {
		return nil, err
	}
	p.command = exec.Command(o.tidemark, "run", "-c", file)
	p.command.Stderr = p.log
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = p.command.Wait() // its state says how it ended
		close(p.ended)
	}()
	return p, nil
}

func (o *options) archiveOf(name string) string { return filepath.Join(o.dir, name+".archive") }

// await waits until the process is ready.
func (p *process) await(ctx context.Context) error {
	for {
		response, err := http.Get("http://" + p.address + "/readyz")
		if err == nil {
			_ = response.Body.Close() // the status is all there is to know
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-p.ended:
			return fmt.Errorf("tidemark ended with %v\n%s", p.command.ProcessState, p.log)
		default:
		}
		if err := pause(ctx); err != nil {
			return fmt.Errorf("tidemark does not get ready: %w", err)
		}
	}
}

func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(50 * time.Millisecond):
		return nil
	}
}

// finished waits until every record was read, and then until all that had been written of them was evaluated.
func (o *options) finished(ctx context.Context, admin *kadm.Client, panes string, records int64) error {
	for read := int64(0); read < records; {
		if err := pause(ctx); err != nil {
			return fmt.Errorf("%d of %d records were read: %w", read, records, err)
		}
		committed, err := admin.FetchOffsetsForTopics(ctx, "tidemark-ingest", o.topic())
		if err != nil {
			return err
		}
		read = 0
		committed.Each(func(r kadm.OffsetResponse) { read += max(r.At, 0) })
	}
	ends, err := admin.ListEndOffsets(ctx, panes)
	if err != nil {
		return err
	}
	for level := false; !level; {
		if err := pause(ctx); err != nil {
			return fmt.Errorf("not all panes were evaluated: %w", err)
		}
		committed, err := admin.FetchOffsetsForTopics(ctx, "tidemark-evaluate", panes)
		if err != nil {
			return err
		}
		level = true
		ends.Each(func(end kadm.ListedOffset) {
			at, _ := committed.Lookup(end.Topic, end.Partition)
			level = level && at.At >= end.Offset
		})
	}
	return nil
}

// tidy removes a run's groups and topics.
func (o *options) tidy(ctx context.Context, admin *kadm.Client, c *processor.Config) error {
	groups := []string{"tidemark-ingest", "tidemark-evaluate", "tidemark-archive"}
	for _, group := range groups {
		leave := kadm.LeaveGroup(group)
		for i := range o.processes {
			leave = leave.InstanceIDs(fmt.Sprintf("bench-%d", i))
		}
		_, _ = admin.LeaveGroup(ctx, leave) // one that is not there need not leave
	}
	_, err := admin.DeleteGroups(ctx, groups...)
	t := c.Topics
	_, failed := admin.DeleteTopics(ctx, t.Panes, t.State, t.Reports, t.Alerts, t.Late, t.DeadLetters)
	return errors.Join(err, failed)
}

// took adds what a process took.
func (m *measured) took(state *os.ProcessState) {
	m.cpu += state.UserTime() + state.SystemTime()
	if usage, ok := state.SysUsage().(*syscall.Rusage); ok {
		m.memory = max(m.memory, usage.Maxrss*1024) // Linux counts in KiB
	}
}

// metric reads one of the process's metrics.
func (p *process) metric(name string) (float64, error) {
	response, err := http.Get("http://" + p.address + "/metrics")
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err
	}
	found := regexp.MustCompile(`(?m)^` + name + ` (\S+)$`).FindSubmatch(text)
	if found == nil {
		return 0, fmt.Errorf("metric %s is not there", name)
	}
	return strconv.ParseFloat(string(found[1]), 64)
}

// profile keeps a processor profile of the next seconds.
func (p *process) profile(file string) {
	response, err := http.Get("http://" + p.address + "/debug/pprof/profile?seconds=5")
	if err != nil {
		return
	}
	defer response.Body.Close()
	if content, err := io.ReadAll(response.Body); err == nil {
		_ = os.WriteFile(file, content, 0o600) // the figures are there without it
	}
}

// sizeOf is the size of all files in a directory, 0 without one.
func sizeOf(dir string) (size int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	return size, err
}
