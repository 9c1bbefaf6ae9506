package processor

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"tidemark/windows"
)

// position is where the group is to go on in a partition.
type position struct {
	windows.Source
	at kgo.EpochOffset
}

// transactAt produces the records in one transaction together with offsets of one topic that were not consumed to: what
// is passed over, or, unchanged, the proof that this process is still a member. The coordinator refuses it from a former one.
func (c *Config) transactAt(ctx context.Context, log *slog.Logger, session *kgo.GroupTransactSession, role string, topic kadm.TopicID, records []*kgo.Record, to ...position) (committed bool, err error) {
	// The partitions are looked at under the membership that is proven: if this process is stopped here and joins anew, that is
	// a former one.
	client := session.Client()
	fence := c.fence(client, role, topic, to)
	owned := client.CommittedOffsets()
	for _, p := range to {
		if _, ok := owned[p.Topic][p.Partition]; !ok {
			return false, nil
		}
	}
	if err := client.BeginTransaction(); err != nil {
		return false, lost{fmt.Errorf("begin transaction: %w", err)}
	}
	end := kgo.TryCommit
	if err := produce(ctx, client.ProduceSync, records); err != nil {
		if c.loses(ctx, err) {
			return false, lost{err}
		}
		end = kgo.TryAbort
	} else if err := commitFence(ctx, client, fence); err != nil {
		end = kgo.TryAbort
		log.Info("the group refused the commit of offsets that were not consumed to, trying again", "role", role, "error", err)
	}
	if err := client.EndTransaction(ctx, end); err != nil {
		return false, lost{fmt.Errorf("end transaction: %w", err)}
	}
	return end == kgo.TryCommit, nil
}

// fence returns the commit of offsets as a member of the group.
func (c *Config) fence(client *kgo.Client, role string, topic kadm.TopicID, to []position) *kmsg.TxnOffsetCommitRequest {
	request := kmsg.NewPtrTxnOffsetCommitRequest()
	request.TransactionalID = c.transactionalID(role)
	request.Group = group(role)
	request.MemberID, request.Generation = client.GroupMetadata()
	request.InstanceID = kmsg.StringPtr(c.Instance)
	t := kmsg.NewTxnOffsetCommitRequestTopic()
	t.Topic, t.TopicID = to[0].Topic, topic
	for _, position := range to {
		p := kmsg.NewTxnOffsetCommitRequestTopicPartition()
		p.Partition, p.Offset, p.LeaderEpoch = position.Partition, position.at.Offset, position.at.Epoch
		t.Partitions = append(t.Partitions, p)
	}
	request.Topics = append(request.Topics, t)
	return request
}

func commitFence(ctx context.Context, client *kgo.Client, request *kmsg.TxnOffsetCommitRequest) error {
	var err error
	if request.ProducerID, request.ProducerEpoch, err = client.ProducerID(ctx); err != nil {
		return err
	}
	response, err := request.RequestWith(ctx, client)
	if err != nil {
		return err
	}
	for _, t := range response.Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return err
			}
		}
	}
	return nil
}
