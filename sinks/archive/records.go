package archive

import (
	"tidemark/capture"
)

// Record is one record of a capture topic.
type Record struct {
	Offset    int64
	Timestamp int64 // Kafka's, in milliseconds since the Unix epoch
	Endpoint  string
	Variant   string // as the record's headers say; may be empty, as Endpoint
	Value     []byte
	// Unreadable says why the value is not there; the record may stand for several.
	Unreadable string
}

// Records are those that wait to become an object: all from START up to End.
type Records struct {
	Start, End int64 // End grows with control records too
	Epoch      int32 // the partition leader's, of the last record
	Bytes      int64

	records []Record
	block   []byte
	oldest  int64
	some    bool // records were added
}

const (
	blockBytes  = 1 << 20
	recordBytes = 96 // that a record takes besides its value, about
)

// NewRecords returns none yet, from START on.
func NewRecords(start int64, epoch int32) *Records {
	return &Records{Start: start, End: start, Epoch: epoch}
}

// Add takes in a record and copies its value.
func (r *Records) Add(record Record) {
	if len(r.block)+len(record.Value) > cap(r.block) {
		r.block = make([]byte, 0, max(blockBytes, len(record.Value)))
	}
	from := len(r.block)
	r.block = append(r.block, record.Value...)
	record.Value = r.block[from:len(r.block):len(r.block)]
	r.records = append(r.records, record)
	if !r.some {
		r.oldest, r.some = record.Timestamp, true
	}
	r.Bytes += int64(len(record.Value)) + recordBytes
}

// Pass notes that the record before end was read, whether it was added or is of no interest.
func (r *Records) Pass(end int64, epoch int32) { r.End, r.Epoch = end, epoch }

// Oldest is the timestamp of the first record.
func (r *Records) Oldest() (ms int64, ok bool) { return r.oldest, r.some }

// Drop gives up the records, once they are decoded. What is said of them stays.
func (r *Records) Drop() { r.records, r.block = nil, nil }

// Source says how the records of a topic are read.
type Source struct {
	Endpoint, Variant string // of records that do not say; may be empty
	// Schemas are those that an endpoint's captures may have, the likeliest first; none if nobody watches it. It returns
	// the same pointers each time.
	Schemas func(endpoint, variant string) []*capture.Schema
}
