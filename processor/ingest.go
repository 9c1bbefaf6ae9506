package processor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/capture"
	"tidemark/monitor"
	"tidemark/windows"
)

// Ingest reads captures and writes pane deltas. A commit is one transaction: the deltas and dead letters of what
// was read, the consumed offsets, and, last, a vector that says how far each partition was read. Between commits it
// keeps nothing that could be lost.
type Ingest struct {
	config  *Config
	log     *slog.Logger
	metrics *ingestMetrics
	options []kgo.Opt
	ready   func(bool)

	session *kgo.GroupTransactSession
	admin   *kadm.Client
	topics  map[string]kadm.TopicDetail

	fold    *fold
	dead    []*kgo.Record
	sources map[windows.Source]*source
	polled  bool // something since the last commit
}

// source is a partition that this process reads.
type source struct {
	position int64 // the next offset to read, or -1 when that is the committed one
	end      int64 // the last stable offset, as last seen
	appended windows.Time
	read     time.Time // when the last record was read, or when the partition was first seen
}

// NewIngest returns the role. ready is told when it begins to read.
func NewIngest(c *Config, monitors []*monitor.Monitor, ready func(bool), log *slog.Logger, r prometheus.Registerer, dial ...kgo.Opt) *Ingest {
	return &Ingest{
		config: c, log: log, metrics: newIngestMetrics(r), options: dial, ready: ready,
		fold: newFold(c, monitors), sources: map[windows.Source]*source{},
	}
}

// Run reads until the context ends, commits what it read, and leaves.
func (in *Ingest) Run(ctx context.Context) error {
	return in.config.sessions(ctx, in.log, "ingest", in.run)
}

func (in *Ingest) run(ctx context.Context) error {
	options := append(in.config.sessionOptions(in.log, "ingest", in.captures()...), startOffsets(&in.session))
	session, err := kgo.NewGroupTransactSession(append(options, in.options...)...)
	if err != nil {
		return err
	}
	defer session.Close()
	in.session, in.admin = session, kadm.NewClient(session.Client())
	in.forget()
	clear(in.sources)
	if in.topics, err = in.config.verify(ctx, session.Client(), "ingest"); err != nil {
		return err
	}
	in.ready(true)
	defer in.ready(false)

	next := time.Now().Add(commitInterval)
	for {
		if err := in.poll(ctx, next); err != nil {
			return err
		}
		if ctx.Err() == nil && time.Now().Before(next) && !in.fold.full() {
			continue
		}
		// What was read is committed even when asked to stop, within the time that stopping may take.
		commit, cancel := context.WithTimeout(context.WithoutCancel(ctx), transactionTimeout)
		err := in.commit(commit)
		cancel()
		if err != nil || ctx.Err() != nil {
			return err
		}
		next = time.Now().Add(commitInterval)
	}
}

// poll reads records until the next commit is due.
func (in *Ingest) poll(ctx context.Context, next time.Time) error {
	wait, cancel := context.WithDeadline(ctx, next)
	defer cancel()
	fetches := in.session.PollRecords(wait, maxPolled)
	if err := in.config.fetchError(in.log, fetches); err != nil {
		return err
	}
	now := time.Now()
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		s := in.source(windows.Source{Topic: p.Topic, Partition: p.Partition})
		s.end = max(s.end, p.LastStableOffset)
		for _, r := range p.Records {
			in.polled = true
			s.position, s.read = r.Offset+1, now
			if r.Attrs.IsControl() {
				continue
			}
			s.appended = max(s.appended, min(windows.At(r.Timestamp), windows.At(now)))
			if dead := in.fold.add(r, now); dead != nil {
				in.dead = append(in.dead, deadLetter(in.config.Topics.DeadLetters, r, dead))
			}
		}
	})
	in.fold.foldRows()
	return nil
}

// maxPolled bounds how many records are taken from the client at a time.
const maxPolled = 20_000

func (in *Ingest) source(name windows.Source) *source {
	s := in.sources[name]
	if s == nil {
		s = &source{position: -1, appended: windows.Never, read: time.Now()}
		in.sources[name] = s
	}
	return s
}

// commit ends what was read since the last commit, or, when nothing was, tells that this is so.
func (in *Ingest) commit(ctx context.Context) error {
	if !in.polled {
		return in.tick(ctx)
	}
	records, err := in.records(ctx)
	if err != nil {
		return err
	}
	started := time.Now()
	committed, err := in.config.transact(ctx, in.session, records)
	if err != nil {
		return err
	}
	in.metrics.commitSeconds.Observe(time.Since(started).Seconds())
	if committed {
		in.metrics.committed(&in.fold.counts, records, in.config.Topics.Panes)
	} else {
		// The session reads it again. A rebalance causes this; it is normal.
		in.metrics.aborts.Inc()
		in.log.Info("the transaction was aborted, reading again from the last commit")
		clear(in.sources)
	}
	in.forget()
	return nil
}

// forget drops what was read since the last commit.
func (in *Ingest) forget() {
	in.fold.reset()
	in.dead, in.polled = in.dead[:0], false
}

// records returns what a commit writes: deltas, dead letters and, in each panes partition, the vector last.
func (in *Ingest) records(ctx context.Context) ([]*kgo.Record, error) {
	records := append([]*kgo.Record(nil), in.dead...)
	for _, d := range in.fold.deltas() {
		value, err := d.Append(nil)
		if err != nil {
			return nil, err
		}
		records = append(records, &kgo.Record{Topic: in.config.Topics.Panes, Key: []byte(d.Endpoint), Value: value})
	}
	vector, err := in.vector(ctx)
	if err != nil {
		return nil, err
	}
	return append(records, vector...), nil
}

// vector returns the status of the partitions that this process reads, once for each panes partition.
func (in *Ingest) vector(ctx context.Context) ([]*kgo.Record, error) {
	status, err := in.status(ctx)
	if err != nil {
		return nil, err
	}
	in.metrics.read(in.sources)
	v := windows.Vector{Instance: in.config.Instance, Counts: map[string]int32{}, Sources: status}
	for _, t := range in.config.Capture {
		v.Counts[t.Topic] = int32(len(in.topics[t.Topic].Partitions))
	}
	for _, s := range status { // partitions may have been added since the start
		v.Counts[s.Source.Topic] = max(v.Counts[s.Source.Topic], s.Source.Partition+1)
	}
	value, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode vector: %w", err)
	}
	var records []*kgo.Record
	for partition := range int32(len(in.topics[in.config.Topics.Panes].Partitions)) {
		records = append(records, &kgo.Record{Topic: in.config.Topics.Panes, Partition: partition, Value: value})
	}
	return records, nil
}

// deadLetter returns the record that keeps one that cannot be used, with Kafka Connect's headers that say why.
func deadLetter(topic string, r *kgo.Record, why *capture.Error) *kgo.Record {
	header := func(key, value string) kgo.RecordHeader { return kgo.RecordHeader{Key: key, Value: []byte(value)} }
	key := r.Key
	if key == nil {
		key = []byte{}
	}
	return &kgo.Record{
		Topic: topic, Key: key, Value: r.Value,
		Headers: append(append([]kgo.RecordHeader(nil), r.Headers...),
			header("__connect.errors.topic", r.Topic),
			header("__connect.errors.partition", fmt.Sprint(r.Partition)),
			header("__connect.errors.offset", fmt.Sprint(r.Offset)),
			header("__connect.errors.connector.name", "tidemark"),
			header("__connect.errors.stage", "VALUE_CONVERTER"),
			header("__connect.errors.exception.class.name", "tidemark."+string(why.Reason)),
			header("__connect.errors.exception.message", why.Error()),
			header("tidemark-reason", string(why.Reason)),
		),
	}
}

var errNoTick = errors.New("no partition to commit for")
