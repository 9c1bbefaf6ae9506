package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"tidemark/baseline"
	"tidemark/monitor"
)

// datedMonitors are monitors of a baseline that was built on 1 March 2026 and is to be reviewed on 30 May, and of one that
// nobody has to review.
func datedMonitors() []*monitor.Monitor {
	created := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	reviewed := &baseline.Baseline{Created: created, ReviewBy: created.AddDate(0, 0, 90)}
	return []*monitor.Monitor{
		{Config: monitor.Config{Name: "churn"}, Baseline: reviewed},
		{Config: monitor.Config{Name: "fraud"}, Baseline: &baseline.Baseline{Created: created}},
	}
}

func TestReviewWarnings(t *testing.T) {
	monitors := datedMonitors()
	by := monitors[0].Baseline.ReviewBy
	if got := reviewWarnings(monitors, by); got != nil {
		t.Errorf("in time: %q", got)
	}
	want := []string{`monitor "churn": the baseline of 2026-03-01 was to be reviewed by 2026-05-30: build it again from newer data, or with a later --review-after`}
	if diff := cmp.Diff(want, reviewWarnings(monitors, by.Add(time.Second))); diff != "" {
		t.Errorf("too late (-want +got):\n%s", diff)
	}
}

func TestBaselineAges(t *testing.T) {
	monitors := datedMonitors()
	now := monitors[0].Baseline.Created.Add(100 * 24 * time.Hour)
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(newBaselineAges(monitors, func() time.Time { return now }))
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, family := range families {
		for _, metric := range family.Metric {
			got[family.GetName()+" "+metric.Label[0].GetValue()] = metric.GetGauge().GetValue()
		}
	}
	want := map[string]float64{
		"tidemark_baseline_age_seconds churn": 8_640_000, "tidemark_baseline_age_seconds fraud": 8_640_000,
		"tidemark_baseline_review_seconds churn": -864_000,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
}
