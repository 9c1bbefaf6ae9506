package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/capture"
)

const (
	partitions = 8
	maxMessage = 8 << 20
)

// topic is the name of the topic with the workload's captures: the same workload is loaded once.
func (o *options) topic() string {
	w := o.work
	switch {
	case o.own != "":
		return o.own
	case o.captures != "":
		return "bench.captures.file"
	}
	return fmt.Sprintf("bench.captures.%d.%d.%d.%d.%d", w.records, w.features, w.endpoints, w.rate, w.arrowRows)
}

// load makes the topic with the captures, unless it is there, and returns how many records there are.
func (o *options) load(ctx context.Context) (int64, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(o.brokers))
	if err != nil {
		return 0, err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	switch err := createCaptures(ctx, admin, o.topic()); {
	case errors.Is(err, kerr.TopicAlreadyExists):
	case err != nil:
		return 0, err
	default:
		if err := o.fill(ctx); err != nil {
			return 0, err
		}
	}
	return countRecords(ctx, admin, o.topic())
}

func createCaptures(ctx context.Context, admin *kadm.Client, topic string) error {
	forever, size := "-1", strconv.Itoa(maxMessage)
	_, err := admin.CreateTopic(ctx, partitions, -1, map[string]*string{"retention.ms": &forever, "compression.type": kadm.StringPtr("uncompressed"), "max.message.bytes": &size}, topic)
	if err != nil {
		return fmt.Errorf("create topic %q: %w", topic, err)
	}
	return nil
}

// fill produces the captures to their topic.
func (o *options) fill(ctx context.Context) error {
	batch := int32(128 << 10)
	if o.work.arrowRows > 0 {
		batch = maxMessage
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(o.brokers), kgo.DefaultProduceTopic(o.topic()),
		kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.ProducerLinger(20*time.Millisecond),
		kgo.ProducerBatchMaxBytes(batch), kgo.MaxBufferedRecords(20_000), kgo.MaxBufferedBytes(256<<20))
	if err != nil {
		return err
	}
	defer client.Close()
	var failed error
	send := func(r *kgo.Record) {
		client.Produce(ctx, r, func(_ *kgo.Record, err error) {
			if err != nil && failed == nil {
				failed = err
			}
		})
	}
	switch {
	case o.captures != "":
		err = loadFile(o.captures, send)
	case o.work.arrowRows > 0:
		err = o.work.loadArrow(send)
	default:
		err = o.work.loadCaptures(send)
	}
	if err := errors.Join(err, client.Flush(ctx), failed); err != nil {
		return fmt.Errorf("load topic %q: %w: delete it before the next run", o.topic(), err)
	}
	return nil
}

func countRecords(ctx context.Context, admin *kadm.Client, topic string) (int64, error) {
	ends, err := admin.ListEndOffsets(ctx, topic)
	if err != nil {
		return 0, err
	}
	var n int64
	ends.Each(func(o kadm.ListedOffset) { n += o.Offset })
	return n, nil
}

func (w *workload) loadCaptures(send func(*kgo.Record)) error {
	return w.each(func(i int, r *row) error {
		value, id := r.appendCapture(make([]byte, 0, 640), i)
		record := &kgo.Record{Key: []byte(id), Value: value, Timestamp: time.UnixMilli(r.time)}
		if w.endpoints > 1 {
			record.Headers = []kgo.RecordHeader{{Key: "endpoint", Value: fmt.Appendf(nil, "endpoint-%04d", i%w.endpoints)}}
		}
		send(record)
		return nil
	})
}

// loadFile sends each line of a file, keyed by its event id and at its inference time.
func loadFile(name string, send func(*kgo.Record)) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := zstd.NewReader(f)
	if err != nil {
		return err
	}
	defer z.Close()
	var parser capture.Parser
	for lines := bufio.NewReaderSize(z, 1<<20); ; {
		line, err := lines.ReadBytes('\n')
		if line = bytes.TrimSpace(line); len(line) > 0 {
			record, err := parser.Parse(line)
			if err != nil {
				return err
			}
			send(&kgo.Record{Key: bytes.Clone(record.EventID), Value: line, Timestamp: time.UnixMilli(record.Time)})
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}
