package processor

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/monitor"
	"tidemark/windows"
)

// gap is what the log of a panes partition no longer has of what a restoration needs: deltas that retention deleted before
// they were read, or before the windows that they are in had closed, or that the brokers lost.
type gap struct {
	loss       monitor.Loss
	next       int64 // where reading goes on
	replayFrom int64 // of what is left before that
	partitions windows.Vector
	closing    *monitor.Closing
}

// Error says what is missing.
func (g gap) Error() string {
	return fmt.Sprintf("%v has lost the offsets [%d, %d)", g.loss.Source, g.loss.Start, g.loss.End)
}

// gap returns what is missing between where a log that is [start, end) begins and ends and what is to be read of it: from
// an offset on to be replayed, up to the group's.
func (r *Restoration) gap(from, start, end int64) gap {
	source := windows.Source{Topic: r.config.Topics.Panes, Partition: r.partition}
	g := gap{
		loss: monitor.Loss{Source: source, Start: from, End: start, Why: monitor.LostRetention},
		next: max(r.committed, start), replayFrom: max(from, start),
	}
	if r.committed > end {
		g.loss = monitor.Loss{Source: source, Start: end, End: r.committed, Why: monitor.LostTruncation}
		g.next, g.replayFrom = end, min(g.replayFrom, end)
	}
	if r.last != nil {
		g.partitions, g.closing = r.last.Partitions, r.last.Closing
	}
	return g
}

// skip goes on behind gaps. One transaction tells them, as losses, and moves the state and the group's offset behind them;
// so they are told once, and a process that lost the partitions meanwhile cannot tell them. What was saved is kept. A new
// session restores it and reads on from there.
func (ev *Evaluate) skip(ctx context.Context, gaps []gap) error {
	health := monitor.Health{Instance: ev.config.Instance}
	var records []*kgo.Record
	var to []position
	for _, g := range gaps {
		source := g.loss.Source
		m, err := metaRecord(ev.config.Topics.State, source.Partition, meta{Committed: g.next, ReplayFrom: g.replayFrom, Partitions: g.partitions, Closing: g.closing})
		if err != nil {
			return err
		}
		records = append(records, m)
		health.Losses = append(health.Losses, g.loss)
		to = append(to, position{source, kgo.EpochOffset{Epoch: -1, Offset: g.next}})
	}
	told, err := healthRecord(ev.config.Topics.Panes, &health)
	if err != nil {
		return err
	}
	commit, cancel := commitContext(ctx)
	defer cancel()
	committed, err := ev.config.transactAt(commit, ev.log, ev.session, "evaluate", ev.panesID, append(records, told), to...)
	if err != nil {
		return err
	}
	for _, g := range gaps {
		if !committed {
			break // the next session finds them again
		}
		ev.metrics.lost.WithLabelValues(g.loss.Why).Add(float64(g.loss.End - g.loss.Start))
		ev.log.Error(lossWords[g.loss.Why], "topic", g.loss.Source.Topic, "partition", g.loss.Source.Partition, "start", g.loss.Start, "end", g.loss.End)
	}
	return errAgain
}

// reread is the error after which a new session looks at the log again: where a log no longer has what is to be read, its
// restoration finds out what is missing.
func reread(err error) error {
	var u *unreadable
	if errors.As(err, &u) && u.bomb == nil {
		return lost{err}
	}
	return err
}
