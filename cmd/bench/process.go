package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"time"
)

// process is a Tidemark under measurement.
type process struct {
	command *exec.Cmd
	address string // of its HTTP server
	log     *bytes.Buffer
	ended   chan struct{}
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
	if o.ingest {
		p.command.Args = append(p.command.Args, "--role", "ingest")
	}
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

// took adds what a process took.
func (m *measured) took(state *os.ProcessState) {
	m.cpu += state.UserTime() + state.SystemTime()
	if usage, ok := state.SysUsage().(*syscall.Rusage); ok {
		m.memory = max(m.memory, usage.Maxrss*1024) // Linux counts in KiB
	}
}

// mallocs is how often the process has allocated memory.
func (p *process) mallocs() (float64, error) {
	text, err := p.get("/metrics")
	if err != nil {
		return 0, err
	}
	found := regexp.MustCompile(`(?m)^go_memstats_mallocs_total (\S+)$`).FindSubmatch(text)
	if found == nil {
		return 0, fmt.Errorf("metric go_memstats_mallocs_total is not there")
	}
	return strconv.ParseFloat(string(found[1]), 64)
}

// profile keeps a processor profile of the next seconds.
func (p *process) profile(file string) error {
	content, err := p.get("/debug/pprof/profile?seconds=5")
	if err != nil {
		return err
	}
	return os.WriteFile(file, content, 0o600)
}

// get reads a page of the process's HTTP server.
func (p *process) get(path string) ([]byte, error) {
	response, err := http.Get("http://" + p.address + path)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", path, response.Status)
	}
	return io.ReadAll(response.Body)
}
