package processor

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/monitor"
	"tidemark/windows"
)

// Evaluate reads pane deltas, closes windows and writes reports, alerts and its state, in transactions that also
// carry its consumed offsets. One goroutine owns all of it. Its clock is the append time of the panes topic.
type Evaluate struct {
	config  *Config
	log     *slog.Logger
	metrics *evaluateMetrics
	options []kgo.Opt
	ready   func(bool)

	session *kgo.GroupTransactSession
	admin   *kadm.Client
	panesID kadm.TopicID
	read    bool // something since the last commit

	mu       sync.Mutex
	assigned map[int32]bool // assigned since they were last restored

	evaluation *Evaluation
}

// NewEvaluate returns the role. ready is told when all its partitions are restored.
func NewEvaluate(c *Config, monitors []*monitor.Monitor, ready func(bool), log *slog.Logger, r prometheus.Registerer, dial ...kgo.Opt) *Evaluate {
	return &Evaluate{
		config: c, log: log, metrics: newEvaluateMetrics(r), options: dial, ready: ready,
		assigned: map[int32]bool{}, evaluation: NewEvaluation(c, monitors),
	}
}

// Run reads until the context ends, commits what it decided, and leaves.
func (ev *Evaluate) Run(ctx context.Context) error {
	return ev.config.sessions(ctx, ev.log, "evaluate", ev.run)
}

func (ev *Evaluate) run(ctx context.Context) error {
	options := append(ev.config.sessionOptions(ev.log, "evaluate", ev.config.Topics.Panes),
		kgo.FetchMinBytes(1), kgo.FetchMaxWait(500*time.Millisecond),
		kgo.OnPartitionsAssigned(ev.onAssigned), kgo.OnPartitionsRevoked(ev.onRevoked))
	session, err := newSession(nil, append(options, ev.options...)...)
	if err != nil {
		return err
	}
	defer session.Close()
	ev.session, ev.admin, ev.read = session, kadm.NewClient(session.Client()), false
	ev.evaluation = NewEvaluation(ev.config, ev.evaluation.monitors)
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
			return reread(err)
		}
		if err := ev.decide(ctx, next); err != nil {
			return reread(err)
		}
		if ctx.Err() == nil && time.Now().Before(next) && !ev.evaluation.Decided() && !ev.evaluation.Due() {
			continue
		}
		commit, cancel := commitContext(ctx)
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
	ev.panesID = topics[t.Panes].ID
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

const (
	// maxWork bounds what is written in a transaction, in columns of reports, and maxDeciding for how long it is decided on: so
	// it ends in time, however many windows close at once.
	maxWork     = 20_000
	maxDeciding = 2 * time.Second
	someWork    = 500 // that is decided on between two looks at the clock
)

// decide reads deltas and decides on them, until nothing more waits or a transaction has enough to write. It takes records from
// the client one by one, since the session commits the offsets of all that were taken.
func (ev *Evaluate) decide(ctx context.Context, next time.Time) error {
	wait, cancel := context.WithDeadline(ctx, next)
	defer cancel()
	taken := false
	for started := time.Now(); ; {
		for ev.evaluation.Due() {
			if ev.evaluation.Work() >= maxWork || time.Since(started) >= maxDeciding || ctx.Err() != nil {
				return nil
			}
			if err := ev.evaluation.Close(ev.evaluation.Work() + someWork); err != nil {
				return err
			}
		}
		if ev.evaluation.Work() >= maxWork || wait.Err() != nil || taken && ev.session.Client().BufferedFetchRecords() == 0 {
			return nil
		}
		fetches := ev.session.PollRecords(wait, 1)
		if err := ev.config.fetchError(ev.log, fetches); err != nil {
			return err
		}
		for records := fetches.RecordIter(); !records.Done(); {
			taken, ev.read = true, true
			if err := ev.evaluation.Read(records.Next()); err != nil {
				return err
			}
		}
	}
}

// commit writes what was decided since the last commit.
func (ev *Evaluate) commit(ctx context.Context) error {
	touched := ev.evaluation.Touched()
	if len(touched) == 0 {
		return nil
	}
	records, err := ev.evaluation.Records()
	if err != nil {
		return err
	}
	var committed bool
	if ev.read {
		committed, err = ev.config.transact(ctx, ev.session, records)
	} else {
		committed, err = ev.config.transactAt(ctx, ev.log, ev.session, "evaluate", ev.panesID, records, ev.unmoved(touched)...)
	}
	if err != nil {
		return err
	}
	if committed {
		ev.metrics.committed(&ev.evaluation.out, ev.evaluation.rows)
	} else {
		// The session reads again from its committed offsets, so everything decided since must be undone.
		ev.metrics.aborts.Inc()
		ev.log.Info("the transaction was aborted, restoring from the last commit")
		ev.restoreAll()
	}
	ev.evaluation.Forget()
	ev.read = false
	return nil
}

// unmoved is the committed offsets of partitions.
func (ev *Evaluate) unmoved(partitions []int32) []position {
	owned := ev.session.Client().CommittedOffsets()[ev.config.Topics.Panes]
	var all []position
	for _, partition := range partitions {
		all = append(all, position{windows.Source{Topic: ev.config.Topics.Panes, Partition: partition}, owned[partition]})
	}
	return all
}
