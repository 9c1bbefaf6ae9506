package capture

import (
	"encoding/binary"
	"math/bits"
	"unsafe"
)

// Codes is how many codes [Batch.Codes] has.
const Codes = 64

const (
	maxWord = 64 // bytes of a word that is worth keeping
	noCode  = -1 // of a value that is not in the dictionary
	noValue = -2
)

// words is the dictionary of a categorical column: the cells that it met first, each with its canonical spelling. A
// cell has one place to be in, by its hash. What was met first keeps the place, so that a column of ever new values
// costs no memory.
type words struct {
	slots [Codes]word
}

type word struct {
	first, second uint64 // of a cell of at most 16 bytes: its bytes, and zeros
	cell, text    string // as captured, as counted; empty while the place is free
}

// code is the place of a cell, which is not empty, or noCode when another has it.
func (w *words) code(cell []byte) int {
	if len(cell) > maxWord {
		return noCode
	}
	first, second := ends(cell)
	i := place(first, second)
	s := &w.slots[i]
	if s.cell == string(cell) {
		return i
	}
	if s.cell != "" {
		return noCode
	}
	*s = word{first, second, string(cell), string(Canonical(cell))}
	return i
}

// ends is the first eight bytes of a cell and the next eight, or, of one of more than 16, the last ones.
func ends(cell []byte) (first, second uint64) {
	var short [16]byte
	if len(cell) <= len(short) {
		copy(short[:], cell)
		cell = short[:]
	}
	return binary.LittleEndian.Uint64(cell), binary.LittleEndian.Uint64(cell[len(cell)-8:])
}

// place is where a cell with such ends may be.
func place(first, second uint64) int {
	const odd = 0x9e3779b97f4a7c15
	high, low := bits.Mul64(first^odd, odd^second)
	return int((high ^ low) % Codes)
}

// setWord gives a row the category that a cell, which is not empty, stands for.
func (c *column) setWord(row int, cell []byte) {
	if code := c.words.code(cell); code >= 0 {
		c.codes[row] = int16(code)
		return
	}
	c.setText(row, Canonical(cell))
}

// Text is the value of categorical column i in a row, if it has one. It is in the batch's memory.
func (b *Batch) Text(i int, row int32) (text string, present bool) { return b.columns[i].value(row) }

func (c *column) value(row int32) (text string, present bool) {
	switch code := c.codes[row]; code {
	case noValue:
		return "", false
	case noCode:
		s := c.spans[row]
		return unsafe.String(unsafe.SliceData(c.text[s.from:s.to]), int(s.to-s.from)), true
	default:
		return c.words.slots[code].text, true
	}
}

// Codes is, for each row of categorical column i, a number below [Codes] that stands for its value, or a negative one:
// rows of one code have one value, but not every value has a code. Codes keep their meaning as long as the batch.
func (b *Batch) Codes(i int) []int16 { return b.columns[i].codes[:b.Rows()] }

// find is the code of the cell that text begins with, and its length, if the cell is in the dictionary and has at most
// 16 bytes. The cell ends at a comma or after limit bytes; what is behind it must be in memory and may be anything.
func (w *words) find(text []byte, limit int) (code, n int) {
	if len(text) < window {
		return noCode, 0
	}
	t := (*[window]byte)(text)
	first, second := binary.LittleEndian.Uint64(t[:]), binary.LittleEndian.Uint64(t[8:])
	within := below(zeroBytes(first ^ commas))
	beyond := below(zeroBytes(second^commas)) & -(within >> 63) // nothing when the first eight end the cell
	n = bytesIn(within) + bytesIn(beyond)
	if n >= limit {
		n = limit
		within, beyond = masks[n], masks[max(n, 8)-8]
	} else if t[n] != ',' {
		return noCode, 0
	}
	return w.short(first&within, second&beyond, n), n
}

// bytesIn is how many bytes are in a mask.
func bytesIn(mask uint64) int { return int(mask & ones * ones >> 56) }

// masks are of the first n of eight bytes; of more than eight, all.
var masks = func() (all [17]uint64) {
	for n := range all {
		all[n] = 1<<(8*min(n, 8)) - 1
	}
	return all
}()

// findAt is the code of the cell of n bytes that a part of text is, if it is in the dictionary and has at most 16 bytes, which
// are at least so many before the end of text.
func (w *words) findAt(text []byte, from, n int) int {
	if n > 16 || from+16 > len(text) {
		return noCode
	}
	t := (*[16]byte)(text[from:])
	first, second := binary.LittleEndian.Uint64(t[:]), binary.LittleEndian.Uint64(t[8:])
	return w.short(first&masks[n], second&masks[max(n, 8)-8], n)
}

// short is the code of a cell of n bytes, at most 16, if it is in the dictionary and not empty. The bytes behind them are zeros.
func (w *words) short(first, second uint64, n int) int {
	i := place(first, second)
	if s := &w.slots[i]; s.first != first || s.second != second || len(s.cell) != n || n == 0 {
		return noCode
	}
	return i
}
