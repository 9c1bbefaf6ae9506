package processor

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/monitor"
	"tidemark/sinks/alerts"
	"tidemark/windows"
)

// Evaluate reads pane deltas, closes windows and writes reports, alerts and its state, in transactions that also
// carry its consumed offsets. One goroutine owns all of it. Its clock is the append time of the panes topic.
type Evaluate struct {
	config   *Config
	monitors []*monitor.Monitor
	log      *slog.Logger
	metrics  *evaluateMetrics
	options  []kgo.Opt
	ready    func(bool)

	session *kgo.GroupTransactSession
	admin   *kadm.Client

	mu       sync.Mutex
	assigned map[int32]bool // assigned since they were last restored

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

// meta is the record that ends what a transaction writes to a partition of the state topic.
type meta struct {
	Version    int            `json:"version"`
	Committed  int64          `json:"committed"`   // the consumed offset of the panes partition
	ReplayFrom int64          `json:"replay_from"` // from here on the panes log holds what is not saved
	Partitions windows.Vector `json:"partitions"`
}

const metaVersion = 1

// NewEvaluate returns the role. ready is told when all its partitions are restored.
func NewEvaluate(c *Config, monitors []*monitor.Monitor, ready func(bool), log *slog.Logger, r prometheus.Registerer, dial ...kgo.Opt) *Evaluate {
	return &Evaluate{
		config: c, monitors: monitors, log: log, metrics: newEvaluateMetrics(r), options: dial, ready: ready,
		assigned: map[int32]bool{}, shards: map[int32]*shard{}, rows: map[string]int64{}, touched: map[int32]bool{},
	}
}

// Run reads until the context ends, commits what it decided, and leaves.
func (ev *Evaluate) Run(ctx context.Context) error {
	return ev.config.sessions(ctx, ev.log, "evaluate", ev.run)
}

func (ev *Evaluate) run(ctx context.Context) error {
	options := append(ev.config.sessionOptions(ev.log, "evaluate", ev.config.Topics.Panes),
		kgo.FetchMinBytes(1), kgo.FetchMaxWait(500*time.Millisecond),
		kgo.OnPartitionsAssigned(ev.onAssigned), kgo.OnPartitionsRevoked(ev.onRevoked), startOffsets(&ev.session))
	session, err := kgo.NewGroupTransactSession(append(options, ev.options...)...)
	if err != nil {
		return err
	}
	defer session.Close()
	ev.session, ev.admin = session, kadm.NewClient(session.Client())
	ev.forget()
	clear(ev.shards)
	if err := ev.compareTopics(ctx); err != nil {
		return err
	}
	defer ev.ready(false)

	next := time.Now().Add(commitInterval)
	for {
		if err := ev.restoreAssigned(ctx); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		if err := ev.poll(ctx, next); err != nil {
			return err
		}
		decided := len(ev.out.Reports)+len(ev.out.Alerts) > 0
		if ctx.Err() == nil && time.Now().Before(next) && !decided {
			continue
		}
		commit, cancel := context.WithTimeout(context.WithoutCancel(ctx), transactionTimeout)
		err := ev.commit(commit)
		cancel()
		if err != nil || ctx.Err() != nil {
			return err
		}
		next = time.Now().Add(commitInterval)
	}
}

// compareTopics refuses to start when panes and state do not have the partitions that they were made with: an
// endpoint's state is in the partition of its panes.
func (ev *Evaluate) compareTopics(ctx context.Context) error {
	t := ev.config.Topics
	topics, err := ev.config.verify(ctx, ev.session.Client(), "evaluate")
	if err != nil {
		return err
	}
	for _, name := range []string{t.Panes, t.State} {
		if n := int32(len(topics[name].Partitions)); n != t.Partitions {
			return fmt.Errorf("topic %q has %d partitions and topics.partitions is %d: they are fixed for life, as an endpoint's state is where its panes are; set topics.partitions to the number that the topics were made with, or name new topics", name, n, t.Partitions)
		}
	}
	return nil
}

// onAssigned holds new partitions back until they are restored. It is called before anything is fetched of them.
func (ev *Evaluate) onAssigned(_ context.Context, client *kgo.Client, assigned map[string][]int32) {
	ev.mu.Lock()
	defer ev.mu.Unlock()
	client.PauseFetchPartitions(assigned)
	for _, partition := range assigned[ev.config.Topics.Panes] {
		ev.assigned[partition] = true
	}
}

// onRevoked takes back what onAssigned noted. It may not be called for every revocation, so state is not dropped here.
func (ev *Evaluate) onRevoked(_ context.Context, _ *kgo.Client, revoked map[string][]int32) {
	ev.mu.Lock()
	defer ev.mu.Unlock()
	for _, partition := range revoked[ev.config.Topics.Panes] {
		delete(ev.assigned, partition)
	}
}

// poll reads deltas and decides on them.
func (ev *Evaluate) poll(ctx context.Context, next time.Time) error {
	wait, cancel := context.WithDeadline(ctx, next)
	defer cancel()
	fetches := ev.session.PollRecords(wait, maxPolled)
	if err := ev.config.fetchError(ev.log, fetches); err != nil {
		return err
	}
	var failed error
	fetches.EachRecord(func(r *kgo.Record) {
		if failed == nil {
			failed = ev.step(r)
		}
	})
	return failed
}

// step takes in one record of the panes topic.
func (ev *Evaluate) step(r *kgo.Record) error {
	s := ev.shards[r.Partition]
	if s == nil || r.Offset < s.next {
		return fmt.Errorf("read %s/%d offset %d, which this process has not restored or has read already", r.Topic, r.Partition, r.Offset)
	}
	s.next = r.Offset + 1
	ev.touched[r.Partition] = true
	at := windows.At(r.Timestamp)
	switch {
	case r.Attrs.IsControl():
		return nil
	case r.Key == nil:
		var v windows.Vector
		if err := json.Unmarshal(r.Value, &v); err != nil {
			return fmt.Errorf("decode vector at %s/%d offset %d: %w", r.Topic, r.Partition, r.Offset, err)
		}
		return s.Tick(v, at, &ev.out)
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

// commit writes what was decided since the last commit. Without consumed records there is nothing to commit, and a
// transaction without offsets would not be fenced.
func (ev *Evaluate) commit(ctx context.Context) error {
	if len(ev.touched) == 0 {
		return nil
	}
	records, err := ev.records()
	if err != nil {
		return err
	}
	committed, err := ev.config.transact(ctx, ev.session, records)
	if err != nil {
		return err
	}
	if committed {
		ev.metrics.committed(&ev.out, ev.rows)
	} else {
		// The session reads again from its committed offsets, so everything decided since must be undone.
		ev.metrics.aborts.Inc()
		ev.log.Info("the transaction was aborted, restoring from the last commit")
		ev.restoreAll()
	}
	ev.forget()
	return nil
}

// forget drops what was decided since the last commit.
func (ev *Evaluate) forget() {
	ev.out = monitor.Output{}
	clear(ev.rows)
	clear(ev.touched)
}

// records returns what a commit writes, the state's meta records last.
func (ev *Evaluate) records() ([]*kgo.Record, error) {
	t := ev.config.Topics
	var records []*kgo.Record
	for i := range ev.out.Reports {
		value, err := json.Marshal(&ev.out.Reports[i])
		if err != nil {
			return nil, fmt.Errorf("encode report: %w", err)
		}
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
		value, err := ev.out.Late[i].Append(nil)
		if err != nil {
			return nil, err
		}
		records = append(records, &kgo.Record{Topic: t.Late, Key: []byte(ev.out.Late[i].Endpoint), Value: value})
	}
	for partition := range ev.touched {
		state, err := ev.state(partition)
		if err != nil {
			return nil, err
		}
		records = append(records, state...)
	}
	return records, nil
}
