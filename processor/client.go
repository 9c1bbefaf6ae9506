package processor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/plugin/kslog"
)

const (
	sessionTimeout     = 10 * time.Second
	transactionTimeout = 10 * time.Second
	commitInterval     = time.Second
	stopTimeout        = 7 * time.Second // that a commit may take once asked to stop: a process ends within ten seconds
	maxBatchBytes      = 8 << 20         // of produced records; the topics are created for it
	maxFetchedBatch    = 64 << 20        // a batch that decompresses to more is refused
	maxFetched         = 50 << 20        // that a client holds, of each broker, before it is taken; the last batch may be over
	maxFetchedOfOne    = 512 << 10       // of it of one partition: what was fetched is still in the processor's cache when it is read, and of whole batches little is cut off
)

func (c *Config) clientOptions(log *slog.Logger, role string) []kgo.Opt {
	return append(c.Kafka.Options(),
		kgo.ClientID("tidemark-"+role+"-"+c.Instance),
		kgo.WithLogger(quiet{kslog.New(log.With("role", role))}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.MetadataMaxAge(10*time.Second),
		kgo.MetadataMinAge(250*time.Millisecond),
	)
}

// quiet is a client's log without what it says of each transaction.
type quiet struct{ *kslog.Logger }

// Level is the least severe level that is wanted.
func (q quiet) Level() kgo.LogLevel {
	if level := q.Logger.Level(); level < kgo.LogLevelInfo || level == kgo.LogLevelDebug {
		return level
	}
	return kgo.LogLevelWarn
}

// sessionOptions are those of a role that consumes and produces in transactions.
//
// The start and the reset offset are both needed: NoResetOffset alone would also start a new group at the end.
func (c *Config) sessionOptions(log *slog.Logger, role string, topics ...string) []kgo.Opt {
	return append(c.clientOptions(log, role),
		kgo.ConsumerGroup(group(role)),
		kgo.InstanceID(c.Instance),
		kgo.TransactionalID(c.transactionalID(role)),
		kgo.TransactionTimeout(transactionTimeout),
		kgo.SessionTimeout(sessionTimeout),
		kgo.Balancers(kgo.CooperativeStickyBalancer()),
		kgo.ConsumeTopics(topics...),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.KeepControlRecords(),
		kgo.MaxDecompressBatchBytes(maxFetchedBatch),
		kgo.FetchMaxBytes(maxFetched),
		kgo.FetchMaxPartitionBytes(maxFetchedOfOne),
		kgo.ProducerBatchMaxBytes(maxBatchBytes),
		kgo.ProducerLinger(0),
		kgo.RecordPartitioner(c.Partitioner()),
	)
}

// group is the consumer group of a role.
func group(role string) string { return "tidemark-" + role }

// transactionalID is that of this process in a role.
func (c *Config) transactionalID(role string) string { return "tidemark-" + role + "-" + c.Instance }

// adjustment changes where partitions are to be read from, or takes them away.
type adjustment func(ctx context.Context, client *kgo.Client, offsets map[string]map[int32]kgo.Offset) error

// newSession returns a session that reads partitions for which nothing was committed from the offset that their log
// starts at. So each partition that the process owns has a committed offset: the session knows where to go back to after
// an abort, and CommittedOffsets is what the process owns. An adjustment, which may be nil, comes before.
func newSession(before adjustment, options ...kgo.Opt) (*kgo.GroupTransactSession, error) {
	var session *kgo.GroupTransactSession
	begun := make(chan struct{}) // partitions may be assigned before the session is there
	adjust := func(ctx context.Context, offsets map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
		select {
		case <-begun:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if before != nil {
			if err := before(ctx, session.Client(), offsets); err != nil {
				return nil, err
			}
		}
		return offsets, startOffsets(ctx, session.Client(), offsets)
	}
	session, err := kgo.NewGroupTransactSession(append(options, kgo.AdjustFetchOffsetsFn(adjust))...)
	if err != nil {
		return nil, err
	}
	close(begun)
	return session, nil
}

// startOffsets is the adjustment of partitions that nothing was committed for.
func startOffsets(ctx context.Context, client *kgo.Client, offsets map[string]map[int32]kgo.Offset) error {
	for topic, partitions := range offsets {
		var starts kadm.ListedOffsets
		for partition, offset := range partitions {
			if offset.EpochOffset().Offset >= 0 {
				continue
			}
			if starts == nil {
				var err error
				if starts, err = kadm.NewClient(client).ListStartOffsets(ctx, topic); err != nil {
					return fmt.Errorf("list the starts of topic %q: %w", topic, err)
				}
			}
			start, ok := starts.Lookup(topic, partition)
			if !ok || start.Err != nil {
				return fmt.Errorf("list the start of %s/%d: %w", topic, partition, start.Err)
			}
			partitions[partition] = kgo.NewOffset().At(start.Offset)
		}
	}
	return nil
}

// Partitioner sends a record with a key to the partition that Kafka's own clients send it to. A record without a
// key, and every record of the state topic, goes to the partition that it names.
func (c *Config) Partitioner() kgo.Partitioner {
	byKey := kgo.StickyKeyPartitioner(nil)
	return kgo.BasicConsistentPartitioner(func(topic string) func(*kgo.Record, int) int {
		hash := byKey.ForTopic(topic)
		return func(r *kgo.Record, n int) int {
			if r.Key == nil || topic == c.Topics.State {
				return int(r.Partition)
			}
			return hash.Partition(r, n)
		}
	})
}

// fetchError returns the first error of a poll that the role cannot go on after. The client gets over the others.
func (c *Config) fetchError(log *slog.Logger, fetches kgo.Fetches) error {
	var fatal error
	fetches.EachError(func(topic string, partition int32, err error) {
		var outside *kgo.ErrGroupSession
		blocked := unreadableAt(topic, partition, err)
		switch {
		case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		case fatal != nil:
		case c.fenced(err) != nil:
			fatal = c.fenced(err)
		case final(err) && topic == "":
			fatal = err
		case blocked != nil:
			fatal = blocked
		case errors.Is(err, kerr.UnknownTopicID):
			fatal = lost{fmt.Errorf("topic %q was deleted and made again: %w", topic, err)}
		case errors.As(err, &outside):
			log.Warn("the consumer group was lost, joining again", "error", err)
		case kerr.IsRetriable(err):
			log.Warn("fetching failed, trying again", "topic", topic, "partition", partition, "error", err)
		default:
			fatal = fmt.Errorf("read %s/%d: %w", topic, partition, err)
		}
	})
	return fatal
}

// ErrFenced says that another process took over this one's name.
var ErrFenced = errors.New("fenced")

// fenced is the error with which the process ends when it was fenced. Brokers give a stale epoch two meanings: that of a
// transaction which they ended since it took too long is like that of one whose producer was replaced. To go on would be
// to fence the other process in turn, so it ends in both cases; whoever started it starts it again.
func (c *Config) fenced(err error) error {
	for _, cause := range []error{kerr.FencedInstanceID, kerr.ProducerFenced, kerr.InvalidProducerEpoch} {
		if !errors.Is(err, cause) {
			continue
		}
		stopped := ""
		if errors.Is(cause, kerr.InvalidProducerEpoch) {
			stopped = fmt.Sprintf("; if there is none, this one was stopped or cut off within a transaction for longer than %v, and nothing is lost: start it again", transactionTimeout)
		}
		return fmt.Errorf("%w: another process runs as instance %q: stop it, or start this one with --instance NAME%s: %w", ErrFenced, c.Instance, stopped, cause)
	}
	return nil
}

// lost is an error after which only the broker knows what was committed: the role drops all that it has in memory and
// begins again with a new session.
type lost struct{ error }

// Unwrap returns the error itself.
func (l lost) Unwrap() error { return l.error }

const (
	minBackoff = time.Second
	maxBackoff = 15 * time.Second
)

// sessions runs a role, a session after the other, until the context ends or an error comes that a new session would
// not mend. A topic that is missing at the start ends the role; one that was deleted while it ran is waited for.
func (c *Config) sessions(ctx context.Context, log *slog.Logger, role string, session func(context.Context) error) error {
	backoff := minBackoff
	for first := true; ; first = false {
		started := time.Now()
		err := session(ctx)
		if !first && errors.Is(err, errNoTopic) {
			err = lost{err}
		}
		if fenced := c.fenced(err); fenced != nil && !errors.Is(err, ErrFenced) {
			err = fenced
		}
		switch l := (lost{}); {
		case err == nil:
			return nil
		case errors.Is(err, errAgain) && ctx.Err() == nil:
			continue
		case !errors.As(err, &l) || errors.Is(err, ErrFenced) || ctx.Err() == nil && final(err):
			return fmt.Errorf("%s: %w", role, Advised(err))
		case ctx.Err() != nil:
			return nil // what was not committed is read again by the next process
		}
		if time.Since(started) > 2*maxBackoff {
			backoff = minBackoff
		}
		log.Warn("the session with the brokers was lost, starting another", "role", role, "error", Advised(err), "in", backoff)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(backoff):
		}
		backoff = min(2*backoff, maxBackoff)
	}
}
