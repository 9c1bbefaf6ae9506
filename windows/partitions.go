package windows

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
)

// Source is a partition of a capture topic.
type Source struct {
	Topic     string
	Partition int32
}

// Compare orders sources by topic and partition.
func (s Source) Compare(o Source) int {
	return cmp.Or(cmp.Compare(s.Topic, o.Topic), cmp.Compare(s.Partition, o.Partition))
}

// String writes topic/partition.
func (s Source) String() string { return s.Topic + "/" + strconv.Itoa(int(s.Partition)) }

// MarshalText writes what String does.
func (s Source) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads topic/partition. Kafka allows no slash in a topic.
func (s *Source) UnmarshalText(text []byte) error {
	for i := len(text) - 1; i >= 0; i-- {
		if text[i] == '/' {
			s.Topic = string(text[:i])
			partition, err := strconv.ParseInt(string(text[i+1:]), 10, 32)
			s.Partition = int32(partition)
			return err
		}
	}
	return fmt.Errorf("source %q is not topic/partition", text)
}

// Status is what the reader of a source says of it at a commit.
type Status struct {
	Source     Source `json:"source"`
	Generation int32  `json:"generation"` // of the reader's consumer group
	Position   int64  `json:"position"`   // the next offset to read, control records counted
	Appended   Time   `json:"appended"`   // the largest append time read
	// Lag: records are waiting to be read. Idle: the broker said, when asked after a silence, that none are.
	Lag  bool `json:"lag,omitempty"`
	Idle bool `json:"idle,omitempty"`
	At   Time `json:"at,omitzero"` // append time of the report itself
	// Since: append time of the report before. The broker was asked after that one was written, and perhaps long before
	// this one was: a reader may be stopped between its question and its report.
	Since Time `json:"since,omitzero"`
}

const (
	// Lease is how old the proof may be that a source is idle. Each commit of the source's reader brings another, so
	// this is longer than a commit takes, and a reader that died does not keep its sources idle.
	Lease = 10 * time.Second
	// forgotten is for how long nothing is said of a source before a report of an earlier generation counts: a group
	// that was deleted and made again counts its generations from the start.
	forgotten = 30 * time.Second
)

// idle says whether the source is idle at a moment of the log.
func (s Status) idle(at Time) bool { return s.Idle && at <= s.Since.Add(Lease) }

// read is the append time up to which, as is known at a moment of the log, all of the source has been read.
func (s Status) read(at Time) Time {
	if s.idle(at) {
		return max(s.Appended, s.Since)
	}
	return s.Appended
}

// Vector is the record that ends each commit of a reader: the status of all sources that it owns.
type Vector struct {
	Instance string            `json:"instance"`
	Counts   map[string]int32  `json:"counts"`        // partitions of each topic, as far as the reader knows
	IDs      map[string]string `json:"ids,omitempty"` // of each topic: one that was deleted and made again has another
	Sources  []Status          `json:"sources"`
}

// Partitions is the latest status of every source, as the log tells it.
type Partitions struct {
	counts  map[string]int32
	ids     map[string]string
	sources map[Source]Status
}

// Report takes in a vector that was appended to the log at a moment. What a reader of an earlier generation says
// of a source is ignored.
func (p *Partitions) Report(v Vector, at Time) {
	if p.sources == nil {
		p.Restore(Vector{})
	}
	for topic, id := range v.IDs {
		if known := p.ids[topic]; known != "" && known != id {
			p.forget(topic)
		}
		p.ids[topic] = id
	}
	for topic, count := range v.Counts {
		p.counts[topic] = max(p.counts[topic], count)
	}
	for _, s := range v.Sources {
		known := p.sources[s.Source]
		if s.Generation >= known.Generation || at > known.At.Add(forgotten) {
			s.At, s.Since = at, known.At
			p.sources[s.Source] = s
		}
	}
}

// forget drops what is known of a topic that was deleted and made again: it may have fewer partitions now.
func (p *Partitions) forget(topic string) {
	delete(p.counts, topic)
	for source := range p.sources {
		if source.Topic == topic {
			delete(p.sources, source)
		}
	}
}

// exists says whether the topic has the partition, as far as readers have told.
func (p *Partitions) exists(s Source) bool {
	count, known := p.counts[s.Topic]
	return !known || s.Partition < count
}

// complete says whether every partition of a topic has reported.
func (p *Partitions) complete(topic string) bool {
	for i := range p.counts[topic] {
		if _, reported := p.sources[Source{topic, i}]; !reported {
			return false
		}
	}
	return true
}

// Snapshot returns the counts and status to keep; Restore takes them back.
func (p *Partitions) Snapshot() Vector {
	v := Vector{Counts: p.counts, IDs: p.ids}
	for _, s := range p.sources {
		v.Sources = append(v.Sources, s)
	}
	slices.SortFunc(v.Sources, func(a, b Status) int { return a.Source.Compare(b.Source) })
	return v
}

// Restore replaces all status by a snapshot's.
func (p *Partitions) Restore(v Vector) {
	p.counts, p.ids, p.sources = map[string]int32{}, map[string]string{}, map[Source]Status{}
	maps.Copy(p.counts, v.Counts)
	maps.Copy(p.ids, v.IDs)
	for _, s := range v.Sources {
		p.sources[s.Source] = s
	}
}
