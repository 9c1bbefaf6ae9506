package main

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidemark/monitor"
)

// reviewWarnings says which baselines somebody should have looked at by now.
func reviewWarnings(monitors []*monitor.Monitor, now time.Time) []string {
	var warnings []string
	for _, m := range monitors {
		if by := m.Baseline.ReviewBy; !by.IsZero() && now.After(by) {
			warnings = append(warnings, fmt.Sprintf("monitor %q: the baseline of %s was to be reviewed by %s: build it again from newer data, or with a later --review-after",
				m.Name, m.Baseline.Created.Format(time.DateOnly), by.Format(time.DateOnly)))
		}
	}
	return warnings
}

// budgetWarnings says where monitors cannot keep their alarm budgets with their baselines.
func budgetWarnings(monitors []*monitor.Monitor) []string {
	var warnings []string
	for _, m := range monitors {
		if m.Budget.FalseAlarms.Per == 0 {
			continue
		}
		for _, warning := range monitor.BaselineWarnings(m.Baseline, m.Budget.MinEffect) {
			warnings = append(warnings, fmt.Sprintf("monitor %q: %s", m.Name, warning))
		}
	}
	return warnings
}

// baselineAges tells at each scrape how old the baselines of the monitors are. It has a series or two for each monitor.
type baselineAges struct {
	monitors    []*monitor.Monitor
	now         func() time.Time
	age, review *prometheus.Desc
}

func newBaselineAges(monitors []*monitor.Monitor, now func() time.Time) *baselineAges {
	labels := []string{"monitor"}
	return &baselineAges{
		monitors: monitors, now: now,
		age:    prometheus.NewDesc("tidemark_baseline_age_seconds", "Time since the monitor's baseline was built.", labels, nil),
		review: prometheus.NewDesc("tidemark_baseline_review_seconds", "Time until the monitor's baseline is to be reviewed; negative from then on.", labels, nil),
	}
}

// Describe implements [prometheus.Collector].
func (b *baselineAges) Describe(to chan<- *prometheus.Desc) {
	to <- b.age
	to <- b.review
}

// Collect implements [prometheus.Collector].
func (b *baselineAges) Collect(to chan<- prometheus.Metric) {
	now := b.now()
	for _, m := range b.monitors {
		to <- prometheus.MustNewConstMetric(b.age, prometheus.GaugeValue, now.Sub(m.Baseline.Created).Seconds(), m.Name)
		if by := m.Baseline.ReviewBy; !by.IsZero() {
			to <- prometheus.MustNewConstMetric(b.review, prometheus.GaugeValue, by.Sub(now).Seconds(), m.Name)
		}
	}
}
