package processor

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"tidemark/sinks/archive"
	"tidemark/windows"
)

// watchGroup keeps the group's client going and notes what ends it.
func (a *Archive) watchGroup(ctx context.Context) {
	for ctx.Err() == nil {
		fetches := a.members.PollFetches(ctx)
		if err := a.config.fetchError(a.log, fetches); err != nil && ctx.Err() == nil {
			a.interrupt(func() { a.fatal = err })
			return
		}
	}
}

func (a *Archive) onAssigned(_ context.Context, _ *kgo.Client, assigned map[string][]int32) {
	a.interrupt(func() {
		for topic, partitions := range assigned {
			for _, partition := range partitions {
				a.assigned[windows.Source{Topic: topic, Partition: partition}] = true
			}
		}
	})
}

func (a *Archive) onRevoked(_ context.Context, _ *kgo.Client, revoked map[string][]int32) {
	a.interrupt(func() {
		for topic, partitions := range revoked {
			for _, partition := range partitions {
				name := windows.Source{Topic: topic, Partition: partition}
				delete(a.assigned, name)
				a.revoked[name] = true
			}
		}
	})
}

// reassign gives up the partitions that were revoked, with what was read of them, and takes up new ones.
func (a *Archive) reassign(work context.Context) {
	a.mu.Lock()
	assigned, revoked := a.assigned, a.revoked
	a.assigned, a.revoked = map[windows.Source]bool{}, map[windows.Source]bool{}
	a.mu.Unlock()
	for name := range revoked {
		if p := a.partitions[name]; p != nil && !p.gone { // nobody else could read again what is gone
			a.unread(p)
			delete(a.partitions, name)
		}
	}
	for name := range assigned {
		if p := a.partitions[name]; p != nil && p.gone {
			continue // of the new topic; a session that knows it comes next
		}
		id := archive.ID{
			Cluster: a.cluster, Topic: name.Topic, Partition: name.Partition, TopicID: topicID(a.topics[name.Topic].ID),
		}
		p := &archived{name: name, id: id, chain: archive.NewChain(id, nonce()), whole: time.Now()}
		a.partitions[name] = p
		a.open(work, p)
	}
}

// leave commits where the chain ends. That it fails, as after a rebalance, makes no difference but to the next start.
func (a *Archive) leave(ctx context.Context, p *archived, last archive.Info) {
	hint := last.Hint()
	ctx, cancel := context.WithTimeout(ctx, transactionTimeout)
	defer cancel()
	ctx = kgo.PreCommitFnContext(ctx, func(r *kmsg.OffsetCommitRequest) error {
		for i := range r.Topics {
			for j := range r.Topics[i].Partitions {
				r.Topics[i].Partitions[j].Metadata = kmsg.StringPtr(hint.String())
			}
		}
		return nil
	})
	a.members.CommitOffsetsSync(ctx, map[string]map[int32]kgo.EpochOffset{
		p.name.Topic: {p.name.Partition: {Epoch: last.Epoch, Offset: hint.End}},
	}, nil)
}
