package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/monitor"
	"tidemark/testbed"
)

// trainNumber builds a baseline of one column, x, which is drawn from N(0,1).
func (s *site) trainNumber() {
	s.t.Helper()
	training, random := []string{"x"}, rand.New(rand.NewPCG(1, 1))
	for range 2000 {
		training = append(training, decimal(random.NormFloat64(), 4))
	}
	s.write("number.csv", lines(training))
	s.tidemark("baseline", "build", "number.csv")
}

// flat is a capture of x in the flat format.
func flat(endpoint string, at time.Time, x float64) string {
	return fmt.Sprintf(`{"endpoint":%q,"time":%d,"features":{"x":%g}}`, endpoint, at.UnixMilli(), x)
}

// minutes are captures of one minute each, so many in each.
func minutes(endpoint string, start time.Time, counts ...int) []string {
	var all []string
	for minute, n := range counts {
		for i := range n {
			at := start.Add(time.Duration(minute)*time.Minute + time.Duration(i)*time.Minute/time.Duration(n))
			all = append(all, flat(endpoint, at, float64(i%5)-2))
		}
	}
	return all
}

// The embedded broker's log survives a restart: the window that was open goes on, and none comes twice.
func TestEmbeddedRestart(t *testing.T) {
	t.Parallel()
	s := embeddedSite(t)
	s.trainNumber()
	s.configure("  - {name: number, baseline: baseline, windows: {size: 1m}}\n")
	start := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)

	p := s.run()
	s.publish(minutes("number", start, 30, 31, 32, 15)...)
	j := s.journal()
	j.until("three windows", func() bool { return len(j.reports) == 3 })
	p.stop()
	if _, err := filepath.Glob(filepath.Join(s.dir, "broker", "*")); err != nil {
		t.Fatal(err)
	}
	p = s.run()
	s.publish(minutes("number", start.Add(3*time.Minute+30*time.Second), 18, 35, 3)...)
	j.until("five windows", func() bool { return len(j.reports) >= 5 })
	p.stop()
	p = s.run() // to read with: the broker lives in it
	all := s.records("tidemark.reports")
	late := s.late("number")
	p.stop()

	// The second publication starts in the middle of a minute: 18 rows from 3:30 to 4:30, then 35 to 5:30.
	want := map[int64]int64{1: 30, 2: 31, 3: 32, 4: 15 + 9, 5: 9 + 18}
	for _, record := range all {
		var r monitor.Report
		decode(t, record.Value, &r)
		minute := int64(r.Window.End.Time().Sub(start) / time.Minute)
		if r.Rows != want[minute] {
			t.Errorf("the window to %v has %d rows, want %d", r.Window.End, r.Rows, want[minute])
		}
		delete(want, minute)
	}
	if len(all) != 5 || len(want) > 0 || late > 0 {
		t.Errorf("%d reports, %d rows late, and not reported: %v", len(all), late, want)
	}
}

// kcat, with a client that is not ours, produces captures and reads the alert.
func TestKcat(t *testing.T) {
	t.Parallel()
	testbed.Need(t, "kcat")
	s := embeddedSite(t)
	s.trainColours()
	s.configure("  - name: colours\n    baseline: baseline\n    windows: {size: 1m}\n    drift: {method: psi, threshold: 0.2, min_samples: 50}\n    quality: []\n")
	p := s.run()
	var records []string
	for i := range 400 {
		at := sageMakerStart.Add(time.Duration(i) * 300 * time.Millisecond) // two minutes, of which the first closes
		records = append(records, captured(at, half("text/csv", "CSV", fmt.Sprintf("%d,%d,%s", i%50, i%7, []string{"red", "green"}[i%2])), half("text/csv", "CSV", fmt.Sprint(i%10))))
	}
	s.write("captures.jsonl", lines(records))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	kcat := func(arguments ...string) string {
		t.Helper()
		command := exec.CommandContext(ctx, "kcat", append([]string{"-b", s.kafka, "-X", "isolation.level=read_committed"}, arguments...)...)
		command.Dir = s.dir
		var complaints strings.Builder
		command.Stderr = &complaints
		out, err := command.Output()
		if err != nil {
			t.Fatalf("kcat %q: %v: %s", arguments, err, complaints.String())
		}
		return string(out)
	}
	kcat("-P", "-t", "capture", "-p", "0", "-l", "captures.jsonl")
	value, headers, _ := strings.Cut(kcat("-C", "-t", "alerts", "-o", "beginning", "-c", "1", "-f", `%s\n%k %h`), "\n")
	var a monitor.Alert
	decode(t, []byte(value), &a)
	if a.Feature != "colour" || a.Rule != "psi" || a.State != "firing" || a.Endpoint != "colours" || a.Samples.Current != 200 {
		t.Errorf("kcat reads %s", value)
	}
	if want := "colours ce_specversion=1.0,ce_id=" + a.ID + ",ce_type=tidemark.alert.v1,ce_source=tidemark/colours,content-type=application/json"; headers != want {
		t.Errorf("key and headers are %q, want %q", headers, want)
	}
	p.stop()
}

func TestAlerts(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.trainNumber()
	s.configure("  - name: number\n    baseline: baseline\n    windows: {size: 1m}\n    drift: {method: psi, threshold: 0.2, min_samples: 20}\n    quality: []\n")
	if out := s.tidemark("alerts"); out != "" {
		t.Errorf("without alerts, alerts prints %q", out)
	}
	follow := s.start("alerts", "--follow")
	p := s.run()
	start := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	var values []string
	random := rand.New(rand.NewPCG(2, 2))
	for i := range 1200 { // four minutes, of which the second drifts
		x := random.NormFloat64()
		if i/300 == 1 {
			x += 3
		}
		values = append(values, flat("number", start.Add(time.Duration(i)*200*time.Millisecond), x))
	}
	s.publish(values...)
	const want = `2026-05-01T00:02:00Z  firing    `
	await(t, "two alerts by --follow", func() bool { return strings.Count(follow.stdout.String(), "\n") == 2 })
	follow.stop()
	p.stop()

	var committed []string
	records := s.records("alerts")
	for _, r := range records {
		committed = append(committed, string(r.Value))
	}
	if got := s.tidemark("alerts", "--json"); len(records) != 2 || got != lines(committed) {
		t.Errorf("alerts --json prints\n%sthe topic has\n%s", got, lines(committed))
	}
	text := s.tidemark("alerts")
	if text != follow.stdout.String() {
		t.Errorf("alerts prints\n%sand --follow printed\n%s", text, follow.stdout.String())
	}
	first, second, _ := strings.Cut(text, "\n")
	if !strings.HasPrefix(first, want+"psi of x on number is ") ||
		!strings.HasPrefix(second, "2026-05-01T00:03:00Z  resolved  psi of x on number is ") {
		t.Errorf("alerts prints\n%s", text)
	}
	if got := s.tidemark("alerts", "--since", "1h", "--json"); got != lines(committed) {
		t.Errorf("alerts --since 1h --json prints\n%s", got)
	}

	// --since is about when the alert was committed. What is older is put there by hand.
	old := &kgo.Record{Topic: "alerts", Partition: 0, Value: []byte(`{"id":"old"}`), Timestamp: time.Now().Add(-2 * time.Hour)}
	if err := json.Unmarshal(old.Value, &monitor.Alert{}); err != nil {
		t.Fatal(err)
	}
	empty := newSite(t)
	empty.trainNumber()
	empty.configure("  - {name: number, baseline: baseline}\n")
	young := *old
	young.Value, young.Timestamp = []byte(`{"id":"young"}`), time.Now()
	if err := empty.client.ProduceSync(t.Context(), old, &young).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if got := empty.tidemark("alerts", "--since", "1h", "--json"); got != `{"id":"young"}`+"\n" {
		t.Errorf("alerts --since 1h prints %q", got)
	}
	if got := empty.tidemark("alerts", "--json"); got != `{"id":"old"}`+"\n"+`{"id":"young"}`+"\n" {
		t.Errorf("alerts prints %q", got)
	}
}
