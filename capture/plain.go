package capture

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/bits"
)

// setPlain sets the side to one CSV row without quotes, which is a part of a record.
func (p *payload) setPlain(field string, text []byte, captured bool) {
	p.reset(field)
	if !captured {
		return
	}
	p.form, p.plain, p.text, p.across = csvForm, true, text, 1
}

// fillPlain gives the last row of the batch the cells of a CSV row without quotes, reading each byte once. It is false
// when the cells are not as many as the columns: then the values are not those of the row.
func (b *Batch) fillPlain(h *half, text []byte) bool {
	row, columns := len(b.times)-1, b.columns[h.first:h.first+h.n]
	more := true // cells to come
	for i := range columns {
		if !more {
			return false
		}
		n := b.fillCell(&columns[i], h.first+i, row, text)
		if more = n < len(text); more {
			text = text[n+1:]
		}
	}
	return !more
}

// fillCell gives the last row of the batch the value that text begins with, and returns the length of its cell.
func (b *Batch) fillCell(c *column, i, row int, text []byte) int {
	if c.kind == Numeric {
		if v, n, ok := shortNumber(text); ok {
			c.floats[row] = v
			c.valid[row/8] |= 1 << (row % 8)
			return n
		}
	}
	n := cellEnd(text)
	b.setCell(i, text[:n])
	return n
}

// cellEnd is the length of the first cell.
func cellEnd(text []byte) int {
	if n := bytes.IndexByte(text, ','); n >= 0 {
		return n
	}
	return len(text)
}

const (
	ones   = 0x0101010101010101
	highs  = 0x80 * ones
	dots   = '.' * ones
	commas = ',' * ones
	zeros  = '0' * ones
)

// zeroBytes has the high bit of a byte set if the byte is zero; bits above the lowest set one may be wrong.
func zeroBytes(w uint64) uint64 { return (w - ones) &^ w & highs }

// shortNumber is decimal for the cell that text begins with, if it has at most eight digits, and returns its length.
// It works on eight characters at a time (Lemire, "Number Parsing at a Gigabyte per Second", 2021), without a branch
// that depends on the value. It looks beyond the end of text, within its memory.
func shortNumber(text []byte) (v float64, n int, ok bool) {
	const window = 18
	if cap(text) < window {
		return 0, 0, false
	}
	t := text[:window]
	var sign uint64
	at := 0
	if t[0] == '-' {
		sign, at = 1<<63, 1
	}
	first := binary.LittleEndian.Uint64(t[at:])
	// The end of the cell: a comma, or the end of text.
	end := bits.TrailingZeros64(zeroBytes(first^commas)) >> 3
	if end == 8 && t[at+8] != ',' {
		end = 9
		if t[at+9] != ',' {
			end = 10
		}
	}
	if left := len(text) - at; end >= left {
		end = left
	} else if end == 10 {
		return 0, 0, false
	}
	point := bits.TrailingZeros64(zeroBytes(first^dots)) >> 3
	digits, decimals := end, 0
	word := first
	if point < end {
		if point == 8 {
			return 0, 0, false
		}
		digits, decimals = end-1, end-1-point
		word = first&(1<<(8*point)-1) | binary.LittleEndian.Uint64(t[at+point+1:])<<(8*point)
	}
	if digits < 1 || digits > 8 {
		return 0, 0, false
	}
	// Right-align the digits: what is missing of eight become zeros before them.
	shift := 64 - 8*uint(digits)
	word = word<<shift ^ zeros<<shift
	if (word+0x76*ones|word)&highs != 0 {
		return 0, 0, false
	}
	word = word*10 + word>>8
	const pairs = 0x000000ff000000ff
	number := ((word&pairs)*(100+1_000_000<<32) + (word>>16&pairs)*(1+10_000<<32)) >> 32
	v = float64(uint32(number)) / powersOfTen[decimals]
	return math.Float64frombits(math.Float64bits(v) | sign), at + end, true
}
