package monitor

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"tidemark/baseline"
	"tidemark/capture"
	"tidemark/profile"
	"tidemark/testbed"
	"tidemark/windows"
)

// BenchmarkDay closes windows of a day that slide by a minute, of 100 endpoints of 25 numbers: it puts each together, scores it by
// three rules and writes its report. Each endpoint has a pane of 500 rows a minute. It prints what a window takes, and what all
// of a minute's take together; apart from these what the first one takes, after a restart.
func BenchmarkDay(b *testing.B) {
	const endpoints, day = 100, 24 * time.Hour
	reference := &baseline.Baseline{ID: "0123456789abcdef"}
	for i := range 25 {
		f := profile.FeatureLayout{Name: fmt.Sprintf("x%d", i), Kind: capture.Numeric}
		for k := range profile.Quantiles {
			f.Edges, f.Ranks = append(f.Edges, float64(k)), append(f.Ranks, k)
		}
		reference.Layout.Features = append(reference.Layout.Features, f)
	}
	reference.Profile = numbered(&reference.Layout, 5000)
	encoded := numbered(&reference.Layout, 500).Append(nil)
	c := DefaultConfig()
	c.Name, c.Baseline, c.Windows = "day", "baseline", sliding(day, time.Minute)
	c.Match.Endpoint = "*"
	c.Drift = []Rule{{Method: "psi", Threshold: 0.2}, {Method: "ks", Threshold: 0.1}, {Method: "chi_square", Alpha: 0.000001}}
	c.Complete()
	m, scratch := New(c, reference), scratch{}
	var all []*endpoint
	at := noon
	for i := range endpoints {
		e := newEndpoint(fmt.Sprintf("endpoint-%d", i), []*Monitor{m})
		e.scratch, e.closed[0] = scratch, noon
		all = append(all, e)
	}
	put := func() {
		for _, e := range all {
			e.seriesOf("default", reference.Layout.ID()).panes.Put(at, &pane{parts: [][]byte{encoded}, first: -1})
		}
		at = at.Add(time.Minute)
	}
	for range day / time.Minute {
		put()
	}
	for _, e := range all {
		e.closed[0] = at
	}
	var windowTimes, minutes []float64
	text := []byte(nil)
	minute := func() {
		put()
		began := b.Elapsed()
		for _, e := range all {
			started := b.Elapsed()
			var out Output
			if err := e.pass(0, at, &out); err != nil || len(out.Reports) != 1 {
				b.Fatalf("%d reports, %v", len(out.Reports), err)
			}
			var err error
			if text, err = out.Reports[0].Append(text[:0]); err != nil {
				b.Fatal(err)
			}
			windowTimes = append(windowTimes, (b.Elapsed()-started).Seconds()*1000)
			e.series[seriesKey{"default", reference.Layout.ID()}].panes.Drop(func(start windows.Time) bool { return start < at.Add(-day) })
		}
		minutes = append(minutes, (b.Elapsed()-began).Seconds()*1000)
	}
	minute()
	first := minutes[0] / endpoints
	windowTimes, minutes = nil, nil
	before := testbed.ProcessorTime(b)
	for b.Loop() {
		minute()
	}
	b.ReportMetric(float64((testbed.ProcessorTime(b)-before).Microseconds())/1000/float64(len(windowTimes)), "cpu-ms/window")
	b.ReportMetric(first, "ms/window-first")
	slices.Sort(windowTimes)
	slices.Sort(minutes)
	b.ReportMetric(windowTimes[len(windowTimes)/2], "ms/window-p50")
	b.ReportMetric(windowTimes[len(windowTimes)*99/100], "ms/window-p99")
	b.ReportMetric(minutes[len(minutes)/2], "ms/minute-p50")
	b.ReportMetric(minutes[len(minutes)-1], "ms/minute-longest")
}

// numbered is a profile of so many rows.
func numbered(layout *profile.Layout, rows int) *profile.Profile {
	p := profile.New(layout)
	p.Rows = int64(rows)
	for i := range p.Features {
		for k := range rows {
			p.Features[i].AddNumber(float64(k%profile.Quantiles)+0.5, 1)
		}
	}
	return p
}
