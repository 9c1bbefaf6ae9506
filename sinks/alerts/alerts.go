// Package alerts writes alerts as Kafka records and reads them back. An alert is a CloudEvent in binary mode: its
// value is JSON, its attributes are headers.
package alerts

import (
	"encoding/json"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/monitor"
)

// Type is the CloudEvents type of an alert.
const Type = "tidemark.alert.v1"

// Record returns the record of an alert for a topic, keyed by endpoint.
func Record(topic string, a *monitor.Alert) (*kgo.Record, error) {
	value, err := json.Marshal(a)
	if err != nil {
		return nil, fmt.Errorf("encode alert %s: %w", a.ID, err)
	}
	return &kgo.Record{
		Topic: topic,
		Key:   []byte(a.Endpoint),
		Value: value,
		Headers: []kgo.RecordHeader{
			{Key: "ce_specversion", Value: []byte("1.0")},
			{Key: "ce_id", Value: []byte(a.ID)},
			{Key: "ce_type", Value: []byte(Type)},
			{Key: "ce_source", Value: []byte("tidemark/" + a.Monitor)},
			{Key: "content-type", Value: []byte("application/json")},
		},
	}, nil
}

// Decode reads the alert of a record.
func Decode(r *kgo.Record) (*monitor.Alert, error) {
	var a monitor.Alert
	if err := json.Unmarshal(r.Value, &a); err != nil {
		return nil, fmt.Errorf("decode alert at %s/%d offset %d: %w", r.Topic, r.Partition, r.Offset, err)
	}
	return &a, nil
}
