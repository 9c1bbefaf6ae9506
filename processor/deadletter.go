package processor

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/capture"
)

// Headers of dead letters. Those of Kafka Connect are for tools that know them.
const (
	headerConnect = "__connect.errors."
	headerReason  = "tidemark-reason"
	headerOmitted = "tidemark-omitted" // bytes of a record that is too large to be kept
)

// maxDeadLetter is how large a record may be to be kept; the rest is for the headers that say why.
const maxDeadLetter = maxBatchBytes - 64<<10

// deadLetter returns the record that keeps one that cannot be used, with headers that say why.
func deadLetter(topic string, r *kgo.Record, why *capture.Error) *kgo.Record {
	letter := &kgo.Record{Topic: topic, Key: r.Key, Value: r.Value, Headers: slices.Clone(r.Headers)}
	add := func(key, value string) {
		letter.Headers = append(letter.Headers, kgo.RecordHeader{Key: key, Value: []byte(value)})
	}
	if n := size(r); n > maxDeadLetter {
		letter.Key, letter.Value, letter.Headers = nil, nil, nil
		add(headerOmitted, strconv.Itoa(n))
	}
	if letter.Key == nil {
		letter.Key = []byte{} // a record without a key would name its partition
	}
	add(headerConnect+"topic", r.Topic)
	add(headerConnect+"partition", fmt.Sprint(r.Partition))
	add(headerConnect+"offset", fmt.Sprint(r.Offset))
	add(headerConnect+"connector.name", "tidemark")
	add(headerConnect+"stage", "VALUE_CONVERTER")
	add(headerConnect+"exception.class.name", "tidemark."+string(why.Reason))
	add(headerConnect+"exception.message", why.Error())
	add(headerReason, string(why.Reason))
	return letter
}

// size is the bytes of a record.
func size(r *kgo.Record) int {
	n := len(r.Key) + len(r.Value)
	for _, h := range r.Headers {
		n += len(h.Key) + len(h.Value) + 16
	}
	return n
}
