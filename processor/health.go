package processor

import (
	"context"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/monitor"
	"tidemark/sinks/archive"
	"tidemark/windows"
)

// headerHealth marks the records of the panes topic that are no deltas or vectors, but say how Tidemark itself is.
const headerHealth = "tidemark-health"

// healthRecord is the record of a report, for the first partition of the panes topic.
func healthRecord(topic string, h *monitor.Health) (*kgo.Record, error) {
	value, err := h.Append(nil)
	return &kgo.Record{Topic: topic, Value: value, Headers: []kgo.RecordHeader{{Key: headerHealth}}}, err
}

func isHealth(r *kgo.Record) bool {
	return r.Key == nil && slices.ContainsFunc(r.Headers, func(h kgo.RecordHeader) bool { return h.Key == headerHealth })
}

// health is this process's report of the commit.
func (in *Intake) health(status []windows.Status) (*kgo.Record, error) {
	h := monitor.Health{Instance: in.config.Instance, Losses: in.losses, Traffic: in.traffic, Paused: in.breaker.paused()}
	for _, s := range status {
		if s.Lag && s.Appended != windows.Never {
			h.Behind = append(h.Behind, monitor.Behind{Source: s.Source, Since: s.Appended, AtRisk: in.risks[s.Source]})
		}
	}
	return healthRecord(in.config.Topics.Panes, &h)
}

// atRisk says whether a topic's retention may soon delete what is unread. It keeps records for retention, which is 0 when
// that is not known. first is where the log begins, which is 0 or more once that was asked for.
func (s *source) atRisk(retention time.Duration, first int64, now time.Time) bool {
	if s.position >= s.end || s.appended == windows.Never {
		return false
	}
	// Segments are deleted whole, so most of the time is not to be relied on.
	if age := now.Sub(s.appended.Time()); retention > 0 && age > retention*3/4 {
		return true
	}
	// It deletes already, by size or by time, and nearly all that is left is unread.
	return first > 0 && s.position-first < (s.end-first)/10
}

// healthEvery is how often the archive says how far behind it is.
const healthEvery = 10 * time.Second

// tell reports how far behind the archive's partitions are: from when on what waits should have been put. Brokers that
// cannot be reached do not hold it up; nobody could read it then either.
func (a *Archive) tell(ctx context.Context, now time.Time) {
	h := monitor.Health{Instance: a.config.Instance, Archive: true}
	for _, p := range a.partitions {
		p.whole = p.waits(now)
		due := p.whole.Add(a.to.Config().Every)
		if due.After(now) {
			due = now
		}
		h.Behind = append(h.Behind, monitor.Behind{Source: p.name, Since: windows.At(due)})
	}
	if len(h.Behind) == 0 || now.Sub(a.told) < healthEvery {
		return
	}
	a.told = now
	slices.SortFunc(h.Behind, func(x, y monitor.Behind) int { return x.Source.Compare(y.Source) })
	r, err := healthRecord(a.config.Topics.Panes, &h)
	if err != nil {
		a.log.Error("the archive cannot say how it is", "error", err)
		return
	}
	a.reader.TryProduce(ctx, r, nil)
}

// waits is when the first of the records was read that are not put; now if there are none. Of a partition that is not read
// it is what it was.
func (p *archived) waits(now time.Time) time.Time {
	some := func(r *archive.Records) bool {
		if r == nil {
			return false
		}
		_, some := r.Oldest()
		return some
	}
	switch {
	case some(p.putting):
		return p.before
	case some(p.records):
		return p.since
	}
	if p.reading {
		return now
	}
	return p.whole
}
