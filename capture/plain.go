package capture

import (
	"bytes"
	"math/bits"
	"unsafe"
)

// fillPlain gives the last row of the batch, which is blank, the cells of a CSV row without quotes, reading each byte
// once. It is false when the cells are not as many as the columns, or when the text has no quote behind it, or ends too near
// the end of the memory that it is in: then the values are not those of the row.
func (b *Batch) fillPlain(h *half, text []byte) bool {
	row, columns := len(b.times)-1, b.columns[h.first:h.first+h.n]
	behind, at, end := text[:cap(text)], 0, len(text)
	if end+window > len(behind) || behind[end] != '"' {
		return false
	}
	for i := 0; i < len(columns); i++ {
		if at > end {
			return false
		}
		if run := h.runs[i]; run > 0 {
			read, next := shortNumbers(columns[i:i+run], row, behind, at, end)
			if i, at = i+read, next; read == run {
				i--
				continue
			}
			if at > end {
				return false
			}
		}
		c := &columns[i]
		if c.words == nil {
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

// shortNumbers gives a row the cells that text[at:] begins with, which are those of numeric columns, as long as they are
// numbers of at most eight characters and seven digits, or eight digits without a point. It returns how many it read
// and where the next cell begins. The row is the text up to end, where there must be a quote, and another window behind.
//
// It works on eight characters at a time (Lemire, "Number Parsing at a Gigabyte per Second", 2021), without a branch
// that depends on the value: which of them are no digits tells the number's shape, and that where the next cell begins,
// before anything else is known of this one. The digits are added up two by two, each pair with the weight that its place
// gives it, so that nothing need be moved to close the gap where the point is.
func shortNumbers(columns []column, row int, text []byte, at, end int) (read, next int) {
	base, shapes := unsafe.Pointer(unsafe.SliceData(text)), shapes
	for read = range columns {
		c := &columns[read]
		t := unsafe.Add(base, at)
		word := *(*uint64)(t)
		known := word & tens * gather >> 56
		s := &shapes.pointed[known]
		rest := word ^ s.pattern
		if (rest+s.limits|rest)&s.checked != 0 {
			s = &shapes.whole[known]
			if rest = word ^ s.pattern; (rest+s.limits|rest)&s.checked != 0 {
				return read, at
			}
		}
		n := int(s.length)
		delimiter := *(*byte)(unsafe.Add(t, n))
		rest &= s.digits
		rest = rest*10 + rest>>8 // each pair of digits is a number, in the lower byte of two
		c.floats[row] = float64((rest&pairs*s.outer+rest>>16&pairs*s.inner)>>32) / s.divisor
		if delimiter != ',' {
			if at+n == end {
				return read + 1, end + 1
			}
			return read, at
		}
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
	ones        = 0x0101010101010101
	highs       = 0x80 * ones
	commas      = ',' * ones
	quotes      = '"' * ones
	backslashes = '\\' * ones
	zeros       = '0' * ones
	tens        = 0x10 * ones        // a digit has this bit, and a point, a comma, a minus and a quote have not
	gather      = 0x0010204081020408 // times this, these bits are the highest byte, the first character's the lowest
	pairs       = 0x000000ff000000ff // the first and the third pair of eight digits
)

// zeroBytes has the high bit of a byte set if the byte is zero; bits above the lowest set one may be wrong.
func zeroBytes(w uint64) uint64 { return (w - ones) &^ w & highs }

// below is a mask of the bytes before the lowest one that is marked by its high bit: all when none is.
func below(marks uint64) uint64 { return (marks&-marks)>>7 - 1 }

// window is how far beyond the beginning of a cell the functions look that read it at a stroke.
const window = 32

// shape is what eight characters are that a number begins: perhaps a minus, digits, perhaps with a point among them, and
// perhaps characters behind it.
type shape struct {
	pattern      uint64 // the characters of a number that has zeros for digits
	limits       uint64 // added to how a character differs from it, this sets the high bit if it must not
	checked      uint64 // the high bits of the number's characters
	digits       uint64 // where its digits are, a mask
	outer, inner uint64 // ten times the weights of pairs: of the third and the first, and of the fourth and the second
	divisor      float64
	length       uint64
}

// shapes is by which characters may be digits, a bit each: of the numbers that have a point where the first other
// character is, but for a minus before all, and of those that end there.
var shapes = newShapes()

type shapeTables struct{ pointed, whole [256]shape }

func newShapes() *shapeTables {
	all := &shapeTables{}
	for known := range 256 {
		others := ^uint8(known)
		sign, later := int(others&1), others&^1
		first, second := bits.TrailingZeros8(later), bits.TrailingZeros8(later&(later-1))
		all.pointed[known], all.whole[known] = newShape(sign, first, second), newShape(sign, first, first)
	}
	return all
}

// newShape is the shape of a number of so many characters with the point at a place, or, if that is its length, without.
func newShape(sign, point, length int) shape {
	if point == sign {
		return shape{limits: highs, checked: highs} // no number, whatever the characters are
	}
	s := shape{length: uint64(length), divisor: powersOfTen[1+max(length-point-1, 0)]}
	weights, weight := [4]uint64{}, uint64(1) // of the last digit, were it the first of a pair
	for i := length - 1; i >= 0; i-- {
		shift := 8 * i
		s.checked |= 0x80 << shift
		switch {
		case i < sign:
			s.pattern |= '-' << shift
			s.limits |= 0x7f << shift
			s.divisor = -s.divisor
			continue
		case i == point:
			s.pattern |= '.' << shift
			s.limits |= 0x7f << shift
			continue
		case i%2 == 0:
			weights[i/2] = weight
		default:
			weights[i/2] = 10 * weight
		}
		s.pattern |= '0' << shift
		s.limits |= 0x76 << shift
		s.digits |= 0xff << shift
		weight *= 10
	}
	s.outer, s.inner = weights[2]|weights[0]<<32, weights[3]|weights[1]<<32
	return s
}
