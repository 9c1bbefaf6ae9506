package processor

import (
	"github.com/prometheus/client_golang/prometheus"

	"tidemark/monitor"
)

// scoreMetrics show the latest window of each monitor. Only the process that evaluates an endpoint shows it.
type scoreMetrics struct {
	rows, end                *prometheus.GaugeVec // by window
	missing, mean, deviation *prometheus.GaugeVec // by feature
	recurrence, kappa        *prometheus.GaugeVec // by feature, of the alarm budget
	score, threshold, firing *prometheus.GaugeVec // by rule
	series                   *bounded
	shown                    map[string][]string    // the series of an endpoint, as series knows them
	scored                   map[string]scoreGauges // of the series of scores: labels take long to look up
	name                     []byte                 // scratch of scores
}

type scoreGauges struct{ score, threshold prometheus.Gauge }

var (
	windowLabels  = []string{"monitor", "endpoint", "variant", "size"}
	featureLabels = append(windowLabels[:4:4], "feature")
	ruleLabels    = append(featureLabels[:5:5], "rule")
)

func newScoreMetrics(r prometheus.Registerer) *scoreMetrics {
	gauge := func(name, help string, labels []string) *prometheus.GaugeVec {
		g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "tidemark_" + name, Help: help}, labels)
		r.MustRegister(g)
		return g
	}
	return &scoreMetrics{
		rows:       gauge("evaluate_window_rows", "Rows in the latest window.", windowLabels),
		end:        gauge("evaluate_window_end_timestamp_seconds", "End of the latest window reported.", windowLabels),
		missing:    gauge("feature_missing_ratio", "Share of the latest window's rows without a value.", featureLabels),
		mean:       gauge("feature_mean", "Mean of the latest window's finite values.", featureLabels),
		deviation:  gauge("feature_stddev", "Population standard deviation of the latest window's finite values.", featureLabels),
		recurrence: gauge("feature_recurrence_seconds", "Traffic like the reference would look as the feature does at most once in so long; 0 under a pane.", featureLabels),
		kappa:      gauge("feature_kappa", "Records that are worth one independent record, by which the alarm budget's evidence is divided.", featureLabels),
		score:      gauge("drift_score", "Score of the latest window.", ruleLabels),
		threshold:  gauge("drift_threshold", "What a score, less what is expected of it, has to be above for an alert.", ruleLabels),
		firing:     gauge("alert_firing", "1 while an alert of the rule is firing, 0 when it was resolved; absent before the first.", ruleLabels),
		series:     newBounded(r, "tidemark_drift_score", maxSeries),
		shown:      map[string][]string{},
		scored:     map[string]scoreGauges{},
	}
}

// take says whether the labels, of which the second is the endpoint, may have series.
func (m *scoreMetrics) take(labels []string) bool {
	name, known := key(labels), len(m.series.seen)
	taken := m.series.take(name)
	if len(m.series.seen) > known {
		m.shown[labels[1]] = append(m.shown[labels[1]], name)
	}
	return taken
}

// show shows a report. Where there is no room for its windows, there is none for its features.
func (m *scoreMetrics) show(r *monitor.Report) {
	window := []string{r.Monitor, r.Endpoint, r.Variant, r.Window.Size}
	if !m.take(window) {
		m.series.leaveOut(seriesOf(r) - 1)
		return
	}
	m.rows.WithLabelValues(window...).Set(float64(r.Rows))
	m.end.WithLabelValues(window...).Set(float64(r.Window.End) / 1000)
	m.scores(window, "", r.Scores)
	for _, f := range r.Features {
		if labels := append(window[:4:4], f.Name); m.take(labels) {
			if f.Captured > 0 {
				m.missing.WithLabelValues(labels...).Set(float64(f.Missing) / float64(f.Captured))
			}
			if f.Mean != nil {
				m.mean.WithLabelValues(labels...).Set(*f.Mean)
			}
			if f.StdDev != nil {
				m.deviation.WithLabelValues(labels...).Set(*f.StdDev)
			}
			if f.Budget != nil {
				m.recurrence.WithLabelValues(labels...).Set(f.Budget.Recurrence)
				m.kappa.WithLabelValues(labels...).Set(f.Budget.Kappa)
			}
		}
		m.scores(window, f.Name, f.Scores)
	}
}

// seriesOf is how many series a report would have: of the window, its features and their scores.
func seriesOf(r *monitor.Report) int {
	n := 1 + len(r.Scores)
	for i := range r.Features {
		n += 1 + len(r.Features[i].Scores)
	}
	return n
}

func (m *scoreMetrics) scores(window []string, feature string, scores map[string]monitor.Score) {
	for method, score := range scores {
		m.name = appendKey(appendKey(m.name[:0], window...), feature, method)
		g, known := m.scored[string(m.name)]
		if !known {
			labels := append(window[:4:4], feature, method)
			if !m.take(labels) {
				continue
			}
			g.score = m.score.WithLabelValues(labels...)
			if !score.ReportedOnly {
				g.threshold = m.threshold.WithLabelValues(labels...)
			}
			m.scored[string(m.name)] = g
		}
		g.score.Set(score.Score)
		if g.threshold != nil {
			g.threshold.Set(score.Threshold)
		}
	}
}

// fire shows whether a rule's alert is firing.
func (m *scoreMetrics) fire(f monitor.Firing, firing bool) {
	labels := []string{f.Monitor, f.Endpoint, f.Variant, f.Size, f.Feature, f.Rule}
	if !m.take(labels) {
		return
	}
	value := 0.0
	if firing {
		value = 1
	}
	m.firing.WithLabelValues(labels...).Set(value)
}

// forget shows nothing more of an endpoint, which another process evaluates from here on.
func (m *scoreMetrics) forget(endpoint string) {
	for _, g := range []*prometheus.GaugeVec{m.rows, m.end, m.missing, m.mean, m.deviation, m.recurrence, m.kappa, m.score, m.threshold, m.firing} {
		g.DeletePartialMatch(prometheus.Labels{"endpoint": endpoint})
	}
	for _, name := range m.shown[endpoint] {
		delete(m.series.seen, name)
		delete(m.scored, name)
	}
	delete(m.shown, endpoint)
}

func key(labels []string) string { return string(appendKey(nil, labels...)) }

func appendKey(b []byte, labels ...string) []byte {
	for _, l := range labels {
		b = append(append(b, l...), 0)
	}
	return b
}
