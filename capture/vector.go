package capture

import (
	"encoding/binary"
	"math/bits"
)

// values are some values in Arrow's layout.
type values struct {
	n       int
	valid   []byte // a bit for each, or nil when there is no null
	offsets []byte // of texts, n+1
	data    []byte
}

// vector is the values of a field in a batch.
type vector struct {
	values
	texts values // of the dictionary, as it was when the batch came
}

// has says whether there is a value in a row.
func (v *values) has(row int) bool { return v.valid == nil || v.valid[row>>3]>>(row&7)&1 != 0 }

// offset is where text i begins; the one behind ends there.
func (v *values) offset(width, i int) int {
	if width == 4 {
		return int(int32(binary.LittleEndian.Uint32(v.offsets[4*i:])))
	}
	return int(binary.LittleEndian.Uint64(v.offsets[8*i:]))
}

// text is text i.
func (v *values) text(width, i int) []byte { return v.data[v.offset(width, i):v.offset(width, i+1)] }

// checkTexts looks whether the texts lie one behind the other within the data.
func (v *values) checkTexts(is arrowType) error {
	last := 0
	for i := range v.n + 1 {
		at := v.offset(is.width, i)
		if at < last {
			return broken("the offsets of its texts fall")
		}
		last = at
	}
	if last > len(v.data) {
		return broken("it has texts beyond their buffer")
	}
	return nil
}

// within says whether the indices of all rows that have a value are below n.
func (v *values) within(is arrowType, n int) bool {
	if is.width == 1 {
		most := uint8(0)
		for _, at := range v.data[:v.n] {
			most = max(most, at)
		}
		if int(most) < n {
			return true
		}
	}
	for row := range v.n {
		if at := v.index(is.width, row); at >= uint64(n) && v.has(row) {
			return false
		}
	}
	return true
}

// index is the index in a row, whose negative values, if it has a sign, are above all others.
func (v *values) index(width, row int) uint64 {
	switch width {
	case 1:
		return uint64(v.data[row])
	case 2:
		return uint64(binary.LittleEndian.Uint16(v.data[2*row:]))
	case 4:
		return uint64(binary.LittleEndian.Uint32(v.data[4*row:]))
	default:
		return binary.LittleEndian.Uint64(v.data[8*row:])
	}
}

// bits is the value in a row, without its sign.
func (v *values) bits(is arrowType, row int) uint64 {
	if is.kind == boolean {
		return uint64(v.data[row>>3] >> (row & 7) & 1)
	}
	return v.index(is.width, row)
}

// eachNull calls visit with each row that has no value.
func (v *values) eachNull(rows int, visit func(row int)) {
	if v.valid == nil {
		return
	}
	for i, valid := range v.valid[:(rows+7)/8] {
		for nulls := ^valid; nulls != 0; nulls &= nulls - 1 {
			if row := 8*i + bits.TrailingZeros8(nulls); row < rows {
				visit(row)
			}
		}
	}
}
