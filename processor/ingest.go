package processor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

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
	given   atomic.Bool // partitions were given away since the last commit of what was read
	admin   *kadm.Client
	topics  map[string]kadm.TopicDetail
	keeps   map[string]time.Duration // how long the capture topics keep records, where that is known
	starts  kadm.ListedOffsets       // of the capture topics
	listed  time.Time                // when starts was asked for

	intake *Intake
}

// NewIngest returns the role. ready is told when it begins to read.
func NewIngest(c *Config, monitors []*monitor.Monitor, ready func(bool), log *slog.Logger, r prometheus.Registerer, dial ...kgo.Opt) *Ingest {
	return &Ingest{
		config: c, log: log, metrics: newIngestMetrics(r), options: dial, ready: ready, intake: NewIntake(c, monitors),
	}
}

// Run reads until the context ends, commits what it read, and leaves.
func (in *Ingest) Run(ctx context.Context) error {
	return in.config.sessions(ctx, in.log, "ingest", in.run)
}

func (in *Ingest) run(ctx context.Context) error {
	options := append(in.config.sessionOptions(in.log, "ingest", in.captures()...), kgo.WithPools(&recordPool{}),
		kgo.OnPartitionsRevoked(func(context.Context, *kgo.Client, map[string][]int32) { in.given.Store(true) }))
	session, err := newSession(in.fromStart(), append(options, in.options...)...)
	if err != nil {
		return err
	}
	defer session.Close()
	in.session, in.admin = session, kadm.NewClient(session.Client())
	in.intake.Forget(true)
	if in.topics, err = in.config.verify(ctx, session.Client(), "ingest"); err != nil {
		return err
	}
	in.intake.Know(in.ids())
	in.retentions(ctx)
	session.Client().PauseFetchTopics(in.intake.Paused()...)
	in.ready(true)
	defer in.ready(false)

	next := in.due()
	for {
		var blocked *unreadable
		if err := in.poll(ctx, next); err != nil && !errors.As(err, &blocked) {
			return err
		}
		if ctx.Err() == nil && time.Now().Before(next) && !in.intake.Full() && blocked == nil {
			continue
		}
		commit, cancel := commitContext(ctx)
		err := in.end(commit, blocked)
		cancel()
		if err != nil || ctx.Err() != nil {
			return err
		}
		next = in.due()
	}
}

// due is when the next commit is, as of now.
func (in *Ingest) due() time.Time {
	interval := in.intake.Interval()
	in.metrics.interval.Set(interval.Seconds())
	return time.Now().Add(interval)
}

// end commits what was read, and goes on behind what cannot be read, if there is such a place.
func (in *Ingest) end(ctx context.Context, blocked *unreadable) error {
	if blocked != nil {
		return in.skip(ctx, blocked)
	}
	return in.commit(ctx)
}

// poll reads records until the next commit is due. The error may be [*unreadable].
func (in *Ingest) poll(ctx context.Context, next time.Time) error {
	wait, cancel := context.WithDeadline(ctx, next)
	defer cancel()
	fetches := in.session.PollRecords(wait, maxPolled)
	err := in.config.fetchError(in.log, fetches)
	if blocked := (*unreadable)(nil); err != nil && !errors.As(err, &blocked) {
		return err
	}
	now := time.Now()
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		in.intake.Read(windows.Source{Topic: p.Topic, Partition: p.Partition}, p.Records, p.LastStableOffset, now)
		for _, r := range p.Records {
			r.Recycle()
		}
	})
	in.intake.fold.foldRows(someRows)
	return err
}

// maxPolled bounds how many records are taken from the client at a time.
const maxPolled = 20_000

// commit ends what was read since the last commit, or, when nothing was, tells that this is so.
func (in *Ingest) commit(ctx context.Context) error {
	if !in.intake.Polled() {
		if err := in.forgive(ctx); err != nil {
			return err
		}
		_, err := in.silent(ctx, nil)
		return err
	}
	in.given.Store(false)
	status, err := in.status(ctx)
	if err != nil {
		return err
	}
	records, err := in.intake.Records(status, in.counts(), in.panes())
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
		in.metrics.committed(in.intake, records)
	} else {
		// The session reads it again. A rebalance causes this; it is normal.
		in.metrics.aborts.Inc()
		in.log.Info("the transaction was aborted, reading again from the last commit")
	}
	paused := len(in.intake.Paused())
	in.intake.Forget(!committed)
	if all := in.intake.Paused(); len(all) > paused {
		in.session.Client().PauseFetchTopics(all...)
		in.log.Error("topics are not read any more, as their dead letters have spent the quota: mend what sends them, then restart", "topics", all, "quota", in.config.DeadLetters.Quota)
	}
	return nil
}

// forgive ends an empty transaction after partitions were given away. The session aborts the next one after that, however much later
// it is; but nothing that was read of them is waiting, so that what is read from now on need not be dropped.
func (in *Ingest) forgive(ctx context.Context) error {
	if !in.given.Swap(false) {
		return nil
	}
	if err := in.session.Begin(); err != nil {
		return lost{fmt.Errorf("begin transaction: %w", err)}
	}
	if _, err := in.session.End(ctx, kgo.TryAbort); err != nil {
		return lost{fmt.Errorf("end transaction: %w", err)}
	}
	return nil
}

// counts is the number of partitions of each topic, and panes that of the panes topic.
func (in *Ingest) counts() map[string]int32 {
	counts := map[string]int32{}
	for name, t := range in.topics {
		counts[name] = int32(len(t.Partitions))
	}
	return counts
}

func (in *Ingest) panes() int32 { return int32(len(in.topics[in.config.Topics.Panes].Partitions)) }

// ids are those of the capture topics.
func (in *Ingest) ids() map[string]string {
	ids := map[string]string{}
	for _, name := range in.captures() {
		ids[name] = topicID(in.topics[name].ID)
	}
	return ids
}

// fromStart is the adjustment that a topic that was made again since the session before is read from its start: the group
// may still have the offsets of the old one.
func (in *Ingest) fromStart() adjustment {
	former := in.intake.ids
	return func(ctx context.Context, client *kgo.Client, offsets map[string]map[int32]kgo.Offset) error {
		topics, err := lookUp(ctx, client, in.captures()...)
		if err != nil {
			return err
		}
		for topic, partitions := range offsets {
			if id := former[topic]; id == "" || topics[topic].Err != nil || id == topicID(topics[topic].ID) {
				continue
			}
			for partition := range partitions {
				partitions[partition] = kgo.NewOffset().AtStart()
			}
		}
		return nil
	}
}
