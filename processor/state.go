package processor

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/monitor"
)

const (
	keyMeta     = "meta"
	keyPane     = "pane/"
	keyWindow   = "window/"
	keyEndpoint = "endpoint/"
	keySequence = "sequence/"
)

// state returns the records that bring a partition's saved state up to date.
func (ev *Evaluate) state(partition int32) ([]*kgo.Record, error) {
	s := ev.shards[partition]
	var records []*kgo.Record
	put := func(key string, value []byte) {
		records = append(records, &kgo.Record{Topic: ev.config.Topics.State, Partition: partition, Key: []byte(key), Value: value})
	}
	for i := range ev.out.Panes {
		p := &ev.out.Panes[i]
		if !s.Owns(p.Endpoint) {
			continue
		}
		value, err := p.Append(nil)
		if err != nil {
			return nil, err
		}
		put(p.Key(), value)
	}
	for i := range ev.out.Windows {
		w := &ev.out.Windows[i]
		if !s.Owns(w.Endpoint) {
			continue
		}
		value, err := w.Append(nil)
		if err != nil {
			return nil, err
		}
		put(w.Key(), value)
	}
	for _, e := range s.Changes() {
		value, err := json.Marshal(e)
		if err != nil {
			return nil, fmt.Errorf("encode state of endpoint %q: %w", e.Endpoint, err)
		}
		put(e.Key(), value)
	}
	sequences, err := s.Sequences()
	if err != nil {
		return nil, err
	}
	for i := range sequences {
		value, err := json.Marshal(&sequences[i])
		if err != nil {
			return nil, fmt.Errorf("encode detector of endpoint %q: %w", sequences[i].Endpoint, err)
		}
		put(sequences[i].Key(), value)
	}
	value, err := json.Marshal(meta{
		Version: metaVersion, Committed: s.next, ReplayFrom: s.ReplayFrom(s.next), Partitions: s.Partitions(),
	})
	if err != nil {
		return nil, fmt.Errorf("encode meta: %w", err)
	}
	put(keyMeta, value)
	return records, nil
}

// restoreAll gives up the state of every partition that the process owns: it is restored before the next poll.
func (ev *Evaluate) restoreAll() {
	owned := ev.session.Client().CommittedOffsets()[ev.config.Topics.Panes]
	ev.mu.Lock()
	defer ev.mu.Unlock()
	for partition := range owned {
		ev.assigned[partition] = true
		delete(ev.shards, partition)
	}
	for partition := range ev.shards {
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
	for partition := range ev.shards {
		if _, ok := owned[partition]; !ok && !ev.touched[partition] { // else its next commit will abort
			ev.drop(partition)
		}
	}
	if len(assigned) == 0 {
		return nil
	}
	ev.ready(false)
	for partition := range assigned {
		committed, ok := owned[partition]
		if !ok {
			continue // its offset is not known yet
		}
		started := time.Now()
		s, err := ev.restore(ctx, partition, committed.Offset)
		if err != nil {
			return fmt.Errorf("restore partition %d: %w", partition, err)
		}
		ev.shards[partition] = s
		for _, f := range s.Firing() {
			ev.metrics.scores.fire(f, true)
		}
		ev.session.Client().ResumeFetchPartitions(map[string][]int32{ev.config.Topics.Panes: {partition}})
		ev.metrics.restore.Observe(time.Since(started).Seconds())
		delete(assigned, partition)
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
	for _, endpoint := range ev.shards[partition].Endpoints() {
		ev.metrics.scores.forget(endpoint)
	}
	delete(ev.shards, partition)
}

// restore rebuilds the state of a partition: what was saved, and then, from the panes log, what was not.
func (ev *Evaluate) restore(ctx context.Context, partition int32, committed int64) (*shard, error) {
	s := &shard{Shard: monitor.NewShard(ev.monitors), next: committed}
	var last *meta
	panes := map[string]monitor.SavedPane{}
	windows := map[string]monitor.SavedWindow{}
	endpoints := map[string]monitor.SavedEndpoint{}
	sequences := map[string]monitor.SavedSequence{}
	err := ev.readAll(ctx, ev.config.Topics.State, partition, 0, -1, func(r *kgo.Record) error {
		switch key := string(r.Key); {
		case key == keyMeta:
			last = &meta{}
			return json.Unmarshal(r.Value, last)
		case strings.HasPrefix(key, keyEndpoint):
			var e monitor.SavedEndpoint
			err := json.Unmarshal(r.Value, &e)
			endpoints[key] = e
			return err
		case strings.HasPrefix(key, keySequence):
			var q monitor.SavedSequence
			err := json.Unmarshal(r.Value, &q)
			sequences[key] = q
			return err
		case strings.HasPrefix(key, keyPane):
			p, err := monitor.DecodePane(r.Value)
			panes[key] = p
			return err
		case strings.HasPrefix(key, keyWindow):
			w, err := monitor.DecodeWindow(r.Value)
			windows[key] = w
			return err
		}
		return fmt.Errorf("key %q is not one that this program writes", r.Key)
	})
	if err != nil {
		return nil, err
	}
	if last == nil {
		start, err := ev.startOf(ctx, ev.config.Topics.Panes, partition)
		if err != nil {
			return nil, err
		}
		if committed > start {
			return nil, fmt.Errorf("topic %q has no state for the committed offset %d: it was emptied; reset the offsets of group tidemark-evaluate to start anew", ev.config.Topics.State, committed)
		}
		return s, nil
	}
	if last.Version != metaVersion || last.Committed != committed {
		return nil, fmt.Errorf("the state is of version %d and offset %d, the group's offset is %d (version %d): they are written together, so the offset was moved by hand; move it back to %d", last.Version, last.Committed, committed, metaVersion, last.Committed)
	}
	for _, e := range endpoints {
		if err := s.Restore(e); err != nil {
			return nil, err
		}
	}
	for _, q := range sequences {
		if err := s.RestoreSequence(q); err != nil {
			return nil, err
		}
	}
	for _, p := range panes {
		s.RestorePane(p)
	}
	for _, w := range windows {
		s.RestoreWindow(w)
	}
	s.RestorePartitions(last.Partitions)
	err = ev.readAll(ctx, ev.config.Topics.Panes, partition, last.ReplayFrom, committed, func(r *kgo.Record) error {
		if r.Key == nil {
			return nil
		}
		d, err := monitor.DecodeDelta(r.Value)
		if err != nil {
			return err
		}
		return s.Replay(d, r.Offset)
	})
	return s, err
}

// startOf is the offset that the log of a partition starts at.
func (ev *Evaluate) startOf(ctx context.Context, topic string, partition int32) (int64, error) {
	starts, err := ev.admin.ListStartOffsets(ctx, topic)
	if err != nil {
		return 0, lost{fmt.Errorf("list the start of %s/%d: %w", topic, partition, err)}
	}
	start, ok := starts.Lookup(topic, partition)
	if !ok || start.Err != nil {
		return 0, lost{fmt.Errorf("list the start of %s/%d: %w", topic, partition, start.Err)}
	}
	return start.Offset, nil
}

// readAll reads the committed records of a partition from one offset to another, or to the end that the log has
// now, uncommitted records included: a transaction that is still open is waited for.
func (ev *Evaluate) readAll(ctx context.Context, topic string, partition int32, from, to int64, each func(*kgo.Record) error) error {
	start, err := ev.startOf(ctx, topic, partition)
	if err != nil {
		return err
	}
	if to < 0 {
		ends, err := ev.admin.ListEndOffsets(ctx, topic)
		if err != nil {
			return lost{fmt.Errorf("list the end of %s/%d: %w", topic, partition, err)}
		}
		end, ok := ends.Lookup(topic, partition)
		if !ok || end.Err != nil {
			return lost{fmt.Errorf("list the end of %s/%d: %w", topic, partition, end.Err)}
		}
		from, to = start, end.Offset
	}
	if from < start {
		return fmt.Errorf("%s/%d begins at offset %d, but %d is needed: its retention is too short; reset the offsets of group tidemark-evaluate to start anew", topic, partition, start, from)
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
	for position := from; position < to; {
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
