package processor

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/monitor"
	"tidemark/windows"
)

// Intake is the part of ingest that decides and does nothing: what was read goes in, and what a commit writes comes out.
// It knows no client and no clock. What it holds besides how far each partition was read is dropped by [Intake.Forget].
type Intake struct {
	config  *Config
	fold    *fold
	dead    []*kgo.Record
	held    int // bytes of dead
	losses  []monitor.Loss
	breaker *breaker
	records map[string]int64 // read of each topic since the last commit
	traffic []monitor.Traffic
	sources map[windows.Source]*source
	ids     map[string]string // of the capture topics
	risks   map[windows.Source]bool
	now     time.Time // of the latest question which partitions are owned
	polled  bool      // something since the last commit

	captured int64 // bytes of the captures that were read since the last commit
	interval time.Duration
}

// source is a partition that this process reads.
type source struct {
	position int64 // the next offset to read, or -1 when that is the committed one
	end      int64 // the last stable offset, as last seen
	appended windows.Time
	read     time.Time // when the last record was read, or when the partition was first seen
}

// NewIntake returns an intake that has read nothing.
func NewIntake(c *Config, monitors []*monitor.Monitor) *Intake {
	return &Intake{
		config: c, fold: newFold(c, monitors), sources: map[windows.Source]*source{},
		breaker: newBreaker(int64(c.DeadLetters.Quota)), records: map[string]int64{}, interval: commitInterval,
	}
}

// Read takes in records of one partition, control records among them, and the last stable offset that came with them.
func (in *Intake) Read(name windows.Source, records []*kgo.Record, stable int64, now time.Time) {
	s := in.source(name, now)
	s.end = max(s.end, stable)
	captures, at := int64(0), windows.At(now)
	for _, r := range records {
		in.polled = true
		s.position, s.read = r.Offset+1, now
		if r.Attrs.IsControl() {
			continue
		}
		s.appended = max(s.appended, min(windows.At(r.Timestamp), at))
		if dead := in.fold.add(r, at); dead != nil {
			letter := deadLetter(in.config.Topics.DeadLetters, r, dead)
			in.dead = append(in.dead, letter)
			in.held += size(letter)
		}
		captures++
		in.captured += int64(len(r.Key) + len(r.Value))
	}
	if captures > 0 {
		in.records[name.Topic] += captures
	}
}

// Full says that a commit should not wait for its time, as enough is held in memory.
func (in *Intake) Full() bool { return in.fold.full() || in.held > maxPending }

// Interval is how long to read until the next commit: what the commit before wrote says that.
func (in *Intake) Interval() time.Duration { return in.interval }

// Paused returns the topics that are not to be read, as their dead letters have spent their quota.
func (in *Intake) Paused() []string { return in.breaker.paused() }

func (in *Intake) source(name windows.Source, now time.Time) *source {
	s := in.sources[name]
	if s == nil {
		s = &source{position: -1, appended: windows.Never, read: now}
		in.sources[name] = s
	}
	return s
}

// Know takes in the ids of the capture topics: one that was deleted and made again has another.
func (in *Intake) Know(ids map[string]string) { in.ids = ids }

// Skip takes in that reading goes on at an offset of a partition, past what a loss or a dead letter stands for.
func (in *Intake) Skip(name windows.Source, next int64, now time.Time, loss *monitor.Loss, dead *kgo.Record) {
	in.source(name, now).position = next
	if loss != nil {
		in.losses = append(in.losses, *loss)
	}
	if dead != nil {
		in.dead = append(in.dead, dead)
	}
}

// Polled says whether anything was read since the last commit.
func (in *Intake) Polled() bool { return in.polled }

// Own takes in which partitions this process owns, with their committed offsets. Others are another's to speak of. It
// says whether one was silent for so long that the broker is to be asked where the partitions end.
func (in *Intake) Own(committed map[windows.Source]int64, now time.Time) (ask bool) {
	in.now = now
	for name, offset := range committed {
		s := in.source(name, now)
		// A partition that was away for a while comes back further on: another process consumed what lies between.
		s.position = max(s.position, offset)
		ask = ask || s.silent(now)
	}
	for name := range in.sources {
		if _, owned := committed[name]; !owned {
			delete(in.sources, name)
		}
	}
	return ask
}

func (s *source) silent(now time.Time) bool { return now.Sub(s.read) >= windows.IdleTimeout }

// Status says of each partition that this process owns how far it is. A partition is idle only when the broker, asked
// after the silence began, says that no record is waiting: silence alone may be a broken connection. ends are its
// answers, by partition, to a question asked at now or later.
func (in *Intake) Status(generation int32, ends map[windows.Source]int64, now time.Time) []windows.Status {
	var status []windows.Status
	for name, s := range in.sources {
		st := windows.Status{Source: name, Generation: generation, Position: s.position, Appended: s.appended}
		end, asked := ends[name]
		if asked = asked && s.silent(now); asked {
			s.end = end
		}
		st.Lag = s.position < s.end
		st.Idle = asked && s.position >= s.end
		status = append(status, st)
	}
	slices.SortFunc(status, func(a, b windows.Status) int { return a.Source.Compare(b.Source) })
	return status
}

// Records returns what a commit writes: deltas, dead letters and, in each panes partition, the vector last. They decide when
// the next commit is due.
func (in *Intake) Records(status []windows.Status, captures map[string]int32, panes int32) ([]*kgo.Record, error) {
	records := slices.Clone(in.dead)
	read := map[culprit]int64{}
	for topic, n := range in.records {
		read[culprit{topic: topic}] = n
	}
	for _, d := range in.fold.deltas() {
		for _, p := range d.Panes {
			read[culprit{endpoint: d.Endpoint}] += p.Rows
		}
		records = append(records, &kgo.Record{Topic: in.config.Topics.Panes, Key: []byte(d.Endpoint), Value: d.Append(nil)})
	}
	for c, f := range in.fold.counts.failed {
		if c.endpoint != "" {
			read[c] += f.rows
		}
	}
	in.traffic = in.breaker.traffic(in.fold.counts.failed, read)
	health, err := in.health(status)
	if err != nil {
		return nil, err
	}
	vector, err := in.Vector(status, captures, panes)
	records = append(append(records, health), vector...)
	in.interval = paced(in.interval, sizeOn(in.config.Topics.Panes, records), in.captured)
	return records, err
}

// sizeOn is the bytes of the records' values on a topic.
func sizeOn(topic string, records []*kgo.Record) (n int64) {
	for _, r := range records {
		if r.Topic == topic {
			n += int64(len(r.Value))
		}
	}
	return n
}

// Vector returns the record that says how far each partition was read, once for each panes partition. captures is the
// number of partitions of each capture topic, as far as it is known.
func (in *Intake) Vector(status []windows.Status, captures map[string]int32, panes int32) ([]*kgo.Record, error) {
	v := windows.Vector{Instance: in.config.Instance, Counts: map[string]int32{}, IDs: in.ids, Sources: status}
	for _, t := range in.config.Capture {
		v.Counts[t.Topic] = captures[t.Topic]
	}
	for _, s := range status { // partitions may have been added since the start
		v.Counts[s.Source.Topic] = max(v.Counts[s.Source.Topic], s.Source.Partition+1)
	}
	value, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode vector: %w", err)
	}
	var records []*kgo.Record
	for partition := range panes {
		records = append(records, &kgo.Record{Topic: in.config.Topics.Panes, Partition: partition, Value: value})
	}
	return records, nil
}

// Forget drops what was read since the last commit: it was committed, or, with rewound, is read again.
func (in *Intake) Forget(rewound bool) {
	if !rewound {
		in.breaker.committed(in.traffic, in.fold.counts.failed, in.now)
	}
	in.fold.reset()
	clear(in.dead)
	in.dead, in.held, in.losses, in.traffic, in.polled = in.dead[:0], 0, nil, nil, false
	clear(in.records)
	in.captured = 0
	if rewound {
		clear(in.sources)
	}
}
