package profile

import (
	"math"

	"tidemark/capture"
)

// blockRows is how many numbers are counted at a time: they stay in the processor's cache.
const blockRows = 1024

// numbers is the finite ones of some rows of a column, and the bin of each.
type numbers struct {
	n      int
	values [blockRows]float64
	bins   [blockRows]uint8
	others []uint16 // places in the block of those that are in no cell of the grid
	block  [blockRows]float64
}

// observe counts the rows of a column in a few short passes: what it keeps of each number fits the processor's registers
// in each pass, but not in all at once, and what one pass looks up in tables does not wait for the pass before.
func (b *numbers) observe(f *Feature, g *grid, values []float64, rows, invalid []int32) {
	for len(rows) > 0 {
		some := rows[:min(len(rows), blockRows)]
		rows = rows[len(some):]
		if !g.small {
			f.observePlainly(values, some, &invalid)
			continue
		}
		block := b.take(values, some)
		b.find(g, block)
		within := b.n
		for _, i := range b.others {
			b.addOther(f, g, block[i], some[i], &invalid)
		}
		b.countBins(f, g)
		f.Moments.widen(b.values[within:b.n])
		if f.Moments.Min > g.from || f.Moments.Max < g.to { // else those in the grid are within
			f.Moments.widen(b.values[:within])
		}
		f.Fractional += f.Moments.addAll(b.values[:b.n])
		f.Negative += b.negative(&f.Moments)
	}
}

// take returns the numbers of rows, which mostly follow each other.
func (b *numbers) take(values []float64, rows []int32) []float64 {
	first, last := int(rows[0]), int(rows[len(rows)-1])
	if last-first == len(rows)-1 {
		return values[first : last+1]
	}
	block := b.block[:len(rows)]
	for i, row := range rows {
		block[i] = values[row]
	}
	return block
}

// find takes the numbers of a block that are in the grid, each with its bin, and notes the places of the others. It takes
// four at a time, mostly without looking at each.
func (b *numbers) find(g *grid, block []float64) {
	values, bins, n, at := &b.values, &b.bins, uint(0), 0
	b.others = b.others[:0]
	for ; at < len(block)-3 && n <= blockRows-4; at += 4 {
		x0, x1, x2, x3 := block[at], block[at+1], block[at+2], block[at+3]
		cell0, cell1, cell2, cell3 := g.cell(x0), g.cell(x1), g.cell(x2), g.cell(x3)
		if cell0|cell1|cell2|cell3 >= g.cells { // which is a power of two
			n = b.findEach(g, n, block, at, at+4)
			continue
		}
		values[n], values[n+1], values[n+2], values[n+3] = x0, x1, x2, x3
		bins[n], bins[n+1], bins[n+2], bins[n+3] = g.bin(cell0, x0), g.bin(cell1, x1), g.bin(cell2, x2), g.bin(cell3, x3)
		n += 4
	}
	b.n = int(b.findEach(g, n, block, at, len(block)))
}

// findEach is find for a part of a block, one by one, when n were taken.
func (b *numbers) findEach(g *grid, n uint, block []float64, from, to int) uint {
	for at := from; at < to; at++ {
		x := block[at]
		cell := g.cell(x)
		if cell >= g.cells {
			b.others = append(b.others, uint16(at))
			continue
		}
		b.values[n], b.bins[n] = x, g.bin(cell, x)
		n++
	}
	return n
}

// addOther takes a number that is in no cell, with its bin, if it is finite, or counts what it is.
func (b *numbers) addOther(f *Feature, g *grid, x float64, row int32, invalid *[]int32) {
	if x-x != 0 {
		f.observeOdd(x, row, invalid)
		return
	}
	bin := g.outside(f.Layout, x)
	if bin == 0 || bin == len(f.Bins)-1 {
		f.place(bin, x)
	}
	b.values[b.n], b.bins[b.n] = x, uint8(bin)
	b.n++
}

// countBins counts the numbers in their bins.
func (b *numbers) countBins(f *Feature, g *grid) {
	values := b.values[:b.n]
	bins := b.bins[:len(values)]
	counts, offsets := f.Bins, f.Offsets[:len(f.Bins)]
	for i, x := range values {
		bin := int(bins[i])
		counts[bin]++
		offsets[bin] += g.steps[bin].offset(x)
	}
}

// negative is how many of the numbers are below 0, once they are among the moments.
func (b *numbers) negative(m *Moments) (n int64) {
	switch {
	case m.Min >= 0:
		return 0
	case m.Max < 0:
		return int64(b.n)
	}
	for _, x := range b.values[:b.n] {
		if x < 0 {
			n++
		}
	}
	return n
}

// observePlainly counts the numbers of rows one by one.
func (f *Feature) observePlainly(values []float64, rows []int32, invalid *[]int32) {
	for _, row := range rows {
		x := values[row]
		if x-x != 0 {
			f.observeOdd(x, row, invalid)
			continue
		}
		bin := f.Layout.bin(x)
		f.Bins[bin]++
		f.place(bin, x)
		f.Moments.Add(x)
		if x != math.Trunc(x) {
			f.Fractional++
		}
		if x < 0 {
			f.Negative++
		}
	}
}

// observeOdd counts a null, an infinity, or what is not a number.
func (f *Feature) observeOdd(x float64, row int32, invalid *[]int32) {
	switch {
	case capture.IsNull(x):
		f.countNull(row, invalid)
	case math.IsNaN(x):
		f.NaN++
	default:
		f.Inf++
		f.Bins[f.Layout.bin(x)]++
		if x < 0 {
			f.Negative++
		}
	}
}
