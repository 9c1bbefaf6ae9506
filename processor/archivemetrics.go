package processor

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidemark/sinks/archive"
	"tidemark/windows"
)

type archiveMetrics struct {
	objects    prometheus.Counter
	bytes      prometheus.Counter
	rows       *prometheus.CounterVec
	extra      prometheus.Counter
	untyped    prometheus.Counter
	adoptions  prometheus.Counter
	lost       prometheus.Counter
	stops      prometheus.Counter
	failures   *prometheus.CounterVec
	putSeconds prometheus.Histogram
	buffered   prometheus.Gauge
	lagRecords prometheus.Gauge
	lagSeconds prometheus.Gauge
}

func newArchiveMetrics(r prometheus.Registerer) *archiveMetrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "tidemark_archive_" + name, Help: help})
	}
	vector := func(name, help, label string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tidemark_archive_" + name, Help: help}, []string{label})
	}
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Name: "tidemark_archive_" + name, Help: help})
	}
	m := &archiveMetrics{
		objects:   counter("objects_total", "Objects put."),
		bytes:     counter("bytes_total", "Bytes of the objects put."),
		rows:      vector("rows_total", "Rows of the objects put, by status.", "status"),
		extra:     counter("keys_extra_total", "JSON keys that the baseline's schema does not have; they are not archived, unless the record is kept raw."),
		untyped:   counter("values_untyped_total", "Values in the column extra, because a file has enough columns or two endpoints have columns of one name and different kinds."),
		adoptions: counter("adoptions_total", "Objects that another process put first; its END was taken over."),
		lost:      counter("offsets_lost_total", "Offsets that Kafka deleted before they were archived."),
		stops:     counter("stops_total", "Times that a partition's chain was given up for a while, because it is not as it should be."),
		failures:  vector("failures_total", "Requests that failed and were made again, by request.", "request"),
		putSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "tidemark_archive_put_seconds", Help: "Time to put an object, with what failed.",
			Buckets: prometheus.ExponentialBuckets(0.01, 2, 14), NativeHistogramBucketFactor: 1.1}),
		buffered:   gauge("buffered_bytes", "Bytes of records that were read and are not archived."),
		lagRecords: gauge("lag_records", "Offsets that are committed in Kafka and not archived, in the partitions of this process."),
		lagSeconds: gauge("lag_seconds", "Age of the oldest record that was read and is not archived."),
	}
	r.MustRegister(m.objects, m.bytes, m.rows, m.extra, m.untyped, m.adoptions, m.lost, m.stops, m.failures, m.putSeconds,
		m.buffered, m.lagRecords, m.lagSeconds)
	for _, status := range archive.Statuses {
		m.rows.WithLabelValues(status).Add(0)
	}
	for _, request := range requests {
		m.failures.WithLabelValues(request).Add(0)
	}
	m.failures.WithLabelValues("probe").Add(0)
	return m
}

// put counts an object.
func (m *archiveMetrics) put(t *archive.Table, bytes int64, took time.Duration) {
	m.objects.Inc()
	m.bytes.Add(float64(bytes))
	for status, n := range t.ByStatus {
		m.rows.WithLabelValues(status).Add(float64(n))
	}
	m.extra.Add(float64(t.Extra))
	m.untyped.Add(float64(t.Untyped))
	m.putSeconds.Observe(took.Seconds())
}

// observe sets the gauges.
func (m *archiveMetrics) observe(partitions map[windows.Source]*archived, now time.Time) {
	var bytes, lag int64
	var age float64
	for _, p := range partitions {
		stored := p.logEnd
		for _, records := range []*archive.Records{p.records, p.putting} {
			if records == nil {
				continue
			}
			bytes += records.Bytes
			stored = min(stored, records.Start)
			if oldest, some := records.Oldest(); some {
				age = max(age, now.Sub(time.UnixMilli(oldest)).Seconds())
			}
		}
		lag += p.logEnd - stored
	}
	m.buffered.Set(float64(bytes))
	m.lagRecords.Set(float64(lag))
	m.lagSeconds.Set(age)
}
