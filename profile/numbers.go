package profile

import (
	"math"

	"tidemark/capture"
)

// blockRows is how many numbers are counted at a time, a power of two: they stay in the processor's cache.
const blockRows = 1024

// numbers is the finite ones of some rows of a column, and the bin of each.
type numbers struct {
	n      int
	values [blockRows]float64
	bins   [blockRows]uint8
}

// observe counts the rows of a column in a few short passes: what it keeps of each number fits the processor's registers
// in each pass, but not in all at once, and what one pass looks up in tables does not wait for the pass before.
func (b *numbers) observe(f *Feature, g *grid, values []float64, rows, invalid []int32) {
	for len(rows) > 0 {
		n := min(len(rows), blockRows)
		if g.small {
			b.gather(f, g, values, rows[:n], &invalid)
			b.countBins(f, g)
		} else {
			b.countPlainly(f, values, rows[:n], &invalid)
		}
		f.Fractional += f.Moments.addAll(b.values[:b.n])
		f.Negative += b.negative(&f.Moments)
		rows = rows[n:]
	}
}

// gather takes the finite numbers of rows, each with how many edges are left of its cell, or of itself outside of the
// grid. It counts the others.
func (b *numbers) gather(f *Feature, g *grid, values []float64, rows []int32, invalid *[]int32) {
	left, n := g.left, 0
	for _, row := range rows {
		x := values[row]
		b.values[n&(blockRows-1)] = x
		at := g.place(x)
		if cell := uint64(int64(at)); at >= 0 && cell < uint64(len(left)) {
			b.bins[n&(blockRows-1)] = left[cell]
			n++
			continue
		}
		if x-x != 0 {
			f.observeOdd(x, row, invalid)
			continue
		}
		b.bins[n&(blockRows-1)] = f.observeOutside(x)
		n++
	}
	b.n = n
}

// countBins counts the numbers in their bins.
func (b *numbers) countBins(f *Feature, g *grid) {
	values := b.values[:b.n]
	bins := b.bins[:len(values)]
	for i, x := range values {
		right := uint8(0) // of the next edge
		if x >= g.edges[bins[i]] {
			right = 1
		}
		bins[i] += right
	}
	counts, offsets := f.Bins, f.Offsets[:len(f.Bins)]
	for i, x := range values {
		bin := int(bins[i])
		counts[bin]++
		offsets[bin] += g.steps[bin].offset(x)
	}
}

// countPlainly takes and counts the numbers of rows one by one.
func (b *numbers) countPlainly(f *Feature, values []float64, rows []int32, invalid *[]int32) {
	b.n = 0
	for _, row := range rows {
		x := values[row]
		if x-x != 0 {
			f.observeOdd(x, row, invalid)
			continue
		}
		bin := f.Layout.bin(x)
		f.Bins[bin]++
		f.place(bin, x)
		b.values[b.n] = x
		b.n++
	}
}

// negative is how many of the numbers are below 0, once they are among the moments.
func (b *numbers) negative(m *Moments) int64 {
	switch {
	case m.Min >= 0:
		return 0
	case m.Max < 0:
		return int64(b.n)
	}
	n := uint64(0)
	for _, x := range b.values[:b.n] {
		n += math.Float64bits(x+0) >> 63 // -0 is not negative
	}
	return int64(n)
}

// observeOutside counts how far a finite number is from the edges if it is outside of them, and returns its bin.
func (f *Feature) observeOutside(x float64) uint8 {
	bin := f.Layout.bin(x)
	if bin == 0 || bin == len(f.Bins)-1 {
		f.place(bin, x)
	}
	return uint8(bin)
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
