package processor

import (
	"strconv"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"tidemark/monitor"
)

// gauges returns the values of a metric by the label "rule".
func gauges(t *testing.T, r *prometheus.Registry, name string) map[string]float64 {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if f.GetName() == name && l.GetName() == "rule" {
					values[l.GetValue()] = m.GetGauge().GetValue()
				}
			}
		}
	}
	return values
}

// leftOut returns how many series were left out.
func leftOut(t *testing.T, r *prometheus.Registry) (n float64) {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "tidemark_series_dropped_total" {
			n += f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	return n
}

// The latest report of an endpoint is shown, and nothing of one that another process evaluates.
func TestScoresAreThoseOfTheLatestReport(t *testing.T) {
	registry := prometheus.NewRegistry()
	m := newScoreMetrics(registry)
	for _, score := range []float64{0.1, 0.3} {
		m.show(&monitor.Report{Monitor: "churn", Endpoint: "churn", Variant: "default", Features: []monitor.FeatureReport{{Name: "x", Scores: map[string]monitor.Score{
			"psi": {Score: score, Threshold: 0.2}, "ks": {Score: 2 * score, ReportedOnly: true},
		}}}})
		if got := gauges(t, registry, "tidemark_drift_score"); len(got) != 2 || got["psi"] != score || got["ks"] != 2*score {
			t.Errorf("scores %v, want psi %v and ks %v", got, score, 2*score)
		}
		if got := gauges(t, registry, "tidemark_drift_threshold"); len(got) != 1 || got["psi"] != 0.2 {
			t.Errorf("thresholds %v, want 0.2 of psi: ks decides nothing", got)
		}
	}
	m.forget("churn")
	if got := gauges(t, registry, "tidemark_drift_score"); len(got) > 0 || len(m.scored) > 0 || len(m.series.seen) > 0 {
		t.Errorf("scores %v of an endpoint that is another's, %d kept, %d series", got, len(m.scored), len(m.series.seen))
	}
}

// A report for which there is no room is counted, series by series, and shows nothing.
func TestScoresWithoutRoom(t *testing.T) {
	registry := prometheus.NewRegistry()
	m := newScoreMetrics(registry)
	report := func(endpoint string) *monitor.Report {
		return &monitor.Report{Monitor: "all", Endpoint: endpoint, Variant: "default", Features: []monitor.FeatureReport{
			{Name: "x", Scores: map[string]monitor.Score{"psi": {}, "ks": {}}}, {Name: "y", Scores: map[string]monitor.Score{"psi": {}}},
		}}
	}
	const each = 6 // the window, two features, three scores
	fit := maxSeries / each
	for i := range fit + 3 {
		m.show(report(strconv.Itoa(i)))
	}
	m.show(report("0"))
	// Of the first that does not fit whole, a part is shown; of the others nothing.
	if got, want := leftOut(t, registry), float64((fit+3)*each-maxSeries); got != want {
		t.Errorf("%v series left out, want %v", got, want)
	}
	if got := len(m.series.seen); got != maxSeries {
		t.Errorf("%d series, want %d", got, maxSeries)
	}
	m.forget("0")
	m.show(report("new"))
	if got := len(m.series.seen); got != maxSeries {
		t.Errorf("%d series once there was room again, want %d", got, maxSeries)
	}
}
