package processor

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/monitor"
	"tidemark/sinks/alerts"
	"tidemark/windows"
)

// Evaluation is the part of evaluate that decides and does nothing: records of the panes topic go in, and what a commit
// writes comes out. It knows no client and no clock but the append time of the records.
type Evaluation struct {
	config   *Config
	monitors []*monitor.Monitor

	shards  map[int32]*shard
	out     monitor.Output
	rows    map[string]int64 // windowed in time, by endpoint
	touched map[int32]bool   // shards that consumed something since the last commit
}

// shard is the state of one partition of the panes topic.
type shard struct {
	*monitor.Shard
	next int64 // the offset of the next record
}

// NewEvaluation returns an evaluation without partitions.
func NewEvaluation(c *Config, monitors []*monitor.Monitor) *Evaluation {
	return &Evaluation{config: c, monitors: monitors, shards: map[int32]*shard{}, rows: map[string]int64{}, touched: map[int32]bool{}}
}

// Step takes in one record of the panes topic and closes all windows that it closes. After an error the evaluation must not
// be used any more.
func (ev *Evaluation) Step(r *kgo.Record) error {
	if err := ev.Read(r); err != nil {
		return err
	}
	return ev.Close(math.MaxInt)
}

// Read takes in one record of the panes topic. What it closes, [Evaluation.Close] decides, before any other is taken in. For
// errors see Step.
func (ev *Evaluation) Read(r *kgo.Record) error {
	s := ev.shards[r.Partition]
	if s == nil || r.Offset < s.next {
		// The partition went and came back while the client was cut off: a new session restores it.
		return lost{fmt.Errorf("read %s/%d offset %d, which this process has not restored or has read already", r.Topic, r.Partition, r.Offset)}
	}
	s.next = r.Offset + 1
	ev.touched[r.Partition] = true
	at := windows.At(r.Timestamp)
	switch {
	case r.Attrs.IsControl():
		return nil
	case isHealth(r):
		h, err := monitor.DecodeHealth(r.Value)
		if err != nil {
			return fmt.Errorf("%s/%d offset %d: %w", r.Topic, r.Partition, r.Offset, err)
		}
		s.Health(h, at, &ev.out)
		return nil
	case r.Key == nil:
		var v windows.Vector
		if err := json.Unmarshal(r.Value, &v); err != nil {
			return fmt.Errorf("decode vector at %s/%d offset %d: %w", r.Topic, r.Partition, r.Offset, err)
		}
		s.Report(v, at)
		return nil
	}
	d, err := monitor.DecodeDelta(r.Value)
	if err != nil {
		return fmt.Errorf("%s/%d offset %d: %w", r.Topic, r.Partition, r.Offset, err)
	}
	late := len(ev.out.Late)
	if err := s.Add(d, r.Offset, at, &ev.out); err != nil {
		return fmt.Errorf("%s/%d offset %d: %w", r.Topic, r.Partition, r.Offset, err)
	}
	for _, p := range d.Panes {
		ev.rows[d.Endpoint] += p.Rows
	}
	for _, missed := range ev.out.Late[late:] {
		ev.rows[d.Endpoint] -= missed.Panes[0].Rows
	}
	return nil
}

// Due says whether what was taken in may close more windows.
func (ev *Evaluation) Due() bool {
	for _, s := range ev.shards {
		if s.Due() {
			return true
		}
	}
	return false
}

// Close closes windows until there is about so much work for a commit to write, counted in columns of reports. What is left may
// be closed after a commit. For errors see Step.
func (ev *Evaluation) Close(work int) error {
	for _, partition := range slices.Sorted(maps.Keys(ev.shards)) {
		s := ev.shards[partition]
		if !s.Due() || ev.out.Work >= work {
			continue
		}
		ev.touched[partition] = true
		if err := s.Close(work, &ev.out); err != nil {
			return fmt.Errorf("partition %d: %w", partition, err)
		}
	}
	return nil
}

// Work is how much there is for a commit to write, about.
func (ev *Evaluation) Work() int { return ev.out.Work }

// Touched returns the partitions that changed since the last commit. Without any there is nothing to commit.
func (ev *Evaluation) Touched() []int32 { return slices.Sorted(maps.Keys(ev.touched)) }

// Decided says whether a window closed or an alert changed since the last commit, so that it should not wait.
func (ev *Evaluation) Decided() bool { return len(ev.out.Reports)+len(ev.out.Alerts) > 0 }

// Forget drops what was decided since the last commit: it was committed, or the partitions are restored.
func (ev *Evaluation) Forget() {
	ev.out = monitor.Output{}
	clear(ev.rows)
	clear(ev.touched)
}

// Take adds a restored partition.
func (ev *Evaluation) Take(r *Restoration) { ev.shards[r.partition] = r.shard }

// Drop gives up a partition.
func (ev *Evaluation) Drop(partition int32) { delete(ev.shards, partition) }

// Lost returns the partitions that are held and not owned. Those that consumed something since the last commit are kept
// until it has aborted.
func (ev *Evaluation) Lost(owned func(int32) bool) []int32 {
	var lost []int32
	for _, partition := range slices.Sorted(maps.Keys(ev.shards)) {
		if !owned(partition) && !ev.touched[partition] {
			lost = append(lost, partition)
		}
	}
	return lost
}

// Records returns what a commit writes, the state's meta records last.
func (ev *Evaluation) Records() ([]*kgo.Record, error) {
	t := ev.config.Topics
	var records []*kgo.Record
	size := 0
	for i := range ev.out.Reports {
		value, err := ev.out.Reports[i].Append(make([]byte, 0, size))
		if err != nil {
			return nil, err
		}
		size = len(value) + len(value)/16 // one report is about as long as another
		records = append(records, &kgo.Record{Topic: t.Reports, Key: []byte(ev.out.Reports[i].Endpoint), Value: value})
	}
	for i := range ev.out.Alerts {
		r, err := alerts.Record(t.Alerts, &ev.out.Alerts[i])
		if err != nil {
			return nil, err
		}
		records = append(records, r)
	}
	for i := range ev.out.Late {
		d := &ev.out.Late[i]
		records = append(records, &kgo.Record{Topic: t.Late, Key: []byte(d.Endpoint), Value: d.Append(nil)})
	}
	for _, partition := range ev.Touched() {
		state, err := ev.state(partition)
		if err != nil {
			return nil, err
		}
		records = append(records, state...)
	}
	return records, nil
}
