package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/monitor"
)

// journal follows the reports topic as any reader of committed records does.
type journal struct {
	s       *site
	client  *kgo.Client
	reports []monitor.Report
	seen    map[string]bool
}

func (s *site) journal() *journal {
	s.t.Helper()
	return &journal{s: s, client: s.dial(reading("tidemark.reports")...), seen: map[string]bool{}}
}

// until reads reports until a condition holds. A window that comes a second time fails the test.
func (j *journal) until(what string, condition func() bool) {
	j.s.t.Helper()
	ctx, cancel := context.WithTimeout(j.s.t.Context(), patience)
	defer cancel()
	for !condition() {
		fetches := j.client.PollFetches(ctx)
		if ctx.Err() != nil {
			j.s.t.Fatalf("gave up waiting for %s; there are %d reports with %d rows", what, len(j.reports), j.rows(""))
		}
		if err := fetches.Err(); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			j.s.t.Logf("read reports: %v", err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if !r.Attrs.IsControl() {
				j.add(r.Value)
			}
		})
	}
}

func (j *journal) add(value []byte) {
	j.s.t.Helper()
	var r monitor.Report
	decode(j.s.t, value, &r)
	key := fmt.Sprint(r.Monitor, r.Endpoint, r.Variant, r.Window)
	if j.seen[key] {
		j.s.t.Errorf("window reported twice: %s", key)
	}
	j.seen[key] = true
	j.reports = append(j.reports, r)
}

// untilRows reads until the endpoint's windows hold so many rows.
func (j *journal) untilRows(endpoint string, rows int64) {
	j.s.t.Helper()
	j.until(fmt.Sprintf("%d rows of %s", rows, endpoint), func() bool { return j.rows(endpoint) >= rows })
}

// rows is the rows in all tumbling windows of an endpoint, or of all.
func (j *journal) rows(endpoint string) int64 {
	var rows int64
	for _, r := range j.reports {
		if endpoint == "" || r.Endpoint == endpoint {
			rows += r.Rows
		}
	}
	return rows
}

// finish stops the process and reads what it had committed, to the end of the topic.
func (j *journal) finish(p *process) {
	j.s.t.Helper()
	p.stop()
	all := len(j.s.records("tidemark.reports"))
	j.until(fmt.Sprintf("all %d reports", all), func() bool { return len(j.reports) >= all })
}

// late is the rows on the late topic that are in no window of an endpoint.
func (s *site) late(endpoint string) int64 {
	s.t.Helper()
	var rows int64
	for _, r := range s.records("tidemark.late") {
		d, err := monitor.DecodeDelta(r.Value)
		if err != nil {
			s.t.Fatal(err)
		}
		if d.Endpoint != endpoint || d.Missed == monitor.MissedSome {
			continue
		}
		for _, p := range d.Panes {
			rows += p.Rows
		}
	}
	return rows
}

// dead returns the dead letters of an endpoint.
func (s *site) dead(endpoint string) []*kgo.Record {
	s.t.Helper()
	var dead []*kgo.Record
	for _, r := range s.records("tidemark.deadletters") {
		if header(r, "endpoint") == endpoint {
			dead = append(dead, r)
		}
	}
	return dead
}

func header(r *kgo.Record, key string) string {
	for _, h := range r.Headers {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}

func get(t *testing.T, url string) (code int, body string) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err.Error()
	}
	return response.StatusCode, string(b)
}

// metrics scrapes the process.
func (p *process) metrics() map[string]*dto.MetricFamily {
	p.t.Helper()
	code, body := get(p.t, p.http()+"/metrics")
	if code != http.StatusOK {
		p.t.Fatalf("metrics: %d %s", code, body)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(body))
	if err != nil {
		p.t.Fatalf("parse metrics: %v", err)
	}
	return families
}

// counter is the sum of a counter's series.
func counter(families map[string]*dto.MetricFamily, name string) (sum int64) {
	for _, m := range families[name].GetMetric() {
		sum += int64(m.GetCounter().GetValue())
	}
	return sum
}
