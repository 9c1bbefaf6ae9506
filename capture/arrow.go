package capture

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// Record returns the rows as an Arrow record batch, which holds until the next row or Reset.
func (b *Batch) Record() arrow.RecordBatch {
	columns := make([]arrow.Array, len(b.columns))
	for i := range b.columns {
		columns[i] = b.Column(i)
	}
	return array.NewRecordBatch(b.schema, columns, int64(b.Rows()))
}

// Column returns column i as an Arrow array (float64 or string), which holds until the next row or Reset. Numbers share
// the batch's memory.
func (b *Batch) Column(i int) arrow.Array {
	c, n := &b.columns[i], b.Rows()
	valid, nulls := c.valid(n)
	buffers := []*memory.Buffer{memory.NewBufferBytes(valid)}
	if c.kind == Categorical {
		offsets, text := c.texts(n)
		buffers = append(buffers, memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(offsets)), memory.NewBufferBytes(text))
		data := array.NewData(arrow.BinaryTypes.String, n, buffers, nil, nulls, 0)
		defer data.Release()
		return array.NewStringData(data)
	}
	buffers = append(buffers, memory.NewBufferBytes(arrow.Float64Traits.CastToBytes(c.floats[:n])))
	data := array.NewData(arrow.PrimitiveTypes.Float64, n, buffers, nil, nulls, 0)
	defer data.Release()
	return array.NewFloat64Data(data)
}

// valid is the bitmap of the rows that have a value, and how many have none.
func (c *column) valid(n int) (bitmap []byte, nulls int) {
	bitmap = make([]byte, bitutil.BytesForBits(int64(n)))
	for row := range n {
		if c.kind == Categorical && c.codes[row] == noValue || c.kind == Numeric && IsNull(c.floats[row]) {
			nulls++
			continue
		}
		bitmap[row/8] |= 1 << (row % 8)
	}
	return bitmap, nulls
}

// texts is the categories one behind the other, and where each begins.
func (c *column) texts(n int) (offsets []int32, text []byte) {
	offsets = make([]int32, 1, n+1)
	for row := range int32(n) {
		value, _ := c.value(row)
		text = append(text, value...)
		offsets = append(offsets, int32(len(text)))
	}
	return offsets, text
}
