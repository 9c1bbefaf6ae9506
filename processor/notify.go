package processor

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/monitor"
	"tidemark/sinks/alerts"
	"tidemark/sinks/webhook"
)

// Notify reads the alerts topic and sends each alert on. An alert's offset is committed after its receiver has answered,
// so that it is sent at least once: after a crash the last one may come again, with the same ID.
type Notify struct {
	config  *Config
	sender  *webhook.Sender
	log     *slog.Logger
	metrics *notifyMetrics
	options []kgo.Opt
	ready   func(bool)
}

// firstAlerts is how far back a group that has never committed begins: what fired while it was set up is sent, what
// was dealt with long ago is not.
const firstAlerts = time.Hour

// NewNotify returns the role. ready is told when it begins to read.
func NewNotify(c *Config, sender *webhook.Sender, ready func(bool), log *slog.Logger, r prometheus.Registerer, dial ...kgo.Opt) *Notify {
	return &Notify{config: c, sender: sender, log: log, metrics: newNotifyMetrics(r), options: dial, ready: ready}
}

// Run sends alerts until the context ends.
func (n *Notify) Run(ctx context.Context) error {
	return n.config.sessions(ctx, n.log, "notify", n.run)
}

func (n *Notify) run(ctx context.Context) error {
	options := append(n.config.clientOptions(n.log, "notify"),
		kgo.ConsumerGroup(group("notify")),
		kgo.InstanceID(n.config.Instance),
		kgo.SessionTimeout(sessionTimeout),
		kgo.ConsumeTopics(n.config.Topics.Alerts),
		kgo.ConsumeStartOffset(kgo.NewOffset().AfterMilli(time.Now().Add(-firstAlerts).UnixMilli())),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.DisableAutoCommit(),
		kgo.MaxDecompressBatchBytes(maxFetchedBatch),
		kgo.FetchMaxBytes(maxFetchedAlerts),
		kgo.RecordPartitioner(n.config.Partitioner()),
	)
	client, err := kgo.NewClient(append(options, n.options...)...)
	if err != nil {
		return err
	}
	defer client.CloseAllowingRebalance()
	if _, err := n.config.verify(ctx, client, "notify"); err != nil {
		return err
	}
	n.ready(true)
	defer n.ready(false)
	for {
		fetches := client.PollRecords(ctx, maxAlerts)
		if ctx.Err() != nil {
			return nil
		}
		if err := n.config.fetchError(n.log, fetches); err != nil {
			if u := (*unreadable)(nil); errors.As(err, &u) && u.bomb == nil {
				return n.skip(ctx, client, u)
			}
			return err
		}
		for iterator := fetches.RecordIter(); !iterator.Done(); {
			r := iterator.Next()
			if err := n.send(ctx, r); err != nil {
				return nil // asked to stop: the alert is sent by the next process
			}
			if err := client.CommitRecords(ctx, r); err != nil {
				return lost{err}
			}
		}
	}
}

// skip goes on behind alerts that were deleted before they were sent on, and tells it.
func (n *Notify) skip(ctx context.Context, client *kgo.Client, u *unreadable) error {
	at, owned := client.CommittedOffsets()[u.source.Topic][u.source.Partition]
	if !owned || at.Offset < 0 {
		return lost{u} // another process deals with it, or the next session begins anew
	}
	loss, err := u.loss(ctx, kadm.NewClient(client), at.Offset)
	if err != nil {
		return err
	}
	if loss == nil {
		return lost{u} // it can be read after all
	}
	next := loss.Start
	if loss.Why == monitor.LostRetention {
		loss.Why, next = monitor.LostUnsent, loss.End
	}
	told, err := healthRecord(n.config.Topics.Panes, &monitor.Health{Instance: n.config.Instance, Losses: []monitor.Loss{*loss}})
	if err != nil {
		return err
	}
	if err := client.ProduceSync(ctx, told).FirstErr(); err != nil {
		return lost{err}
	}
	// Only then, so that it is told at least once, as an alert is sent.
	if err := client.CommitRecords(ctx, &kgo.Record{Topic: u.source.Topic, Partition: u.source.Partition, Offset: next - 1, LeaderEpoch: -1}); err != nil {
		return lost{err}
	}
	n.metrics.lost.Add(float64(loss.End - loss.Start))
	n.log.Error(lossWords[loss.Why], "topic", u.source.Topic, "partition", u.source.Partition, "start", loss.Start, "end", loss.End)
	return errAgain
}

const (
	maxAlerts        = 100     // that are taken from the client at a time
	maxFetchedAlerts = 8 << 20 // bytes that it holds before that, while a receiver is down
)

// send sends an alert, again and again if need be. It only fails when the context ends.
func (n *Notify) send(ctx context.Context, r *kgo.Record) error {
	a, err := alerts.Decode(r)
	if err != nil {
		n.metrics.sent.WithLabelValues("undecoded").Inc()
		n.log.Error("an alert cannot be read and is passed over", "error", err)
		return nil
	}
	for backoff := minBackoff; ; backoff = min(2*backoff, maxNotifyBackoff) {
		err := n.sender.Send(ctx, a)
		switch {
		case err == nil:
			n.metrics.sent.WithLabelValues("sent").Inc()
			return nil
		case errors.Is(err, webhook.ErrRefused):
			n.metrics.sent.WithLabelValues("refused").Inc()
			n.log.Error("the receiver refuses an alert, which is passed over", "alert", a.ID, "error", err)
			return nil
		}
		n.metrics.retries.Inc()
		n.log.Warn("an alert could not be sent, trying again", "alert", a.ID, "error", err, "in", backoff)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(backoff):
		}
	}
}

// maxNotifyBackoff is the longest pause before an alert is sent again.
const maxNotifyBackoff = time.Minute

type notifyMetrics struct {
	sent    *prometheus.CounterVec
	retries prometheus.Counter
	lost    prometheus.Counter
}

func newNotifyMetrics(r prometheus.Registerer) *notifyMetrics {
	m := &notifyMetrics{
		sent: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tidemark_notify_alerts_total", Help: "Alerts read by the notifier, by what became of them: sent, refused by the receiver, or undecoded."}, []string{"result"}),
		retries: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "tidemark_notify_retries_total", Help: "Attempts to send an alert that failed and were followed by another."}),
		lost: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "tidemark_notify_offsets_lost_total", Help: "Offsets of the alerts topic that Kafka deleted before they were sent on."}),
	}
	r.MustRegister(m.sent, m.retries, m.lost)
	for _, result := range []string{"sent", "refused", "undecoded"} {
		m.sent.WithLabelValues(result).Add(0)
	}
	return m
}
