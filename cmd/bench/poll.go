package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// polled is what polling found.
type polled struct {
	Records int64   `json:"records"`
	Seconds float64 `json:"seconds"`
}

// pollAll reads a topic up to its end and discards the records, with the settings that the roles read with and without
// a pool.
func pollAll(ctx context.Context, brokers, topic string, out io.Writer) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers), kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	if err != nil {
		return err
	}
	defer client.Close()
	ends, err := kadm.NewClient(client).ListEndOffsets(ctx, topic)
	if err != nil {
		return err
	}
	left := int64(0)
	ends.Each(func(o kadm.ListedOffset) { left += o.Offset })
	result, started := polled{Records: left}, time.Now()
	for left > 0 {
		fetches := client.PollRecords(ctx, 20_000)
		if err := fetches.Err(); err != nil {
			return fmt.Errorf("poll topic %q: %w", topic, err)
		}
		left -= int64(fetches.NumRecords())
	}
	result.Seconds = time.Since(started).Seconds()
	return json.NewEncoder(out).Encode(result)
}
