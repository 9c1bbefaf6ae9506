package processor

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/capture"
)

// Headers of dead letters. Those of Kafka Connect are for tools that know them.
const (
	headerConnect   = "__connect.errors."
	headerReason    = "tidemark-reason"
	headerTimestamp = "tidemark-timestamp" // the record's own (ms): its event time, where it has no other
	headerKeyless   = "tidemark-keyless"   // the record had no key
	headerOmitted   = "tidemark-omitted"   // bytes of a record that is too large to be kept
	headerAttempts  = "tidemark-attempts"  // how often the record was replayed; it stays with it
)

// maxDeadLetter is how large a record may be to be kept; the rest is for the headers that say why.
const maxDeadLetter = maxBatchBytes - 64<<10

// deadLetter returns the record that keeps one that cannot be used, with headers that say why. Headers of their names that
// a producer made up are not kept.
func deadLetter(topic string, r *kgo.Record, why *capture.Error) *kgo.Record {
	letter := &kgo.Record{Topic: topic, Key: r.Key, Value: r.Value}
	for _, h := range r.Headers {
		_, err := strconv.ParseUint(string(h.Value), 10, 31)
		if replayed := h.Key == headerAttempts && err == nil; replayed || !reserved(h.Key) {
			letter.Headers = append(letter.Headers, h)
		}
	}
	add := func(key, value string) {
		letter.Headers = append(letter.Headers, kgo.RecordHeader{Key: key, Value: []byte(value)})
	}
	if n := size(r); n > maxDeadLetter {
		letter.Key, letter.Value, letter.Headers = nil, nil, nil
		add(headerOmitted, strconv.Itoa(n))
	}
	if letter.Key == nil {
		letter.Key = []byte{} // a record without a key would name its partition
		add(headerKeyless, "")
	}
	add(headerConnect+"topic", r.Topic)
	add(headerConnect+"partition", fmt.Sprint(r.Partition))
	add(headerConnect+"offset", fmt.Sprint(r.Offset))
	add(headerConnect+"connector.name", "tidemark")
	add(headerConnect+"stage", "VALUE_CONVERTER")
	add(headerConnect+"exception.class.name", "tidemark."+string(why.Reason))
	add(headerConnect+"exception.message", why.Error())
	add(headerReason, string(why.Reason))
	if !r.Timestamp.IsZero() {
		add(headerTimestamp, strconv.FormatInt(r.Timestamp.UnixMilli(), 10))
	}
	return letter
}

// reserved says whether a header is one of dead letters.
func reserved(key string) bool {
	return strings.HasPrefix(key, headerConnect) || slices.Contains([]string{headerReason, headerTimestamp, headerKeyless, headerOmitted, headerAttempts}, key)
}

// DeadLetter is what a dead letter's headers say.
type DeadLetter struct {
	Reason    string
	Message   string // names the field, the value and what was expected
	Topic     string // where the record was
	Partition int32
	Offset    int64
	Attempts  int  // how often it was replayed
	Omitted   bool // the record itself is not kept: it was too large
	timestamp time.Time
	keyless   bool
}

// ReadDeadLetter reads the headers of a record of the dead-letter topic. Where a header is there twice, the last counts.
func ReadDeadLetter(r *kgo.Record) (DeadLetter, error) {
	d := DeadLetter{Partition: -1, Offset: -1}
	for _, h := range r.Headers {
		value, err := string(h.Value), error(nil)
		switch h.Key {
		case headerReason:
			d.Reason = value
			d.Omitted = d.Omitted || value == string(capture.ReasonSize)
		case headerConnect + "exception.message":
			d.Message = value
		case headerConnect + "topic":
			d.Topic = value
		case headerConnect + "partition":
			var n int64
			n, err = strconv.ParseInt(value, 10, 32)
			d.Partition = int32(n)
		case headerConnect + "offset":
			d.Offset, err = strconv.ParseInt(value, 10, 64)
		case headerAttempts:
			d.Attempts, err = strconv.Atoi(value)
		case headerTimestamp:
			var ms int64
			ms, err = strconv.ParseInt(value, 10, 64)
			d.timestamp = time.UnixMilli(ms)
		case headerKeyless:
			d.keyless = true
		case headerOmitted:
			d.Omitted = true
		}
		if err != nil {
			return d, fmt.Errorf("read the dead letter at %s/%d offset %d: header %s is %q: %w", r.Topic, r.Partition, r.Offset, h.Key, value, err)
		}
	}
	if d.Reason == "" || d.Topic == "" || d.Partition < 0 {
		return d, fmt.Errorf("read the dead letter at %s/%d offset %d: its headers do not say where it comes from, so Tidemark did not write it", r.Topic, r.Partition, r.Offset)
	}
	return d, nil
}

// again returns the record as it was, for its own topic and partition, marked as replayed once more.
func (d *DeadLetter) again(letter *kgo.Record) *kgo.Record {
	r := &kgo.Record{Topic: d.Topic, Partition: d.Partition, Key: letter.Key, Value: letter.Value, Timestamp: d.timestamp}
	if d.keyless {
		r.Key = nil
	}
	for _, h := range letter.Headers {
		if !reserved(h.Key) {
			r.Headers = append(r.Headers, h)
		}
	}
	r.Headers = append(r.Headers, kgo.RecordHeader{Key: headerAttempts, Value: []byte(strconv.Itoa(d.Attempts + 1))})
	return r
}

// size is the bytes of a record.
func size(r *kgo.Record) int {
	n := len(r.Key) + len(r.Value)
	for _, h := range r.Headers {
		n += len(h.Key) + len(h.Value) + 16
	}
	return n
}
