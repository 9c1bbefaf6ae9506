package processor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/capture"
	"tidemark/monitor"
	"tidemark/windows"
)

// unreadable is a place in a partition that cannot be read, however often one tries.
type unreadable struct {
	source windows.Source
	next   int64 // where reading can go on, if that is known; else -1
	bomb   *kgo.ErrDecompressTooLarge
	err    error
}

// Error names the partition.
func (u *unreadable) Error() string {
	return fmt.Sprintf("read %s/%d: %v", u.source.Topic, u.source.Partition, u.err)
}

// Unwrap returns the client's error.
func (u *unreadable) Unwrap() error { return u.err }

// unreadableAt returns what a fetch error of a partition says about a place in it, or nil.
func unreadableAt(topic string, partition int32, err error) *unreadable {
	u := &unreadable{source: windows.Source{Topic: topic, Partition: partition}, next: -1, err: err}
	var loss *kgo.ErrDataLoss
	switch {
	case errors.As(err, &u.bomb):
		u.next = u.bomb.NextOffset
	case errors.As(err, &loss):
		u.next = loss.ResetTo
	case errors.Is(err, kerr.OffsetOutOfRange):
	default:
		return nil
	}
	return u
}

// errAgain begins a new session at once: what was wrong with the one before has been dealt with.
var errAgain = errors.New("begin again")

// skip goes on behind a place that cannot be read. What was read before it is committed first. Then one transaction says
// what is passed over, as a loss or a dead letter, and moves the group's offset past it; so this is told once, and a
// process that lost the partition meanwhile cannot tell it. A new session reads on from there.
func (in *Ingest) skip(ctx context.Context, u *unreadable) error {
	if in.intake.Polled() {
		if err := in.commit(ctx); err != nil {
			return err
		}
	}
	at, owned := in.session.Client().CommittedOffsets()[u.source.Topic][u.source.Partition]
	if !owned {
		return errAgain // another process deals with it
	}
	var loss *monitor.Loss
	var letter *kgo.Record
	if u.bomb != nil {
		letter = deadBatch(in.config.Topics.DeadLetters, u.bomb)
	} else {
		var err error
		if loss, err = u.loss(ctx, in.admin, at.Offset); err != nil {
			return err
		}
		if loss == nil {
			return errAgain // it can be read after all
		}
		u.next = loss.End
		if loss.Why == monitor.LostTruncation {
			u.next = loss.Start
		}
	}
	in.intake.Skip(u.source, u.next, time.Now(), loss, letter)
	committed, err := in.silent(ctx, &position{u.source, kgo.EpochOffset{Epoch: -1, Offset: u.next}})
	switch {
	case err != nil:
		return err
	case !committed: // the next session finds it again
	case loss != nil:
		in.metrics.lost.WithLabelValues(u.source.Topic, loss.Why).Add(float64(loss.End - loss.Start))
		in.log.Error(lossWords[loss.Why], "topic", u.source.Topic, "partition", u.source.Partition, "start", loss.Start, "end", loss.End)
	default:
		records := float64(u.bomb.NextOffset - u.bomb.Offset)
		in.metrics.rows.Add(records)
		in.metrics.dropped.WithLabelValues(string(capture.ReasonSize)).Add(records)
		in.log.Warn("a batch of captures is too large when decompressed and is a dead letter", "topic", u.source.Topic, "partition", u.source.Partition,
			"start", u.bomb.Offset, "end", u.bomb.NextOffset, "limit", maxFetchedBatch)
	}
	return errAgain
}

var lossWords = map[string]string{
	monitor.LostRetention:  "Kafka deleted records before they were read, going on behind them: make the topic's retention longer than the longest stop",
	monitor.LostUnsent:     "Kafka deleted alerts before they were sent on, going on behind them: make the topic's retention longer than the receiver is ever down",
	monitor.LostTruncation: "the brokers lost records that they had acknowledged, going on with what comes: find out why; replicate the topic and keep unclean.leader.election.enable off",
}

// loss compares the next offset to read with what the log has; nil means that nothing is lost.
func (u *unreadable) loss(ctx context.Context, admin *kadm.Client, next int64) (*monitor.Loss, error) {
	start, end, err := bounds(ctx, admin, u.source)
	if err != nil {
		return nil, err
	}
	if u.next >= 0 {
		end = min(end, u.next)
	}
	switch {
	case next < start:
		return &monitor.Loss{Source: u.source, Start: next, End: start, Why: monitor.LostRetention}, nil
	case next > end:
		return &monitor.Loss{Source: u.source, Start: end, End: next, Why: monitor.LostTruncation}, nil
	}
	return nil, nil
}

// bounds asks for the first offset of a partition and its end.
func bounds(ctx context.Context, admin *kadm.Client, of windows.Source) (first, behind int64, err error) {
	starts, err := admin.ListStartOffsets(ctx, of.Topic)
	if err != nil {
		return 0, 0, lost{fmt.Errorf("list the start of %v: %w", of, err)}
	}
	ends, err := admin.ListEndOffsets(ctx, of.Topic)
	if err != nil {
		return 0, 0, lost{fmt.Errorf("list the end of %v: %w", of, err)}
	}
	start, known := starts.Lookup(of.Topic, of.Partition)
	end, ended := ends.Lookup(of.Topic, of.Partition)
	switch {
	case !known || !ended:
		return 0, 0, lost{fmt.Errorf("list the offsets of %v: the broker does not name the partition", of)}
	case start.Err != nil:
		return 0, 0, lost{fmt.Errorf("list the start of %v: %w", of, start.Err)}
	case end.Err != nil:
		return 0, 0, lost{fmt.Errorf("list the end of %v: %w", of, end.Err)}
	}
	return start.Offset, end.Offset, nil
}

// deadBatch is the dead letter of a batch that decompresses to more than may be held. Its records cannot be kept.
func deadBatch(topic string, b *kgo.ErrDecompressTooLarge) *kgo.Record {
	return deadLetter(topic, &kgo.Record{Topic: b.Topic, Partition: b.Partition, Offset: b.Offset}, tooLargeBatch(b))
}

func tooLargeBatch(b *kgo.ErrDecompressTooLarge) *capture.Error {
	return &capture.Error{
		Reason: capture.ReasonSize, Field: "the batch", Detail: fmt.Sprintf(
			"of the offsets [%d, %d) decompresses to more than %d MiB: send captures in smaller batches; its records are only in the capture topic",
			b.Offset, b.NextOffset, maxFetchedBatch>>20),
	}
}
