package processor

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/capture"
	"tidemark/monitor"
	"tidemark/sinks/archive"
	"tidemark/windows"
)

// Archive copies captures to an archive. A consumer group shares the partitions out, but nothing depends on it: where a
// partition's records go on is what the archive says, and two processes that write the same partition make one chain.
// So the group and its commits only spare work.
//
// One goroutine reads and decodes; a partition's objects are made and put by a goroutine of its own, one at a time, while
// its next records are read. When the store does not answer, records are held up to a bound, and then not read.
type Archive struct {
	config   *Config
	to       *archive.Archive
	monitors []*monitor.Monitor
	log      *slog.Logger
	metrics  *archiveMetrics
	options  []kgo.Opt
	ready    func(bool)
	group    string

	members *kgo.Client // is in the group, and reads nothing
	reader  *kgo.Client
	admin   *kadm.Client
	cluster string
	topics  kadm.TopicDetails

	partitions map[windows.Source]*archived
	decoders   map[string]*archive.Decoder // by topic
	full       bool                        // nothing is read, as too much waits
	told       time.Time                   // when it last said how far behind it is
	jobs       sync.WaitGroup
	encoders   chan *archive.Encoder // that no job uses

	mu       sync.Mutex
	assigned map[windows.Source]bool // and not taken up yet
	revoked  map[windows.Source]bool // and not given up yet
	settled  []settlement
	wake     context.CancelFunc // ends the poll that is waiting
	fatal    error
	trouble  trouble
}

const (
	archiveGroup   = "tidemark-archive"
	archiveEncoded = 2           // files that are encoded at once
	archiveRetry   = time.Minute // until a chain that stopped is looked at again
)

// NewArchive returns the role. ready is told when the store has shown that it can be written to and records are read.
func NewArchive(c *Config, to *archive.Archive, monitors []*monitor.Monitor, ready func(bool), log *slog.Logger, r prometheus.Registerer, dial ...kgo.Opt) *Archive {
	a := &Archive{
		config: c, to: to, monitors: monitors, log: log.With("role", "archive"), metrics: newArchiveMetrics(r), options: dial,
		ready: ready, group: archiveGroup, decoders: map[string]*archive.Decoder{}, encoders: make(chan *archive.Encoder, archiveEncoded),
	}
	for _, t := range c.Capture {
		a.decoders[t.Topic] = archive.NewDecoder(archive.Source{
			Endpoint: first(t.Endpoint, soleEndpoint(monitors)), Variant: t.Variant, Schemas: a.schemas,
		})
	}
	return a
}

// schemas returns those of the monitors that watch an endpoint's variant, in the order of the configuration.
func (a *Archive) schemas(endpoint, variant string) []*capture.Schema {
	var schemas []*capture.Schema
	for _, m := range a.monitors {
		if m.Watches(endpoint, variant) {
			schemas = append(schemas, &m.Baseline.Schema)
		}
	}
	return schemas
}

// Run archives until the context ends, and then what was read. Whatever is wrong with the store or the brokers, it
// tries again; the only error is that another process took over this one's name.
func (a *Archive) Run(ctx context.Context) error {
	if !a.probe(ctx) {
		return nil
	}
	for range archiveEncoded {
		a.encoders <- archive.NewEncoder(a.to.Config().Codec)
	}
	return a.config.sessions(ctx, a.log, "archive", func(ctx context.Context) error {
		err := a.run(ctx)
		if err != nil && a.config.fenced(err) == nil {
			return lost{err}
		}
		return err
	})
}

// probe waits until the store has shown that it keeps its promises.
func (a *Archive) probe(ctx context.Context) bool {
	for wait := range backoffs(ctx) {
		err := a.to.Probe(ctx, nonce())
		if err == nil {
			a.recovered("probe")
			return true
		}
		a.failed("probe", err)
		wait()
	}
	return false
}

func (a *Archive) run(ctx context.Context) error {
	if err := a.dial(); err != nil {
		return err
	}
	defer a.members.Close()
	defer a.reader.Close()
	if err := a.describe(ctx); err != nil {
		return err
	}
	a.partitions, a.full, a.told = map[windows.Source]*archived{}, false, time.Time{}
	work, stop := context.WithCancel(context.WithoutCancel(ctx)) // what is under way may end when asked to stop
	defer a.jobs.Wait()
	defer stop()
	a.jobs.Go(func() { a.watchGroup(work) })
	a.ready(true)
	defer a.ready(false)
	for ctx.Err() == nil {
		a.reassign(work)
		if err := a.poll(ctx); err != nil {
			return err
		}
		a.settle()
		a.cut(work, time.Now())
		a.metrics.observe(a.partitions, time.Now())
		a.tell(ctx, time.Now())
		if topic := a.abandoned(); topic != "" {
			return fmt.Errorf("topic %q was deleted, what had been read of it is archived", topic)
		}
	}
	work, cancel := context.WithTimeout(work, stopTimeout)
	defer cancel()
	a.flush(work)
	return nil
}

// dial makes the clients: one that is in the group, and one that reads from where the chains end.
func (a *Archive) dial() error {
	a.mu.Lock()
	a.assigned, a.revoked, a.settled, a.fatal = map[windows.Source]bool{}, map[windows.Source]bool{}, nil, nil
	a.mu.Unlock()
	captures := a.config.captures()
	members, err := kgo.NewClient(append(append(a.config.clientOptions(a.log, "archive"),
		kgo.ConsumerGroup(a.group), kgo.InstanceID(a.config.Instance), kgo.SessionTimeout(sessionTimeout),
		kgo.Balancers(kgo.CooperativeStickyBalancer()), kgo.ConsumeTopics(captures...), kgo.DisableAutoCommit(),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()), kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.OnPartitionsAssigned(a.onAssigned), kgo.OnPartitionsRevoked(a.onRevoked), kgo.OnPartitionsLost(a.onRevoked),
	), a.options...)...)
	if err != nil {
		return err
	}
	members.PauseFetchTopics(captures...)
	reader, err := kgo.NewClient(append(append(a.config.clientOptions(a.log, "archive"),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()), kgo.KeepControlRecords(), kgo.MaxDecompressBatchBytes(maxFetchedBatch),
		kgo.FetchMinBytes(512<<10), kgo.FetchMaxWait(time.Second), kgo.FetchMaxBytes(16<<20), kgo.FetchMaxPartitionBytes(maxFetchedOfOne),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.RecordDeliveryTimeout(healthEvery), kgo.WithPools(&recordPool{}),
	), a.options...)...)
	if err != nil {
		members.Close()
		return err
	}
	a.members, a.reader, a.admin = members, reader, kadm.NewClient(reader)
	return nil
}

// describe looks up what names the chains: the cluster and the topics' ids.
func (a *Archive) describe(ctx context.Context) error {
	topics, err := a.config.verify(ctx, a.reader, "archive")
	if err != nil {
		return err
	}
	metadata, err := a.admin.BrokerMetadata(ctx)
	if err != nil {
		return fmt.Errorf("look up the cluster: %w", err)
	}
	a.cluster, a.topics = metadata.Cluster, topics
	return nil
}

// interrupt changes what the reading goroutine looks at next, and wakes it.
func (a *Archive) interrupt(change func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change()
	if a.wake != nil {
		a.wake()
	}
}

// poll reads records for up to a second, or until something else happened.
func (a *Archive) poll(ctx context.Context) error {
	wait, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	a.mu.Lock()
	a.wake = cancel
	pending, fatal := len(a.settled)+len(a.assigned)+len(a.revoked) > 0, a.fatal
	a.mu.Unlock()
	if fatal != nil {
		return fatal
	}
	if pending {
		cancel()
	}
	fetches := a.reader.PollRecords(wait, maxPolled)
	now := time.Now()
	var failed error
	fetches.EachPartition(func(f kgo.FetchTopicPartition) {
		p := a.partitions[windows.Source{Topic: f.Topic, Partition: f.Partition}]
		reading := p != nil && p.reading
		for _, r := range f.Records {
			if reading {
				p.add(r, now)
			}
			r.Recycle()
		}
		if !reading {
			return
		}
		p.logEnd = max(p.logEnd, f.LastStableOffset)
		if f.Err != nil && failed == nil {
			failed = a.fetchFailed(p, f.Err)
		}
	})
	return failed
}

// fetchFailed deals with an error of reading a partition.
func (a *Archive) fetchFailed(p *archived, err error) error {
	var loss *kgo.ErrDataLoss
	var bomb *kgo.ErrDecompressTooLarge
	switch {
	case errors.As(err, &bomb):
		p.pass(bomb, time.Now())
		a.unread(p)
		a.read(p, bomb.NextOffset, bomb.Epoch)
		a.log.Warn("a batch of captures is too large when decompressed and is not archived", "topic", p.name.Topic, "partition", p.name.Partition,
			"start", bomb.Offset, "end", bomb.NextOffset, "limit", maxFetchedBatch)
	case errors.Is(err, kerr.UnknownTopicID):
		for name, other := range a.partitions {
			if name.Topic == p.name.Topic {
				a.unread(other)
				other.gone = true
			}
		}
	case errors.Is(err, kerr.OffsetOutOfRange):
		a.unread(p) // once what was read is put, the chain is compared with the log again
	case errors.As(err, &loss):
		a.stop(p, fmt.Errorf("the log of %s/%d lost records that it had acknowledged: %w", p.name.Topic, p.name.Partition, err))
	case kerr.IsRetriable(err):
		a.log.Warn("fetching failed, trying again", "topic", p.name.Topic, "partition", p.name.Partition, "error", err)
	default:
		return fmt.Errorf("read %s/%d: %w", p.name.Topic, p.name.Partition, err)
	}
	return nil
}

// abandoned returns a topic that was deleted, if there is one and all that was read of such topics has been put.
func (a *Archive) abandoned() (topic string) {
	for _, p := range a.partitions {
		if !p.gone {
			continue
		}
		topic = p.name.Topic
		if p.putting != nil || p.records != nil {
			return ""
		}
	}
	return topic
}

// nonce returns a word that nobody else has.
func nonce() string { return rand.Text()[:16] }
