package processor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Redriven is what became of dead letters that were to be replayed.
type Redriven struct {
	Replayed int64 `json:"replayed"`
	GivenUp  int64 `json:"given_up"` // they had been replayed often enough
	Omitted  int64 `json:"omitted"`  // the dead letter does not hold the record, which was too large
	Foreign  int64 `json:"foreign"`  // not written by Tidemark
}

// Redrive produces the records of the dead-letter topic to the topics and partitions that they came from, as they were,
// from where the last redrive ended up to the end that the topic has now. What is produced and how far the dead letters were
// read are one transaction, so that each is replayed once however often this is interrupted. A record that has been replayed
// so many times as attempts says is passed over: it would come back for ever.
func (c *Config) Redrive(ctx context.Context, log *slog.Logger, attempts int, options ...kgo.Opt) (done Redriven, err error) {
	const role = "deadletters"
	topic := c.Topics.DeadLetters
	all := append(c.sessionOptions(log, role, topic), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	session, err := newSession(nil, append(all, options...)...)
	if err != nil {
		return done, err
	}
	defer session.Close()
	topics, err := c.verify(ctx, session.Client(), role)
	if err != nil {
		return done, err
	}
	left, err := c.undriven(ctx, kadm.NewClient(session.Client()), group(role), topic)
	if err != nil {
		return done, err
	}
	for len(left) > 0 {
		fetches := session.PollRecords(ctx, maxRedriven)
		if ctx.Err() != nil {
			return done, ctx.Err()
		}
		if err := c.fetchError(log, fetches); err != nil {
			return done, err
		}
		if fetches.NumRecords() == 0 {
			continue
		}
		batch, read := Redriven{}, map[int32]int64{}
		var records []*kgo.Record
		fetches.EachRecord(func(r *kgo.Record) {
			read[r.Partition] = r.Offset + 1
			if r.Attrs.IsControl() {
				return
			}
			letter, err := ReadDeadLetter(r)
			switch {
			case err != nil:
				batch.Foreign++
			case letter.Omitted:
				batch.Omitted++
			case letter.Attempts >= attempts:
				batch.GivenUp++
			default:
				batch.Replayed++
				again := letter.again(r)
				if n := int32(len(topics[again.Topic].Partitions)); n > 0 { // it may have fewer now
					again.Partition %= n
				}
				records = append(records, again)
			}
		})
		committed, err := c.transact(ctx, session, records)
		if fenced := c.fenced(err); fenced != nil {
			return done, fenced
		}
		if err != nil {
			return done, Advised(err)
		}
		if !committed {
			continue // it is read again
		}
		done.Replayed += batch.Replayed
		done.GivenUp += batch.GivenUp
		done.Omitted += batch.Omitted
		done.Foreign += batch.Foreign
		for partition, offset := range read {
			if end, ok := left[partition]; ok && offset >= end {
				delete(left, partition)
			}
		}
	}
	return done, nil
}

// maxRedriven bounds how many dead letters one transaction replays.
const maxRedriven = 1000

// undriven returns the committed end of the partitions of which the group has not read everything.
func (c *Config) undriven(ctx context.Context, admin *kadm.Client, group, topic string) (map[int32]int64, error) {
	starts, err := admin.ListStartOffsets(ctx, topic)
	if err != nil {
		return nil, Advised(fmt.Errorf("list the start of %s: %w", topic, err))
	}
	ends, err := admin.ListCommittedOffsets(ctx, topic)
	if err != nil {
		return nil, Advised(fmt.Errorf("list the end of %s: %w", topic, err))
	}
	committed, err := admin.FetchOffsetsForTopics(ctx, group, topic)
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) { // it is made by the first redrive
		return nil, Advised(fmt.Errorf("look up the group %s: %w", group, err))
	}
	err = nil
	left := map[int32]int64{}
	ends.Each(func(end kadm.ListedOffset) {
		at, _ := starts.Lookup(topic, end.Partition)
		from := at.Offset
		if o, ok := committed.Lookup(topic, end.Partition); ok && o.Err == nil {
			from = max(from, o.At)
		}
		if err = errors.Join(err, end.Err); from < end.Offset {
			left[end.Partition] = end.Offset
		}
	})
	return left, err
}
