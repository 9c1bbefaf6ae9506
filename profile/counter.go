package profile

import (
	"math"

	"tidemark/capture"
)

// Counter counts batches into profiles of one layout, a column at a time. It looks bins up in tables, which it has
// once for all profiles. It is not for concurrent use.
type Counter struct {
	grids  []grid
	finite []float64 // scratch of observeNumbers
	known  []int16   // of a column's codes: its bin, or unknown
	joint  *joint    // once a profile counts pairs
}

const unknown = -1 // not looked up yet

// NewCounter returns a counter for profiles of the layout.
func NewCounter(layout *Layout) *Counter {
	c := &Counter{grids: make([]grid, len(layout.Features)), finite: make([]float64, 1024), known: make([]int16, capture.Codes)}
	for i := range layout.Features {
		if f := &layout.Features[i]; f.Kind == capture.Numeric {
			c.grids[i] = newGrid(f.Edges)
		}
	}
	return c
}

// Observe counts the given rows of a batch, in rising order, whose watched columns must be those of the profile's
// layout.
func (c *Counter) Observe(p *Profile, batch *capture.Batch, rows []int32) {
	p.Rows += int64(len(rows))
	p.Extra += countRows(batch.Extras(), rows)
	if p.Joint != nil {
		if c.joint == nil {
			c.joint = newJoint(p.Layout)
		}
		c.joint.observe(p.Joint, batch, rows)
	}
	sides := batch.Sides()
	every := capture.Input | capture.Output
	for _, row := range rows {
		every &= sides[row]
	}
	for i := range p.Features {
		f := &p.Features[i]
		side := capture.Input
		if f.Layout.Prediction {
			side = capture.Output
		}
		captured := rows
		if every&side == 0 {
			captured = withSide(rows, sides, side)
		}
		f.Captured += int64(len(captured))
		if f.Numeric() {
			f.observeNumbers(&c.grids[i], c.finite, batch.Numbers(i), captured, batch.Invalid(i))
			continue
		}
		f.observeCategories(c.known, batch, i, captured)
	}
}

// withSide returns the rows that were captured with a side.
func withSide(rows []int32, sides []capture.Side, side capture.Side) []int32 {
	var with []int32
	for _, row := range rows {
		if sides[row]&side != 0 {
			with = append(with, row)
		}
	}
	return with
}

// observeNumbers counts the finite values of a column in two passes over them, gathered: what it keeps of each fits the
// processor's registers in each pass, but not in both at once.
func (f *Feature) observeNumbers(g *grid, scratch []float64, values []float64, rows, invalid []int32) {
	for len(rows) > 0 {
		n := min(len(rows), len(scratch))
		finite := f.gather(scratch[:0], values, rows[:n], &invalid)
		f.observeBins(g, finite)
		f.observeMoments(finite)
		rows = rows[n:]
	}
}

// gather appends the finite values of rows and counts the others.
func (f *Feature) gather(finite, values []float64, rows []int32, invalid *[]int32) []float64 {
	finite = finite[:len(rows)]
	n := 0
	for _, row := range rows {
		x := values[row]
		finite[n] = x
		n++
		if x-x == 0 {
			continue
		}
		n--
		if capture.IsNull(x) {
			f.countNull(row, invalid)
		} else {
			f.observeInfinite(x)
		}
	}
	return finite[:n]
}

func (f *Feature) observeBins(g *grid, finite []float64) {
	bins, offsets, steps, negative := f.Bins, f.Offsets, g.steps, int64(0)
	offsets, steps = offsets[:len(bins)], steps[:len(bins)]
	table := g.left != nil
	for _, x := range finite {
		negative += int64(math.Float64bits(x+0) >> 63) // -0 is not negative
		var bin int
		if table {
			bin = g.bin(x)
		} else {
			bin = f.Layout.bin(x)
		}
		bins[bin]++
		if bin > 0 && bin < len(bins)-1 {
			offsets[bin] += steps[bin].offset(x)
		} else {
			f.place(bin, x)
		}
	}
	f.Negative += negative
}

func (f *Feature) observeMoments(finite []float64) {
	m, fractional := f.Moments, int64(0)
	sum, squares, low, high := m.Sum, m.Squares, m.Min, m.Max
	for _, x := range finite {
		if x != math.Trunc(x) {
			fractional++
		}
		d := x - m.Center
		sum, squares = sum.plus(d), squares.plus(d*d)
		if x <= low {
			low = min(low, x)
		}
		if x >= high {
			high = max(high, x)
		}
	}
	m.Count += int64(len(finite))
	m.Sum, m.Squares, m.Min, m.Max = sum, squares, low, high
	f.Moments = m
	f.Fractional += fractional
}

// observeInfinite counts an infinity, or what is not a number.
func (f *Feature) observeInfinite(x float64) {
	if math.IsNaN(x) {
		f.NaN++
		return
	}
	f.Inf++
	f.Bins[f.Layout.bin(x)]++
	if x < 0 {
		f.Negative++
	}
}

// observeCategories looks each code up once.
func (f *Feature) observeCategories(known []int16, batch *capture.Batch, column int, rows []int32) {
	codes, invalid := batch.Codes(column), batch.Invalid(column)
	for i := range known {
		known[i] = unknown
	}
	for _, row := range rows {
		code := codes[row]
		if code >= 0 && known[code] >= 0 {
			f.Bins[known[code]]++
			continue
		}
		value, present := batch.Text(column, row)
		if !present {
			f.countNull(row, &invalid)
			continue
		}
		bin, there := f.Layout.category(value)
		switch {
		case !there:
			f.addNew(value, 1)
			continue
		case code >= 0 && bin <= math.MaxInt16:
			known[code] = int16(bin)
		}
		f.Bins[bin]++
	}
}
