package main

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// held is a topic of a run's own, with the workload's captures behind a transaction that is open: readers of committed
// records see none of them until it is released. So several processes have parted the partitions before they read, and none
// reads what another reads again.
type held struct {
	options // with the topic
	client  *kgo.Client
	admin   *kadm.Client
}

// hold loads such a topic.
func (o *options) hold(ctx context.Context, name string) (h *held, err error) {
	h = &held{options: *o}
	h.own = name + ".captures"
	if h.client, err = kgo.NewClient(kgo.SeedBrokers(o.brokers), kgo.DefaultProduceTopic(h.topic()), kgo.TransactionalID(name),
		kgo.TransactionTimeout(patience), kgo.UnknownTopicRetries(-1), kgo.RecordPartitioner(kgo.ManualPartitioner())); err != nil {
		return nil, err
	}
	h.admin = kadm.NewClient(h.client)
	if err := createCaptures(ctx, h.admin, h.topic()); err != nil {
		return h, err
	}
	if err := h.client.BeginTransaction(); err != nil {
		return h, err
	}
	var first []*kgo.Record
	for partition := range int32(partitions) {
		first = append(first, &kgo.Record{Partition: partition})
	}
	if err := h.client.ProduceSync(ctx, first...).FirstErr(); err != nil {
		return h, fmt.Errorf("hold topic %q: %w", h.topic(), err)
	}
	return h, h.fill(ctx)
}

// release waits until each process has its part of the partitions, lets them read, and returns how many records there are.
func (h *held) release(ctx context.Context) (int64, error) {
	for parted := false; !parted; {
		if err := pause(ctx); err != nil {
			return 0, fmt.Errorf("the processes have not parted the partitions: %w", err)
		}
		groups, err := h.admin.DescribeGroups(ctx, "tidemark-ingest")
		if err != nil {
			return 0, err
		}
		members := groups["tidemark-ingest"].Members
		parted = len(members) == h.processes
		for _, m := range members {
			assigned, ok := m.Assigned.AsConsumer()
			parted = parted && ok && len(assigned.Topics) == 1 && len(assigned.Topics[0].Partitions) == partitions/h.processes
		}
	}
	if err := h.client.EndTransaction(ctx, kgo.TryAbort); err != nil {
		return 0, fmt.Errorf("release topic %q: %w", h.topic(), err)
	}
	return countRecords(ctx, h.admin, h.topic())
}

// end removes the topic.
func (h *held) end(ctx context.Context) error {
	defer h.client.Close()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	_, err := h.admin.DeleteTopics(ctx, h.topic())
	return err
}
