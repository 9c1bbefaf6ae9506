package processor

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/capture"
	"tidemark/monitor"
	"tidemark/windows"
)

// maxSeries bounds the series of a metric that is labelled by what traffic or configuration brings.
const maxSeries = 2000

// other is the label of what is over that bound.
const other = "(other)"

// bounded hands out label values until there are too many of them.
type bounded struct {
	seen    map[string]bool
	limit   int
	dropped prometheus.Counter
}

func newBounded(r prometheus.Registerer, metric string, limit int) *bounded {
	dropped := prometheus.NewCounter(prometheus.CounterOpts{
		Name: "tidemark_series_dropped_total", Help: "Values that have no series of their own because the metric has enough.",
		ConstLabels: prometheus.Labels{"metric": metric},
	})
	r.MustRegister(dropped)
	return &bounded{seen: map[string]bool{}, limit: limit, dropped: dropped}
}

// take says whether the value may have a series.
func (b *bounded) take(value string) bool {
	if b.seen[value] {
		return true
	}
	if len(b.seen) >= b.limit {
		b.dropped.Inc()
		return false
	}
	b.seen[value] = true
	return true
}

// leaveOut counts values that are not asked for, as there is no room for them.
func (b *bounded) leaveOut(n int) { b.dropped.Add(float64(n)) }

type ingestMetrics struct {
	rows          prometheus.Counter
	dropped       *prometheus.CounterVec
	extra         prometheus.Counter
	undecoded     prometheus.Counter
	skewed        prometheus.Counter
	captured      prometheus.Counter
	panesBytes    prometheus.Counter
	interval      prometheus.Gauge
	aborts        prometheus.Counter
	commitSeconds prometheus.Histogram
	unmonitored   *prometheus.CounterVec
	endpoints     *bounded
	lag           *prometheus.GaugeVec
	lost          *prometheus.CounterVec
}

func newIngestMetrics(r prometheus.Registerer) *ingestMetrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "tidemark_ingest_" + name, Help: help})
	}
	m := &ingestMetrics{
		rows: counter("rows_total", "Rows read from capture topics and committed; a row counts once for each layout that watches it."),
		dropped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tidemark_ingest_rows_dead_total", Help: "Rows that went to the dead-letter topic, by reason."}, []string{"reason"}),
		extra:      counter("keys_extra_total", "JSON keys that the baseline's schema does not have."),
		undecoded:  counter("payloads_undecoded_total", "Payloads of a content type that is not read; their rows count without those columns."),
		skewed:     counter("records_skewed_total", "Records whose event time is further ahead of the clock than max_future_skew; they count, but move no watermark."),
		captured:   counter("captures_bytes_total", "Bytes of captures, keys and values, that were read and committed."),
		panesBytes: counter("panes_bytes_total", "Bytes of pane deltas and vectors written. While they are over a tenth of captures_bytes_total, commits are fewer."),
		interval: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "tidemark_ingest_commit_interval_seconds", Help: "How long is read until the next commit: 1 to 4 seconds."}),
		aborts: counter("transactions_aborted_total", "Transactions that were aborted and read again, as a rebalance causes it."),
		commitSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "tidemark_ingest_commit_seconds", Help: "Time to write and commit a transaction.",
			Buckets: prometheus.ExponentialBuckets(0.005, 2, 11), NativeHistogramBucketFactor: 1.1}),
		unmonitored: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tidemark_ingest_rows_unmonitored_total", Help: "Rows of endpoints that no monitor watches."}, []string{"endpoint"}),
		endpoints: newBounded(r, "tidemark_ingest_rows_unmonitored_total", 100),
		lag: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "tidemark_ingest_lag_records", Help: "Records of a capture partition that this process is to read and has not."}, []string{"topic", "partition"}),
		lost: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tidemark_ingest_offsets_lost_total", Help: "Offsets of a capture topic that could no longer be read, by why: retention (Kafka deleted them before) or truncation (the brokers lost them)."}, []string{"topic", "why"}),
	}
	r.MustRegister(m.lost, m.rows, m.dropped, m.extra, m.undecoded, m.skewed, m.captured, m.panesBytes, m.interval, m.aborts, m.commitSeconds, m.unmonitored, m.lag)
	for _, reason := range capture.Reasons {
		m.dropped.WithLabelValues(string(reason)).Add(0)
	}
	return m
}

// committed counts what a transaction that committed had read and written.
func (m *ingestMetrics) committed(in *Intake, records []*kgo.Record) {
	c := &in.fold.counts
	m.captured.Add(float64(in.captured))
	m.panesBytes.Add(float64(sizeOn(in.config.Topics.Panes, records)))
	m.rows.Add(float64(c.rows))
	for reason, n := range c.dead {
		m.dropped.WithLabelValues(string(reason)).Add(float64(n))
	}
	for endpoint, n := range c.unmonitored {
		if !m.endpoints.take(endpoint) {
			endpoint = other
		}
		m.unmonitored.WithLabelValues(endpoint).Add(float64(n))
	}
	m.extra.Add(float64(c.extra))
	m.undecoded.Add(float64(c.undecoded))
	m.skewed.Add(float64(c.skewed))
}

// read shows how far behind the partitions of this process are, and nothing of those that it no longer reads.
func (m *ingestMetrics) read(sources map[windows.Source]*source) {
	m.lag.Reset()
	for name, s := range sources {
		m.lag.WithLabelValues(name.Topic, strconv.Itoa(int(name.Partition))).Set(float64(max(0, s.end-s.position)))
	}
}

type evaluateMetrics struct {
	windowed    *prometheus.CounterVec
	late        *prometheus.CounterVec
	reports     prometheus.Counter
	transitions *prometheus.CounterVec
	scores      *scoreMetrics
	system      *prometheus.GaugeVec
	aborts      prometheus.Counter
	restore     prometheus.Histogram
	restoring   *prometheus.GaugeVec
	endpoints   *bounded
	lost        *prometheus.CounterVec
}

// missed is every value of the label of late rows.
var missed = []string{monitor.MissedSome, monitor.MissedAll, monitor.MissedPane, monitor.MissedMonitor, monitor.MissedLayout}

func newEvaluateMetrics(r prometheus.Registerer) *evaluateMetrics {
	m := &evaluateMetrics{
		windowed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tidemark_evaluate_rows_windowed_total", Help: "Rows that came in time for every window they are in."}, []string{"endpoint"}),
		late: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tidemark_evaluate_rows_late_total", Help: "Rows that came too late for some or all windows, or could not be used for another reason."}, []string{"missed"}),
		reports: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "tidemark_evaluate_reports_total", Help: "Windows reported."}),
		transitions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tidemark_evaluate_alerts_total", Help: "Alert transitions, by kind and state."}, []string{"kind", "state"}),
		scores: newScoreMetrics(r),
		system: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "tidemark_system_alert_firing", Help: "1 while an alert on Tidemark's own work is firing, 0 when it was resolved; absent before the first. The subject is an endpoint, a topic or a partition."}, []string{"rule", "subject"}),
		aborts: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "tidemark_evaluate_transactions_aborted_total", Help: "Transactions that were aborted and decided again, as a rebalance causes it."}),
		restoring: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "tidemark_evaluate_restoring_records", Help: "Records, control records counted, that are still to be read before a partition is restored; absent when none is.",
		}, []string{"topic", "partition"}),
		restore: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "tidemark_evaluate_restore_seconds", Help: "Time to rebuild the state of a partition.",
			Buckets: prometheus.ExponentialBuckets(0.01, 2, 12), NativeHistogramBucketFactor: 1.1}),
		endpoints: newBounded(r, "tidemark_evaluate_rows_windowed_total", maxSeries),
		lost: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tidemark_evaluate_offsets_lost_total", Help: "Offsets of the panes topic that could no longer be read before their windows were closed, by why: retention (Kafka deleted them) or truncation (the brokers lost them)."}, []string{"why"}),
	}
	r.MustRegister(m.lost, m.system, m.windowed, m.late, m.reports, m.transitions, m.aborts, m.restore, m.restoring)
	for _, why := range []string{monitor.LostRetention, monitor.LostTruncation} {
		m.lost.WithLabelValues(why).Add(0)
	}
	for _, why := range missed {
		m.late.WithLabelValues(why).Add(0)
	}
	for _, kind := range []string{"drift", "quality", monitor.KindSystem} {
		for _, state := range []string{"firing", "resolved"} {
			m.transitions.WithLabelValues(kind, state).Add(0)
		}
	}
	return m
}

// committed counts what a transaction that committed had decided.
func (m *evaluateMetrics) committed(out *monitor.Output, windowed map[string]int64) {
	for endpoint, n := range windowed {
		if !m.endpoints.take(endpoint) {
			endpoint = other
		}
		m.windowed.WithLabelValues(endpoint).Add(float64(n))
	}
	for _, d := range out.Late {
		for _, p := range d.Panes {
			m.late.WithLabelValues(d.Missed).Add(float64(p.Rows))
		}
	}
	m.reports.Add(float64(len(out.Reports)))
	for i := range out.Alerts {
		a := &out.Alerts[i]
		m.transitions.WithLabelValues(a.Kind, a.State).Inc()
		if a.Kind == monitor.KindSystem {
			m.system.WithLabelValues(a.Rule, a.Subject()).Set(map[bool]float64{true: 1}[a.State == "firing"])
			continue
		}
		m.scores.fire(monitor.Firing{Monitor: a.Monitor, Endpoint: a.Endpoint, Variant: a.Variant, Size: a.Window.Size, Feature: a.Feature, Rule: a.Rule}, a.State == "firing")
	}
	for i := range out.Reports {
		m.scores.show(&out.Reports[i])
	}
}
