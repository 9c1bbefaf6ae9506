package main

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestHealth(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.trainNumber()
	s.configure("  - {name: number, baseline: baseline, windows: {size: 1m}}\n")
	var open atomic.Bool
	s.broker.ControlKey(int16(kmsg.JoinGroup), func(r kmsg.Request) (kmsg.Response, error, bool) {
		s.broker.KeepControl()
		if open.Load() {
			return nil, nil, false
		}
		refused := r.ResponseKind().(*kmsg.JoinGroupResponse)
		refused.ErrorCode = kerr.CoordinatorLoadInProgress.Code
		return refused, nil, true
	})
	p := s.start("run")
	url := p.http()
	for path, want := range map[string]string{"/healthz": "200 ok\n", "/": "200 tidemark dev\n"} {
		if code, body := get(t, url+path); !strings.HasPrefix(statusLine(code, body), want) {
			t.Errorf("%s gives %d %q, want %q", path, code, body, want)
		}
	}
	var seen string
	await(t, "only evaluate not to be ready", func() bool {
		code, body := get(t, url+"/readyz")
		seen = statusLine(code, body)
		if code != 503 {
			t.Fatalf("/readyz gives %s while no group can be joined", seen)
		}
		return seen == "503 not ready: [evaluate]\n" || seen == "503 not ready: [evaluate ingest]\n"
	})
	open.Store(true)
	p.awaitReady()

	// With some traffic, so that every metric has its series.
	start := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	s.publish(append(minutes("number", start, 300, 300, 30), "nonsense", flat("nobody", start, 1))...)
	j := s.journal()
	j.untilRows("number", 600)
	await(t, "the metrics of two reports", func() bool { return counter(p.metrics(), "tidemark_evaluate_reports_total") == 2 })
	_, text := get(t, url+"/metrics")
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range problems {
		if !strings.HasPrefix(problem.Metric, "tidemark_kafka_") { // named by the client's own package
			t.Errorf("metric %s: %s", problem.Metric, problem.Text)
		}
	}
	for name, family := range p.metrics() {
		if family.GetHelp() == "" {
			t.Errorf("metric %s has no help", name)
		}
	}

	p.terminated()
}

func statusLine(code int, body string) string {
	return strings.TrimSpace(strings.Join([]string{decimal(float64(code), 0), body}, " ")) + "\n"
}

// A second process of the same name takes over; the first ends and says what to do.
func TestFenced(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.trainNumber()
	s.configure("  - {name: number, baseline: baseline, windows: {size: 1m}}\n")
	first := s.run("--instance", "twin")
	second := s.run("--instance", "twin")
	if code := first.wait(); code != exitFailed {
		t.Errorf("the first process ended with %d, want %d", code, exitFailed)
	}
	text := strings.TrimSpace(first.stderr.String())
	last := text[strings.LastIndex(text, "\n")+1:]
	if !strings.HasPrefix(last, "tidemark: ") || !strings.Contains(last, `another process runs as instance "twin": stop it, or start this one with --instance NAME`) {
		t.Errorf("the first process ended with the words %q", last)
	}
	s.publish(minutes("number", time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC), 30, 30)...)
	j := s.journal()
	j.untilRows("number", 30) // the second goes on
	j.finish(second)
}
