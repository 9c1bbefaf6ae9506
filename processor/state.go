package processor

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/monitor"
	"tidemark/windows"
)

const (
	keyMeta     = "meta"
	keyPane     = "pane/"
	keyWindow   = "window/"
	keyEndpoint = "endpoint/"
	keySequence = "sequence/"
	keySystem   = "system"
	keyBets     = "bets/"
)

var keys = []string{keyMeta, keyPane, keyWindow, keyEndpoint, keySequence, keySystem, keyBets}

// state returns the records that bring a partition's saved state up to date.
func (ev *Evaluation) state(partition int32) ([]*kgo.Record, error) {
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
		value, err := e.Append(nil)
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
	if system, changed := s.System(); changed {
		value, err := json.Marshal(system)
		if err != nil {
			return nil, fmt.Errorf("encode state of the system alerts: %w", err)
		}
		put(keySystem, value)
	}
	for _, b := range s.Bets() {
		value, err := b.Append(nil)
		if err != nil {
			return nil, err
		}
		put(b.Key(), value)
	}
	last, err := metaRecord(ev.config.Topics.State, partition, meta{Committed: s.next, ReplayFrom: s.ReplayFrom(s.next), Partitions: s.Partitions(), Closing: s.Closing()})
	return append(records, last), err
}

// meta is the record that ends what a transaction writes to a partition of the state topic.
type meta struct {
	Version    int            `json:"version"`
	Committed  int64          `json:"committed"`   // the consumed offset of the panes partition
	ReplayFrom int64          `json:"replay_from"` // from here on the panes log holds what is not saved
	Partitions windows.Vector `json:"partitions"`

	// Closing is there when the commit ended before all windows were closed that the last vector closes.
	Closing *monitor.Closing `json:"closing,omitempty"`
}

const metaVersion = 1

func metaRecord(topic string, partition int32, m meta) (*kgo.Record, error) {
	m.Version = metaVersion
	value, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode meta: %w", err)
	}
	return &kgo.Record{Topic: topic, Partition: partition, Key: []byte(keyMeta), Value: value}, nil
}

// Restoration rebuilds the state of one partition of the panes topic after a restart or an abort: what was saved, record
// by record, and then, from the panes log, what was not. It does no I/O.
type Restoration struct {
	config    *Config
	partition int32
	committed int64 // the group's offset
	shard     *shard

	last  *meta
	saved map[string][]byte // the latest value of each key
}

// Restoration begins that of a partition, of which the group has consumed the records before an offset.
func (ev *Evaluation) Restoration(partition int32, committed int64) *Restoration {
	return &Restoration{
		config: ev.config, partition: partition, committed: committed,
		shard: &shard{Shard: monitor.NewShard(ev.monitors), next: committed}, saved: map[string][]byte{},
	}
}

// Saved takes in a record of the state topic. All of the partition's come before [Restoration.From]. Until the topic is compacted
// most of them have a later one of the same key, so that none is decoded yet, and a copy is kept: a value would keep the memory
// of all that was fetched with it.
func (r *Restoration) Saved(record *kgo.Record) error {
	if key := string(record.Key); !slices.ContainsFunc(keys, func(prefix string) bool { return strings.HasPrefix(key, prefix) }) {
		return fmt.Errorf("key %q is not one that this program writes", key)
	}
	r.saved[string(record.Key)] = append(r.saved[string(record.Key)][:0], record.Value...)
	return nil
}

// restoreSaved restores all saved values of a kind.
func restoreSaved[T any](r *Restoration, kind string, decode func([]byte) (T, error), restore func(T) error) error {
	for key, value := range r.saved {
		if !strings.HasPrefix(key, kind) {
			continue
		}
		saved, err := decode(value)
		if err == nil {
			err = restore(saved)
		}
		if err != nil {
			return fmt.Errorf("topic %q, partition %d, key %q: %w", r.config.Topics.State, r.partition, key, err)
		}
	}
	return nil
}

func decodeJSON[T any](value []byte) (saved T, err error) {
	return saved, json.Unmarshal(value, &saved)
}

// From restores what was saved and returns from which offset on the panes log is to be replayed, up to the group's.
// start is where that log begins.
func (r *Restoration) From(start int64) (int64, error) {
	if value, ok := r.saved[keyMeta]; ok {
		r.last = &meta{}
		if err := json.Unmarshal(value, r.last); err != nil {
			return 0, fmt.Errorf("decode the state's last commit: %w", err)
		}
	}
	if r.last == nil {
		if r.committed > start {
			return 0, fmt.Errorf("topic %q has no state for the committed offset %d: it was emptied; reset the offsets of group tidemark-evaluate to start anew", r.config.Topics.State, r.committed)
		}
		return r.committed, nil
	}
	if r.last.Version != metaVersion || r.last.Committed != r.committed {
		return 0, fmt.Errorf("the state is of version %d and offset %d, the group's offset is %d (version %d): they are written together, so the offset was moved by hand; move it back to %d", r.last.Version, r.last.Committed, r.committed, metaVersion, r.last.Committed)
	}
	s := r.shard
	for _, restore := range []func() error{ // the endpoints first
		func() error { return restoreSaved(r, keyEndpoint, decodeJSON, s.Restore) },
		func() error { return restoreSaved(r, keySequence, decodeJSON, s.RestoreSequence) },
		func() error { return restoreSaved(r, keySystem, decodeJSON, s.RestoreSystem) },
		func() error { return restoreSaved(r, keyBets, monitor.DecodeBets, s.RestoreBets) },
		func() error {
			return restoreSaved(r, keyPane, monitor.DecodePane, func(p monitor.SavedPane) error { s.RestorePane(p); return nil })
		},
		func() error {
			return restoreSaved(r, keyWindow, monitor.DecodeWindow, func(w monitor.SavedWindow) error { s.RestoreWindow(w); return nil })
		},
	} {
		if err := restore(); err != nil {
			return 0, err
		}
	}
	r.saved = nil
	r.shard.RestorePartitions(r.last.Partitions)
	r.shard.RestoreClosing(r.last.Closing)
	return r.last.ReplayFrom, nil
}

// Replay takes in a record of the panes log that was decided on before.
func (r *Restoration) Replay(record *kgo.Record) error {
	if record.Key == nil {
		return nil
	}
	d, err := monitor.DecodeDelta(record.Value)
	if err != nil {
		return err
	}
	return r.shard.Replay(d, record.Offset)
}
