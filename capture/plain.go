package capture

import (
	"bytes"
	"math/bits"
	"unsafe"
)

// fillPlain gives the last row of the batch, which is blank, the cells of a CSV row without quotes, reading each byte
// once. It is false when the cells are not as many as the columns: then the values are not those of the row.
func (b *Batch) fillPlain(h *half, text []byte) bool {
	row, columns := len(b.times)-1, b.columns[h.first:h.first+h.n]
	behind, at, end := text[:cap(text)], 0, len(text)
	for i := 0; i < len(columns); i++ {
		if at > end {
			return false
		}
		c := &columns[i]
		if c.words == nil {
			if read, next := shortNumbers(columns[i:], row, behind, at, end); read > 0 {
				i, at = i+read-1, next
				continue
			}
			if c.floats[row] = null; at == end || text[at] == ',' {
				at++
				continue
			}
		} else {
			if code, n := c.words.find(behind[at:], end-at); code >= 0 {
				c.codes[row] = int16(code)
				at += n + 1
				continue
			}
			c.codes[row] = noValue
		}
		n := cellEnd(text[at:])
		b.setCell(h.first+i, text[at:at+n])
		at += n + 1
	}
	return at == end+1
}

// shortNumbers gives a row the cells that text[at:] begins with, as long as they are those of numeric columns and
// numbers of at most eight characters and seven digits, or eight digits without a point. It returns how many it read
// and where the next cell begins. The text that the row is of ends at end; behind it there must be what no number has in
// it, such as a quote.
//
// It works on eight characters at a time (Lemire, "Number Parsing at a Gigabyte per Second", 2021), without a branch
// that depends on the value: which of them are no digits tells where the digits are. These are taken from the left
// and zeros put behind them, to make eight, so that what to divide them by depends on the place of the point alone.
func shortNumbers(columns []column, row int, text []byte, at, end int) (read, next int) {
	shapes, base := shapes, unsafe.Pointer(unsafe.SliceData(text))
	for read = range columns {
		c := &columns[read]
		if c.words != nil || at+window > len(text) {
			return read, at
		}
		t := unsafe.Add(base, at)
		word := *(*uint64)(t)
		s := &shapes[^word&tens*gather>>56]
		n := int(s.length)
		digits := (word&s.before | *(*uint64)(unsafe.Add(t, 1))&s.behind) ^ s.zeros
		if word&s.fixed != s.point { // there is no point, if it is a number at all
			n = int(s.whole)
			digits = (word ^ zeros) & s.before
			if n == 0 || word&s.fixed&0xff != s.point&0xff {
				return read, at
			}
		}
		if *(*byte)(unsafe.Add(t, n)) != ',' && at+n != end || (digits+0x76*ones|digits)&highs != 0 {
			return read, at
		}
		c.floats[row] = float64(eightDigits(digits)) / s.divisor
		at += n + 1
	}
	return len(columns), at
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
	commas = ',' * ones
	zeros  = '0' * ones
	tens   = 0x10 * ones        // a digit has this bit, and a point, a comma, a minus and a quote have not
	gather = 0x0010204081020408 // times this, these bits are the highest byte, the first character's the lowest
)

// zeroBytes has the high bit of a byte set if the byte is zero; bits above the lowest set one may be wrong.
func zeroBytes(w uint64) uint64 { return (w - ones) &^ w & highs }

// below is a mask of the bytes before the lowest one that is marked by its high bit: all when none is.
func below(marks uint64) uint64 { return (marks&-marks)>>7 - 1 }

// window is how far beyond the beginning of a cell the functions look that read it at a stroke.
const window = 32

// shape is where in eight characters the parts of a number are. A character that is no digit is a minus if it is the
// first; the next one is the point, or ends a number without one; and the one behind that ends a number with a point.
type shape struct {
	before, behind uint64  // masks of the digits before and behind the point, without the point
	zeros          uint64  // a zero for each of these digits
	fixed, point   uint64  // what the characters must be under a mask: a minus, a point
	divisor        float64 // of the eight digits, with the sign
	whole, length  uint64  // of a number without a point, and with one
}

// shapes is by which characters are no digits, a bit each.
var shapes = newShapes()

func newShapes() *[256]shape {
	var all [256]shape
	for others := range all {
		all[others] = newShape(uint8(others))
	}
	return &all
}

func newShape(others uint8) (s shape) {
	sign, later := int(others&1), others&^1
	whole, length := bits.TrailingZeros8(later), bits.TrailingZeros8(later&(later-1))
	if whole == sign {
		return shape{fixed: 0xff, point: 0x100} // no number
	}
	s.whole, s.length = uint64(whole), uint64(length)
	s.divisor = powersOfTen[8-whole]
	s.before = 1<<(8*whole) - 1
	if sign == 1 {
		s.divisor = -s.divisor
		s.before &^= 0xff
		s.fixed, s.point = 0xff, '-'
	}
	if whole < 8 {
		s.fixed |= 0xff << (8 * whole)
		s.point |= '.' << (8 * whole)
		s.behind = (1<<(8*(length-1)) - 1) &^ (1<<(8*whole) - 1)
	}
	s.zeros = zeros & (s.before | s.behind)
	return s
}

// eightDigits is the number of the digits that the bytes are, the first the lowest byte.
func eightDigits(word uint64) uint32 {
	const pairs = 0x000000ff000000ff
	word = word*10 + word>>8
	return uint32(((word&pairs)*(100+1_000_000<<32) + (word>>16&pairs)*(1+10_000<<32)) >> 32)
}
