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
	blocks  [][]byte // of values; the last is being filled
	spare   *Spare
	oldest  int64
	some    bool // records were added
}

// Spare is blocks of records that were archived, for the next ones: what waits takes the same memory over and over. It is not
// for concurrent use; its zero value is ready.
type Spare struct{ blocks [][]byte }

// maxSpare is how many blocks are kept.
const maxSpare = 64

// NewRecords is [NewRecords] with the memory of earlier ones.
func (s *Spare) NewRecords(start int64, epoch int32) *Records {
	r := NewRecords(start, epoch)
	r.spare = s
	return r
}

// Take takes the memory of records that are not read any more.
func (s *Spare) Take(r *Records) {
	for _, b := range r.blocks {
		if cap(b) == blockBytes && len(s.blocks) < maxSpare {
			s.blocks = append(s.blocks, b[:0])
		}
	}
	r.records, r.blocks = nil, nil
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
	last := len(r.blocks) - 1
	if last < 0 || len(r.blocks[last])+len(record.Value) > cap(r.blocks[last]) {
		r.blocks = append(r.blocks, r.newBlock(len(record.Value)))
		last++
	}
	block := append(r.blocks[last], record.Value...)
	record.Value = block[len(block)-len(record.Value) : len(block) : len(block)]
	r.blocks[last] = block
	r.records = append(r.records, record)
	if !r.some {
		r.oldest, r.some = record.Timestamp, true
	}
	r.Bytes += int64(len(record.Value)) + recordBytes
}

// newBlock returns an empty block, which has room for so many bytes.
func (r *Records) newBlock(bytes int) []byte {
	if s := r.spare; s != nil && len(s.blocks) > 0 && bytes <= blockBytes {
		b := s.blocks[len(s.blocks)-1]
		s.blocks = s.blocks[:len(s.blocks)-1]
		return b
	}
	return make([]byte, 0, max(blockBytes, bytes))
}

// Pass notes that the record before end was read, whether it was added or is of no interest.
func (r *Records) Pass(end int64, epoch int32) { r.End, r.Epoch = end, epoch }

// Oldest is the timestamp of the first record.
func (r *Records) Oldest() (ms int64, ok bool) { return r.oldest, r.some }

// Source says how the records of a topic are read.
type Source struct {
	Endpoint, Variant string // of records that do not say; may be empty
	// Schemas are those that an endpoint's captures may have, the likeliest first; none if nobody watches it. It returns
	// the same pointers each time.
	Schemas func(endpoint, variant string) []*capture.Schema
}
