package processor

import (
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
