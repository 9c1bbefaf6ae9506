package processor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"tidemark/windows"
)

// status says of each partition that this process reads how far it is. A partition is idle only when the broker,
// asked after the silence began, says that no record is waiting: silence alone may be a broken connection.
func (in *Ingest) status(ctx context.Context) ([]windows.Status, error) {
	committed := in.session.Client().CommittedOffsets()
	_, generation := in.session.Client().GroupMetadata()
	now := time.Now()
	silent := false
	owned := map[windows.Source]*source{}
	for topic, partitions := range committed {
		for partition, at := range partitions {
			name := windows.Source{Topic: topic, Partition: partition}
			s := in.source(name)
			if s.position < 0 {
				s.position = at.Offset
			}
			owned[name] = s
			silent = silent || now.Sub(s.read) >= windows.IdleTimeout
		}
	}
	for name := range in.sources {
		if owned[name] == nil {
			delete(in.sources, name) // another process reads it now
		}
	}
	var ends kadm.ListedOffsets
	if silent {
		var err error
		if ends, err = in.admin.ListCommittedOffsets(ctx, in.captures()...); err != nil {
			return nil, lost{fmt.Errorf("list the ends of the partitions: %w", err)}
		}
	}
	var status []windows.Status
	for name, s := range owned {
		st := windows.Status{Source: name, Generation: generation, Position: s.position, Appended: s.appended}
		end, asked := ends.Lookup(name.Topic, name.Partition)
		if asked = asked && end.Err == nil && now.Sub(s.read) >= windows.IdleTimeout; asked {
			s.end = end.Offset
		}
		st.Lag = s.position < s.end
		st.Idle = asked && s.position >= s.end
		status = append(status, st)
	}
	return status, nil
}

func (in *Ingest) captures() []string { return in.config.captures() }

// tick writes the vector when nothing was read. The session would commit such a transaction without asking the group
// whether this process is still a member, so that one which lost its partitions could call them idle. So the
// transaction carries an unchanged offset: the coordinator refuses that from a former member.
func (in *Ingest) tick(ctx context.Context) error {
	records, err := in.vector(ctx)
	if err != nil {
		return err
	}
	fence, err := in.fence()
	if errors.Is(err, errNoTick) {
		return nil
	}
	client := in.session.Client()
	if err := client.BeginTransaction(); err != nil {
		return lost{fmt.Errorf("begin transaction: %w", err)}
	}
	end := kgo.TryCommit
	if err := client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		if in.config.fenced(err) != nil || ctx.Err() != nil {
			return lost{fmt.Errorf("produce: %w", err)}
		}
		end = kgo.TryAbort
	} else if err := in.commitFence(ctx, fence); err != nil {
		end = kgo.TryAbort
		in.log.Info("the group refused the commit of a quiet second, trying again", "error", err)
	}
	if err := client.EndTransaction(ctx, end); err != nil {
		return lost{fmt.Errorf("end transaction: %w", err)}
	}
	return nil
}

// fence returns the commit of one partition's unchanged offset as a member of the group.
func (in *Ingest) fence() (*kmsg.TxnOffsetCommitRequest, error) {
	client := in.session.Client()
	member, generation := client.GroupMetadata()
	for topic, partitions := range client.CommittedOffsets() {
		for partition, at := range partitions {
			request := kmsg.NewPtrTxnOffsetCommitRequest()
			request.TransactionalID = "tidemark-ingest-" + in.config.Instance
			request.Group = "tidemark-ingest"
			request.MemberID, request.Generation = member, generation
			request.InstanceID = kmsg.StringPtr(in.config.Instance)
			t := kmsg.NewTxnOffsetCommitRequestTopic()
			t.Topic, t.TopicID = topic, in.topics[topic].ID
			p := kmsg.NewTxnOffsetCommitRequestTopicPartition()
			p.Partition, p.Offset, p.LeaderEpoch = partition, at.Offset, at.Epoch
			t.Partitions = append(t.Partitions, p)
			request.Topics = append(request.Topics, t)
			return request, nil
		}
	}
	return nil, errNoTick
}

func (in *Ingest) commitFence(ctx context.Context, request *kmsg.TxnOffsetCommitRequest) error {
	client := in.session.Client()
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
