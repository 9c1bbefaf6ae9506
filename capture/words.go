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
	noCode  = -1
)

// words is the dictionary of a categorical column: the cells that it met first, each with its canonical spelling. A
// cell has one place to be in, by its hash. What was met first keeps the place, so that a column of ever new values
// costs no memory.
type words struct {
	slots [Codes]word
}

type word struct {
	cell, text string // as captured, as counted; empty while the place is free
}

// code is the place of a cell, or noCode when another has it.
func (w *words) code(cell []byte) int {
	if len(cell) > maxWord {
		return noCode
	}
	i := hash(cell)
	s := &w.slots[i]
	if s.cell == string(cell) {
		return i
	}
	if s.cell != "" {
		return noCode
	}
	s.cell = string(cell)
	s.text = string(Canonical(cell))
	return i
}

// hash mixes the length and the first and last eight bytes.
func hash(cell []byte) int {
	var first, last uint64
	switch n := len(cell); {
	case n >= 8:
		first, last = binary.LittleEndian.Uint64(cell), binary.LittleEndian.Uint64(cell[n-8:])
	case n >= 4:
		first, last = uint64(binary.LittleEndian.Uint32(cell)), uint64(binary.LittleEndian.Uint32(cell[n-4:]))
	default:
		for _, c := range cell {
			first = first<<8 | uint64(c)
		}
	}
	const odd = 0x9e3779b97f4a7c15
	high, low := bits.Mul64(first^uint64(len(cell))*odd, odd^last)
	return int((high ^ low) % Codes)
}

// setWord gives the last row the category that a cell, which is not empty, stands for.
func (c *column) setWord(row int, cell []byte) {
	code := c.words.code(cell)
	from := c.offsets[row]
	if code >= 0 {
		c.text = append(c.text[:from], c.words.slots[code].text...)
	} else {
		c.text = append(c.text[:from], Canonical(cell)...)
	}
	c.offsets[row+1] = int32(len(c.text))
	c.codes[row] = int16(code)
	c.valid[row/8] |= 1 << (row % 8)
}

// Text is the value of categorical column i in a row, if it has one. It is in the batch's memory.
func (b *Batch) Text(i int, row int32) (text string, present bool) {
	c := &b.columns[i]
	if c.valid[row/8]&(1<<(row%8)) == 0 {
		return "", false
	}
	from, to := c.offsets[row], c.offsets[row+1]
	return unsafe.String(unsafe.SliceData(c.text[from:to]), int(to-from)), true
}

// Codes is, for each row of categorical column i, a number below [Codes] that stands for its value, or -1: rows of one
// code have one value, but not every value has a code. Codes keep their meaning as long as the batch.
func (b *Batch) Codes(i int) []int16 { return b.columns[i].codes[:b.Rows()] }
