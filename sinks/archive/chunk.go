package archive

import (
	"tidemark/capture"
)

// A chunk has at most so many rows, and values in all, and becomes a row group.
const (
	chunkRows  = 128 << 10
	chunkCells = 6 << 20
)

// chunk is some rows: the columns that all have, and the rest in one batch for each schema.
type chunk struct {
	fixed
	batches map[*capture.Schema]*capture.Batch
	of      []*capture.Schema // of each row; nil where there is none
	at      []int32           // of each row, its place in the batch
	cells   int               // values in the batches
	most    int               // that was used since it was made

	schema *capture.Schema // of the last row that had one
	batch  *capture.Batch  // and its batch
}

// reset empties the chunk. What its last rows had no use for is given up.
func (k *chunk) reset() {
	k.fixed.reset()
	for schema, batch := range k.batches {
		if batch.Rows() == 0 {
			delete(k.batches, schema)
		}
		batch.Reset()
	}
	k.of, k.at, k.cells = k.of[:0], k.at[:0], 0
	k.schema, k.batch = nil, nil
}

// full says whether it has as many rows or values as it may.
func (k *chunk) full() bool { return len(k.of) >= chunkRows || k.cells >= chunkCells }

// used is how many values there are, about, those of the columns that all rows have included.
func (k *chunk) used() int {
	const fixed = 8
	return k.cells + fixed*len(k.of) + (len(k.eventID.data)+len(k.inferenceID.data)+len(k.error.data)+len(k.raw.data))/cellBytes
}

// batchOf returns the batch for rows of a schema.
func (k *chunk) batchOf(schema *capture.Schema) *capture.Batch {
	if schema == k.schema {
		return k.batch
	}
	batch := k.batches[schema]
	if batch == nil {
		batch = capture.NewBatch(*schema)
		k.batches[schema] = batch
	}
	k.schema, k.batch = schema, batch
	return batch
}

// stretch is rows that follow each other in their batch too.
type stretch struct {
	schema *capture.Schema
	batch  *capture.Batch // nil where the rows are in none
	from   int
	n      int
}

// stretches are all rows.
func (k *chunk) stretches() []stretch {
	var all []stretch
	for row := 0; row < len(k.of); {
		s := stretch{schema: k.of[row], from: int(k.at[row])}
		if s.schema != nil {
			s.batch = k.batches[s.schema]
		}
		for row < len(k.of) && k.of[row] == s.schema && (s.batch == nil || int(k.at[row]) == s.from+s.n) {
			row++
			s.n++
		}
		all = append(all, s)
	}
	return all
}
