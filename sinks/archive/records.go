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

// Records are those that wait to become an object: all from START up to End, as rows.
type Records struct {
	Start, End int64 // End grows with control records too
	Epoch      int32 // the partition leader's, of the last record
	Bytes      int64 // that they had as they came, or that their values take if that is more

	decoder *Decoder
	table   Table
	chunk   *chunk // the table's last
	known   map[*capture.Schema]bool
	invalid map[int][]string // of the last record's rows: the columns that are invalid
	oldest  int64
	some    bool // records were added
}

const (
	recordBytes = 96 // that a record takes besides its value, about
	cellBytes   = 8
)

// Add takes in a record. Nothing of its value is kept that is not copied. What cannot be read becomes a row that says so.
func (r *Records) Add(record Record) {
	if r.chunk == nil || r.chunk.full() {
		r.chunk = r.decoder.newChunk()
		r.table.chunks = append(r.table.chunks, r.chunk)
	}
	cells := r.chunk.cells
	r.decode(&record)
	if !r.some {
		r.oldest, r.some = record.Timestamp, true
	}
	r.Bytes += recordBytes + max(int64(len(record.Value)), cellBytes*int64(r.chunk.cells-cells))
}

// Pass notes that the record before end was read, whether it was added or is of no interest.
func (r *Records) Pass(end int64, epoch int32) { r.End, r.Epoch = end, epoch }

// Oldest is the timestamp of the first record.
func (r *Records) Oldest() (ms int64, ok bool) { return r.oldest, r.some }

// Table counts the rows, once there are no more, and returns them.
func (r *Records) Table() *Table {
	if t := &r.table; t.Rows == 0 {
		t.count()
	}
	return &r.table
}

// Source says how the records of a topic are read.
type Source struct {
	Endpoint, Variant string // of records that do not say; may be empty
	// Schemas are those that an endpoint's captures may have, the likeliest first; none if nobody watches it. It returns
	// the same pointers each time.
	Schemas func(endpoint, variant string) []*capture.Schema
}
