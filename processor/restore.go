package processor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/windows"
)

// restoreAll gives up the state of every partition that the process owns: it is restored before the next poll.
func (ev *Evaluate) restoreAll() {
	owned := ev.session.Client().CommittedOffsets()[ev.config.Topics.Panes]
	ev.mu.Lock()
	defer ev.mu.Unlock()
	for partition := range owned {
		ev.assigned[partition] = true
		ev.evaluation.Drop(partition)
	}
	for partition := range ev.evaluation.shards {
		ev.drop(partition)
	}
}

// restoreAssigned restores the partitions that were assigned since the last poll, and lets them be read.
func (ev *Evaluate) restoreAssigned(ctx context.Context) error {
	ev.mu.Lock()
	assigned := ev.assigned
	ev.assigned = map[int32]bool{}
	ev.mu.Unlock()
	owned := ev.session.Client().CommittedOffsets()[ev.config.Topics.Panes]
	for _, partition := range ev.evaluation.Lost(func(p int32) bool { _, ok := owned[p]; return ok }) {
		ev.drop(partition)
	}
	if len(assigned) == 0 {
		return nil
	}
	ev.ready(false)
	var gaps []gap
	for partition := range assigned {
		committed, ok := owned[partition]
		if !ok {
			continue // its offset is not known yet
		}
		started := time.Now()
		r, err := ev.restore(ctx, partition, committed.Offset)
		if g := (gap{}); errors.As(err, &g) {
			gaps = append(gaps, g)
			continue
		}
		if err != nil {
			return fmt.Errorf("restore partition %d: %w", partition, err)
		}
		ev.evaluation.Take(r)
		for _, f := range r.shard.Firing() {
			ev.metrics.scores.fire(f, true)
		}
		for _, f := range r.shard.SystemFiring() {
			ev.metrics.system.WithLabelValues(f.Rule, f.Subject).Set(1)
		}
		ev.session.Client().ResumeFetchPartitions(map[string][]int32{ev.config.Topics.Panes: {partition}})
		ev.metrics.restore.Observe(time.Since(started).Seconds())
		delete(assigned, partition)
	}
	if len(gaps) > 0 {
		return ev.skip(ctx, gaps)
	}
	ev.mu.Lock()
	defer ev.mu.Unlock()
	for partition := range assigned {
		ev.assigned[partition] = true
	}
	ev.ready(len(ev.assigned) == 0)
	return nil
}

// drop gives up a partition that another process owns now, which also shows its endpoints in the metrics.
func (ev *Evaluate) drop(partition int32) {
	for _, endpoint := range ev.evaluation.shards[partition].Endpoints() {
		ev.metrics.scores.forget(endpoint)
	}
	for _, f := range ev.evaluation.shards[partition].SystemFiring() {
		ev.metrics.system.DeleteLabelValues(f.Rule, f.Subject)
	}
	ev.evaluation.Drop(partition)
}

// restore rebuilds the state of a partition: what was saved, and then, from the panes log, what was not.
func (ev *Evaluate) restore(ctx context.Context, partition int32, committed int64) (*Restoration, error) {
	r := ev.evaluation.Restoration(partition, committed)
	t := ev.config.Topics
	if err := ev.readAll(ctx, t.State, partition, 0, -1, r.Saved); err != nil {
		return nil, err
	}
	start, end, err := bounds(ctx, ev.admin, windows.Source{Topic: t.Panes, Partition: partition})
	if err != nil {
		return nil, err
	}
	from, err := r.From(start)
	if err != nil {
		return nil, ev.overtaken(ctx, partition, committed, err)
	}
	if from < start || committed > end {
		return nil, r.gap(from, start, end)
	}
	return r, ev.readAll(ctx, t.Panes, partition, from, committed, r.Replay)
}

// overtaken tells an offset that was moved by hand from that of a process that was stopped for long: meanwhile another
// took the partition and went on, and this one has not heard of it yet.
func (ev *Evaluate) overtaken(ctx context.Context, partition int32, committed int64, err error) error {
	panes := ev.config.Topics.Panes
	offsets, failed := ev.admin.FetchOffsetsForTopics(ctx, group("evaluate"), panes)
	if failed != nil {
		return lost{fmt.Errorf("fetch the offset of %s/%d: %w", panes, partition, failed)}
	}
	if at, ok := offsets.Lookup(panes, partition); ok && at.At != committed {
		return lost{fmt.Errorf("another process went on with %s/%d, from offset %d to %d", panes, partition, committed, at.At)}
	}
	return err
}

// readAll reads the committed records of a partition from one offset to another, or to the end that the log has
// now, uncommitted records included: a transaction that is still open is waited for.
func (ev *Evaluate) readAll(ctx context.Context, topic string, partition int32, from, to int64, each func(*kgo.Record) error) error {
	if to >= 0 && from >= to {
		return nil
	}
	start, end, err := bounds(ctx, ev.admin, windows.Source{Topic: topic, Partition: partition})
	if err != nil {
		return err
	}
	if to < 0 {
		from, to = start, end
	}
	if from < start {
		return lost{fmt.Errorf("%s/%d begins at offset %d by now, but %d is needed", topic, partition, start, from)}
	}
	if from >= to {
		return nil
	}
	options := append(ev.config.clientOptions(ev.log, "restore"),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {partition: kgo.NewOffset().At(from)}}),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()), kgo.KeepControlRecords(),
		kgo.MaxDecompressBatchBytes(maxFetchedBatch))
	client, err := kgo.NewClient(append(options, ev.options...)...)
	if err != nil {
		return err
	}
	defer client.Close()
	progress := ev.progressOf(windows.Source{Topic: topic, Partition: partition}, from, to)
	defer progress.end()
	for position := from; position < to; progress.tell(position) {
		fetches := client.PollRecords(ctx, maxPolled)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := ev.config.fetchError(ev.log, fetches); err != nil {
			return err
		}
		for iterator := fetches.RecordIter(); !iterator.Done(); {
			r := iterator.Next()
			position = r.Offset + 1
			if r.Offset >= to || r.Attrs.IsControl() {
				continue
			}
			if err := each(r); err != nil {
				return fmt.Errorf("%s/%d offset %d: %w", topic, partition, r.Offset, err)
			}
		}
	}
	return nil
}
