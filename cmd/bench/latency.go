package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/monitor"
	"tidemark/windows"
)

const (
	warmUp   = 20 * time.Second // windows of a new endpoint wait for some seconds, and the first ones take what others do not
	moving   = 15 * time.Second // for so long three features are as in training, and then for as long they are not
	prepared = 10_000           // rows of each kind, which are sent in turn
)

// live is captures of now, and when those were sent that close windows.
type live struct {
	options *options
	client  *kgo.Client
	kinds   [2][][]byte // as in training, and shifted
	started time.Time

	mu   sync.Mutex
	sent map[int64]map[int32]time.Time // by second of event time and partition: when the first record was sent
	seen map[string][]arrival          // by topic
	err  error
}

// arrival is when the report or the alert of a window was read.
type arrival struct {
	window windows.Window
	at     time.Time
}

// latency sends captures of now at a steady rate and prints how long after the record that closed a window its report and its
// alerts were read.
func (o *options) latency(ctx context.Context, last time.Duration) (err error) {
	done, err := o.enter()
	if err != nil {
		return err
	}
	defer done()
	if _, _, err := o.baseline(); err != nil {
		return err
	}
	name := fmt.Sprintf("bench.live.%d", os.Getpid())
	o.own = name + ".captures"
	c := o.processor(name)
	l := &live{options: o, sent: map[int64]map[int32]time.Time{}, seen: map[string][]arrival{}}
	l.prepare()
	if l.client, err = kgo.NewClient(append(c.Kafka.Options(), kgo.DefaultProduceTopic(o.topic()), kgo.ProducerLinger(5*time.Millisecond),
		kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.MaxBufferedRecords(200_000))...); err != nil {
		return err
	}
	defer l.client.Close()
	admin := kadm.NewClient(l.client)
	if _, err := admin.CreateTopic(ctx, partitions, -1, nil, o.topic()); err != nil {
		return err
	}
	if _, err := c.CreateTopics(ctx, l.client); err != nil {
		return err
	}
	defer func() {
		_, failed := admin.DeleteTopics(context.WithoutCancel(ctx), o.topic())
		err = errors.Join(err, failed, o.tidy(context.WithoutCancel(ctx), admin, c))
	}()
	p, err := o.start(name, 0)
	if err != nil {
		return err
	}
	defer func() {
		_ = p.command.Process.Kill() // it has ended, unless something failed
		<-p.ended
	}()
	if err := p.await(ctx); err != nil {
		return err
	}
	reading, stop := context.WithCancel(ctx)
	defer stop()
	var readers sync.WaitGroup
	for _, topic := range []string{c.Topics.Reports, c.Topics.Alerts} {
		readers.Go(func() { l.read(reading, topic) })
	}
	rows := l.send(ctx, time.Now().Add(warmUp+last))
	if err := l.client.Flush(ctx); err != nil {
		return err
	}
	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	if <-p.ended; !p.command.ProcessState.Success() {
		return fmt.Errorf("tidemark ended with %v\n%s", p.command.ProcessState, p.log)
	}
	stop()
	readers.Wait()
	m := measured{rows: rows}
	m.took(p.command.ProcessState)
	fmt.Fprintf(o.out, "%d records, %.3f CPU s a million, %.0f MB\n", rows, m.perMillion(), float64(m.memory)/1e6)
	if err := errors.Join(ctx.Err(), l.err); err != nil {
		return err
	}
	return errors.Join(l.print("report", c.Topics.Reports), l.print("alert", c.Topics.Alerts))
}

// prepare makes the captures that are sent, all but their times.
func (l *live) prepare() {
	random := rand.New(rand.NewPCG(42, 7))
	w := &l.options.work
	for kind := range l.kinds {
		for i := range prepared {
			var r row
			w.draw(random, kind == 1, &r)
			value, _ := r.appendCapture(nil, i)
			l.kinds[kind] = append(l.kinds[kind], value)
		}
	}
}

// send sends captures of now until a moment, and returns how many.
func (l *live) send(ctx context.Context, until time.Time) int64 {
	const field = `"inferenceTime":"`
	sent, started := int64(0), time.Now()
	l.started = started
	for now := started; now.Before(until) && ctx.Err() == nil; now = time.Now() {
		kind := l.kinds[int(now.Sub(started)/moving)%2]
		text := now.UTC().Format("2006-01-02T15:04:05.000Z")
		for due := int64(now.Sub(started).Seconds() * float64(l.options.work.rate)); sent < due; sent++ {
			value := bytes.Clone(kind[sent%prepared])
			copy(value[bytes.LastIndex(value, []byte(field))+len(field):], text)
			l.client.Produce(ctx, &kgo.Record{Key: fmt.Append(nil, sent), Value: value, Timestamp: now}, l.sending(now))
		}
		time.Sleep(5 * time.Millisecond)
	}
	return sent
}

// sending notes when the first record of each second was sent to each partition.
func (l *live) sending(now time.Time) func(*kgo.Record, error) {
	return func(r *kgo.Record, err error) {
		l.mu.Lock()
		defer l.mu.Unlock()
		if err != nil {
			l.err = errors.Join(l.err, err)
			return
		}
		second := now.Unix()
		if l.sent[second] == nil {
			l.sent[second] = map[int32]time.Time{}
		}
		if first, known := l.sent[second][r.Partition]; !known || now.Before(first) {
			l.sent[second][r.Partition] = now
		}
	}
}

// read notes when the committed records of a topic are read.
func (l *live) read(ctx context.Context, topic string) {
	client, err := kgo.NewClient(kgo.SeedBrokers(l.options.brokers), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumeTopics(topic),
		kgo.FetchMaxWait(100*time.Millisecond), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err == nil {
		defer client.Close()
	}
	for err == nil && ctx.Err() == nil {
		fetches := client.PollFetches(ctx)
		now := time.Now()
		l.mu.Lock()
		for _, r := range fetches.Records() {
			var of struct{ Window monitor.Window }
			if err = json.Unmarshal(r.Value, &of); err == nil {
				l.seen[topic] = append(l.seen[topic], arrival{of.Window.Window, now})
			}
		}
		l.mu.Unlock()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = errors.Join(l.err, err)
}

// print prints how long after the record that closed their windows the records of a topic were read. It is the last one of the first
// records, in each partition, of an event time by which the window and its lateness have passed.
func (l *live) print(name, topic string) error {
	var all []float64
	for _, seen := range l.seen[topic] {
		second := seen.window.End.Add(lateness).Time().Unix()
		closing := l.sent[second]
		if second < l.started.Add(warmUp).Unix() || len(closing) < partitions {
			continue // before it was warm, or without a record in some partition in that second
		}
		closed := slices.MaxFunc(slices.Collect(maps.Values(closing)), time.Time.Compare)
		all = append(all, seen.at.Sub(closed).Seconds())
	}
	if len(all) == 0 {
		return fmt.Errorf("no %s was read: let it run for longer, or raise --rate so that each partition has records in each second", name)
	}
	slices.Sort(all)
	fmt.Fprintf(l.options.out, "record to %s: %d, median %.2f s, p99 %.2f s, longest %.2f s\n", name, len(all), all[len(all)/2], all[len(all)*99/100], all[len(all)-1])
	return nil
}
