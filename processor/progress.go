package processor

import (
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidemark/windows"
)

// tellEvery is how often a restoration that takes long is told of.
const tellEvery = 2 * time.Second

// progress tells how far the reading of a log is that a restoration waits for.
type progress struct {
	log           *slog.Logger
	left          *prometheus.GaugeVec
	source        windows.Source
	from, to      int64 // offsets
	started, told time.Time
}

func (ev *Evaluate) progressOf(source windows.Source, from, to int64) *progress {
	now := time.Now()
	return &progress{log: ev.log, left: ev.metrics.restoring, source: source, from: from, to: to, started: now, told: now}
}

// tell says that the log was read up to a position.
func (p *progress) tell(position int64) {
	p.left.WithLabelValues(p.source.Topic, strconv.Itoa(int(p.source.Partition))).Set(float64(max(p.to-position, 0)))
	now := time.Now()
	if now.Sub(p.told) < tellEvery || position >= p.to {
		return
	}
	p.told = now
	done := float64(position-p.from) / float64(p.to-p.from)
	estimate := "unknown"
	if done > 0 {
		estimate = time.Duration(float64(now.Sub(p.started)) * (1 - done) / done).Round(time.Second).String()
	}
	p.log.Info("restoring what was decided before", "topic", p.source.Topic, "partition", p.source.Partition,
		"done", fmt.Sprintf("%.0f%%", 100*done), "records", p.to-position, "remaining", estimate)
}

// end says that nothing more is waited for.
func (p *progress) end() {
	p.left.DeleteLabelValues(p.source.Topic, strconv.Itoa(int(p.source.Partition)))
}
