package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/baseline"
	"tidemark/monitor"
	"tidemark/processor"
	"tidemark/profile"
	"tidemark/windows"
)

// committed reads the records of a topic that are committed, up to its end.
func (o *options) committed(ctx context.Context, topic string, visit func(*kgo.Record) error) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(o.brokers), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(), kgo.ConsumeTopics(topic))
	if err != nil {
		return err
	}
	defer client.Close()
	left, err := countRecords(ctx, kadm.NewClient(client), topic)
	if err != nil {
		return err
	}
	ends := map[int32]int64{}
	for seen := int64(0); seen < left; {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return fmt.Errorf("read topic %q: %w", topic, err)
		}
		for _, r := range fetches.Records() {
			seen += r.Offset + 1 - ends[r.Partition] // aborted records are not among them
			ends[r.Partition] = r.Offset + 1
			if r.Attrs.IsControl() {
				continue
			}
			if err := visit(r); err != nil {
				return err
			}
		}
	}
	return nil
}

// compare holds the reports and the panes of a run against the expected windows. The mean and the standard deviation
// are the reports'; range and counts are those of the panes merged, which the reports do not have.
func (o *options) compare(ctx context.Context, topics processor.TopicsConfig, b *baseline.Baseline, expected map[int64]*window) (windowCount int, err error) {
	panes, err := o.panes(ctx, topics.Panes, b)
	if err != nil {
		return 0, err
	}
	var faults []string
	err = o.committed(ctx, topics.Reports, func(r *kgo.Record) error {
		var report monitor.Report
		if err := json.Unmarshal(r.Value, &report); err != nil {
			return err
		}
		start := int64(report.Window.Start)
		want := expected[start]
		if want == nil {
			faults = append(faults, fmt.Sprintf("window %v was not to close, or is there twice", report.Window.Start))
			return nil
		}
		delete(expected, start)
		windowCount++
		current := profile.New(&b.Layout)
		for at, p := range panes {
			if at >= report.Window.Start && at < report.Window.End {
				current.Merge(p)
			}
		}
		faults = append(faults, differences(&report, current, want)...)
		return nil
	})
	for start, want := range expected {
		if want.ahead {
			continue
		}
		faults = append(faults, fmt.Sprintf("window %v is not there", windows.Time(start)))
	}
	if err == nil && len(faults) > 0 {
		err = fmt.Errorf("%d differences from brute force:\n%s", len(faults), strings.Join(faults[:min(len(faults), 20)], "\n"))
	}
	return windowCount, err
}

// panes merges the deltas of the panes topic.
func (o *options) panes(ctx context.Context, topic string, b *baseline.Baseline) (map[windows.Time]*profile.Profile, error) {
	panes := map[windows.Time]*profile.Profile{}
	return panes, o.committed(ctx, topic, func(r *kgo.Record) error {
		if r.Key == nil {
			return nil
		}
		d, err := monitor.DecodeDelta(r.Value)
		if err != nil {
			return err
		}
		for _, p := range d.Panes {
			if panes[p.Start] == nil {
				panes[p.Start] = profile.New(&b.Layout)
			}
			if err := panes[p.Start].MergeEncoded(p.Profile); err != nil {
				return err
			}
		}
		return nil
	})
}

// differences names what a window's report and its panes have otherwise than expected.
func differences(report *monitor.Report, current *profile.Profile, want *window) (faults []string) {
	fault := func(name, what string, got, want any) {
		faults = append(faults, fmt.Sprintf("window %v, %s: %s is %v, want %v", report.Window.Start, name, what, got, want))
	}
	if report.Rows != want.Count || current.Rows != want.Count {
		fault("all", "rows", []int64{report.Rows, current.Rows}, want.Count)
	}
	for i := range report.Features {
		r, f := &report.Features[i], &current.Features[i]
		w := want.Features[r.Name]
		if w == nil {
			fault(r.Name, "column", "there", "nothing")
			continue
		}
		if r.Captured-r.Missing != w.Count || r.Missing != w.Missing {
			fault(r.Name, "count and missing", []int64{r.Captured - r.Missing, r.Missing}, []int64{w.Count, w.Missing})
		}
		if !f.Numeric() {
			for j, name := range f.Layout.Categories {
				if f.Bins[j] != w.Counts[name] {
					fault(r.Name, name, f.Bins[j], w.Counts[name])
				}
			}
			continue
		}
		if r.Mean == nil || r.StdDev == nil || !near(*r.Mean, w.Mean) || !near(*r.StdDev, w.StdDev) {
			fault(r.Name, "mean and deviation", fmt.Sprint(r.Mean, r.StdDev), []float64{w.Mean, w.StdDev})
		}
		if f.Moments.Min != w.Min || f.Moments.Max != w.Max {
			fault(r.Name, "range", []float64{f.Moments.Min, f.Moments.Max}, []float64{w.Min, w.Max})
		}
		if hist := coarse(f); !slices.Equal(hist, w.Hist) {
			fault(r.Name, "histogram", hist, w.Hist)
		}
	}
	if len(report.Features) != len(want.Features) {
		fault("all", "columns", len(report.Features), len(want.Features))
	}
	return faults
}

func near(got, want float64) bool { return math.Abs(got-want) <= 1e-9*max(1, math.Abs(want)) }

// coarse is the feature's counts between the baseline's 20-quantiles.
func coarse(f *profile.Feature) []int64 {
	hist, from := []int64{}, 0
	for _, cut := range append(f.Layout.Cells(bins), len(f.Bins)) {
		n := int64(0)
		for _, c := range f.Bins[from:cut] {
			n += c
		}
		hist, from = append(hist, n), cut
	}
	return hist
}

// lastReport waits for as many reports as are expected, and returns when the last one was written. Windows of an
// endpoint that is new close some seconds after its rows were read.
func (o *options) lastReport(ctx context.Context, topic string, expected int) (at time.Time, err error) {
	for {
		n := 0
		err := o.committed(ctx, topic, func(r *kgo.Record) error {
			n++
			if r.Timestamp.After(at) {
				at = r.Timestamp
			}
			return nil
		})
		if err != nil || n >= expected {
			return at, err
		}
		if err := pause(ctx); err != nil {
			return at, fmt.Errorf("%d of %d windows were reported: %w", n, expected, err)
		}
	}
}
